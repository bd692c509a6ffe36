"""Every error that Relight raises on purpose, one tree. A leaf: imports nothing of Relight.

RelightError
├── RequestError             a refused API call; `api.refusals` alone turns it into a v2 body
│   ├── NotPermitted         401
│   ├── NotFound             404  an unknown path
│   │   ├── SystemNotFound   404  the path names a system that does not exist
│   │   └── EnvoyNotFound    404  a serial number that names no envoy the caller may see
│   ├── MethodNotAllowed     405
│   ├── QuotaSpent           409
│   ├── BadParameter         422  a sentence that names the parameter
│   │   ├── UnreadableDate   422  a date or an instant that cannot be read
│   │   ├── FutureDate       422  `summary_date` after today
│   │   ├── BadInstants      422  a range of intervals that the system does not have
│   │   ├── BadDays          422  a range of days that the system does not have
│   │   ├── SiteNotFound     422  `site_id` names no system
│   │   └── MissingParameter 422  nothing given where something must be
│   ├── NotOffered           501  what this store cannot answer, whoever asks
│   ├── TooBusy              503  too many calls of one application at once
│   └── DataUnavailable      503  the store does not answer, or not in time
├── StoreError               the store cannot be opened or used; one line for the operator
│   ├── StoreUnreadable      not a store, damaged, or not ours to open
│   ├── OlderSchema          to be migrated first
│   ├── NewerSchema          written by a later Relight
│   ├── StoreNotEmpty        a store that another is to be put into, which holds something already
│   └── BackupUnreadable     a backup that is damaged, is none, or does not fit
├── GatewayError             a gateway that does not answer, or tells nothing that can be used
│   └── GatewayRefuses       a token or a password that a gateway, or the vendor, does not take
├── NotSent                  a message that a mail server or a webhook did not take
├── SetupError               an option, a file or a port that the server cannot start with
├── BadZone                  a name that is no time zone
├── BadInput                 a place in a file or a report that cannot be taken, and why
├── NotKnown                 an administrator named what does not exist
└── AlreadyKnown             an administrator added what exists
"""

# ruff: noqa: N818 - the names say what happened; the base class says that it is an error
from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class RelightError(Exception):
    """Anything that Relight raises on purpose; its text is one line without secrets."""


class RequestError(RelightError):
    """An API call that is refused with *status*."""

    status: ClassVar[int] = 500


class NotPermitted(RequestError):
    """Refuse a key, a user, a system or consumption data that the caller may not use."""

    status = 401


class NotFound(RequestError):
    """Refuse a path that leads nowhere."""

    status = 404


class SystemNotFound(NotFound):
    """Refuse a system that does not exist; *asked* is the path's text, a number or not."""

    def __init__(self, asked: str) -> None:
        super().__init__(f"no system {asked!r}")
        self.asked = asked


class EnvoyNotFound(NotFound):
    """Refuse a serial number of an unknown, retired or invisible envoy."""


class MethodNotAllowed(RequestError):
    """Refuse a method other than GET and HEAD."""

    status = 405


class QuotaSpent(RequestError):
    """Refuse a call over the limit of the application's plan."""

    status = 409

    def __init__(
        self, plan: str, period: str, *, period_start_at: int, period_end_at: int, limit: int
    ) -> None:
        super().__init__(f"plan {plan}: {limit} a {period} are used up")
        self.plan = plan
        self.period = period  #: `minute` or `month`
        self.period_start_at = period_start_at
        self.period_end_at = period_end_at
        self.limit = limit


class BadParameter(RequestError):
    """Refuse a parameter; the text is a sentence that names it and is shown to the caller."""

    status = 422


class UnreadableDate(BadParameter):
    """Refuse *text*, in which no existing date or no instant can be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"no date or instant in {text[:64]!r}")
        self.text = text


class FutureDate(BadParameter):
    """Refuse a `summary_date` after the site's today."""


class BadInstants(BadParameter):
    """Refuse a range of stats; `zone` is the site's, in which a body may show the instants."""

    def __init__(
        self,
        *,
        zone: ZoneInfo,
        start_at: int,
        end_at: int,
        first_interval_at: int | None,
        last_interval_at: int | None,
    ) -> None:
        super().__init__(f"no intervals in ({start_at}, {end_at}]")
        self.zone = zone
        self.start_at = start_at
        self.end_at = end_at
        self.first_interval_at = first_interval_at  #: end of the first interval ever, or None
        self.last_interval_at = last_interval_at


class BadDays(BadParameter):
    """Refuse a range of days, both included; `zone` is the site's."""

    def __init__(self, *, zone: ZoneInfo, start_day: int, end_day: int) -> None:
        super().__init__(f"no days {start_day} to {end_day}")
        self.zone = zone
        self.start_day = start_day
        self.end_day = end_day


class SiteNotFound(BadParameter):
    """Refuse a `site_id` that names no system; *asked* is its text."""

    def __init__(self, asked: str) -> None:
        super().__init__(f"no site {asked!r}")
        self.asked = asked


class MissingParameter(BadParameter):
    """Refuse a call without a needed parameter; the text is shown in `errorMessages`."""


class NotOffered(RequestError):
    """Refuse what this store cannot answer; the text is shown to the caller."""

    status = 501


class TooBusy(RequestError):
    """Refuse a call beyond the number that one application may have under way."""

    status = 503


class DataUnavailable(RequestError):
    """Refuse a call because the store does not answer, or not in time."""

    status = 503


class StoreError(RelightError):
    """A store that cannot be opened or used."""


class StoreUnreadable(StoreError):
    """A store that is damaged, is none, or may not be opened by this user."""


class OlderSchema(StoreError):
    """The store is to be migrated before it can be used."""


class NewerSchema(StoreError):
    """A store that a later Relight wrote: *found* is its schema, *known* the newest known here."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the store has schema {found}, this version of Relight knows up to {known}: "
            "install a newer Relight"
        )
        self.found = found
        self.known = known


class StoreNotEmpty(StoreError):
    """A store that another one was to be put into holds something already."""


class BackupUnreadable(StoreError):
    """A backup that is damaged, is none, or does not fit the store or this version."""


class GatewayError(RelightError):
    """A gateway that cannot be reached, or that tells nothing that can be used."""


class GatewayRefuses(GatewayError):
    """A token or a password that a gateway, or whoever gives tokens out, does not take."""


class NotSent(RelightError):
    """Refuse to take a message for sent; the text names the way, and no address or password."""


class SetupError(RelightError):
    """An option, a file or a port that the server cannot start with."""


class BadZone(RelightError):
    """A name that is no time zone."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown time zone {name[:64]!r}")
        self.name = name


class BadInput(RelightError):
    """Something that cannot be taken: *place* is a line or a field's path, *reason* a sentence."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class NotKnown(RelightError):
    """Something named by an administrator that does not exist."""


class AlreadyKnown(RelightError):
    """Something added by an administrator that exists already."""
