"""What is wrong with a system, in plain sentences, worst first; one calm one where nothing is.

Pure; touches nothing. Which device is silent is decided by `model.systems`, as for the API's
status; which inverter is weak by `model.panels`. Times are the site's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from relight.model.clock import date_of_day, day_at, local_time
from relight.model.decline import WINDOW_DAYS
from relight.model.devices import METER_KINDS, UNNAMED_KINDS, Device, Kind
from relight.model.systems import Status, device_standing

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from relight.config import Rules
    from relight.model.decline import Decline
    from relight.model.gateways import GatewayHealth
    from relight.model.panels import Weak

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
#: From here on a silence is told, though it is no fault yet.
QUIET_S: Final = 2 * _HOUR_S
#: A gateway that fails for less may just be starting again.
FAILING_S: Final = 15 * _MINUTE_S
#: A collector that has not asked for longer does not run. [s]
UNASKED_S: Final = 2 * _HOUR_S
#: Silences up to here are told in hours, later ones by their day.
_IN_HOURS_S: Final = 48 * _HOUR_S
_WEEK_DAYS: Final = 7
#: More devices than this of a kind are told by their number.
_NAMED_MAX: Final = 2
#: «within the last …», in minutes.
_WITHIN: Final = (5, 10, 15, 20, 30, 45, 60)

NAMES: Final[Mapping[Kind, str]] = {
    Kind.ENVOY: "gateway",
    Kind.INVERTER: "inverter",
    Kind.PRODUCTION_METER: "production meter",
    Kind.CONSUMPTION_METER: "consumption meter",
    Kind.NET_METER: "consumption meter",
    Kind.BATTERY: "battery",
}


class Severity(IntEnum):
    """How much a line matters, worst first."""

    BAD = 1
    WARN = 2
    NOTE = 3
    OK = 4

    @property
    def word(self) -> str:
        """Return the word by which pages style it."""
        return self.name.lower()


class Trouble(StrEnum):
    """What may be wrong, as alerts tell it apart."""

    ENVOY_SILENT = "envoy_silent"
    GATEWAY_FAILS = "gateway_fails"
    TOKEN_EXPIRES = "token_expires"  # noqa: S105 - no token
    INVERTER_SILENT = "inverter_silent"
    INVERTER_DARK = "inverter_dark"
    INVERTER_WEAK = "inverter_weak"
    PRODUCTION_LOW = "production_low"
    METER = "meter"
    BATTERY = "battery"


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One sentence, and the address on this server that shows more."""

    severity: Severity
    text: str
    href: str | None = None
    #: What is wrong, and the serial numbers of what it is wrong with; nothing where all is well.
    trouble: Trouble | None = field(default=None, compare=False)
    subjects: tuple[str, ...] = field(default=("",), compare=False)


@dataclass(frozen=True, slots=True)
class Place:
    """A system's devices and the status of each active one, where and when it is asked about."""

    system_id: int
    devices: Sequence[Device]
    statuses: Mapping[int, Status]  #: by device id
    site: ZoneInfo
    now: int
    rules: Rules

    @classmethod
    def of(
        cls, system_id: int, devices: Sequence[Device], site: ZoneInfo, now: int, *, rules: Rules
    ) -> Place:
        """Return a place with its devices' statuses."""
        active = [one for one in devices if one.is_active]
        envoys = {one.serial_number: one for one in active if one.kind is Kind.ENVOY}
        statuses = {one.device_id: device_standing(one, envoys, now, rules)[0] for one in active}
        return cls(system_id, devices, statuses, site, now, rules)

    def active(self, *kinds: Kind) -> list[Device]:
        """Return the active devices of some kinds, by serial number."""
        found = (one for one in self.devices if one.is_active and one.kind in kinds)
        return sorted(found, key=attrgetter("serial_number"))

    def status(self, device: Device) -> Status:
        """Return what a device adds to its system's status; a retired one adds nothing."""
        return self.statuses.get(device.device_id, Status.NORMAL)

    def since(self, at: int) -> str:
        """Return an instant as people name it: a time today, a weekday this week, else a date."""
        local = local_time(self.site, at)
        day = day_at(self.site, at)
        return f"{local:%H:%M}" if day >= self.today else self.day(day)

    def day(self, day: int) -> str:
        """Return a local day as people name it."""
        days, when = self.today - day, date_of_day(day)
        if days <= 0:
            return "today"
        if days == 1:
            return "yesterday"
        if days < _WEEK_DAYS:
            return f"{when:%A}"
        year = f" {when.year}" if when.year != date_of_day(self.today).year else ""
        return f"{when.day} {when:%B}{year}"

    @property
    def today(self) -> int:
        """Return the site's day."""
        return day_at(self.site, self.now)

    @property
    def devices_href(self) -> str:
        """Return where all devices are shown."""
        return f"/systems/{self.system_id}/devices"

    def inverter_href(self, device: Device) -> str:
        """Return where one inverter is shown."""
        return f"/systems/{self.system_id}/panels/{device.device_id}"

    @property
    def panels_href(self) -> str:
        """Return where all inverters are shown."""
        return f"/systems/{self.system_id}/panels"


def lines(
    place: Place,
    gateways: Iterable[GatewayHealth],
    weak: Mapping[int, Weak],
    decline: Decline | None = None,
) -> list[HealthLine]:
    """Return what is to be told of a system, worst first.

    *weak* are the weak inverters by device id, *decline* is the system's own. The last line, alone
    where nothing is wrong, says when devices reported.
    """
    found = [
        *_envoys(place),
        *_gateways(place, gateways),
        *_silent_inverters(place),
        *_dark_inverters(place),
        *_meters(place),
        *_batteries(place),
        *_weak_inverters(place, weak),
        *_declined(place, decline),
    ]
    found.sort(key=lambda one: one.severity)
    if found:
        return found
    return [_calm(place)]


def _envoys(place: Place) -> Iterable[HealthLine]:
    envoys = place.active(Kind.ENVOY)
    for one in envoys:
        last_at = one.last_report_at()
        if last_at is None or place.now - last_at < QUIET_S:
            continue
        is_fault = place.status(one) is Status.COMM
        who = "The gateway" if len(envoys) == 1 else f"Gateway {one.serial_number}"
        how_long = silence(place, last_at)
        yield HealthLine(
            Severity.BAD if is_fault else Severity.NOTE,
            f"{who} has not reported {how_long}.",
            place.devices_href,
            Trouble.ENVOY_SILENT if is_fault else None,
            (one.serial_number,),
        )


def silence(place: Place, last_at: int) -> str:
    """Return how long something has been silent: «for 26 hours», «since 3 November»."""
    silent_s = place.now - last_at
    if silent_s >= _IN_HOURS_S:
        return f"since {place.since(last_at)}"
    hours = silent_s // _HOUR_S
    if hours < 1:
        return f"for {_counted(max(1, silent_s // _MINUTE_S), 'minute')}"
    return f"for {_counted(hours, 'hour')}"


def _gateways(place: Place, gateways: Iterable[GatewayHealth]) -> Iterable[HealthLine]:
    for one in gateways:
        text, severity = None, Severity.WARN
        where, asked_at = f"The gateway at {one.host}", one.polled_at or one.added_at
        if place.now - asked_at >= UNASKED_S:
            since = place.since(asked_at)
            text = f"{where} has not been asked since {since}: no collector runs."
        elif one.failing_since_at is not None:
            since = place.since(one.failing_since_at)
            if one.is_refused:
                severity = Severity.BAD
                text = f"{where} refuses its token or password (since {since})."
            elif place.now - one.failing_since_at >= FAILING_S:
                text = f"{where} does not answer as it should (since {since})."
        elif one.lag_s >= FAILING_S:
            text = (
                f"{where} answers, but the store is {_counted(one.lag_s // 60, 'minute')} behind."
            )
        if text is not None:
            fails = Trouble.GATEWAY_FAILS
            yield HealthLine(severity, text, place.devices_href, fails, (one.serial_number,))


def _silent_inverters(place: Place) -> Iterable[HealthLine]:
    every = place.active(Kind.INVERTER)
    silent = [one for one in every if place.status(one) is Status.MICRO]
    if not silent:
        return
    if len(silent) == 1 and len(every) > 1:
        since = place.since(_last_at(silent[0]))
        text = f"Inverter {silent[0].serial_number} has been silent since {since}."
        href = place.inverter_href(silent[0])
        yield HealthLine(Severity.WARN, text, href, Trouble.INVERTER_SILENT, _serials(silent))
        return
    days = {day_at(place.site, _last_at(one)) for one in silent}
    is_all = len(silent) == len(every)
    who = _all(len(every), "inverter") if is_all else f"{len(silent)} of {len(every)} inverters"
    have = "has" if len(every) == 1 else "have"
    first = place.day(min(days))
    since = f"since {first}" if len(days) == 1 else f"the first since {first}"
    comma = "" if len(days) == 1 else ","
    severity = Severity.BAD if is_all else Severity.WARN
    text = f"{who} {have} been silent{comma} {since}."
    yield HealthLine(severity, text, place.panels_href, Trouble.INVERTER_SILENT, _serials(silent))


def _dark_inverters(place: Place) -> Iterable[HealthLine]:
    every = place.active(Kind.INVERTER)
    dark = [one for one in every if place.status(one) is Status.POWER]
    if not dark:
        return
    day = max((one.dark_day for one in dark if one.dark_day is not None), default=None)
    when = "" if day is None else f" {'on ' if place.today - day > 1 else ''}{place.day(day)}"
    rest = "while the others did"
    if len(dark) == 1:
        text = f"Inverter {dark[0].serial_number} made nothing{when} {rest}."
        href = place.inverter_href(dark[0])
        yield HealthLine(Severity.BAD, text, href, Trouble.INVERTER_DARK, _serials(dark))
        return
    text = f"{len(dark)} of {len(every)} inverters made nothing{when} {rest}."
    yield HealthLine(Severity.BAD, text, place.panels_href, Trouble.INVERTER_DARK, _serials(dark))


def _weak_inverters(place: Place, weak: Mapping[int, Weak]) -> Iterable[HealthLine]:
    every = place.active(Kind.INVERTER)
    working = [one for one in every if place.status(one) is Status.NORMAL]
    found = [(weak[one.device_id], one) for one in working if one.device_id in weak]
    if len(found) > _NAMED_MAX:
        least, most = min(one.days for one, _ in found), max(one.days for one, _ in found)
        days = _counted(most, "day") if least == most else f"{least} to {most} days"
        text = (
            f"{len(found)} of {len(every)} inverters have made less than their neighbours"
            f" suggest for {days}."
        )
        serials = _serials(one for _, one in found)
        yield HealthLine(Severity.WARN, text, place.panels_href, Trouble.INVERTER_WEAK, serials)
        return
    for weakness, one in sorted(found, key=lambda pair: -pair[0].shortfall):
        text = (
            f"Inverter {one.serial_number} has made {weakness.shortfall:.0%}".replace(
                "%", "\u202f%"
            )
            + f" less than its neighbours suggest for {_counted(weakness.days, 'day')}."
        )
        href = place.inverter_href(one)
        yield HealthLine(Severity.WARN, text, href, Trouble.INVERTER_WEAK, _serials([one]))


def _declined(place: Place, decline: Decline | None) -> Iterable[HealthLine]:
    if decline is not None:
        less = f"{decline.shortfall:.0%}".replace("%", "\u202f%")
        text = f"The last {WINDOW_DAYS} days made {less} less than any such week {decline.when}."
        yield HealthLine(Severity.WARN, text, place.panels_href, Trouble.PRODUCTION_LOW)


def _serials(devices: Iterable[Device]) -> tuple[str, ...]:
    return tuple(one.serial_number for one in devices)


def _meters(place: Place) -> Iterable[HealthLine]:
    for one in place.active(*METER_KINDS):
        status, name = place.status(one), device_name(place, one)
        if status is Status.METER:
            text = f"{name} has been silent since {place.since(_last_at(one))}."
            yield HealthLine(Severity.BAD, text, place.devices_href, Trouble.METER, _serials([one]))
        elif status is Status.METER_ISSUE:
            what = "reports a problem" if one.has_issue else "counts backwards"
            text, href = f"{name} {what}.", place.devices_href
            yield HealthLine(Severity.WARN, text, href, Trouble.METER, _serials([one]))


def _batteries(place: Place) -> Iterable[HealthLine]:
    for one in place.active(Kind.BATTERY):
        status, name = place.status(one), device_name(place, one)
        if status is Status.BATTERY:
            text = f"{name} has been silent since {place.since(_last_at(one))}."
            yield HealthLine(
                Severity.WARN, text, place.devices_href, Trouble.BATTERY, _serials([one])
            )
        elif status is Status.STORAGE_IDLE and one.charge_changed_at is not None:
            text = f"{name} has kept the same charge since {place.since(one.charge_changed_at)}."
            yield HealthLine(Severity.NOTE, text, place.devices_href)


def device_name(place: Place, device: Device) -> str:
    """Return what a device is called in a sentence: «The production meter», «Battery 1219…».

    Meters are numbered, in the order of their serial numbers; the one of its kind has no number.
    """
    name = NAMES.get(device.kind, "device")
    alike = [one for one in place.active(*NAMES) if NAMES[one.kind] == name]
    if len(alike) <= 1:
        return f"The {name}"
    if device.kind in METER_KINDS and device in alike:
        return f"{name.capitalize()} {alike.index(device) + 1}"
    return f"{name.capitalize()} {device.serial_number}"


def _calm(place: Place) -> HealthLine:
    """Return the one line of a system with which nothing is wrong."""
    kinds = [Kind.INVERTER] if place.active(Kind.INVERTER) else [*METER_KINDS]
    every = place.active(*kinds)
    lasts = [at for one in every if (at := one.last_report_at()) is not None]
    if not lasts:
        if any(one.kind in UNNAMED_KINDS for one in place.devices):
            return HealthLine(Severity.OK, "Nothing is wrong that imported data could tell.")
        return HealthLine(Severity.NOTE, "Nothing has been reported yet.")
    name = "inverter" if Kind.INVERTER in kinds else "meter"
    oldest_min = -((min(lasts) - place.now) // _MINUTE_S)
    within = next((one for one in _WITHIN if oldest_min <= one), None)
    if within is not None and len(lasts) == len(every):
        last = "hour" if within == _WITHIN[-1] else f"{within} minutes"
        return HealthLine(Severity.OK, f"{_all(len(every), name)} reported within the last {last}.")
    return _last_day(place, lasts, len(every), name=name)


def _last_day(place: Place, lasts: Sequence[int], known: int, *, name: str) -> HealthLine:
    """Return the calm line of a system that rests: how many reported on its last day."""
    last_at = max(lasts)
    day = day_at(place.site, last_at)
    count = sum(day_at(place.site, at) == day for at in lasts)
    who = _all(known, name) if count == known else f"{count} of {known} {name}s"
    when = f"{'on ' if place.today - day > 1 else ''}{place.day(day)}"
    last = f"{local_time(place.site, last_at):%H:%M}"
    severity = Severity.OK if place.now - last_at < place.rules.comm_after_s else Severity.NOTE
    return HealthLine(severity, f"{who} reported {when}, the last at {last}.")


def _all(count: int, name: str) -> str:
    return {1: f"The {name}", 2: f"Both {name}s"}.get(count, f"All {count} {name}s")


def _last_at(device: Device) -> int:
    return device.last_report_at() or 0


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
