"""What a process keeps of its answers: how long, how much, and in which forms."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

from relight.api import answers
from relight.api.answers import Answers, Request, digest
from relight.api.ready import Ready
from relight.api.respond import answer
from relight.model.access import UNLIMITED
from relight.store.access import Application

if TYPE_CHECKING:
    import pytest

EDITION = (5, 1)
KEY = (67, "summary")
BODY = b'{"system_id":67}'
LONG = b"[" + b"1," * 4_000 + b"1]"


def kept(bytes_max: int = 1 << 20) -> Answers:
    found = Answers(bytes_max)
    found.keep(KEY, EDITION, Ready(BODY), span=(100, 200))
    return found


def test_an_answer_holds_for_its_edition_from_its_instant_until_its_end() -> None:
    found = kept()

    assert [False, True, True, False] == [
        found.get(KEY, EDITION, now) is not None for now in (99, 100, 199, 200)
    ]
    assert found.get(KEY, (5, 2), 150) is None
    assert found.get(KEY, (6, 1), 150) is None


def test_of_too_many_answers_those_go_first_that_nobody_asked_for_longest() -> None:
    found = kept(9 * Ready(BODY).size_bytes)
    for number in range(8):
        found.keep((number,), EDITION, Ready(BODY), span=(100, 200))
    found.get(KEY, EDITION, 150)
    for number in range(8, 16):
        found.keep((number,), EDITION, Ready(BODY), span=(100, 200))

    known = [n for n in range(16) if found.get((n,), EDITION, 150) is not None]

    assert list(range(8, 16)) == known
    assert found.get(KEY, EDITION, 150) is not None


def test_an_answer_that_would_take_most_of_the_memory_is_not_kept() -> None:
    found = kept(8 * Ready(BODY).size_bytes)

    found.keep(KEY, EDITION, Ready(LONG), span=(100, 200))

    assert found.get(KEY, EDITION, 150) is None


def test_requests_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "REQUESTS_MAX", 2)
    found = kept()
    request = Request(1, Application(1, UNLIMITED), KEY, EDITION)
    for name in (b"a", b"b", b"a", b"c"):
        found.remember(name, request)

    assert [request, None, request] == [found.request(name) for name in (b"a", b"b", b"c")]


def test_a_path_and_a_query_are_told_apart() -> None:
    assert digest("/a?b", b"c") != digest("/a", b"b?c")


async def sent(make: Any, method: str = "GET", **headers: str) -> list[Any]:
    """Return the messages of an answer to a request."""
    found: list[Any] = []

    async def send(message: Any) -> None:
        found.append(message)

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/api/v2/systems", "headers": given}
    await make(scope, send)
    return found


async def test_a_ready_answer_is_sent_as_any_other_would_be() -> None:
    for body in (BODY, LONG):
        ready = Ready(body)

        async def plain(scope: Any, send: Any, body: bytes = body) -> None:
            await answer(scope, send, body)

        for method in ("GET", "HEAD"):
            for headers in (
                {},
                {"accept_encoding": "gzip, br"},
                {"accept_encoding": "identity"},
                {"accept_encoding": "gzip;q=0, " + "x" * 200},
                {"if_none_match": ready.tag.decode(), "accept_encoding": "gzip"},
                {"if_none_match": '"another"'},
            ):
                expected = await sent(plain, method, **headers)
                for _ in range(2):
                    assert expected == await sent(ready.send, method, **headers)


async def test_a_ready_answer_is_compressed_once() -> None:
    ready = Ready(LONG)

    first, again = [await sent(ready.send, accept_encoding="gzip") for _ in range(2)]

    assert first[1]["body"] is again[1]["body"]
    assert LONG == gzip.decompress(first[1]["body"])
