"""Reports of every sort around a moment, for hypothesis: what a roof and its files could tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from relight.model.clock import day_at, day_start_at, zone
from relight.model.devices import SOURCE_OF, STEP_S, Kind, Source
from relight.model.energy import Origin
from relight.model.odometers import Register
from relight.model.reports import (
    DayColumn,
    DayTotal,
    IntervalReport,
    ReadingReport,
    Report,
)

DAY_S = 86_400


def examples(number: int) -> settings:
    """Return settings for *number* examples, and as many times more in `make soak`."""
    profile = settings.get_profile(settings.get_current_profile_name())
    return settings(
        max_examples=max(1, number * profile.max_examples // 100),
        suppress_health_check=[
            *profile.suppress_health_check,
            # A store is shared by all examples: each has a system of its own in it.
            HealthCheck.function_scoped_fixture,
        ],
    )


#: A place, and a moment there at which something happens to the clocks.
MOMENTS = (
    ("America/Los_Angeles", 1_710_064_800),  # 2024-03-10, 23 hours
    ("America/New_York", 1_730_613_600),  # 2024-11-03, 25 hours
    ("Europe/Berlin", 1_711_846_800),  # 2024-03-31, 23 hours
    ("Australia/Adelaide", 1_712_421_000),  # 2024-04-07, 25 hours, half an hour off
    ("Australia/Lord_Howe", 1_712_415_600),  # 2024-04-07, 24½ hours
    ("Asia/Kolkata", 1_704_047_400),  # 2024-01-01, a new year
    ("America/Sao_Paulo", 1_541_300_400),  # 2018-11-04, which begins at 01:00
    ("Pacific/Apia", 1_325_239_200),  # 2011-12-30, which never was
    ("America/St_Johns", 1_289_097_060),  # 2010-11-07, whose clocks went back at 00:01
    ("Europe/London", 3 * DAY_S),  # January 1970
)
INVERTERS = tuple((Kind.INVERTER, f"I{n}") for n in range(3))
METERS = (
    (Kind.PRODUCTION_METER, "P1"),
    (Kind.PRODUCTION_METER, "P2"),
    (Kind.NET_METER, "N1"),
    (Kind.CONSUMPTION_METER, "C1"),
)
UNNAMED = (
    (Kind.UNNAMED_INVERTERS, ""),
    (Kind.UNNAMED_PRODUCTION_METERS, ""),
    (Kind.UNNAMED_CONSUMPTION_METERS, ""),
)
if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.factories import Site

Devices = tuple[tuple[Kind, str], ...]
EVERYBODY: Devices = INVERTERS + METERS + UNNAMED


@dataclass(frozen=True, slots=True)
class Place:
    """Where reports come from, and around which moment."""

    timezone: str
    at: int

    @property
    def day(self) -> int:
        return day_at(zone(self.timezone), self.at)


PLACES = st.sampled_from([Place(*one) for one in MOMENTS])

_NEAR_S = st.one_of(
    st.integers(-40, 40).map(lambda n: n * 900),
    st.integers(-30, 30).map(lambda n: n * 300),
    st.integers(-2 * DAY_S, 2 * DAY_S),
    st.integers(-4_000, 4_000),
)
_FAR_S = st.sampled_from([n * DAY_S + off for n in (-40, -2, 3, 35, 70) for off in (0, 450, 777)])
_DURATIONS_S = st.one_of(
    st.sampled_from([300, 300, 900, 900, 905, 1, 60, 1_800, 43_200, DAY_S - 1, DAY_S]),
    st.integers(1, 4_000),
    st.integers(1, DAY_S),
)
_ENERGIES_J = st.one_of(st.integers(0, 5), st.integers(0, 2_000_000), st.just(0))
_COUNTERS_J = st.one_of(
    st.integers(0, 50_000),
    st.integers(0, 5_000_000_000),
    st.integers(2**32 - 5_000, 2**32 + 5_000),
)


def _instants(place: Place, *, may_be_far: bool) -> st.SearchStrategy[int]:
    near = _NEAR_S.map(lambda off_s: max(place.at + off_s, 2 * DAY_S))
    if not may_be_far:
        return near
    far = _FAR_S.map(lambda off_s: max(place.at + off_s, 2 * DAY_S))
    return st.one_of(near, near, near, far)


@st.composite
def _interval(draw: st.DrawFn, place: Place, among: Devices) -> IntervalReport:
    kind, serial_number = draw(st.sampled_from(among))
    energy_j = draw(_ENERGIES_J)
    if kind is Kind.NET_METER and draw(st.booleans()):
        energy_j = -energy_j
    is_unnamed = (kind, serial_number) in UNNAMED
    return IntervalReport(
        kind,
        serial_number,
        draw(st.integers(1, 2)),
        draw(_instants(place, may_be_far=True)),
        draw(_DURATIONS_S),
        energy_j,
        draw(st.integers(1, 20)) if is_unnamed else 1,
    )


@st.composite
def _reading(draw: st.DrawFn, place: Place, among: Devices) -> ReadingReport:
    kind, serial_number = draw(st.sampled_from(among))
    return ReadingReport(
        kind,
        serial_number,
        draw(st.sampled_from([0, 1, 1, 2])),
        draw(_instants(place, may_be_far=True)),
        draw(_COUNTERS_J),
        draw(st.sampled_from(Register)),
        draw(st.one_of(st.none(), st.integers(-5_000, 5_000))),
    )


@st.composite
def columns(draw: st.DrawFn, place: Place, among: Devices = EVERYBODY) -> DayColumn:
    """Return one device's regular intervals within one local day, on its source's grid."""
    kind, serial_number = draw(st.sampled_from(among))
    step_s = STEP_S[SOURCE_OF[kind]]
    day = draw(st.integers(-2, 2)) + place.day
    site = zone(place.timezone)
    start_at, end_at = day_start_at(site, day), day_start_at(site, day + 1)
    if end_at == start_at:  # a day that was skipped
        day += 1
        end_at = day_start_at(site, day + 1)
    first = -(-start_at // step_s) + 1
    first = draw(st.integers(first, end_at // step_s))
    most = min(end_at // step_s - first + 1, 40)
    energies_j = draw(st.lists(_ENERGIES_J, min_size=1, max_size=most))
    channel = draw(st.integers(1, 2))
    return DayColumn(kind, serial_number, channel, day, step_s, first * step_s, energies_j)


@st.composite
def report(draw: st.DrawFn, place: Place, among: Devices = EVERYBODY) -> Report:
    """Return one report of some devices of *among*."""
    meters = tuple(one for one in among if one in METERS)
    day_total = st.builds(
        DayTotal,
        st.sampled_from(Source),
        st.integers(-3, 3).map(lambda n: place.day + n),
        st.integers(0, 40_000),
    )
    return Report(
        origin=draw(st.sampled_from([Origin.REPORT, Origin.REPORT, Origin.FILE])),
        intervals=draw(st.lists(_interval(place, among), max_size=4)),
        readings=draw(st.lists(_reading(place, meters), max_size=4)) if meters else (),
        columns=draw(st.lists(columns(place, among), max_size=1)),
        day_totals=draw(st.lists(day_total, max_size=1)),
    )


@dataclass(frozen=True, slots=True)
class Close:
    """Days close up to this one."""

    day: int


@st.composite
def stories(draw: st.DrawFn, among: Devices = EVERYBODY) -> tuple[Place, list[Report | Close]]:
    """Return a place and what happens there in turn: reports, and days that close."""
    place = draw(PLACES)
    devices = draw(st.lists(st.sampled_from(among), min_size=1, max_size=4, unique=True))
    close = st.integers(-3, 4).map(lambda n: Close(place.day + n))
    told = report(place, tuple(devices))
    steps = draw(st.lists(st.one_of(told, told, told, close), min_size=1, max_size=6))
    return place, steps


async def tell(site: Site, steps: Iterable[Report | Close]) -> None:
    """Tell *site* what happens in turn."""
    for step in steps:
        if isinstance(step, Close):
            await site.close_to(step.day)
        else:
            await site.save(step)
