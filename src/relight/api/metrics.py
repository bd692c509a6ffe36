"""`GET /metrics`: what this installation tells of itself, to those who may read it.

Nobody may unless a setting says so: by address, or by a token. Source: docs/monitoring.md.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import platform
import shutil
from typing import TYPE_CHECKING, Final

from relight import __version__
from relight.api.refusals import refusal_body
from relight.api.respond import refuse
from relight.errors import DataUnavailable, MethodNotAllowed, NotFound, NotPermitted, RelightError
from relight.model import metrics
from relight.model.metrics import Sample
from relight.store.gauges import gauges

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Scope, Send

    from relight.api.call import State
    from relight.model.metrics import Family
    from relight.store.gauges import Gauges

PATH: Final = "/metrics"
#: Bytes of a token's file.
_TOKEN_BYTES_MAX: Final = 4_096
_HEADERS: Final = (
    (b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),
    (b"cache-control", b"no-store"),
)
#: What a proxy adds: behind one that is not trusted, everybody comes from its address.
_FORWARDED: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip"})
_METHODS: Final = frozenset({"GET", "HEAD"})
_log = logging.getLogger("relight")


async def answer(state: State | None, scope: Scope, send: Send) -> None:
    """Answer a scrape; to whom it is not told, there is nothing here."""
    if state is None:
        await refuse(scope, send, DataUnavailable("the server is starting or stopping"))
    elif not _may_read(state, scope):
        if state.config.telling.metrics_token_file is None:
            await refuse(scope, send, NotFound(PATH))
        else:
            body = refusal_body(NotPermitted("no token"))
            headers = ((b"www-authenticate", b"Bearer"), (b"content-type", b"application/json"))
            await _send(send, 401, body, headers)
    elif scope["method"] not in _METHODS:
        await refuse(scope, send, MethodNotAllowed(scope["method"]))
    else:
        asked = await _asked(state)
        body = metrics.text(state.metrics.numbers(), asked)
        await _send(send, 200, b"" if scope["method"] == "HEAD" else body, _HEADERS)


async def _send(
    send: Send, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    every = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": body})


def _may_read(state: State, scope: Scope) -> bool:
    return _is_near(state, scope) or _has_token(state.config.telling.metrics_token_file, scope)


def _is_near(state: State, scope: Scope) -> bool:
    readers, client = state.config.metrics_readers, scope.get("client")
    if not readers or client is None:
        return False
    if not state.config.proxies and any(name in _FORWARDED for name, _ in scope["headers"]):
        return False
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(one) for one in readers)


def _has_token(path: Path | None, scope: Scope) -> bool:
    """Tell whether a request shows the token in the file, which is read each time."""
    if path is None:
        return False
    shown = b"".join(value for name, value in scope["headers"] if name == b"authorization")
    scheme, _, token = shown.partition(b" ")
    if scheme.lower() != b"bearer":
        return False
    try:
        with path.open("rb") as file:
            kept = file.read(_TOKEN_BYTES_MAX).strip()
    except OSError as error:
        _log.warning("the token of the metrics cannot be read: %s: %s", path, error.strerror)
        return False
    return bool(kept) and hmac.compare_digest(kept, token.strip())


async def _asked(state: State) -> dict[Family, list[Sample]]:
    """Return what is asked for at a scrape; of a store that does not answer, nothing."""
    found = {
        metrics.BUILD: [
            Sample((__version__, platform.python_version(), state.database.dialect), 1)
        ],
        metrics.PROCESSES: [Sample((), state.metrics.processes())],
        metrics.DISK_FREE: [Sample((), shutil.disk_usage(state.config.data_dir).free)],
    }
    now = state.clock.now()
    try:
        async with asyncio.timeout(state.config.limits.read_wait_s):
            told = await state.database.read(lambda rows: gauges(rows, now), is_long=True)
    except (RelightError, TimeoutError) as error:
        _log.warning("metrics without what the store tells: %s", error)
        return found
    return found | _of_store(told, now)


def _of_store(told: Gauges, now: int) -> dict[Family, list[Sample]]:
    since_at = now if told.packing_since_at is None else told.packing_since_at
    answering = told.gateways - told.failing
    found = {
        metrics.PACKING_SYSTEMS: [Sample((), told.packing_systems)],
        metrics.PACKING_S: [Sample((), now - since_at)],
        metrics.TROUBLED: [
            Sample((status.value,), count) for status, count in told.troubled.items()
        ],
        metrics.GATEWAYS: [Sample(("answering",), answering), Sample(("failing",), told.failing)],
        metrics.GATEWAY_LAG_S: [Sample((one.serial_number,), one.lag_s) for one in told.slowest],
        metrics.GATEWAY_SILENT_S: [
            Sample((one.serial_number,), max(0, now - one.answered_at)) for one in told.slowest
        ],
    }
    if told.backup_at is not None:
        found[metrics.BACKUP_AT] = [Sample((), told.backup_at)]
    return found
