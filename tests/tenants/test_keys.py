"""A key is good for what it was given for: for its systems, for writing or for asking, and once.

Random keys, random coverage, random changes of it; what a key does not cover stays, row by row, as
it was, and nothing of it is told.
"""

from __future__ import annotations

import gzip
import json
import os
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from relight.api.app import REPORTS
from relight.api.changes import CHANGES, DAYS
from relight.api.native_reports import REPORT, TASK
from relight.model.access import user_code
from relight.store import schema
from tests import native
from tests.serving import NOON
from tests.tenants.asking import API, look
from tests.tenants.changing import CHANGES_OF_KEYS, change
from tests.tenants.village import APPS, KEYS, WITNESS, village

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

    from relight.store.database import Database, Row, Rows
    from tests.tenants.village import Village

VILLAGES: Final = max(1, int(os.environ.get("RELIGHT_TEST_ROUNDS", "5")) // 5)
SENT: Final = 24

pytestmark = [pytest.mark.soak, pytest.mark.parametrize("seed", range(VILLAGES))]


async def rows_of(of: Village, but: set[int]) -> dict[str, list[Row]]:
    """Return every row about a system, but for those of some, and of what counts calls."""

    async def question(rows: Rows) -> dict[str, list[Row]]:
        found = {}
        for table in await schema.tables(rows, of.store.dialect):
            if any(one.name == "system_id" for one in table.columns) and table.name != "audit":
                sql = f"SELECT * FROM {table.name} WHERE NOT system_id IN :but[]"
                told = await rows.all(sql, but=sorted(but))
                found[table.name] = sorted((tuple(row) for row in told), key=repr)
        return found

    return await of.store.read(question)


def any_report(of: Village) -> dict[str, Any]:
    """Return a report that says it is any system's, by any of the ways there are."""
    roof, other, random = of.random.choice(of.roofs), of.random.choice(of.roofs), of.random
    at = NOON - 300 * random.randrange(12)
    serial = random.choice([roof.envoy, f"9{random.randrange(10**6)}"])
    told: dict[str, Any] = {
        "inverter_intervals": [
            {"serial_number": serial, "end_at": at, "duration_s": 300, "energy_j": 5}
        ],
        "devices": [{"serial_number": other.envoy, "type": "envoy"}],
    }
    if random.random() < 0.5:
        told["system_id"] = roof.system_id
    if random.random() < 0.7:
        told |= {"envoy": random.choice([roof, other]).envoy, "reported_at": NOON}
    return told


async def send_anything(of: Village, key: str) -> httpx2.Response:
    """Send a report, some reports, or a legacy gateway's, in any of the forms they may have."""
    headers = {"authorization": f"Bearer {key}"}
    form = of.random.choice(["one", "list", "lines", "packed", "native"])
    if form == "native":
        xml = native.report(
            native.envoy(serial_num=of.random.choice(of.roofs).envoy),
            native.interval(end_date=NOON - 600),
            native.device(),
            reported_at=NOON,
        )
        return await of.client.post(REPORT, content=native.packed(xml), headers=headers)
    many = [any_report(of) for _ in range(1 if form == "one" else of.random.randrange(1, 6))]
    if form == "lines":
        headers["content-type"] = "application/x-ndjson"
        body = b"\n".join(json.dumps(one).encode() for one in many)
    else:
        body = json.dumps(many[0] if form == "one" else many).encode()
    if form == "packed":
        headers["content-encoding"], body = "gzip", gzip.compress(body)
    return await of.client.post(REPORTS, content=body, headers=headers)


async def test_a_report_key_writes_to_its_own_systems_only(
    seed: int, store: Database, store_url: str, tmp_path: Path
) -> None:
    async with village(Random(seed), store, store_url, tmp_path) as of:
        await look(of)
        taken = 0
        for _ in range(SENT):
            name = of.random.choice(KEYS)
            covers = of.rights.covers[name]
            before = await rows_of(of, covers)

            answer = await send_anything(of, of.report_keys[name])

            assert before == await rows_of(of, covers), (name, answer.text)
            assert set() == of.leaks(answer, covers)
            taken += answer.status_code == 200
            if of.random.random() < 0.3:
                await change(of)
        assert taken


async def test_a_key_to_ask_with_writes_nothing_and_one_to_write_with_reads_no_answer(
    seed: int, store: Database, store_url: str, tmp_path: Path
) -> None:
    async with village(Random(seed), store, store_url, tmp_path) as of:
        old = of.report_keys["one"], of.app_keys[APPS[0]]
        while old[0] == of.report_keys["one"] or old[1] == of.app_keys[APPS[0]]:
            await change(of, CHANGES_OF_KEYS)
        await look(of)
        before = await rows_of(of, set())
        body = json.dumps({"system_id": of.roofs[0].system_id, "envoy": of.roofs[0].envoy})
        no_writers = [*of.app_keys.values(), *old, user_code(WITNESS), "", "x"]

        for key in no_writers:
            for form in (f"Bearer {key}", f"Basic {key}", key):
                headers = {"authorization": form}
                for path in (REPORTS, REPORT, TASK):
                    answer = await of.client.post(path, content=body, headers=headers)
                    assert answer.status_code == 401, (path, form)
                days = f"{DAYS}?system_id={of.roofs[0].system_id}&start_date=2022-01-21"
                for path in (CHANGES, days):
                    answer = await of.client.get(path, headers=headers)
                    assert answer.status_code == 401, (path, form)
        for key in (*of.report_keys.values(), *old, "", "x"):
            of.client.headers["authorization"] = f"Bearer {key}"
            for query in ({}, {"key": key}, {"key": key, "user_id": user_code(WITNESS)}):
                for path in (API, f"{API}/{of.roofs[0].system_id}/summary", "/systems"):
                    answer = await of.client.get(path, params=query)
                    assert answer.status_code in {303, 401}, (path, query)
                    assert set() == of.leaks(answer, ())
        assert before == await rows_of(of, set())


async def test_the_change_cursor_tells_a_key_of_its_own_systems_only(
    seed: int, store: Database, store_url: str, tmp_path: Path
) -> None:
    async with village(Random(seed), store, store_url, tmp_path) as of:
        await look(of)
        for _ in range(4):
            tokens = {name: await follow(of, name) for name in KEYS}
            for name, key in of.report_keys.items():
                for other in KEYS:
                    answer = await get(of, key, CHANGES, after=tokens[other])
                    assert answer.status_code == (200 if name == other else 422), (name, other)
            for _ in range(4):
                await change(of, CHANGES_OF_KEYS)
            roof = of.random.choice(of.roofs)
            await of.save(roof)
            await look(of)


async def follow(of: Village, name: str) -> str:
    """Ask for a key's changes from the beginning and for all days; return the last token."""
    key, covers = of.report_keys[name], of.rights.covers[name]
    query: dict[str, Any] = {"limit": 2}
    is_last = False
    while not is_last:
        answer = await get(of, key, CHANGES, **query)
        told = answer.json()
        for one in told["changes"]:
            allowed = of.rights.covered[name] if one.get("removed") else covers
            assert one["system_id"] in allowed, one
        query["after"], is_last = told["next"], told["is_last"]
    for roof in of.roofs:
        for source in ({}, {"source": "consumption"}):
            asked = {"system_id": roof.system_id, "start_date": "2022-01-21", **source}
            answer = await get(of, key, DAYS, **asked)
            is_covered = roof.system_id in covers
            assert answer.status_code == (200 if is_covered else 401)
            assert bool(answer.json().get("days")) == is_covered
            assert set() == of.leaks(answer, covers)
    return str(query["after"])


async def get(of: Village, key: str, path: str, **query: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {key}"}
    return await of.client.get(path, params=query, headers=headers)
