"""Answers as they leave over ASGI: status, headers and bytes."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from relight.api.formats import Format
from relight.api.respond import allow_origins, answer, fail, is_preflight, refuse
from relight.api.transport import weak_tag
from relight.errors import BadDays, MethodNotAllowed, NotPermitted
from relight.model.clock import zone

if TYPE_CHECKING:
    from starlette.types import Message, Scope

BODY = b'{"system_id":123}'
LONG_BODY = b'{"production":[%s]}' % b",".join([b"15422"] * 400)


@dataclass
class Received:
    """What a client gets."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            pairs = [(name.decode(), value.decode()) for name, value in message["headers"]]
            self.headers = dict(pairs)
            assert len(self.headers) == len(pairs)
        else:
            self.body += message["body"]


def request(
    headers: dict[str, str] | None = None, *, method: str = "GET", path: str = "/api/v2/systems"
) -> Scope:
    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    return {"type": "http", "method": method, "path": path, "headers": raw}


async def test_an_answer_has_its_headers():
    got = Received()

    await answer(request(), got.send, BODY, headers=[(b"x-request-id", b"r1")])

    assert got.status == 200
    assert got.body == BODY
    tag = got.headers.pop("etag")
    assert tag.startswith('W/"')
    assert tag.endswith('"')
    assert {
        "status": "200",
        "content-type": "application/json; charset=utf-8",
        "content-length": "17",
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "*",
        "cache-control": "private, max-age=0, must-revalidate",
        "vary": "Accept-Encoding",
        "x-request-id": "r1",
    } == got.headers


async def test_other_origins_may_read_the_api_only():
    got = Received()

    await answer(request(path="/healthz"), got.send, BODY)

    assert "access-control-allow-origin" not in got.headers


async def test_head_has_the_length_of_get_and_no_body():
    asked = {"Accept-Encoding": "gzip"}
    get, head = Received(), Received()

    await answer(request(asked), get.send, LONG_BODY)
    await answer(request(asked, method="HEAD"), head.send, LONG_BODY)

    assert head.body == b""
    assert get.headers == head.headers
    assert str(len(get.body)) == head.headers["content-length"]


async def test_nothing_to_give_has_no_body_and_no_type():
    got = Received()

    await answer(request(), got.send, None, status=204)

    assert got.status == 204
    assert got.body == b""
    assert {
        "status": "204",
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "*",
    } == got.headers


# JSONP


async def test_a_callback_wraps_the_answer():
    got = Received()

    await answer(request(), got.send, BODY, callback="my.call_$1")

    assert got.body == b'/**/my.call_$1({"system_id":123})'
    assert got.headers["content-type"] == "text/javascript; charset=utf-8"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-length"] == str(len(got.body))


async def test_a_callback_wraps_errors_and_keeps_their_status():
    got = Received()

    await refuse(request(), got.send, NotPermitted(), callback="name")

    assert got.status == 401
    assert got.headers["status"] == "401"
    assert (
        b'/**/name({"reason":"401","message":["Not authorized to access requested resource."]})'
        == got.body
    )


async def test_line_separators_are_escaped_in_scripts():
    got = Received()

    await answer(request(), got.send, '{"a":"\u2028\u2029"}'.encode(), callback="f")

    assert got.body == b'/**/f({"a":"\\u2028\\u2029"})'


async def test_nothing_to_give_has_nothing_to_wrap():
    got = Received()

    await answer(request(), got.send, None, status=204, callback="f")

    assert (got.status, got.body) == (204, b"")


@pytest.mark.parametrize(
    "name",
    ["", "1a", "a-b", "a..b", ".a", "a.", "a b", "a(1)", "f\n", "ä", "ａ", "if", "a" * 129, "<x>"],
)
@pytest.mark.parametrize(("body", "status"), [(BODY, 200), (None, 204)])
async def test_a_bad_callback_is_refused_in_plain_json(name: str, body: bytes | None, status: int):
    got = Received()

    await answer(request(), got.send, body, status=status, callback=name)

    assert got.status == 422
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    assert got.body.startswith(b'{"reason":"422","message":"The parameter callback is not')


@pytest.mark.parametrize("name", ["f", "_", "$", "a.b.c", "a.if", "jQuery_1.f2", "a" * 128])
async def test_a_dotted_identifier_is_a_callback(name: str):
    got = Received()

    await answer(request(), got.send, BODY, callback=name)

    assert got.body.startswith(f"/**/{name}(".encode())


async def test_a_bad_callback_leaves_an_error_as_it_is():
    got = Received()

    await refuse(request(), got.send, NotPermitted(), callback="a-b")

    assert got.status == 401
    assert got.body.startswith(b'{"reason":"401"')


# Entity tags


async def test_who_has_the_answer_is_told_so():
    first, second = Received(), Received()
    await answer(request(), first.send, LONG_BODY)

    asked = {"If-None-Match": first.headers["etag"], "Accept-Encoding": "gzip"}
    await answer(request(asked), second.send, LONG_BODY)

    assert second.status == 304
    assert second.body == b""
    assert second.headers["status"] == "304"
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["vary"] == "Accept-Encoding"
    assert "content-type" not in second.headers
    assert "content-length" not in second.headers


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ('W/"v7"', 304),
        ('"v7"', 304),
        ('"a", W/"b,c" ,W/"v7"', 304),
        ("*", 304),
        (" * ", 304),
        ('"v8"', 200),
        ("v7", 200),
        ('"v7', 200),
        ('"v"', 200),
        ("", 200),
    ],
)
async def test_tags_are_compared_weakly(known: str, status: int):
    got = Received()

    tag = weak_tag(BODY).decode()
    sent = known.replace("v7", tag.removeprefix('W/"').removesuffix('"'))
    await answer(request({"If-None-Match": sent}), got.send, BODY)

    assert status == got.status
    assert tag == got.headers["etag"]


async def test_an_error_has_no_tag():
    got = Received()

    await refuse(request({"If-None-Match": "*"}), got.send, NotPermitted())

    assert got.status == 401
    assert "etag" not in got.headers


async def test_another_body_has_another_tag():
    first, second = Received(), Received()

    await answer(request(), first.send, BODY)
    await answer(request(), second.send, BODY, callback="f")

    assert first.headers["etag"] != second.headers["etag"]


# Compression


@pytest.mark.parametrize(
    "accepted",
    [
        "gzip",
        "GZIP",
        "x-gzip",
        "*",
        "gzip, deflate, br",
        "deflate, gzip;q=0.5",
        "gzip; q=1.0",
        "br;q=1.0, *;q=0.1",
        "gzip;q=0.5, identity;q=0.5",
        "identity;q=0, gzip;q=0.001",
    ],
)
async def test_a_long_body_is_compressed_for_who_wants_it(accepted: str):
    got = Received()

    await answer(request({"Accept-Encoding": accepted}), got.send, LONG_BODY)

    assert got.headers["content-encoding"] == "gzip"
    assert got.headers["content-length"] == str(len(got.body))
    assert LONG_BODY == gzip.decompress(got.body)


@pytest.mark.parametrize(
    "accepted",
    [
        "",
        "identity",
        "br",
        "gzip;q=0",
        "gzip;q=0.000",
        "gzip;q=0, *;q=1",
        "*;q=0",
        "gzip;q=0.5, identity",
        "gzip;q=nan",
        "gzip;q=-1",
        "notgzip",
    ],
)
async def test_a_body_stays_plain_for_who_does_not(accepted: str):
    got = Received()

    await answer(request({"Accept-Encoding": accepted}), got.send, LONG_BODY)

    assert "content-encoding" not in got.headers
    assert LONG_BODY == got.body


async def test_a_short_body_is_not_worth_compressing():
    got = Received()

    await answer(request({"Accept-Encoding": "gzip"}), got.send, BODY)

    assert "content-encoding" not in got.headers


async def test_plain_and_compressed_bodies_have_one_tag():
    plain, small = Received(), Received()

    await answer(request(), plain.send, LONG_BODY)
    await answer(request({"Accept-Encoding": "gzip"}), small.send, LONG_BODY)

    assert plain.headers["etag"] == small.headers["etag"]


# Refusals and preflights


async def test_another_method_is_told_which_are_allowed():
    got = Received()

    await refuse(request(method="POST"), got.send, MethodNotAllowed())

    assert got.status == 405
    assert got.headers["allow"] == "GET, HEAD"
    assert got.body == b'{"reason":"405","message":["Method not allowed"]}'


async def test_a_refusal_shows_times_in_the_asked_form():
    got = Received()
    error = BadDays(zone=zone("UTC"), start_day=1, end_day=0)

    await refuse(request(), got.send, error, form=Format.ISO8601)

    assert got.status == 422
    assert (
        b'{"reason":"Requested date range is invalid for this system",'
        b'"start":"1970-01-02T00:00:00+00:00","end":"1970-01-01T00:00:00+00:00"}' == got.body
    )


async def test_a_defect_says_nothing_about_itself():
    got = Received()

    await fail(request(), got.send)

    assert got.status == 500
    assert got.body == b'{"errorCode":1,"errorMessages":["Internal error."]}'


async def test_a_preflight_is_allowed_everything_that_there_is():
    asked = request(
        {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"},
        method="OPTIONS",
    )
    got = Received()

    await allow_origins(asked, got.send)

    assert is_preflight(asked)
    assert got.status == 204
    assert got.body == b""
    assert got.headers["status"] == "204"
    assert got.headers["access-control-allow-origin"] == "*"
    assert got.headers["access-control-allow-methods"] == "GET, HEAD"
    assert got.headers["access-control-allow-headers"] == "*"


def test_only_a_browsers_question_is_a_preflight():
    assert not is_preflight(request(method="OPTIONS"))
    assert not is_preflight(request({"Access-Control-Request-Method": "GET"}))
