"""`POST /ingest/v1/reports`: who may send, for which system, and what is answered."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import shlex
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relight.model.access import new_report_key
from relight.model.report_fields import LISTED_MAX
from relight.store import devices
from relight.store.database import Database, open_database
from tests.ingesting import ONE_SYSTEM, PATH, REPORT, TAKEN, TWO_SYSTEMS, Ingestion, opened
from tests.report_samples import CHARGE, INTERVAL, NOW

if TYPE_CHECKING:
    from relight.store.database import Rows, Transaction

UNKNOWN = new_report_key(lambda count: b"3" * count)
NOT_AUTHORIZED = {
    "reason": "401",
    "message": ["Not authorized to access requested resource."],
}
NO_SYSTEM = "names no system that this report key covers"


@pytest.fixture
async def ingestion(store: Database, tmp_path: Path) -> AsyncIterator[Ingestion]:
    async with opened(store, tmp_path) as server:
        yield server


async def serial_numbers(store: Database, system_id: int) -> set[str]:
    async def question(rows: Rows) -> set[str]:
        return {one.serial_number for one in await devices.of_system(rows, system_id)}

    return await store.read(question)


def example() -> tuple[list[str], object]:
    """Return the command of the documentation, as words, and the answer it promises."""
    text = (Path(__file__).parents[2] / "docs" / "ingestion.md").read_text("utf-8")
    command = re.search(r"```sh\n(curl .*?)```", text, re.DOTALL)
    answer = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert command is not None
    assert answer is not None
    return shlex.split(command[1].replace("\\\n", " ")), json.loads(answer[1])


async def test_the_example_of_the_documentation_is_answered_as_it_says(
    ingestion: Ingestion,
) -> None:
    words, expected = example()
    given = list(itertools.pairwise(words))
    headers = dict(value.split(": ", 1) for option, value in given if option == "-H")
    body = next(value for option, value in given if option == "-d")
    headers["Authorization"] = headers["Authorization"].replace("$REPORT_KEY", ONE_SYSTEM)

    response = await ingestion.client.post(PATH, content=body.encode(), headers=headers)

    assert ["curl", "-X", "POST", f"http://127.0.0.1:8067{PATH}"] == words[:4]
    assert (200, expected) == (response.status_code, response.json())


async def test_what_was_acknowledged_is_seen_by_another_connection(
    ingestion: Ingestion, store_url: str
) -> None:
    response = await ingestion.post(REPORT)
    another = await open_database(store_url)

    assert (200, TAKEN) == (response.status_code, response.json())
    assert {"12", "1218"} == await serial_numbers(another, 67)
    await another.close()


async def test_a_report_sent_again_is_repeated(ingestion: Ingestion) -> None:
    await ingestion.post(REPORT)

    response = await ingestion.post(REPORT)

    assert TAKEN | {"new": 0, "repeated": 1} == response.json()


async def test_another_value_is_a_conflict_that_names_the_device(ingestion: Ingestion) -> None:
    await ingestion.post(REPORT)

    response = await ingestion.post({"inverter_intervals": [INTERVAL | {"energy_j": 60_000}]})

    told = response.json()
    assert (0, 1) == (told["new"], told["conflicting"])
    assert [f"1218 at {NOW}"] == [conflict["place"] for conflict in told["conflicts"]]


async def test_a_sign_of_life_is_taken(ingestion: Ingestion) -> None:
    response = await ingestion.post({"envoy": "12", "reported_at": NOW})

    assert (200, TAKEN | {"new": 0}) == (response.status_code, response.json())


async def test_a_bad_row_is_refused_and_the_rest_taken(ingestion: Ingestion) -> None:
    rows = [INTERVAL | {"energy_j": -1}, INTERVAL]

    response = await ingestion.post(REPORT | {"inverter_intervals": rows})

    refused = [{"place": "inverter_intervals[0].energy_j", "reason": "must not be negative"}]
    assert TAKEN | {"refused_count": 1, "refused": refused} == response.json()


async def test_nothing_that_could_be_taken_is_422(ingestion: Ingestion) -> None:
    response = await ingestion.post({"inverter_intervals": [INTERVAL | {"duration_s": 0}]})

    assert response.status_code == 422
    refused = [{"place": "inverter_intervals[0].duration_s", "reason": "must be above zero"}]
    expected = {"reason": "422", "message": ["Nothing could be taken."], **TAKEN}
    expected |= {"reports": 0, "new": 0, "refused_count": 1, "refused": refused}
    assert list(expected.items()) == list(response.json().items())


@pytest.mark.parametrize("body", [b"", b'{"envoy":', b"\xff", b'{"envoy":"\x00"}', b"[" * 9_999])
async def test_an_unreadable_body_is_422_with_its_place(ingestion: Ingestion, body: bytes) -> None:
    response = await ingestion.post(body)

    assert response.status_code == 422
    assert response.json()["refused"][0]["place"]


async def test_long_lists_are_cut_and_say_so(ingestion: Ingestion) -> None:
    rows = [INTERVAL] + [INTERVAL | {"energy_j": -1}] * (LISTED_MAX + 1)

    told = (await ingestion.post({"inverter_intervals": rows})).json()

    assert (LISTED_MAX + 1, LISTED_MAX) == (told["refused_count"], len(told["refused"]))
    assert told["truncated"] is True


async def test_a_body_of_many_rows_is_taken_whole(ingestion: Ingestion) -> None:
    rows = [INTERVAL | {"end_at": NOW - 5 * number} for number in range(1_000)]

    response = await ingestion.post({"inverter_intervals": rows})

    assert response.json()["new"] == 1_000


# Who may send


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", f"Bearer {UNKNOWN}", f"Basic {ONE_SYSTEM}", f"Bearer {ONE_SYSTEM}x"],
)
async def test_without_a_known_report_key_it_is_401(
    ingestion: Ingestion, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}

    response = await ingestion.client.post(PATH, content=b"{}", headers=headers)

    assert (401, NOT_AUTHORIZED) == (response.status_code, response.json())
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_revoked_key_is_401(ingestion: Ingestion, store: Database) -> None:
    async def revoke(tx: Transaction) -> None:
        await tx.run("DELETE FROM report_key")
        await tx.run("DELETE FROM report_key_system")

    await ingestion.post(REPORT)
    await store.write(revoke)

    assert (await ingestion.post(REPORT)).status_code == 401


async def test_a_revoked_key_is_401_whatever_it_sends(
    ingestion: Ingestion, store: Database
) -> None:
    await ingestion.post(REPORT)
    await store.write(lambda tx: tx.run("DELETE FROM report_key"))

    for body in (b"nonsense", {"system_id": 67, "inverter_intervals": [{}]}):
        assert (await ingestion.post(body)).status_code == 401


async def test_the_scheme_may_be_written_in_any_case(ingestion: Ingestion) -> None:
    response = await ingestion.post(REPORT, Authorization=f"bearer  {ONE_SYSTEM}")

    assert response.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_another_method_is_405(ingestion: Ingestion, method: str) -> None:
    response = await ingestion.client.request(method, PATH)

    assert (405, "POST") == (response.status_code, response.headers["allow"])
    assert response.json() == {"reason": "405", "message": ["Method not allowed"]}


# Which system


async def test_a_named_system_is_taken_where_the_key_covers_it(
    ingestion: Ingestion, store: Database
) -> None:
    response = await ingestion.post(REPORT | {"system_id": 68}, key=TWO_SYSTEMS)

    assert response.status_code == 200
    assert "1218" in await serial_numbers(store, 68)


@pytest.mark.parametrize("system_id", [69, 70, 2**63 - 1])
async def test_a_system_that_is_not_covered_is_refused_whether_it_exists_or_not(
    ingestion: Ingestion, system_id: int
) -> None:
    response = await ingestion.post(REPORT | {"system_id": system_id})

    assert response.status_code == 422
    assert response.json()["refused"] == [{"place": "system_id", "reason": NO_SYSTEM}]


async def test_a_known_envoy_tells_the_system(ingestion: Ingestion, store: Database) -> None:
    await ingestion.post(REPORT | {"system_id": 68}, key=TWO_SYSTEMS)

    later = {"batteries": [CHARGE]}
    response = await ingestion.post(REPORT | later, key=TWO_SYSTEMS)

    assert response.status_code == 200
    assert "B1" in await serial_numbers(store, 68)


async def test_an_unknown_envoy_does_not_tell_the_system(ingestion: Ingestion) -> None:
    response = await ingestion.post(REPORT, key=TWO_SYSTEMS)

    assert response.json()["refused"] == [{"place": "envoy", "reason": NO_SYSTEM}]


async def test_without_envoy_and_system_a_key_for_several_does_not_tell(
    ingestion: Ingestion,
) -> None:
    response = await ingestion.post({"batteries": [CHARGE]}, key=TWO_SYSTEMS)

    reason = "is missing: the report key covers several systems"
    assert response.json()["refused"] == [{"place": "system_id", "reason": reason}]


async def test_another_systems_envoy_is_refused_and_the_other_lines_taken(
    ingestion: Ingestion, store: Database
) -> None:
    await ingestion.post(REPORT | {"system_id": 68}, key=TWO_SYSTEMS)
    lines = [{"batteries": [CHARGE]}, REPORT, {"envoy": "13", "reported_at": NOW}]

    response = await ingestion.post(b"\n".join(json.dumps(line).encode() for line in lines))

    told = response.json()
    assert (200, 2) == (response.status_code, told["reports"])
    assert ["line 2: envoy"] == [refusal["place"] for refusal in told["refused"]]
    assert {"B1", "13"} == await serial_numbers(store, 67)


async def test_a_system_that_was_removed_meanwhile_is_refused(
    ingestion: Ingestion, store: Database
) -> None:
    async def remove(tx: Transaction) -> None:
        await tx.run("DELETE FROM system WHERE system_id = 67")

    await store.write(remove)

    response = await ingestion.post(REPORT)

    assert response.status_code == 422
    assert [refusal["place"] for refusal in response.json()["refused"]] == ["system_id"]


async def test_lines_go_each_to_its_own_system(ingestion: Ingestion, store: Database) -> None:
    lines = [
        {"system_id": 67, "batteries": [CHARGE | {"serial_number": "A"}]},
        {"system_id": 68, "batteries": [CHARGE | {"serial_number": "B"}]},
        {"system_id": 69, "batteries": [CHARGE | {"serial_number": "C"}]},
    ]
    body = b"\n".join(json.dumps(line).encode() for line in lines)

    response = await ingestion.post(body, key=TWO_SYSTEMS, Content_Type="application/x-ndjson")

    told = response.json()
    assert (2, [{"place": "line 3: system_id", "reason": NO_SYSTEM}]) == (
        told["reports"],
        told["refused"],
    )
    assert ({"A"}, {"B"}, set()) == tuple([await serial_numbers(store, n) for n in (67, 68, 69)])


async def test_conflicts_of_lines_name_their_line(ingestion: Ingestion) -> None:
    lines = [REPORT, REPORT | {"inverter_intervals": [INTERVAL | {"energy_j": 1}]}]

    response = await ingestion.post(b"\n".join(json.dumps(line).encode() for line in lines))

    assert [f"line 2: 1218 at {NOW}"] == [one["place"] for one in response.json()["conflicts"]]


async def test_a_store_that_does_not_take_a_report_in_time_is_503(
    ingestion: Ingestion, store_url: str
) -> None:
    ingestion.limit(write_wait_s=1)
    another = await open_database(store_url)
    held, released = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def hold(tx: Transaction) -> None:
        await tx.run("UPDATE system SET name = 'held' WHERE system_id = 67")
        loop.call_soon_threadsafe(held.set)
        if another.dialect == "sqlite":
            released.wait(60)  # in the writer's thread
        else:
            await asyncio.to_thread(released.wait, 60)

    holding = asyncio.create_task(another.write(hold))
    await held.wait()

    response = await ingestion.post(REPORT)

    released.set()
    await holding
    await another.close()
    assert response.status_code == 503
    expected = {"errorCode": 7, "errorMessages": ["Data temporarily unavailable."]}
    assert expected == response.json()
