"""`GET /ingest/v1/changes` and `/ingest/v1/days`: what a report key reads of what it covers."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from relight.model.access import key_digest, new_report_key
from relight.model.change_tokens import place, token
from relight.model.devices import Source
from relight.model.reports import DayTotal, Report
from relight.store import administration, administration_keys, administration_systems, reports
from relight.store.administration import NewReportKey, NewSystem
from relight.store.database import open_database
from tests.crash.processes import base_url, started
from tests.factories import RULES, interval, reading
from tests.serving import NOON, SYSTEM, Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx2

    from relight.store.database import Transaction

KEY = new_report_key(lambda count: b"1" * count)
OTHER = new_report_key(lambda count: b"2" * count)
CHANGES, DAYS = "/ingest/v1/changes", "/ingest/v1/days"
NOT_AUTHORIZED = {"reason": "401", "message": ["Not authorized to access requested resource."]}
DOCUMENT = Path(__file__).parents[2] / "docs" / "replication.md"


@pytest.fixture
async def house(api: Server) -> Server:
    """Serve systems 67 and 68, each with a key and an interval at noon of 21 January 2022."""
    for system_id, key in ((SYSTEM, KEY), (68, OTHER)):
        await api.add_system(system_id)
        await add_key(api, key, system_id)
        await api.save(interval("I1", NOON, 7_200), system_id)
    return api


async def add_key(api: Server, key: str, *system_ids: int) -> None:
    new = NewReportKey(name=key[-9:], key=key, system_ids=system_ids)
    await api.store.write(lambda tx: administration.add_report_key(tx, new, NOON))


async def ask(
    api: Server, path: str, *, key: str = KEY, method: str = "GET", **params: Any
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return await api.client.request(method, path, headers=headers, params=params)


async def test_what_changed_is_told_once(house: Server) -> None:
    first = (await ask(house, CHANGES)).json()
    again = (await ask(house, CHANGES, after=first["next"])).json()
    await house.save(interval("I1", NOON + 300, 60))
    third = (await ask(house, CHANGES, after=again["next"])).json()

    day = {"system_id": SYSTEM, "source": "micro", "day": "2022-01-21"}
    assert ([day], True) == (first["changes"], first["is_last"])
    assert [] == again["changes"]
    assert [day] == third["changes"]


async def test_pages_of_changes_follow_one_another(house: Server) -> None:
    for number in range(1, 4):
        await house.save(interval("I1", NOON - number * 86_400, 60))

    days, after, is_last = [], "", False
    while not is_last:
        page = (await ask(house, CHANGES, after=after, limit=1)).json()
        days += [one["day"] for one in page["changes"]]
        after, is_last = page["next"], page["is_last"]

    assert ["2022-01-21", "2022-01-20", "2022-01-19", "2022-01-18"] == days


async def test_a_system_that_goes_is_told_of_even_as_the_last_one(house: Server) -> None:
    first = (await ask(house, CHANGES)).json()

    async def remove(tx: Transaction) -> None:
        await administration_systems.remove_system(tx, SYSTEM)

    await house.store.write(remove)
    page = (await ask(house, CHANGES, after=first["next"])).json()

    assert [{"system_id": SYSTEM, "removed": True}] == page["changes"]
    assert 401 == (await ask(house, DAYS, system_id=SYSTEM, start_date="2022-01-21")).status_code


async def test_a_day_is_answered_slot_by_slot(house: Server) -> None:
    meter = reading("M1", NOON - 900, 3_600), reading("M1", NOON, 10_800)
    for one in (*meter, Report(day_totals=[DayTotal(Source.CONSUMPTION, 18_990, 12_345)])):
        await house.save(one)

    found = (
        await ask(house, DAYS, system_id=SYSTEM, start_date="2021-12-29", end_date="2022-01-21")
    ).json()

    micro, meter_day, total = found["days"]
    (line,), (metered,) = micro["lines"], meter_day["lines"]
    place_at = (NOON - micro["first_end_at"]) // micro["step_s"]
    assert SYSTEM == found["system_id"]
    assert ("micro", "2022-01-21", 300) == (micro["source"], micro["day"], micro["step_s"])
    assert (7_200, "l", 1) == (
        line["energies_j"][place_at], line["states"][place_at], line["devices"][place_at],
    )  # fmt: skip
    assert {"-"} == set(line["states"].replace("l", "", 1))
    assert 288 == len(line["states"]) == len(line["energies_j"]) == len(line["devices"])
    assert (None, 0) == (line["serial_number"], line["channel"])
    assert ("meter", 900, "M1") == (
        meter_day["source"], meter_day["step_s"], metered["serial_number"],
    )  # fmt: skip
    assert 7_200 == sum(metered["energies_j"])
    assert ("consumption", "2021-12-29", 12_345, []) == (
        total["source"], total["day"], total["imported_wh"], total["lines"],
    )  # fmt: skip


async def test_a_source_is_picked(house: Server) -> None:
    asked: dict[str, Any] = {"system_id": SYSTEM, "start_date": "2022-01-21"}

    found = [
        len((await ask(house, DAYS, **asked, source=source)).json()["days"])
        for source in ("micro", "meter", "consumption")
    ]

    assert [1, 0, 0] == found


async def test_a_key_hears_of_its_own_systems_alone(house: Server) -> None:
    mine = (await ask(house, CHANGES)).json()
    theirs = (await ask(house, CHANGES, key=OTHER)).json()
    await house.save(interval("I1", NOON + 300, 60), 68)
    later = (await ask(house, CHANGES, after=mine["next"])).json()
    days = [
        await ask(house, DAYS, system_id=asked, start_date="2022-01-21")
        for asked in (68, 99, "x", 2**70)
    ]

    assert [SYSTEM] == [one["system_id"] for one in mine["changes"]]
    assert [68] == [one["system_id"] for one in theirs["changes"]]
    assert [] == later["changes"]
    assert [(401, NOT_AUTHORIZED)] * 4 == [(one.status_code, one.json()) for one in days]


async def test_a_token_is_of_one_key_and_one_store(house: Server) -> None:
    mine = (await ask(house, CHANGES)).json()["next"]
    garbled = [
        *(mine[:at] + ("A" if mine[at] != "A" else "B") + mine[at + 1 :] for at in range(64)),
        mine[:-1], mine + "A", "x", "é" * 64, "=" * 64, "A" * 64,
    ]  # fmt: skip

    refused = [await ask(house, CHANGES, after=one) for one in garbled]
    refused.append(await ask(house, CHANGES, key=OTHER, after=mine))

    reason = "after is no token of this store and this report key: begin anew without it"
    assert {(422, reason)} == {(one.status_code, one.json()["message"]) for one in refused}


async def test_a_key_that_covers_more_hears_what_was_there_before(house: Server) -> None:
    first = (await ask(house, CHANGES)).json()

    async def cover(*system_ids: int) -> list[dict[str, Any]]:
        name = KEY[-9:]
        await house.store.write(
            lambda tx: administration_keys.set_report_key(
                tx, name, name=None, system_ids=system_ids
            )
        )
        page = (await ask(house, CHANGES, after=first["next"])).json()
        found: list[dict[str, Any]] = page["changes"]
        return found

    more, fewer = await cover(SYSTEM, 68), await cover(SYSTEM)

    assert [{"system_id": 68, "source": "micro", "day": "2022-01-21"}] == more
    assert [{"system_id": 68, "removed": True}] == fewer


@pytest.mark.parametrize("path", [CHANGES, DAYS])
async def test_without_a_key_it_is_401_and_other_methods_are_405(house: Server, path: str) -> None:
    bare = await house.client.get(path)
    unknown = await ask(
        house,
        path,
        key=new_report_key(lambda count: b"9" * count),
        system_id=SYSTEM,
        start_date="2022-01-21",
    )
    posted = await ask(house, path, method="POST")
    head = await ask(house, path, method="HEAD", system_id=SYSTEM, start_date="2022-01-21")

    assert [401, 401] == [bare.status_code, unknown.status_code]
    assert "Bearer" == bare.headers["www-authenticate"]
    assert (405, "GET, HEAD") == (posted.status_code, posted.headers["allow"])
    assert (200, b"") == (head.status_code, head.content)
    assert "no-store" == head.headers["cache-control"]
    assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("path", "params", "named"),
    [
        (CHANGES, {"limit": "0"}, "limit"),
        (CHANGES, {"limit": "10001"}, "limit"),
        (CHANGES, {"limit": "many"}, "limit"),
        (DAYS, {"start_date": "2022-01-21"}, "system_id"),
        (DAYS, {"system_id": 67}, "start_date"),
        (DAYS, {"system_id": 67, "start_date": "yesterday"}, "yesterday"),
        (DAYS, {"system_id": 67, "start_date": "2022-01-21", "end_date": "2022-01-20"}, "end_date"),
        (DAYS, {"system_id": 67, "start_date": "2022-01-21", "end_date": "2022-02-21"}, "end_date"),
        (DAYS, {"system_id": 67, "start_date": "2022-01-21", "source": "sun"}, "source"),
    ],
)
async def test_what_cannot_be_understood_is_422_and_names_the_field(
    house: Server, path: str, params: dict[str, Any], named: str
) -> None:
    response = await ask(house, path, **params)

    assert 422 == response.status_code
    assert named in response.text


def test_a_token_shows_nothing_and_is_the_same_for_the_same_place() -> None:
    seal, reader = b"s" * 32, key_digest("reader")

    for at in ((-1, 0, 0, 0), (2**40, 67, 2, 19_000)):
        text = token(at, seal, reader)
        assert text == token(at, seal, reader)
        assert at == place(text, seal, reader)
        assert place(text, b"t" * 32, reader) is None
        assert place(text, seal, key_digest("another")) is None


@pytest.mark.untraced
async def test_the_program_of_the_document_keeps_a_copy(store_url: str, tmp_path: Path) -> None:
    program = tmp_path / "keep_copy.py"
    (text,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    program.write_text(text)
    store = await open_database(store_url)

    async def furnish(tx: Transaction) -> None:
        new = NewSystem(name="Roof", timezone="Europe/Berlin", system_id=SYSTEM)
        await administration.add_system(tx, new, NOON, RULES)
        key = NewReportKey(name="copy", key=KEY, system_ids=(SYSTEM,))
        await administration.add_report_key(tx, key, NOON)

    await store.write(furnish)
    words = ("serve", "--port", "0", "--data", str(tmp_path / "data"), "--database", store_url)
    with started("relight", *words, log=tmp_path / "log") as process:
        environ = {**os.environ, "RELIGHT_URL": base_url(process), "RELIGHT_KEY": KEY}

        def run() -> dict[str, Any]:
            subprocess.run([sys.executable, str(program)], cwd=tmp_path, env=environ, check=True)
            found: dict[str, Any] = msgspec.json.decode((tmp_path / "copy.json").read_bytes())
            days: dict[str, Any] = found["days"]
            return days

        await store.write(_saving(NOON))
        first = await asyncio.to_thread(run)
        await store.write(_saving(NOON + 300))
        second = await asyncio.to_thread(run)
        await store.write(lambda tx: administration_systems.remove_system(tx, SYSTEM))
        third = await asyncio.to_thread(run)
    await store.close()

    name = "67/micro/2022-01-21"
    assert [60, 120, 0] == [
        sum(found[name]["lines"][0]["energies_j"]) if found else 0
        for found in (first, second, third)
    ]


def _saving(at: int) -> Callable[[Transaction], Awaitable[None]]:
    async def save(tx: Transaction) -> None:
        await reports.save(tx, SYSTEM, interval("I1", at, 60), now=at)

    return save
