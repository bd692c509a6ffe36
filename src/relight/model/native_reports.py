"""The XML performance reports of legacy (R3) gateways become reports like those of any source.

Pure. A bad row is refused alone, and named. How such a report is wrapped and answered is in
`model.native_bodies`; the receiver in `api` and the import format in `sources.files` share this.
Source: docs/native-reports.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput, BadZone
from relight.model import native_bodies, strict_xml
from relight.model import report_fields as fields_of
from relight.model.clock import zone
from relight.model.devices import Kind
from relight.model.energy import INTERVAL_S_MAX
from relight.model.report_fields import AHEAD_S_MAX, BadField, Fields, Refusals
from relight.model.reports import DeviceReport, IntervalReport, Report, SnapshotReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from relight.model.report_fields import Reader

#: A gateway has at most some hundred inverters, and sends 500 intervals and readings a time.
ELEMENTS_MAX: Final = 50_000

MANUFACTURER: Final = "Enphase"

_ROOT: Final = "perf_report"
_ROW_DEPTH: Final = 2
#: `device_type` of a microinverter; what the others are is not known.
_INVERTER: Final = 1
#: `admin_state` of a device that was deleted.
_DELETED: Final = 3
#: What a reading has: voltages, current, temperature, two unknown, and then joules.
_READING_STATS: Final = 8
_READING_STATS_OLD: Final = 7
#: Channels of a device that were read further apart are not of one moment. [s]
_MOMENT_S: Final = 900
_DURATION_S_MAX: Final = 366 * 86_400
_FLAGS_MAX: Final = 2**63 - 1
_TEXT_SHOWN_MAX: Final = 40
_WHOLE: Final = re.compile("[0-9]{1,19}")
_EQUIPMENT: Final = re.compile(r"(?P<serial>[!-\-/-~]{1,64})(?:\.(?P<channel>[0-9]{1,3}))?")
_RELEASE: Final = "DRdr"
_NO_INVERTER: Final = "is of something that is no microinverter"


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeReport:
    """What a legacy gateway reported, and what it waits to see acknowledged."""

    report: Report
    envoy_serial: str
    timezone: str | None  #: the zone that the gateway is set to
    event_ids: list[str]
    refusals: Refusals


def parse(body: bytes, *, now: int) -> NativeReport:
    """Return what a legacy gateway sent: XML, in a form, or packed.

    Raises BadInput for what is no such report, is hostile, or does not name its gateway.
    """
    rows = _Rows(now)
    strict_xml.read(native_bodies.chunks(body), rows.take, elements_max=ELEMENTS_MAX)
    return rows.finish()


def _whole(read: Reader[int]) -> Reader[int]:
    """Return a reader of digits, whose number *read* has to take."""

    def reading(value: object) -> int:
        text = str(value)
        if not _WHOLE.fullmatch(text):
            raise BadField(f"must be a whole number, not {text[:_TEXT_SHOWN_MAX]!r}")
        return read(int(text))

    return reading


def _equipment(value: object) -> tuple[str, int]:
    """Read an `eqid`: a serial number, and a channel after a point (1 without one)."""
    found = _EQUIPMENT.fullmatch(str(value))
    if found is None:
        raise BadField(f"is no serial number with a channel: {str(value)[:_TEXT_SHOWN_MAX]!r}")
    return found["serial"], fields_of.channel(int(found["channel"] or 1))


def _interval_j(value: object) -> int:
    text = str(value)
    if "," in text:
        raise BadField(f"has {text.count(',') + 1} numbers, where an interval has its joules alone")
    return _whole(fields_of.energy_j)(text)


def _reading_j(value: object) -> int | None:
    """Read the joules of a reading; None where its firmware does not tell them yet."""
    numbers = str(value)[:1_000].split(",")
    if len(numbers) == _READING_STATS_OLD:
        return None
    if len(numbers) != _READING_STATS:
        raise BadField(f"has {len(numbers)} numbers, where a reading has {_READING_STATS}")
    return _whole(fields_of.energy_j)(numbers[-1])


_duration_s = _whole(fields_of.duration_s)
_stat_duration_s = _whole(fields_of.whole(0, _DURATION_S_MAX, unit="s"))
_reading_s = _whole(fields_of.whole(1, _DURATION_S_MAX, unit="s"))
_state = _whole(fields_of.whole(0, _FLAGS_MAX))


@dataclass(slots=True)
class _Rows:
    """What one report says, element by element."""

    now: int
    refusals: Refusals = field(default_factory=Refusals)
    reported_at: int | None = None
    envoy: DeviceReport | None = None
    timezone: str | None = None
    devices: list[DeviceReport] = field(default_factory=list)
    intervals: list[tuple[str, IntervalReport]] = field(default_factory=list)
    readings: dict[tuple[str, int], SnapshotReport] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)  #: devices that are no inverters
    event_ids: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def take(self, depth: int, name: str, attributes: dict[str, str]) -> None:
        """Take one element; those of other names, and what is within rows, say nothing here."""
        if depth == 1:
            if name != _ROOT:
                reason = f"is no report of a gateway: its root is {name[:_TEXT_SHOWN_MAX]!r}"
                raise BadInput("file", reason)
            given = Fields(attributes, "", self.refusals)
            self.reported_at = given.needed("report_timestamp", self._instant)
            return
        read = _ELEMENTS.get(name)
        if depth == _ROW_DEPTH and read is not None:
            number = self.counts.get(name, 0)
            self.counts[name] = number + 1
            read(self, Fields(attributes, f"{name}[{number}].", self.refusals))

    @property
    def _instant(self) -> Reader[int]:
        return _whole(fields_of.instant(self.now + AHEAD_S_MAX))

    def take_envoy(self, fields: Fields) -> None:
        """Take what the gateway says of itself."""
        serial_number = fields.needed("serial_num", fields_of.serial_number)
        if serial_number is None:
            raise BadInput("envoy.serial_num", "does not name the gateway")
        if self.envoy is not None:
            raise BadInput("envoy", "stands twice: a report is of one gateway")
        software = fields.given("sw_version", fields_of.text, "")
        self.envoy = DeviceReport(
            kind=Kind.ENVOY,
            serial_number=serial_number,
            part_number=fields.given("part_num", fields_of.text) or None,
            manufacturer=MANUFACTURER,
            proc_load=(software or "").lstrip(_RELEASE) or None,
        )
        self.timezone = fields.given("timezone", _zone_name)

    def take_interval(self, fields: Fields) -> None:
        """Take the joules of one inverter over one span."""
        equipment = fields.needed("eqid", _equipment)
        end_at = fields.needed("end_date", self._instant)
        duration_s = fields.needed("interval_duration", _duration_s)
        measured_s = fields.given("stat_duration", _stat_duration_s, duration_s)
        energy_j = fields.needed("stats", _interval_j)
        if equipment is None or end_at is None or duration_s is None or energy_j is None:
            return
        if not measured_s:
            # Nothing was heard in all of it: missing is not zero.
            fields.refuse("stat_duration", "is 0: nothing of the interval was measured")
            return
        if end_at < duration_s:
            fields.refuse("end_date", "begins before 1970")
            return
        row = IntervalReport(Kind.INVERTER, *equipment, end_at, duration_s, energy_j)
        self.intervals.append((fields.place, row))

    def take_reading(self, fields: Fields) -> None:
        """Take the power of one inverter, where no later one is known."""
        equipment = fields.needed("eqid", _equipment)
        read_at = fields.needed("date", self._instant)
        duration_s = fields.needed("duration", _reading_s)
        energy_j = fields.given("stats", _reading_j)
        if equipment is None or read_at is None or duration_s is None:
            return
        known = self.readings.get(equipment)
        if known is None or known.read_at <= read_at:
            power_w = None
            # An average over days, told after an outage, is no present power.
            if energy_j is not None and duration_s <= INTERVAL_S_MAX:
                power_w = (2 * energy_j + duration_s) // (2 * duration_s)
            self.readings[equipment] = SnapshotReport(Kind.INVERTER, equipment[0], read_at, power_w)

    def take_event(self, fields: Fields) -> None:
        """Take the number by which an event is acknowledged."""
        event_id = fields.needed("id", _event_id)
        if event_id is not None:
            self.event_ids.append(event_id)

    def take_device(self, fields: Fields) -> None:
        """Take what an inverter is, and whether it was deleted."""
        equipment = fields.needed("eqid", _equipment)
        kind = fields.given("device_type", _state, _INVERTER)
        state = fields.given("admin_state", _state)
        if equipment is None or kind is None:
            return
        if kind != _INVERTER:
            fields.refuse("device_type", f"is {kind}, which is no microinverter")
            self.others.add(equipment[0])
            return
        self.devices.append(
            DeviceReport(
                kind=Kind.INVERTER,
                serial_number=equipment[0],
                part_number=fields.given("part_num", fields_of.text) or None,
                manufacturer=MANUFACTURER,
                retired_at=(self.reported_at or self.now) if state == _DELETED else None,
            )
        )

    def finish(self) -> NativeReport:
        """Return what was taken."""
        if self.envoy is None:
            raise BadInput("envoy", "is missing: nothing tells which gateway reports")
        intervals = []
        for place, row in self.intervals:
            if self._is_inverter(row.serial_number):
                intervals.append(row)
            else:
                self.refusals.add(f"{place}eqid", _NO_INVERTER)
        readings = (one for one in self.readings.values() if self._is_inverter(one.serial_number))
        report = Report(
            envoy_serial=self.envoy.serial_number,
            reported_at=self.reported_at,
            devices=[self.envoy, *self.devices],
            intervals=intervals,
            snapshots=_snapshots(readings),
        )
        return NativeReport(
            report=report,
            envoy_serial=self.envoy.serial_number,
            timezone=self.timezone,
            event_ids=self.event_ids,
            refusals=self.refusals,
        )

    def _is_inverter(self, serial_number: str) -> bool:
        # A gateway's own meters are named after it: 121319013553EIM1.
        is_own = self.envoy is not None and serial_number.startswith(self.envoy.serial_number)
        return not is_own and serial_number not in self.others


def _snapshots(readings: Iterable[SnapshotReport]) -> list[SnapshotReport]:
    """Return one snapshot a device: the channels that were read at its last moment, together."""
    of_device: dict[str, list[SnapshotReport]] = {}
    for one in readings:
        of_device.setdefault(one.serial_number, []).append(one)
    found = []
    for serial_number, channels in of_device.items():
        read_at = max(one.read_at for one in channels)
        powers_w = [
            one.power_w
            for one in channels
            if one.read_at > read_at - _MOMENT_S and one.power_w is not None
        ]
        power_w = sum(powers_w) if powers_w else None
        found.append(SnapshotReport(Kind.INVERTER, serial_number, read_at, power_w))
    return found


def _zone_name(value: object) -> str:
    try:
        return zone(str(value)).key
    except BadZone as error:
        raise BadField(str(error)) from error


def _event_id(value: object) -> str:
    text = str(value)
    if not _WHOLE.fullmatch(text):
        raise BadField(f"is no number: {text[:_TEXT_SHOWN_MAX]!r}")
    return text


_ELEMENTS: Final[dict[str, Callable[[_Rows, Fields], None]]] = {
    "envoy": _Rows.take_envoy,
    "interval": _Rows.take_interval,
    "reading": _Rows.take_reading,
    "event": _Rows.take_event,
    "device": _Rows.take_device,
}
