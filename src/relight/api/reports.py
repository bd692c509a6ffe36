"""`POST /ingest/v1/reports`: reports come in, and are acknowledged once they are durable.

Who sends is told by a report key, which covers one system or several. What a body says is read
by `model.report_parsing`, what becomes of it is decided by `store.reports`.
Source: docs/ingestion.md.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from relight import wire, wire_reports
from relight.api import request_body
from relight.api.refusals import refusal_body
from relight.api.request_body import BodyRefused, ClientGone
from relight.errors import (
    BadInput,
    DataUnavailable,
    MethodNotAllowed,
    NotKnown,
    NotPermitted,
    RequestError,
)
from relight.model.access import key_digest, report_key_shape_ok
from relight.model.metrics import REPORT_LAG_S
from relight.model.report_fields import LISTED_MAX
from relight.model.report_parsing import Parsed, ParsedReport, parse
from relight.model.reports import Receipt, Refusal, ages
from relight.store import access, envoys, reports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send

    from relight.api.call import State
    from relight.api.intake import Held
    from relight.config import Rules
    from relight.store.access import ReportKey
    from relight.store.database import Database, Transaction

#: A body from here on is read in a thread, so that others do not wait for it. [bytes]
LONG_BODY_BYTES: Final = 65_536
#: Report keys that a process remembers to have met.
KEYS_MET_MAX: Final = 10_000
#: Systems of one body that are written at the same time.
SYSTEMS_AT_ONCE: Final = 32
#: Reports of one system that are written in one transaction.
REPORTS_AT_ONCE: Final = 100

_Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

_OK: Final = 200
_UNPROCESSABLE: Final = 422
_JSON: Final = (
    (b"content-type", b"application/json; charset=utf-8"),
    (b"cache-control", b"no-store"),
)
_HEADERS_OF: Final[dict[type[RequestError], _Headers]] = {
    MethodNotAllowed: ((b"allow", b"POST"),),
    NotPermitted: ((b"www-authenticate", b"Bearer"),),
    DataUnavailable: ((b"retry-after", b"1"),),
}
#: What is left of a refused body is not read.
_CLOSE: Final = ((b"connection", b"close"),)
_LINES: Final = frozenset(
    {b"application/x-ndjson", b"application/ndjson", b"application/jsonl", b"application/x-jsonl"}
)
_BySystem: TypeAlias = dict[int, list[ParsedReport]]
#: What became of a report.
_Outcome: TypeAlias = Receipt | Refusal


async def accept(state: State, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request for `/ingest/v1/reports`."""
    try:
        if scope["method"] != "POST":
            raise MethodNotAllowed(scope["method"])
        digest = await _digest(state, scope)
        with state.intake.holding() as held:
            parsed = await _parsed(state, scope, receive, held)
            with state.intake.saving():
                receipt = await _saved(state, parsed, digest)
    except RequestError as error:
        headers = _HEADERS_OF.get(type(error), ())
        await send_json(send, error.status, refusal_body(error), headers)
    except BodyRefused as error:
        body = wire.encode({"reason": str(error.status), "message": [str(error)]})
        await send_json(send, error.status, body, _CLOSE)
    except ClientGone:
        return
    else:
        await send_json(
            send, _UNPROCESSABLE if receipt.reason else _OK, wire_reports.encode(receipt)
        )


async def send_json(
    send: Send, status: int, body: bytes, headers: _Headers = (), *, is_head: bool = False
) -> None:
    """Send an answer of an ingestion address; nobody keeps it."""
    length = (b"content-length", b"%d" % len(body))
    every = [*_JSON, length, *headers]
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": b"" if is_head else body})


def shown_digest(scope: Scope) -> bytes:
    """Return the digest of the report key that the caller shows; raises NotPermitted without."""
    scheme, _, token = request_body.header(scope, b"authorization").partition(b" ")
    shown = token.strip().decode("latin-1")
    if scheme.lower() != b"bearer" or not report_key_shape_ok(shown):
        raise NotPermitted("no report key")
    return key_digest(shown)


async def report_key(database: Database, scope: Scope) -> ReportKey:
    """Return the caller's report key; raises NotPermitted without one."""
    return _known(await access.report_key(database, shown_digest(scope)))


def _known(key: ReportKey | None) -> ReportKey:
    if key is None:
        raise NotPermitted("an unknown report key, or one whose systems are all removed")
    return key


async def _digest(state: State, scope: Scope) -> bytes:
    """Return the digest of the caller's report key; raises NotPermitted without one.

    Of one that was known before a body is read unasked: `_by_system` asks in any case.
    """
    digest, met = shown_digest(scope), state.report_keys
    if digest not in met:
        _known(await access.report_key(state.database, digest))
        if len(met) >= KEYS_MET_MAX:
            met.clear()
        met.add(digest)
    return digest


async def _parsed(state: State, scope: Scope, receive: Receive, held: Held) -> Parsed:
    limits = state.config.limits
    try:
        body = await request_body.read(scope, receive, limits, held)
    except BadInput as bad:
        parsed = Parsed()
        parsed.refusals.add(bad.place, bad.reason)
        return parsed
    media_type = request_body.header(scope, b"content-type").partition(b";")[0].strip().lower()
    is_lines, now = media_type in _LINES, state.clock.now()
    if len(body) < LONG_BODY_BYTES:
        return parse(body, now=now, limits=limits, is_lines=is_lines)
    return await asyncio.get_running_loop().run_in_executor(
        None, lambda: parse(body, now=now, limits=limits, is_lines=is_lines)
    )


async def _saved(state: State, parsed: Parsed, digest: bytes) -> wire_reports.Receipt:
    """Save what was read, and return the answer once all of it is durable.

    Raises NotPermitted where the report key was taken away meanwhile.
    """
    try:
        by_system = await _by_system(state.database, parsed, digest)
    except NotPermitted:
        state.report_keys.discard(digest)
        raise
    total, taken = Receipt(), 0
    systems = iter(by_system.items())
    while batch := list(islice(systems, SYSTEMS_AT_ONCE)):
        for outcome in await _written(state, batch):
            if isinstance(outcome, Refusal):
                parsed.refusals.add(*outcome)
                continue
            taken += 1
            total.add(outcome)
            del total.conflicts[LISTED_MAX:]
    refused = parsed.refusals.listed + total.refused
    refused_count = parsed.refusals.total + len(total.refused)
    state.metrics.receipt("http", total, reports=taken, refused=refused_count)
    ages_s = ages(state.clock.now(), [one.report for one in parsed.reports]) if taken else []
    state.metrics.observe(REPORT_LAG_S, ("http",), ages_s)
    return wire_reports.Receipt(
        reason="" if taken else "422",
        message=[] if taken else ["Nothing could be taken."],
        reports=taken,
        new=total.new,
        repeated=total.repeated,
        conflicting=total.conflicting,
        superseded=total.superseded,
        refused_count=refused_count,
        refused=_listed(refused),
        conflicts=_listed(total.conflicts),
        truncated=refused_count > LISTED_MAX or total.conflicting > len(total.conflicts),
    )


async def _by_system(database: Database, parsed: Parsed, digest: bytes) -> _BySystem:
    """Return the reports of each system; one that is for no covered system is refused."""
    of_envoy: dict[str, int] = {}
    said = {one.system_id for one in parsed.reports if one.system_id is not None}
    unsaid = {one.report.envoy_serial or "" for one in parsed.reports if one.system_id is None}
    if len(said) == 1 and not unsaid:
        shown, covered = await access.report_key_of(database, digest, *said)
        only_id = _known(shown).only_system_id
    else:
        key = _known(await access.report_key(database, digest))
        only_id = key.only_system_id
        if unsaid and only_id is None:
            of_envoy = await database.read(lambda rows: envoys.systems_of(rows, unsaid))
        covered = await access.covered(database, key, frozenset({*said, *of_envoy.values()}))
    found: _BySystem = defaultdict(list)
    for one in parsed.reports:
        try:
            found[_system_of(one, covered, of_envoy, only_id=only_id)].append(one)
        except BadInput as bad:
            parsed.refusals.add(one.prefix + bad.place, bad.reason)
    return found


def _system_of(
    one: ParsedReport,
    covered: frozenset[int],
    of_envoy: dict[str, int],
    *,
    only_id: int | None,
) -> int:
    """Return the covered system that a report is for; raises BadInput where there is none.

    A system that exists and one that does not are refused in the same words.
    """
    if one.system_id is not None:
        place, system_id = "system_id", one.system_id
    elif only_id is not None:
        return only_id
    elif one.report.envoy_serial is None:
        raise BadInput("system_id", "is missing: the report key covers several systems")
    else:
        place, system_id = "envoy", of_envoy.get(one.report.envoy_serial, 0)
    if system_id not in covered:
        raise BadInput(place, "names no system that this report key covers")
    return system_id


async def _written(state: State, batch: Sequence[tuple[int, list[ParsedReport]]]) -> list[_Outcome]:
    """Write the reports of several systems, each system's by itself."""
    (system_id, ours), *others = batch
    if not others:
        return await _write_system(state, system_id, ours)
    written = await asyncio.gather(
        *(_write_system(state, *of_system) for of_system in batch),
        return_exceptions=True,
    )
    # All have come to an end before the first error is told.
    outcomes: list[_Outcome] = []
    for found in written:
        if isinstance(found, BaseException):
            raise found
        outcomes += found
    return outcomes


async def _write_system(state: State, system_id: int, ours: list[ParsedReport]) -> list[_Outcome]:
    outcomes: list[_Outcome] = []
    for start in range(0, len(ours), REPORTS_AT_ONCE):
        outcomes += await _write(state, system_id, ours[start : start + REPORTS_AT_ONCE])
    return outcomes


async def _write(state: State, system_id: int, some: list[ParsedReport]) -> Sequence[_Outcome]:
    """Write reports in one transaction, or one by one where the store refuses one of them."""
    change = partial(
        _save, system_id=system_id, some=some, now=state.clock.now(), rules=state.config.rules
    )
    try:
        async with asyncio.timeout(state.config.limits.write_wait_s):
            return await state.database.write(change)
    except TimeoutError:
        raise DataUnavailable("the store did not take a report in time") from None
    except (BadInput, NotKnown) as error:
        if len(some) == 1:
            return [_store_refusal(some[0].prefix, error)]
    return [outcome for one in some for outcome in await _write(state, system_id, [one])]


async def _save(
    transaction: Transaction, *, system_id: int, some: list[ParsedReport], now: int, rules: Rules
) -> list[Receipt]:
    receipts = []
    for one in some:
        receipt = await reports.save(transaction, system_id, one.report, now=now, rules=rules)
        receipts.append(_placed(one.prefix, receipt))
    return receipts


def _store_refusal(prefix: str, error: BadInput | NotKnown) -> Refusal:
    if isinstance(error, BadInput):
        return Refusal(prefix + error.place, error.reason)
    return Refusal(prefix + "system_id", str(error))


def _placed(prefix: str, receipt: Receipt) -> Receipt:
    """Return *receipt* with places that a sender of several reports can find."""
    if prefix:
        receipt.refused = [Refusal(prefix + place, why) for place, why in receipt.refused]
        receipt.conflicts = [Refusal(prefix + place, why) for place, why in receipt.conflicts]
    return receipt


def _listed(refusals: list[Refusal]) -> list[wire_reports.WireRefusal]:
    return [wire_reports.WireRefusal(place, why) for place, why in refusals[:LISTED_MAX]]
