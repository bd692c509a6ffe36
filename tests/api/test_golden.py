"""Every endpoint answers a fixed fleet as it did when the answers were checked by hand.

`tests/golden/answers.py` says what the files hold and how they are made again.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from relight.api.app import OF_CALLER, OF_SYSTEM
from relight.store.database import SQLITE_PREFIX
from tests.golden import fleet
from tests.golden.answers import ENDPOINTS, FORMATS, answers, body, cases, compact

if TYPE_CHECKING:
    from tests.postgresql import Databases

#: The stores: the days of the fleet are recent in some, and packed as time would in others.
STORES: Final = ("sqlite-recent", "sqlite-closed", "postgresql-recent", "postgresql-closed")


@pytest.fixture(scope="module", params=STORES)
def fleet_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Return the URL of a store that holds the fleet."""
    backend, _, days = request.param.partition("-")
    if backend == "sqlite":
        path = tmp_path_factory.mktemp("golden") / "relight.sqlite3"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        url = f"{SQLITE_PREFIX}{path}"
    else:
        databases: Databases = request.getfixturevalue("databases")
        url = databases.create(template=request.getfixturevalue("migrated_postgresql"))
    asyncio.run(fleet.build(url, is_closed=days == "closed"))
    yield url
    if backend == "postgresql":
        databases.drop(url)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_the_answers_are_those_that_were_checked(
    fleet_url: str, tmp_path: Path, endpoint: str
) -> None:
    async with fleet.served(fleet_url, tmp_path) as served:
        for case in cases(endpoint):
            for form, response in (await answers(served, case)).items():
                expected = (case["status"], body(case, form))
                assert expected == (response.status_code, response.text), (case["get"], form)


def test_every_endpoint_has_its_golden_answers() -> None:
    served = {path.rpartition("/")[2] for path in OF_CALLER} | OF_SYSTEM.keys()

    assert served | {"paths"} == set(ENDPOINTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_case_is_told_twice_or_without_need(endpoint: str) -> None:
    found = cases(endpoint)

    assert len(found) == len({case["case"] for case in found})
    assert len(found) == len({case["get"] for case in found})
    for case in found:
        assert {"case", "get", "status", "default"} <= case.keys()
        for form in FORMATS[1:]:
            assert form not in case or compact(case[form]) != compact(case["default"])
