"""What the documentation says is so: every route and refusal is in it, its examples are run.

Settings and commands are held by `tests/cli/test_operating.py`, the example of ingestion by
`tests/api/test_reports.py`.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from relight import errors
from relight.api import native_reports, refusals
from relight.api.app import OF_CALLER, OF_SYSTEM, PAGES, REPORTS, SYSTEMS
from relight.api.formats import Format
from relight.api.pages import DESCRIPTION
from relight.cli.commands import COMMANDS
from relight.model.access import DEFAULT_PLANS
from relight.store.database import SQLITE_PREFIX
from tests.contract import template
from tests.golden import fleet
from tests.golden.answers import compact

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
API: Final = (DOCS / "api.md").read_text("utf-8")
README: Final = (ROOT / "README.md").read_text("utf-8")
PAGES_OF_TEXT: Final = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]

_EXAMPLE: Final = re.compile(r"```http\nGET (\S+)\n```\n+```json(?: (\d+))?\n(.*?)```", re.DOTALL)
_LINK: Final = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
_PACIFIC: Final = ZoneInfo("America/Los_Angeles")

#: One of each refusal, as the documentation shows it.
REFUSALS: Final = (
    errors.MethodNotAllowed("POST"),
    errors.NotFound("/nothing"),
    errors.NotPermitted("no key"),
    errors.TooBusy("32 calls at once"),
    errors.QuotaSpent(
        "Watt", "minute", period_start_at=1_401_742_440, period_end_at=1_401_742_500, limit=10
    ),
    errors.SystemNotFound("0"),
    errors.UnreadableDate("yesterday"),
    errors.FutureDate("tomorrow"),
    errors.BadInstants(
        zone=_PACIFIC,
        start_at=1_730_837_100,
        end_at=1_730_837_100,
        first_interval_at=1_730_124_300,
        last_interval_at=1_730_837_100,
    ),
    errors.BadDays(zone=_PACIFIC, start_day=20_032, end_day=20_031),
    errors.SiteNotFound("-1"),
    errors.MissingParameter("Provide envoy serial number"),
    errors.MissingParameter("Envoy serial number or Site id mandatory"),
    errors.BadParameter("The parameter start_date is missing."),
    errors.DataUnavailable("gone"),
    errors.EnvoyNotFound("1"),
)


class Example(NamedTuple):
    """A call that a page shows, and its answer."""

    target: str  #: path and query below /api/v2
    status: int
    body: str  #: as it goes on the wire


def examples(text: str) -> Iterator[Example]:
    """Yield the calls of a page."""
    for target, status, body in _EXAMPLE.findall(text):
        yield Example(target.removeprefix("/api/v2"), int(status or 200), compact(json.loads(body)))


@pytest.mark.parametrize("text", [API, README], ids=["api.md", "README.md"])
async def test_the_examples_are_answered_as_they_say(
    text: str, migrated_sqlite: Path, tmp_path: Path
) -> None:
    url = f"{SQLITE_PREFIX}{shutil.copyfile(migrated_sqlite, tmp_path / 'relight.sqlite3')}"
    await fleet.build(url, is_closed=True)

    async with fleet.served(url, tmp_path / "data") as served:
        answers = await asyncio.gather(*(served.get(one.target) for one in examples(text)))

    expected = [(one.target, one.status, one.body) for one in examples(text)]
    assert expected
    assert expected == [
        (one.target, response.status_code, response.text)
        for one, response in zip(examples(text), answers, strict=True)
    ]


def test_the_examples_of_the_description_are_among_them() -> None:
    document = json.loads(DESCRIPTION)
    run = [(template(one.target), one.body) for one in examples(API)]

    for path, methods in document["paths"].items():
        content = methods["get"]["responses"]["200"]["content"]["application/json"]
        shown = [(path, compact(one["value"])) for one in content["examples"].values()]
        assert shown
        assert all(one in run for one in shown), path
    for response in document["components"]["responses"].values():
        content = response.get("content", {}).get("application/json", {})
        bodies = [compact(one["value"]) for one in content.get("examples", {}).values()]
        assert [] == [body for body in bodies if f"`{body}`" not in API]


def test_every_route_is_told_of() -> None:
    routes = [
        *OF_CALLER,
        *(f"{SYSTEMS}{{system_id}}/{name}" for name in OF_SYSTEM),
        *PAGES,
        REPORTS,
        *native_reports.PATHS,
    ]

    told = [f"`{route.removeprefix('/api/v2')}`" in API or f"`{route}`" in API for route in routes]

    assert [] == [route for route, is_told in zip(routes, told, strict=True) if not is_told]


def test_every_endpoint_has_an_example() -> None:
    asked = {example.target.partition("?")[0] for example in examples(API)}

    missing = {f"/systems/67/{name}" for name in OF_SYSTEM} - asked
    assert set() == missing | ({path.removeprefix("/api/v2") for path in OF_CALLER} - asked)


def test_every_parameter_is_told_of() -> None:
    document = json.loads(DESCRIPTION)
    shared = document["components"]["parameters"]
    named = {
        (shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one)["name"]
        for path in document["paths"].values()
        for one in path["get"]["parameters"]
    }

    plain = {name.removesuffix("[]") for name in named - {"system_id"}}
    assert [] == [name for name in sorted(plain) if not re.search(rf"`{name}[`=]", API)]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: f"{type(error).__name__}-{error}")
def test_every_refusal_is_told_of_with_its_body(error: errors.RequestError) -> None:
    body = refusals.refusal_body(error, Format.DEFAULT).decode()

    assert f"`{body}`" in API
    assert str(error.status) in API


def test_no_kind_of_refusal_is_left_out() -> None:
    def kinds(kind: type[errors.RequestError]) -> Iterator[type[errors.RequestError]]:
        for one in kind.__subclasses__():
            yield one
            yield from kinds(one)

    # What only the change cursor answers is in replication.md.
    of_v2 = set(kinds(errors.RequestError)) - {errors.NotOffered}
    assert of_v2 == {type(error) for error in REFUSALS}
    assert f"`{refusals.DEFECT.decode()}`" in API


def test_every_plan_is_told_of() -> None:
    def number(limit: int | None) -> str:
        return "none" if limit is None else f"{limit:,}"

    for plan in DEFAULT_PLANS:
        limits = (plan.minute_limit, plan.month_limit, plan.concurrent_limit)
        assert f"| {plan.name} | {' | '.join(map(number, limits))} |" in API


def test_every_command_is_in_the_page_on_operating() -> None:
    text = (DOCS / "operating.md").read_text("utf-8")

    assert [] == [name for name in COMMANDS if f"relight {name}" not in text]


def test_every_page_and_decision_is_in_the_list_of_them() -> None:
    listed = set(_LINK.findall((DOCS / "README.md").read_text("utf-8")))

    pages = {(str(page.relative_to(DOCS)), "") for page in DOCS.rglob("*.md")}
    assert pages - {("README.md", "")} <= listed


@pytest.mark.parametrize("page", PAGES_OF_TEXT, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text("utf-8")):
        if "://" in target:
            continue
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", found.read_text("utf-8"), re.MULTILINE)
            assert anchor in {
                re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings
            }
