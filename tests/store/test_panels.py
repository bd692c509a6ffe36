"""The inverters of a system from the store: recent or packed, whole days and mornings, health."""

from __future__ import annotations

from functools import partial

from relight.model.access import Viewer
from relight.model.clock import DAY_S
from relight.model.devices import Kind
from relight.model.gateways import Polled
from relight.model.panels import Mark
from relight.model.reports import DeviceReport, IntervalReport, Report
from relight.store import gateway_health, gateways, health, panels, viewing
from relight.store.database import Database, Rows, Transaction
from relight.store.gateways import Gateway
from relight.store.panels import PanelDay
from relight.store.viewing import Seen
from tests.factories import NOON_AT, RULES, Site, local_day, site

BERLIN = "Europe/Berlin"
#: 12:00 in Berlin on the same day, and that day.
NOW = NOON_AT - 8 * 3_600
TODAY = local_day(BERLIN, NOW)
WH_J = 3_600


def hours(day: int, serial_number: str, *energies_wh: int) -> list[IntervalReport]:
    """Return what an inverter made in the hours up to noon of *day* and after it."""
    return [
        IntervalReport(
            Kind.INVERTER,
            serial_number,
            1,
            NOW - (TODAY - day) * DAY_S + n * 3_600,
            3_600,
            wh * WH_J,
        )
        for n, wh in enumerate(energies_wh)
    ]


async def roof(store: Database, days: int, **changes: int) -> Site:
    """Return a system of five inverters that made 100 Wh an hour up to noon, 200 after it.

    `I2=60` lets the second one make 60 % on the last three days before today.
    """
    here = await site(store, BERLIN, now=NOW, inverters=5, packed_to_day=TODAY - days - 2)
    reports = []
    for day in range(TODAY - days, TODAY + 1):
        for number in range(1, 6):
            share = changes.get(f"I{number}", 100) if day > TODAY - 4 else 100
            afternoon = () if day == TODAY else (2 * share,)
            reports += hours(day, f"I{number}", share, *afternoon)
    envoy = DeviceReport(kind=Kind.ENVOY, serial_number="E1", reported_at=NOW - 60)
    await here.save(Report(devices=[envoy], intervals=reports))
    return here


async def seen(rows: Rows, here: Site) -> Seen:
    found = await viewing.system(rows, Viewer(1, None, is_admin=True), here.system_id)
    assert found is not None
    return found


async def of_day(here: Site, day: int) -> PanelDay:
    async def question(rows: Rows) -> PanelDay:
        return await panels.of_day(rows, await seen(rows, here), day, NOW)

    return await here.database.read(question)


async def test_a_day_is_the_same_before_and_after_it_is_packed(store: Database):
    here = await roof(store, 3)
    recent = await of_day(here, TODAY - 1)

    await here.close_to(TODAY - 1)

    packed = await of_day(here, TODAY - 1)
    assert (recent.parts, recent.before) == (packed.parts, packed.before)
    assert [one.beside for one in recent.panels] == [one.beside for one in packed.panels]
    assert 5 * [300 * WH_J] == [one.energy_j for one in recent.panels]
    assert {TODAY - 2, TODAY - 3} == recent.before.keys()


async def test_a_day_that_is_not_over_is_compared_with_other_mornings(store: Database):
    here = await roof(store, 12)
    await here.save(Report(intervals=hours(TODAY, "I2", 60)))
    # A correction stands against the report: 60 % of the usual so far.
    await here.correct(hours(TODAY, "I2", 60)[0])
    await here.close_to(TODAY - 1)

    found = await of_day(here, TODAY)

    assert not found.is_over
    assert [Mark.USUAL, Mark.LOW, *[Mark.USUAL] * 3] == [one.mark for one in found.panels]
    assert -40 == round(100 * (found.panels[1].deviation or 0))


async def test_an_inverter_that_was_retired_is_there_on_its_days_alone(store: Database):
    here = await roof(store, 2)
    gone = DeviceReport(kind=Kind.INVERTER, serial_number="I5", retired_at=NOW - 3_000)
    await here.save(Report(devices=[gone]))

    assert 5 == len((await of_day(here, TODAY - 1)).panels)
    assert 4 == len((await of_day(here, TODAY + 1)).panels)


async def refused(tx: Transaction, system_id: int, at: int) -> None:
    await gateway_health.note(tx, system_id, "E1", Polled(at, "no token", is_refused=True))


async def test_what_is_wrong_is_told_from_the_store(store: Database):
    here = await roof(store, 20, I2=60)
    await here.close_to(TODAY - 1)
    gateway = Gateway(here.system_id, "E1", "192.168.1.5", "", NOW - DAY_S)
    await store.write(lambda tx: gateways.add_gateway(tx, gateway))
    for at in (NOW - 3_600, NOW - 60):
        await store.write(partial(refused, system_id=here.system_id, at=at))

    async def question(rows: Rows) -> list[str]:
        told = await health.lines(rows, await seen(rows, here), NOW, RULES)
        return [one.text for one in told]

    assert await store.read(question) == [
        "The gateway at 192.168.1.5 refuses its token or password (since 11:00).",
        "Inverter I2 has made 40\u202f% less than its neighbours suggest for 3 days.",
    ]
