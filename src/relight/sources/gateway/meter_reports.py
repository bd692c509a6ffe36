"""From a poll to meters' odometers: by their own readings, else by device data, else by sums. Pure.

Odometers are read each minute; what is reported is the last reading before and the first one
after each mark of 15 minutes, which is all that marks are interpolated from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.model.clock import floor_mark
from relight.model.devices import STEP_S, Kind, Source
from relight.model.odometers import Register
from relight.model.reports import DeviceReport, ReadingReport, SnapshotReport
from relight.sources.gateway import answers
from relight.sources.gateway.clocks import believed_at
from relight.sources.gateway.memory import Held, device_key
from relight.sources.gateway.payloads import device_data, meters, production

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relight.sources.gateway.answers import Poll
    from relight.sources.gateway.draft import Draft
    from relight.sources.gateway.payloads.device_data import MeterData
    from relight.sources.gateway.payloads.meters import Meter, MeterReading

#: What a current transformer measures, and what it is here. Others have no place in the store.
KINDS: Final = {
    "production": Kind.PRODUCTION_METER,
    "pv3p": Kind.PRODUCTION_METER,
    "net-consumption": Kind.NET_METER,
    "total-consumption": Kind.CONSUMPTION_METER,
}
_MARK_S: Final = STEP_S[Source.METER]
#: Device data and sums may be this old; meters' rows have been seen to stand still for days. [s]
STALE_S: Final = 2 * 3_600
#: The channels add up to the whole to this part of it, or they are not its channels.
_PARTS_OF_WHOLE: Final = 1_000
_PARTS_SLACK_J: Final = 10 * 3_600
#: The first and second meter of every gateway.
_FIRST_EID: Final = 704_643_328
_EID_STEP: Final = 256
_METERS_MAX: Final = 16
_PRODUCTION_NUMBER, _CONSUMPTION_NUMBER = 1, 2


class Row(NamedTuple):
    """An odometer as read, whatever told it."""

    kind: Kind
    serial_number: str
    channel: int
    register: Register
    read_at: int
    energy_j: int
    power_w: int | None = None


def take(draft: Draft, poll: Poll) -> None:
    """Derive what meters there are and what they read."""
    text = poll.body(answers.METERS)
    configured = None if text is None else meters.parse_meters(text)
    text = poll.body(answers.METER_READINGS)
    readings = None if text is None else meters.parse_readings(text)
    text = poll.body(answers.DEVICE_DATA)
    data = None if text is None else device_data.parse(text)
    serials = {} if data is None else {one.eid: one.serial_number for one in data.meters}
    if configured is not None:
        _describe(draft, configured, serials)
    if configured is not None and readings is not None:
        _send(draft, _from_readings(draft, configured, readings, serials))
    elif data is not None and data.meters:
        _send(draft, _from_device_data(draft, configured, data.meters))
    elif configured is None:
        _send(draft, _from_sums(draft, poll))


def serial_of(envoy_serial: str, eid: int) -> str:
    """Return a meter's serial number, which only some answers tell: EIM1, EIM2, …"""
    number, rest = divmod(eid - _FIRST_EID, _EID_STEP)
    if rest == 0 and 0 <= number < _METERS_MAX:
        return f"{envoy_serial}EIM{number + 1}"
    return f"{envoy_serial}M{eid}"


def _serial(draft: Draft, eid: int, serials: dict[int, str]) -> str:
    return serials.get(eid) or serial_of(draft.envoy_serial, eid)


def _describe(draft: Draft, configured: list[Meter], serials: dict[int, str]) -> None:
    """Tell which meters there are. One that never was in use is not told of."""
    listed = set()
    for one in configured:
        kind = KINDS.get(one.measures)
        serial_number = _serial(draft, one.eid, serials)
        if kind is None:
            continue
        key = device_key(kind, serial_number)
        if not one.is_enabled and key not in draft.memory.devices:
            continue
        listed.add(key)
        draft.see(kind, serial_number)
        report = DeviceReport(
            kind=kind,
            serial_number=serial_number,
            is_enabled=one.is_enabled,
            has_issue=one.has_issue,
            manufacturer="Enphase",
        )
        draft.tell(report, f"{one.is_enabled:d}{one.has_issue:d}")
    for kind in (Kind.PRODUCTION_METER, Kind.NET_METER, Kind.CONSUMPTION_METER):
        for known in draft.memory.devices_of(kind):
            if device_key(known.kind, known.serial_number) not in listed:
                draft.retire(known, draft.at)


def _from_readings(
    draft: Draft,
    configured: list[Meter],
    readings: list[MeterReading],
    serials: dict[int, str],
) -> list[Row]:
    in_use = {one.eid: one for one in configured if one.is_enabled and one.measures in KINDS}
    found: list[Row] = []
    for reading in readings:
        meter = in_use.get(reading.eid)
        if meter is None:
            continue
        kind, serial_number = KINDS[meter.measures], _serial(draft, meter.eid, serials)
        read_at = believed_at(reading.read_at, draft.at)
        for channel, one in _channels(reading, meter.phases):
            found += _registers(
                (kind, serial_number, channel),
                read_at,
                (one.delivered_j, one.received_j),
                one.power_w,
            )
        whole = reading.whole
        draft.snapshots.append(
            SnapshotReport(kind, serial_number, read_at, whole.power_w, whole.delivered_j)
        )
    return found


def _channels(reading: MeterReading, phases: int) -> list[tuple[int, meters.Odometer]]:
    """Return a meter's channels by number; its whole as 0 where they do not add up to it."""
    own = reading.channels[:phases]
    if phases == 1:
        return [(1, reading.whole)]
    for whole_j, parts_j in (
        (reading.whole.delivered_j, sum(one.delivered_j for one in own)),
        (reading.whole.received_j, sum(one.received_j for one in own)),
    ):
        if abs(whole_j - parts_j) > abs(whole_j) // _PARTS_OF_WHOLE + _PARTS_SLACK_J:
            return [(0, reading.whole)]
    return list(enumerate(own, start=1))


def _registers(
    where: tuple[Kind, str, int], read_at: int, both_j: tuple[int, int], power_w: int | None
) -> list[Row]:
    """Return the registers that count for a kind of meter.

    A meter of the whole consumption may be put on either way round; the other counter stays
    next to nothing then.
    """
    delivered_j, received_j = both_j
    if where[0] is Kind.NET_METER:
        return [
            Row(*where, Register.DELIVERED, read_at, delivered_j, power_w),
            Row(*where, Register.RECEIVED, read_at, received_j),
        ]
    if where[0] is Kind.CONSUMPTION_METER:
        delivered_j = max(delivered_j, received_j)
    return [Row(*where, Register.DELIVERED, read_at, delivered_j, power_w)]


def _from_device_data(
    draft: Draft, configured: list[Meter] | None, told: Iterable[MeterData]
) -> list[Row]:
    """Return odometers on their marks, where the readings themselves are missing."""
    kinds = {one.eid: KINDS.get(one.measures) for one in configured or () if one.is_enabled}
    phases = {one.eid: one.phases for one in configured or ()}
    if configured is None:
        kinds = {
            _FIRST_EID: Kind.PRODUCTION_METER,
            _FIRST_EID + _EID_STEP: Kind.CONSUMPTION_METER,
        }
    found: list[Row] = []
    for meter in told:
        kind = kinds.get(meter.eid)
        if kind is None:
            continue
        for one in meter.channels[: phases.get(meter.eid)]:
            if not draft.at - STALE_S <= one.read_at <= draft.at:
                continue
            draft.see(kind, meter.serial_number)
            both_j = (one.delivered_j, 0)
            if kind is Kind.NET_METER:
                if one.positive_j is None or one.negative_j is None:
                    continue
                both_j = (one.positive_j, one.negative_j)
            where = (kind, meter.serial_number, one.channel)
            found += _registers(where, one.read_at, both_j, None)
    return found


def _from_sums(draft: Draft, poll: Poll) -> list[Row]:
    """Return the meters of a gateway that tells of them in `/production.json` alone."""
    text = poll.body(answers.PRODUCTION_JSON)
    told = None if text is None else production.parse(text)
    found: list[Row] = []
    for one in () if told is None else told.meters:
        if one.measures == production.PRODUCTION:
            kind, number = Kind.PRODUCTION_METER, _PRODUCTION_NUMBER
        elif one.measures == production.TOTAL_CONSUMPTION:
            kind, number = Kind.CONSUMPTION_METER, _CONSUMPTION_NUMBER
        else:
            continue
        serial_number = f"{draft.envoy_serial}EIM{number}"
        read_at = believed_at(one.read_at, draft.at)
        if read_at < draft.at - STALE_S:
            continue
        draft.see(kind, serial_number)
        report = DeviceReport(kind=kind, serial_number=serial_number, is_enabled=True)
        draft.tell(report, "sum")
        found.append(
            Row(kind, serial_number, 0, Register.DELIVERED, read_at, one.energy_j, one.power_w)
        )
        snapshot = SnapshotReport(kind, serial_number, read_at, one.power_w, one.energy_j)
        draft.snapshots.append(snapshot)
    return found


def _send(draft: Draft, rows: list[Row]) -> None:
    """Report the readings on both sides of each mark, and of each fall of a counter."""
    firsts: dict[str, int] = {}
    for row in rows:
        key = f"{row.kind.value}/{row.serial_number}/{row.channel}/{row.register.value}"
        before = draft.memory.odometers.get(key)
        if before is not None and row.read_at <= before.read_at:
            continue
        is_sent = before is None or _is_told(before, row)
        if is_sent:
            if before is not None and not before.is_sent:
                held = row._replace(
                    read_at=before.read_at, energy_j=before.energy_j, power_w=before.power_w
                )
                draft.readings.append(_reading(held))
            draft.readings.append(_reading(row))
        if before is None and row.kind is Kind.PRODUCTION_METER:
            firsts[row.serial_number] = firsts.get(row.serial_number, 0) + row.energy_j
        draft.memory.odometers[key] = Held(row.read_at, row.energy_j, row.power_w, is_sent)
    for serial_number, energy_j in firsts.items():
        if serial_number not in draft.memory.opened_meters:
            draft.memory.opened_meters.append(serial_number)
            draft.open(Source.METER, energy_j)


def _is_told(before: Held, row: Row) -> bool:
    has_mark = floor_mark(row.read_at, _MARK_S) > floor_mark(before.read_at, _MARK_S)
    return has_mark or row.energy_j < before.energy_j


def _reading(row: Row) -> ReadingReport:
    return ReadingReport(
        row.kind,
        row.serial_number,
        row.channel,
        row.read_at,
        row.energy_j,
        row.register,
        row.power_w,
    )
