"""Gateways that are collected from, and saving what their answers came to.

One transaction holds the reports of a poll and the memory for the next: so a poll counts once or
not at all. What the memory says is the source's own; here it is bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import AlreadyKnown, GatewayError, NotKnown
from relight.model.devices import Source
from relight.model.lifetimes import SINCE_EVER_DAY, Days
from relight.model.reports import PeriodTotal, Receipt, Report
from relight.model.rounding import energy_wh
from relight.store import energy, envoys, known, reports
from relight.store.administration_systems import locked_system, one_system, set_system
from relight.store.systems import system_row
from relight.store.tables import GATEWAY, GATEWAY_MEMORY, SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relight.config import Rules
    from relight.model.devices import Kind
    from relight.store.database import Rows, Transaction

_GATEWAYS: Final = f"SELECT {GATEWAY.select} FROM gateway ORDER BY system_id, serial_number"  # noqa: S608
_MEMORY: Final = """
    SELECT version, data FROM gateway_memory
    WHERE system_id = :system_id AND serial_number = :serial_number
"""
_LOCKED: Final = f"{_MEMORY} /*lock*/"
_REMOVE: Final = (
    "DELETE FROM gateway WHERE system_id = :system_id AND serial_number = :serial_number"
)
_FORGET_HEALTH: Final = (
    "DELETE FROM gateway_health WHERE system_id = :system_id AND serial_number = :serial_number"
)
_REVIVE: Final = """
    UPDATE device SET retired_at = NULL
    WHERE system_id = :system_id AND kind = :kind AND serial_number = :serial_number
        AND retired_at IS NOT NULL
"""
_TOLD: Final = """
    SELECT source, until_day, energy_wh FROM imported_period
    WHERE system_id = :system_id AND first_day = :ever AND source <> :consumption
        AND until_day <= :day
"""
_NO_MEMORY: Final = 0


class Gateway(NamedTuple):
    """A gateway: where it is, and as whom it is asked."""

    system_id: int
    serial_number: str
    host: str
    username: str
    added_at: int


class Remembered(NamedTuple):
    """What is remembered of a gateway; without data nothing is yet."""

    version: int
    data: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a poll of a gateway came to."""

    reports: Sequence[Report]
    version: int  #: of the memory that it was derived with
    memory: bytes  #: for the next poll
    day: int = 0
    openings_j: Mapping[Source, int] = field(default_factory=dict)  #: of all time before `day`
    revived: Sequence[tuple[Kind, str]] = ()  #: devices that were retired and are back
    connection_type: str | None = None  #: where it is news


async def add_gateway(tx: Transaction, gateway: Gateway) -> None:
    """Add a gateway. Raises NotKnown, or AlreadyKnown where its serial number is taken."""
    await one_system(tx, gateway.system_id)
    serial_number = gateway.serial_number
    for other in await gateways(tx):
        if other.serial_number == serial_number:
            where = f"system {other.system_id} at {other.host}"
            raise AlreadyKnown(f"gateway {serial_number} is collected from already: {where}")
    owner = (await envoys.systems_of(tx, [serial_number])).get(serial_number)
    if owner is not None and owner != gateway.system_id:
        raise AlreadyKnown(f"envoy {serial_number} reports for system {owner}")
    await tx.put(GATEWAY, [gateway])


async def gateways(rows: Rows) -> list[Gateway]:
    """Return every gateway, by system."""
    return [Gateway(*row) for row in await rows.all(_GATEWAYS)]


async def one_gateway(rows: Rows, named: str) -> Gateway:
    """Return the gateway that *named* is the serial number or the host of. Raises NotKnown."""
    known = await gateways(rows)
    found = [one for one in known if one.serial_number == named] or [
        one for one in known if one.host == named
    ]
    if len(found) != 1:
        what = "no gateway" if not found else "more than one gateway"
        raise NotKnown(f"there is {what} {named[:64]!r}: see `relight gateway list`")
    return found[0]


async def set_gateway(
    tx: Transaction, named: str, *, host: str | None, username: str | None
) -> Gateway:
    """Change where a gateway is or as whom it is asked, and return it. Raises NotKnown."""
    before = await one_gateway(tx, named)
    gateway = before._replace(
        host=before.host if host is None else host,
        username=before.username if username is None else username,
    )
    await tx.put(GATEWAY, [gateway])
    return gateway


async def remove_gateway(tx: Transaction, named: str) -> Gateway:
    """Stop collecting from a gateway; what it told stays. Raises NotKnown."""
    gateway = await one_gateway(tx, named)
    for sql in (_REMOVE, _FORGET_HEALTH):
        await tx.run(sql, system_id=gateway.system_id, serial_number=gateway.serial_number)
    return gateway


async def remembered(rows: Rows, system_id: int, serial_number: str) -> Remembered:
    """Return what is remembered of a gateway."""
    row = await rows.one(_MEMORY, system_id=system_id, serial_number=serial_number)
    return Remembered(_NO_MEMORY, None) if row is None else Remembered(*row)


async def save(
    tx: Transaction, system_id: int, serial_number: str, told: Told, *, now: int, rules: Rules
) -> Receipt:
    """Save what a poll came to, and the memory for the next one.

    Raises GatewayError where another collector has saved for this gateway meanwhile, NotKnown (no
    such system), BadInput (an envoy of another system).
    """
    row = await tx.one(_LOCKED, system_id=system_id, serial_number=serial_number)
    if told.version != (_NO_MEMORY if row is None else row[0]):
        raise GatewayError(f"gateway {serial_number} is collected from by another process too")
    receipt = await repeat(tx, system_id, told, now=now, rules=rules)
    await tx.put(GATEWAY_MEMORY, [(system_id, serial_number, told.version + 1, told.memory)])
    return receipt


async def repeat(tx: Transaction, system_id: int, told: Told, *, now: int, rules: Rules) -> Receipt:
    """Save what a poll came to without remembering anything, as when it is derived again."""
    for kind, serial_number in told.revived:
        device = {"kind": kind.value, "serial_number": serial_number}
        if await tx.run(_REVIVE, system_id=system_id, **device):
            system = await locked_system(tx, system_id)
            system.version += 1
            known.forget(system)
            await tx.put(SYSTEM, [system_row(system)])
    receipt = Receipt()
    for report in told.reports:
        receipt.add(await reports.save(tx, system_id, report, now=now, rules=rules))
    periods = await _openings(tx, system_id, told)
    if periods:
        opening = Report(period_totals=periods)
        receipt.add(await reports.save(tx, system_id, opening, now=now, rules=rules))
    if told.connection_type is not None:
        system = await one_system(tx, system_id)
        if system.connection_type != told.connection_type:
            changes = {"connection_type": told.connection_type}
            await set_system(tx, system_id, changes, now, rules=rules)
    return receipt


async def _openings(tx: Transaction, system_id: int, told: Told) -> list[PeriodTotal]:
    """Return the totals before `told.day` that opening energies make.

    A total is of all devices: so to what was told of an earlier day, or by another gateway, come
    the days since and then the new energy. One that says less than is known is left out.
    """
    if not told.openings_j:
        return []
    rows = await tx.all(
        _TOLD,
        system_id=system_id,
        ever=SINCE_EVER_DAY,
        consumption=Source.CONSUMPTION,
        day=told.day,
    )
    latest: dict[Source, tuple[int, int]] = {}
    for source, until_day, told_wh in sorted(rows):
        latest[Source(source)] = (until_day, told_wh)
    carried: dict[Source, int] = {}
    for source, (until_day, told_wh) in latest.items():
        days = await energy.daily_wh(tx, system_id, source, Days(until_day, told.day - 1))
        carried[source] = told_wh + sum(days.values())
    found = []
    for source, energy_j in told.openings_j.items():
        total_wh = carried.get(source, 0) + energy_wh(energy_j)
        if total_wh > max(carried.values(), default=0):
            found.append(PeriodTotal(source, None, told.day, total_wh))
    return found
