"""Answers fit our own description, and the published one but for the listed differences.

Two ways: every golden answer, and whatever schemathesis thinks of asking the fixed fleet. The
published file is not ours to keep; what needs it is skipped where it does not lie beside.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx2
import pytest
import schemathesis
from hypothesis import Phase, given, reject, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from relight.api.pages import DESCRIPTION
from relight.api.refusals import refusal_body
from relight.errors import DataUnavailable, QuotaSpent, TooBusy
from relight.store.database import SQLITE_PREFIX
from tests.contract import (
    PUBLISHED,
    Contract,
    Difference,
    differences,
    published,
    published_file,
    template,
)
from tests.golden import fleet
from tests.golden.answers import ENDPOINTS, FORMATS, body, cases
from tests.serving import KEY, USER_ID

if TYPE_CHECKING:
    from typing import TypeAlias

    from hypothesis.strategies import SearchStrategy

    from tests.contract import Document

    Case: TypeAlias = schemathesis.Case[Any]

OURS: Final[Document] = json.loads(DESCRIPTION)
PATHS: Final = sorted(OURS["paths"])
LISTED: Final = differences()
BASE: Final = "http://test/api/v2"
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
#: Requests a path: so many that fit the description, and so many that do not.
GOOD_EXAMPLES, BAD_EXAMPLES, PUBLISHED_EXAMPLES = 12, 6, 4
GOOD, BAD = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
#: Making a request smaller takes minutes, and the first one found says enough.
BRIEFLY: Final = settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
#: Values that lead somewhere in the fleet, beside whatever a description allows.
LIKELY: Final[dict[str, list[Any]]] = {
    "system_id": [67, 72, 1765, 2001, 2002, 3003, 4004, 45157],
    "site_id": [67, 72, 2002, 4004],
    "serial_num": ["121112607295", "1"],
    "envoy_serial_number": ["121112607295", "122000000072"],
    "start_at": [1_730_617_200, 1_730_793_600, 1_700_000_000],
    "end_at": [1_730_707_200, 1_730_836_800, 1_730_100_000],
    "start_date": ["2024-10-04", "2024-10-30", "2024-11-05", "x"],
    "end_date": ["2024-11-01", "2024-10-01"],
    "summary_date": ["2024-11-03", "2024-11-06"],
    "production": ["all"],
    "limit": [1, 2],
    "next": ["4e7a493d0a"],
    "status": ["micro", "normal"],
    "datetime_format": ["iso8601", "epoch"],
    "callback": ["panels.draw"],
}

needs_published = pytest.mark.skipif(
    not PUBLISHED.exists(), reason="the published description does not lie beside this checkout"
)


@cache
def described(form: str) -> Contract:
    """Return the published description with the differences of a datetime_format."""
    return Contract(published(form, LISTED))


@cache
def golden(form: str) -> list[tuple[str, int, Any]]:
    """Return path, status and body of every golden answer, and of refusals for all of them."""
    return list(_golden(form))


def _golden(form: str) -> Iterator[tuple[str, int, Any]]:
    for endpoint in ENDPOINTS:
        if endpoint == "paths":
            continue
        for case in cases(endpoint):
            text = body(case, form)
            yield template(case["get"]), case["status"], json.loads(text) if text else None
    spent = [
        QuotaSpent("Watt", period, period_start_at=0, period_end_at=60, limit=10)
        for period in ("minute", "month")
    ]
    for error in (*spent, TooBusy("32 calls at once"), DataUnavailable("gone")):
        yield "/systems", error.status, json.loads(refusal_body(error))


@pytest.mark.parametrize("form", FORMATS)
def test_every_golden_answer_fits_our_description(form: str) -> None:
    ours = Contract(OURS)

    assert [] == [found for answer in golden(form) for found in ours.complaints(*answer)]


@needs_published
@pytest.mark.parametrize("form", FORMATS)
def test_every_golden_answer_fits_the_published_description(form: str) -> None:
    published_then = described(form)

    assert [] == [found for answer in golden(form) for found in published_then.complaints(*answer)]


@needs_published
@pytest.mark.parametrize("one", LISTED, ids=str)
def test_a_listed_difference_is_one(one: Difference) -> None:
    rest = [listed for listed in LISTED if listed != one]

    complaints = (
        found
        for form in FORMATS
        for without in [Contract(published(form, rest))]
        for answer in golden(form)
        for found in without.complaints(*answer)
    )

    assert next(complaints, None)


@needs_published
def test_our_description_has_the_published_endpoints() -> None:
    assert sorted(published_file()["paths"]) == PATHS


class Asked:
    """A served fleet, asked from outside its event loop."""

    def __init__(self, url: str, data_dir: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._serving = fleet.served(url, data_dir)
        self._client = self._run(self._serving.__aenter__()).client

    def get(self, **request: Any) -> httpx2.Response:
        """Return the answer to a request."""
        response: httpx2.Response = self._run(self._client.request(**request))
        return response

    def close(self) -> None:
        """Stop serving."""
        self._run(self._serving.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)


@pytest.fixture(scope="module")
def asked(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Serve the fixed fleet on SQLite: what databases do is not in question here."""
    folder = tmp_path_factory.mktemp("contract")
    url = f"{SQLITE_PREFIX}{shutil.copyfile(migrated_sqlite, folder / 'relight.sqlite3')}"
    asyncio.run(fleet.build(url, is_closed=True))
    serving = Asked(url, folder)
    yield serving
    serving.close()


def requests_of(
    document: Document, path: str, mode: schemathesis.GenerationMode
) -> SearchStrategy[Case]:
    """Return requests for a path, by a caller who may ask."""
    schema = schemathesis.openapi.from_dict(document)
    strategy: SearchStrategy[Case] = schema[path]["GET"].as_strategy(
        mode, query={"key": KEY, "user_id": USER_ID}
    )
    return strategy


def aims_of(document: Document, path: str) -> SearchStrategy[dict[str, Any]]:
    """Return values of a path's parameters that lead somewhere in the fleet; None is no value.

    The simplest of them, which is tried first, is one that an answer is given to.
    """
    parameters = [
        document["components"]["parameters"][one["$ref"].rpartition("/")[2]]
        if "$ref" in one
        else one
        for one in document["paths"][path]["get"]["parameters"]
    ]
    needed, others = {}, {}
    for one in parameters:
        likely = st.sampled_from(LIKELY.get(one["name"], [None]))
        if one.get("required") or one["name"] == "site_id":
            needed[one["name"]] = likely | st.none()
        else:
            others[one["name"]] = likely
    return st.fixed_dictionaries(needed, optional=others)


def wrong_callers() -> SearchStrategy[dict[str, str]]:
    """Return a key or a user that is none."""
    keys = st.text(max_size=40) | st.text("0123456789abcdef", min_size=32, max_size=32)
    users = st.text(max_size=40) | st.sampled_from(["4d513d3d0a", "MzEwNjA2", "310606"])
    return st.fixed_dictionaries({"key": keys.filter(lambda key: key != KEY)}) | (
        st.fixed_dictionaries({"user_id": users.filter(lambda user: user != USER_ID)})
    )


def aim(case: Case, aims: dict[str, Any]) -> None:
    """Put values in the place of a generated request's own."""
    given = {name: value for name, value in aims.items() if value is not None}
    for name in case.path_parameters:
        case.path_parameters[name] = given.pop(name, case.path_parameters[name])
    case.query.update(given)


def answer(asked: Asked, case: Case, **query: str) -> httpx2.Response:
    """Return the answer to a generated request; one too long for the client is passed over."""
    sent = case.as_transport_kwargs(base_url=BASE)
    try:
        url = httpx2.URL(sent["url"], params=sent["params"] | query)
    except httpx2.InvalidURL:
        reject()
    return asked.get(method=sent["method"], url=url, headers=sent["headers"])


@pytest.mark.parametrize("path", PATHS)
def test_whatever_is_asked_fits_our_description(asked: Asked, path: str) -> None:
    statuses = set()

    @settings(BRIEFLY, max_examples=GOOD_EXAMPLES)
    @given(case=requests_of(OURS, path, GOOD), aims=aims_of(OURS, path), wrong=wrong_callers())
    def fits(case: Case, aims: dict[str, Any], wrong: dict[str, str]) -> None:
        aim(case, aims)
        response = answer(asked, case)
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)
        assert 401 == answer(asked, case, **wrong).status_code

    fits()

    assert 200 in statuses


@pytest.mark.parametrize("path", PATHS)
def test_whatever_does_not_fit_is_answered_as_described(asked: Asked, path: str) -> None:
    @settings(BRIEFLY, max_examples=BAD_EXAMPLES)
    @given(case=requests_of(OURS, path, BAD))
    def fits(case: Case) -> None:
        case.validate_response(answer(asked, case), checks=CHECKS)

    fits()


@needs_published
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("path", PATHS)
def test_whatever_is_asked_fits_the_published_description(
    asked: Asked, path: str, form: str
) -> None:
    document = described(form).document
    asks = {} if form == "default" else {"datetime_format": form}

    @settings(BRIEFLY, max_examples=PUBLISHED_EXAMPLES)
    @given(case=requests_of(document, path, GOOD), aims=aims_of(document, path))
    def fits(case: Case, aims: dict[str, Any]) -> None:
        aim(case, aims)
        case.validate_response(answer(asked, case, **asks), checks=CHECKS)

    fits()
