"""`POST /emu_reports/…`: what legacy gateways send, at the paths that they know.

A gateway cannot be given a key: either the proxy in front of it adds a report key, or the
installation takes reports of gateways that it knows already. What a report says is read by
`model.native_reports`; it is acknowledged once it is durable.
Source: docs/native-reports.md, decision 7.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from relight import wire
from relight.api import request_body
from relight.api.refusals import refusal_body
from relight.api.reports import report_key
from relight.api.request_body import BodyRefused, ClientGone
from relight.errors import (
    BadInput,
    DataUnavailable,
    MethodNotAllowed,
    NotKnown,
    NotPermitted,
    RequestError,
)
from relight.model import native_bodies, native_reports
from relight.model.metrics import REPORT_LAG_S
from relight.model.reports import ages
from relight.store import access, envoys, reports

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from relight.api.call import State
    from relight.model.native_reports import NativeReport
    from relight.model.reports import Receipt
    from relight.store.access import ReportKey

REPORT: Final = "/emu_reports/performance_report"
TASK: Final = "/emu_reports/task_complete"
PATHS: Final = frozenset({REPORT, TASK})

_OK: Final = 200
_UNPROCESSABLE: Final = 422
_Header: TypeAlias = tuple[bytes, bytes]
_PACKED: Final = (b"content-type", b"application/x-deflate; charset=utf-8")
_JSON: Final = (b"content-type", b"application/json; charset=utf-8")
_HEADERS_OF: Final[dict[type[RequestError], tuple[_Header, ...]]] = {
    MethodNotAllowed: ((b"allow", b"POST"),),
    NotPermitted: ((b"www-authenticate", b"Bearer"),),
}
_log = logging.getLogger("relight")


async def accept(state: State, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request for one of PATHS."""
    try:
        if scope["method"] != "POST":
            raise MethodNotAllowed(scope["method"])
        key = await _key(state, scope)
        body = await request_body.read(scope, receive, state.config.limits)
        if scope["path"].startswith(TASK):
            # Relight orders nothing, so this is of a task that somebody else gave.
            answer = native_bodies.task_noted()
        else:
            answer = await _taken(state, body, key)
    except RequestError as error:
        await _refuse(send, error.status, refusal_body(error), *_HEADERS_OF.get(type(error), ()))
    except BodyRefused as error:
        await _refuse(send, error.status, _refusal(error.status, str(error)))
    except BadInput as error:
        await _refuse(send, _UNPROCESSABLE, _refusal(_UNPROCESSABLE, str(error)))
    except ClientGone:
        return
    else:
        await _send(send, _OK, answer, _PACKED)


async def _key(state: State, scope: Scope) -> ReportKey | None:
    """Return the caller's report key, None without one.

    Raises NotPermitted for a bad key, and without one where this installation asks for it.
    """
    if not request_body.header(scope, b"authorization"):
        if state.config.native_reports:
            return None
        raise NotPermitted("no report key, and native_reports is off")
    return await report_key(state.database, scope)


async def _taken(state: State, body: bytes, key: ReportKey | None) -> bytes:
    """Save a report, and return the answer that acknowledges it once it is durable.

    Rows that cannot be are logged and acknowledged all the same: a gateway would send them, and
    nothing after them, for ever.
    """
    told = await _read(body, state.clock.now())
    system_id = await _system_of(state, told.envoy_serial, key)
    receipt = await _saved(state, system_id, told)
    count = told.refusals.total + len(receipt.refused)
    state.metrics.receipt("native", receipt, reports=1, refused=count)
    state.metrics.observe(REPORT_LAG_S, ("native",), ages(state.clock.now(), [told.report]))
    refused = [*told.refusals.listed, *receipt.refused]
    if refused:
        reason = f"{refused[0].place} {refused[0].reason}"
        _log.warning("envoy %s: %d refused, first: %s", told.envoy_serial, count, reason)
    return native_bodies.acknowledged(told.event_ids)


async def _read(body: bytes, now: int) -> NativeReport:
    # In a thread however short it is: unpacked it may be long, and others do not wait for it.
    parse = partial(native_reports.parse, body, now=now)
    return await asyncio.get_running_loop().run_in_executor(None, parse)


async def _system_of(state: State, envoy_serial: str, key: ReportKey | None) -> int:
    """Return the system that a gateway reports for.

    Raises NotPermitted, in the same words whether the gateway is another system's or nobody's.
    """
    known = await state.database.read(lambda rows: envoys.systems_of(rows, [envoy_serial]))
    system_id = known.get(envoy_serial)
    if key is not None:
        asked = key.only_system_id if system_id is None else system_id
        named = frozenset(() if asked is None else (asked,))
        system_id = next(iter(await access.covered(state.database, key, named)), None)
    if system_id is None:
        raise NotPermitted("the gateway may not report here")
    return system_id


async def _saved(state: State, system_id: int, told: NativeReport) -> Receipt:
    now = state.clock.now()
    report = told.report
    if report.reported_at is None:
        report = replace(report, reported_at=now)
    try:
        async with asyncio.timeout(state.config.limits.write_wait_s):
            return await state.database.write(
                lambda tx: reports.save(tx, system_id, report, now=now, rules=state.config.rules)
            )
    except TimeoutError:
        raise DataUnavailable("the store did not take a report in time") from None
    except NotKnown as error:
        raise NotPermitted(str(error)) from error


def _refusal(status: int, reason: str) -> bytes:
    return wire.encode({"reason": str(status), "message": [reason]})


async def _refuse(send: Send, status: int, body: bytes, *headers: _Header) -> None:
    # What is left of a refused body is not read.
    await _send(send, status, body, _JSON, (b"connection", b"close"), *headers)


async def _send(send: Send, status: int, body: bytes, *headers: _Header) -> None:
    every = [
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": body})
