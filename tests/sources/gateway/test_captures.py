"""Real gateways' answers, served on a real socket, collected by the real collector."""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from relight.model.devices import Kind, Source
from tests.sources.gateway import served
from tests.sources.gateway.collecting import Collected, collected, until

METERS = {"P": Kind.PRODUCTION_METER, "N": Kind.NET_METER, "C": Kind.CONSUMPTION_METER}


class Expected(NamedTuple):
    """What a capture holds, counted by hand from its files."""

    inverters: int
    batteries: int
    meters: str  #: P production, N net consumption, C total consumption
    micro_wh: int | None  #: what counters held before collecting
    meter_wh: int | None = None


EXPECTED = {
    "3.17.3": Expected(41, 0, "", 93_706_280),
    "3.8.10": Expected(41, 0, "", 138_475_913),
    "3.9.36": Expected(12, 0, "", 6_012_540),
    "4.10.35": Expected(19, 0, "PN", None, 26_785_327),
    "4.2.27": Expected(0, 0, "", 10_279_087),
    "5.0.49": Expected(40, 0, "", 88_745_376),
    "7.3.130": Expected(12, 0, "PC", 142_373, 3_659_506),
    "7.3.130_no_consumption": Expected(15, 0, "P", None, 4_545_930),
    "7.3.466_metered_disabled_cts": Expected(7, 0, "", 702_919),
    "7.3.517": Expected(22, 3, "PC", 183_353, 19_230_313),
    "7.3.517_legacy_savings_mode": Expected(22, 3, "PC", 183_353, 19_230_313),
    "7.6.114_without_cts": Expected(13, 0, "", 351_236),
    "7.6.175": Expected(13, 0, "", 366_148),
    "7.6.175_standard": Expected(24, 0, "", 174_174),
    "7.6.175_with_cts": Expected(7, 0, "PN", None, 3_183_794),
    "7.6.175_with_cts_3phase": Expected(7, 0, "PN", None, 3_183_794),
    "8.1.41": Expected(44, 2, "PC", 348_363, 1_510_199),
    "8.2.127_with_3cts_and_battery_split": Expected(5, 5, "PN", None, 3_165_834),
    "8.2.4264_metered_noct": Expected(2, 0, "", 32_465_106),
    "8.2.4286_with_3cts_and_battery_split": Expected(35, 5, "PN", None, 13_431_337),
    "8.2.4345_with_device_data": Expected(15, 0, "PN", 1_264_180, 1_243_812),
    "8.2.4382_ACB": Expected(17, 4, "PN", None, 19_213_421),
    "8.3.5167_3rd-pv": Expected(12, 2, "PN", 390_554, 569_123),
    "8.3.5169_ACB_inventory": Expected(3, 2, "PN", 1_708_880, 1_692_971),
    "8.3.5169_with_generator": Expected(20, 0, "PN", 11_764_256, 11_567_966),
}

pytestmark = pytest.mark.skipif(not served.CAPTURES.is_dir(), reason="the captures are not here")


def latest_at(gateway: served.Gateway) -> int:
    """Return the last instant that the inverters and meters of a capture tell."""
    found = [1_600_000_000]

    def look(value: object) -> None:
        if isinstance(value, list):
            for one in value:
                look(one)
        elif isinstance(value, dict):
            for name, one in value.items():
                if name in {"endDate", "lastReportDate", "timestamp", "readingTime"}:
                    found.append(one)
                look(one)

    for status, text in gateway.answers.values():
        if status == 200 and text.lstrip()[:1] in {"[", "{"}:
            look(json.loads(text))
    return max(found)


@pytest.mark.parametrize("name", EXPECTED)
async def test_a_capture_is_collected(name: str, migrated_sqlite: Path, tmp_path: Path):
    expected = EXPECTED[name]
    gateway = served.captured(served.CAPTURES / name)
    async with (
        collected(migrated_sqlite, tmp_path, latest_at(gateway) + 5) as here,
        served.serving(gateway),
    ):
        await here.add(gateway)

        async with here.collecting():
            await here.derived(gateway.serial_number)

        devices = await here.devices()
        kinds = Counter(kind for kind, _ in devices)
        assert (expected.inverters, expected.batteries) == (
            kinds[Kind.INVERTER],
            kinds[Kind.BATTERY],
        )
        assert {METERS[letter] for letter in expected.meters} == kinds.keys() & METERS.values()
        openings = await here.openings_wh()
        assert expected.meter_wh == openings.get(Source.METER)
        assert_near(expected.micro_wh, openings.get(Source.MICRO), await reported_wh(here))


async def reported_wh(here: Collected) -> int:
    """Return what the first poll's intervals hold. [Wh]"""
    rows = await here.database.read(lambda rows: rows.all("SELECT energy_j FROM interval"))
    return int(sum(energy_j for (energy_j,) in rows)) // 3_600


def assert_near(expected: int | None, opening: int | None, reported: int) -> None:
    """Counters are told to the joule or to the Wh, so sums may be one off."""
    if expected is None:
        assert opening is None
    else:
        assert opening is not None
        assert abs(expected - opening - reported) <= 1


async def test_firmware_without_json_is_told_of(
    migrated_sqlite: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    gateway = served.captured(served.CAPTURES / "3.7.0")
    async with (
        collected(migrated_sqlite, tmp_path, 1_700_000_000) as here,
        served.serving(gateway),
    ):
        await here.add(gateway)

        async with here.collecting():
            await until(lambda: "firmware 3.7.0 answers no energy or power" in caplog.text)
