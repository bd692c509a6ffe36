"""Production meters' odometers at 15-minute marks, from readings and from slots.

Only reads. A meter's value is that of the nearest readings, and of the slots between them and
the mark: so values differ by what `rgm_stats` lists. One known by intervals alone is their sum.
Source: behaviour, production_meter_readings, monthly_production.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from relight.model.clock import floor_mark
from relight.model.energy import INTERVAL_S_MAX
from relight.model.odometers import Reading, Register, value_at
from relight.model.ranges import Span
from relight.model.rounding import METER_STEP_S
from relight.model.slots import WHOLE_METER
from relight.store.energy import last_of_meter, metered_j
from relight.store.measured import Where, neighbours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.model.devices import Device
    from relight.store.database import Rows


class _Anchor(NamedTuple):
    """A mark at which readings say what the odometer shows."""

    mark_at: int
    energy_j: int


async def last_mark_at(rows: Rows, where: Where, meter: Device, until_at: int) -> int | None:
    """Return the last mark by *until_at* at which *meter*'s odometer is known, None without any."""
    if meter.first_at is None or meter.first_at > until_at:
        return None
    known = []
    if meter.interval_end_at is not None:
        slot_at: int | None = meter.interval_end_at
        if meter.interval_end_at > until_at:
            slot_at = await last_of_meter(rows, meter, until_at)
        known.append(slot_at)
    if meter.read_last_at is not None and meter.read_last_at <= until_at:
        known.append(floor_mark(meter.read_last_at, METER_STEP_S))
    elif meter.read_first_at is not None and meter.read_first_at <= until_at:
        before = await _delivered(rows, where, meter, until_at)
        read_at = max((one.read_at for one in before if one.read_at <= until_at), default=None)
        known.append(None if read_at is None else floor_mark(read_at, METER_STEP_S))
    return max((at for at in known if at is not None), default=None)


async def odometer_j(rows: Rows, where: Where, meter: Device, mark_at: int, *, now: int) -> int:
    """Return what *meter* shows at a mark: before its first reading what it first showed. [J]

    Readings after *now* count as not there.
    """
    anchor = None
    if meter.read_first_at is not None and meter.read_first_at <= now:
        anchor = await _anchor(rows, where, meter, mark_at)
    if anchor is None:
        start_at = floor_mark(meter.first_at or mark_at, METER_STEP_S)
        anchor = _Anchor(min(start_at, mark_at), 0)
    since = Span(anchor.mark_at, mark_at)
    before = Span(mark_at, anchor.mark_at)
    passed_j = await metered_j(rows, meter, where.site, since)
    passed_j -= await metered_j(rows, meter, where.site, before)
    return max(0, anchor.energy_j + passed_j)


async def _delivered(rows: Rows, where: Where, meter: Device, at: int) -> list[Reading]:
    """Return the readings around *at*: the last by then and the first after, with some others."""
    found = await neighbours(rows, where, [meter], (at, at + 1))
    own = {
        (one.channel, one.read_at): one
        for one in found
        if one.device_id == meter.device_id and one.register == Register.DELIVERED
    }
    return sorted(own.values(), key=lambda one: one.read_at)


async def _anchor(rows: Rows, where: Where, meter: Device, mark_at: int) -> _Anchor | None:
    """Return the mark nearest to *mark_at* at which readings tell the value, None without any.

    Readings of a whole meter come from files, far apart: what lies between them is in the slots.
    """
    readings = await _delivered(rows, where, meter, mark_at)
    if not readings:
        return None
    before = [one for one in readings if one.read_at <= mark_at]
    if not before:
        first_mark_at = floor_mark(readings[0].read_at, METER_STEP_S)
        return _Anchor(first_mark_at, _shown_j(_group(readings, readings[0]), first_mark_at))
    last = max(before, key=lambda one: (one.read_at, one.channel != WHOLE_METER))
    group = _group(readings, last)
    if last.read_at == mark_at or (last.channel != WHOLE_METER and _is_between(group, mark_at)):
        return _Anchor(mark_at, _shown_j(group, mark_at))
    last_mark = floor_mark(last.read_at, METER_STEP_S)
    earlier = await _delivered(rows, where, meter, last_mark)
    return _Anchor(last_mark, _shown_j(_group(earlier, last), last_mark))


def _group(readings: Sequence[Reading], like: Reading) -> dict[int, list[Reading]]:
    """Return the readings by channel, of all channels or of the whole meter, as *like* is."""
    found: dict[int, list[Reading]] = {}
    for one in readings:
        if (one.channel == WHOLE_METER) == (like.channel == WHOLE_METER):
            found.setdefault(one.channel, []).append(one)
    return found


def _is_between(group: dict[int, list[Reading]], at: int) -> bool:
    """Tell whether every channel was read on both sides of *at*, not too far apart."""
    for series in group.values():
        before = max((one.read_at for one in series if one.read_at <= at), default=None)
        after = min((one.read_at for one in series if one.read_at > at), default=None)
        if before is None or after is None or after - before > INTERVAL_S_MAX:
            return False
    return True


def _shown_j(group: dict[int, list[Reading]], at: int) -> int:
    """Return the channels' sum at *at*: before its first reading a channel shows that. [J]"""
    return sum(
        series[0].energy_j if (shown_j := value_at(series, at)) is None else shown_j
        for series in group.values()
    )
