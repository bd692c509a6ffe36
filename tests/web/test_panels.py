"""The pages of a system's inverters and devices, as a browser without scripts sees them."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from relight.model.clock import DAY_S
from relight.model.devices import Kind
from relight.model.gateways import Polled
from relight.model.reports import DeviceReport, IntervalReport, Report
from relight.store import gateway_health, gateways, reports
from relight.store.gateways import Gateway
from tests.serving import NOON
from tests.web.browsing import ADMIN, OWNER

if TYPE_CHECKING:
    from relight.store.database import Transaction
    from tests.web.browsing import Site

SYSTEM = 67
LOS_ANGELES = "America/Los_Angeles"
#: 10:00 in Los Angeles.
MORNING = NOON - 2 * 3_600
WH_J = 3_600


async def furnish(site: Site) -> None:
    """Add a system of five inverters that made 300 Wh on each of eleven mornings, the last today.

    The second one made 150 Wh today, the third has been silent for three days, a sixth is retired.
    """
    await site.add_system(SYSTEM, timezone=LOS_ANGELES)
    rows = []
    for back in range(10, -1, -1):
        for number in range(1, 6):
            if number == 3 and back < 3:
                continue
            energy_wh = 150 if (number, back) == (2, 0) else 300
            end_at = MORNING - back * DAY_S
            rows.append(
                IntervalReport(Kind.INVERTER, f"I{number}", 1, end_at, 7_200, energy_wh * WH_J)
            )
    devices = [
        DeviceReport(kind=Kind.ENVOY, serial_number="E1", reported_at=NOON - 60),
        DeviceReport(kind=Kind.CONSUMPTION_METER, serial_number="E1EIM2", manufacturer="<b>"),
        DeviceReport(kind=Kind.INVERTER, serial_number="I6", retired_at=NOON - DAY_S),
    ]
    report = Report(devices=devices, intervals=rows)
    save = partial(reports.save, system_id=SYSTEM, report=report, now=NOON)
    await site.store.write(save)


async def test_inverters_are_shown_beside_their_neighbours(site: Site) -> None:
    await furnish(site)
    await site.sign_in(OWNER)

    page = await site.get(f"/systems/{SYSTEM}/panels")

    assert 200 == page.status_code
    assert "5 inverters made" in page.text
    assert re.search(r"I2</span>.*?50\u202f%.*?150.*?50\u202f% below usual", page.text, re.DOTALL)
    assert re.search(r"I3</span>.*?–.*?no report.*?silent", page.text, re.DOTALL)
    assert "Inverter I3 has been silent since Tuesday." in page.text
    assert "I6" not in page.text


async def test_the_table_is_sorted_and_the_chart_told_without_scripts(site: Site) -> None:
    await furnish(site)
    await site.sign_in(OWNER)

    sorted_page = await site.get(f"/systems/{SYSTEM}/panels", sort="energy")
    table = sorted_page.text.partition('id="table"')[2]
    hours = await site.get(f"/systems/{SYSTEM}/panels", day="2022-01-20", table="1")

    assert ["I2", "I1", "I4", "I5", "I3"] == re.findall(r">(I\d)</a>", table)
    assert ["09:00", "10:00"] == re.findall(r'<th scope="col" class="num">(\d\d:00)<', hours.text)
    assert "Thu 20 Jan 2022" in hours.text


async def test_one_inverter_has_its_day_its_month_and_its_facts(site: Site) -> None:
    await furnish(site)
    await site.sign_in(OWNER)

    page = await site.get(f"/systems/{SYSTEM}/panels/5")

    assert 200 == page.status_code
    assert "50\u202f% of the middle one of 3 neighbours" in page.text
    assert "Usually that is 100\u202f% by this time" in page.text
    assert (
        '<dd><span class="value">3.15</span>&nbsp;<span class="unit">kWh</span></dd>' in page.text
    )
    assert 404 == (await site.get(f"/systems/{SYSTEM}/panels/999")).status_code
    assert 400 == (await site.get(f"/systems/{SYSTEM}/panels/5?day=never")).status_code


async def test_devices_are_listed_with_their_status_and_how_gateways_answer(site: Site) -> None:
    await furnish(site)

    async def collect(tx: Transaction) -> None:
        await gateways.add_gateway(tx, Gateway(SYSTEM, "E1", "192.168.1.5", "", NOON - DAY_S))
        polled = Polled(NOON - 60, "no answer in time", waiting_bytes=2_048)
        await gateway_health.note(tx, SYSTEM, "E1", polled)

    await site.store.write(collect)
    await site.sign_in(OWNER)

    page = (await site.get(f"/systems/{SYSTEM}/devices")).text

    gateway = r"192\.168\.1\.5.*?Does not answer.*?no answer in time.*?2\.0 KiB"
    assert re.search(gateway, page, re.DOTALL)
    assert re.search(r"I3</a>.*?Silent.*?3 days ago", page, re.DOTALL)
    assert re.search(r"1 retired.*?I6</a>", page, re.DOTALL)
    assert "Never reported" in page


async def test_a_system_of_others_and_an_empty_one(site: Site) -> None:
    await furnish(site)
    await site.add_user(8)
    await site.sign_in(8)
    pages = [f"/systems/{SYSTEM}/{page}" for page in ("panels", "panels/5", "devices")]

    assert [404] * 3 == [(await site.get(page)).status_code for page in pages]

    await site.add_system(68)
    await site.sign_in(ADMIN)
    assert "No inverters" in (await site.get("/systems/68/panels")).text
    assert "Nothing has been reported yet." in (await site.get("/systems/68/devices")).text
