"""How a body of ingestion arrives: packed, in pieces, too large, too slow, not at all."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relight.api.request_body import GZIP_MEMBERS_MAX
from relight.config import Limits
from relight.store.database import Database
from tests.ingesting import REPORT, TAKEN, Ingestion, opened

if TYPE_CHECKING:
    from starlette.types import Message


@pytest.fixture
async def ingestion(store: Database, tmp_path: Path) -> AsyncIterator[Ingestion]:
    async with opened(store, tmp_path) as server:
        yield server


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
async def test_gzip_is_taken(ingestion: Ingestion, coding: str) -> None:
    body = gzip.compress(json.dumps(REPORT).encode())

    response = await ingestion.post(body, Content_Encoding=coding)

    assert TAKEN == response.json()


async def test_gzip_in_several_members_and_pieces_is_taken(ingestion: Ingestion) -> None:
    text = json.dumps(REPORT).encode()
    body = gzip.compress(text[:20]) + gzip.compress(text[20:])
    messages: list[Message] = [
        {"type": "http.request", "body": body[at : at + 7], "more_body": at + 7 < len(body)}
        for at in range(0, len(body), 7)
    ]

    start, sent = await ingestion.told(messages, content_encoding="gzip")

    assert (200, TAKEN) == (start["status"], json.loads(sent["body"]))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda body: body[:-5], "cut off"),
        (lambda body: body[:15] + b"\0\0" + body[17:], "damaged"),
        (lambda body: body + b"more", "damaged"),
        (lambda _: b"{}", "not gzip"),
        (lambda _: b"", "cut off"),
        (lambda _: gzip.compress(b"") * (GZIP_MEMBERS_MAX + 1), "members"),
    ],
)
async def test_spoilt_gzip_is_422(
    ingestion: Ingestion, spoil: Callable[[bytes], bytes], words: str
) -> None:
    body = spoil(gzip.compress(json.dumps(REPORT).encode(), mtime=0))

    response = await ingestion.post(body, Content_Encoding="gzip")

    (refusal,) = response.json()["refused"]
    assert (422, "body") == (response.status_code, refusal["place"])
    assert words in refusal["reason"]


async def test_a_gzip_bomb_is_refused_while_it_is_unpacked(ingestion: Ingestion) -> None:
    ingestion.limit(text_bytes_max=100_000)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(b" " * 10**6) for _ in range(100)) + packer.flush()

    response = await ingestion.post(body, Content_Encoding="gzip")

    message = "The request is larger than 100000 bytes (text_bytes_max)."
    assert (413, {"reason": "413", "message": [message]}) == (
        response.status_code,
        response.json(),
    )


async def test_another_coding_is_415(ingestion: Ingestion) -> None:
    response = await ingestion.post(b"{}", Content_Encoding="br")

    assert (415, "415") == (response.status_code, response.json()["reason"])


async def test_a_length_beyond_the_limit_is_refused_unread(ingestion: Ingestion) -> None:
    length = str(Limits().body_bytes_max + 1)

    start, _ = await ingestion.told([], content_length=length)

    assert start["status"] == 413
    assert (b"connection", b"close") in start["headers"]


@pytest.mark.parametrize("limit", ["body_bytes_max", "text_bytes_max"])
async def test_a_body_without_a_length_is_read_up_to_the_limit(
    ingestion: Ingestion, limit: str
) -> None:
    ingestion.limit(**{limit: 100})
    endless: Message = {"type": "http.request", "body": b" " * 60, "more_body": True}

    start, sent = await ingestion.told([endless, endless])

    assert start["status"] == 413
    assert limit in json.loads(sent["body"])["message"][0]


async def test_a_body_that_never_ends_is_408(ingestion: Ingestion) -> None:
    ingestion.limit(body_wait_s=1)
    begun: Message = {"type": "http.request", "body": b"{", "more_body": True}

    start, sent = await ingestion.told([begun])

    assert (408, "408") == (start["status"], json.loads(sent["body"])["reason"])


async def test_a_client_that_left_is_not_answered(ingestion: Ingestion) -> None:
    assert [] == await ingestion.told([{"type": "http.disconnect"}])
