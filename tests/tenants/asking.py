"""Everything that may be asked about a system, by every way that may lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from relight import wire
from relight.api.app import OF_SYSTEM
from tests.serving import NOON
from tests.tenants.village import APPS, WITNESS, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.tenants.village import Roof, Village

API: Final = "/api/v2/systems"
SEARCH: Final = f"{API}/search_system_id"
INVERTERS: Final = f"{API}/inverters_summary_by_envoy_or_site"
#: Answers that are no refusal, or refuse a range that a system does not have.
OK: Final = frozenset({200, 204, 422})
#: Endpoints of what is consumed.
CONSUMPTION: Final = frozenset({"consumption_stats", "consumption_lifetime"})
#: What is asked of each endpoint beside nothing.
ASKED_OF: Final[dict[str, dict[str, Any]]] = {
    "summary": {"summary_date": "2022-01-20"},
    "stats": {"start_at": NOON - 86_400},
    "rgm_stats": {"start_at": NOON - 86_400},
    "consumption_stats": {"start_at": NOON - 86_400},
    "energy_lifetime": {"production": "all", "start_date": "2022-01-19"},
    "consumption_lifetime": {"start_date": "2022-01-19"},
    "monthly_production": {"start_date": "2021-12-01"},
    "production_meter_readings": {"end_at": NOON + 900},
    "envoys": {"datetime_format": "iso8601"},
    "inventory": {"datetime_format": "epoch"},
}


class Question(NamedTuple):
    """A request, and what a good answer to it is about."""

    path: str
    query: dict[str, Any]
    is_consumption: bool = False


def of_roof(roof: Roof) -> Iterator[Question]:
    """Yield all questions whose path or parameter names a system."""
    for name in OF_SYSTEM:
        for query in ({}, ASKED_OF[name]):
            path = f"{API}/{roof.system_id}/{name}"
            yield Question(path, query, name in CONSUMPTION)
    yield Question(SEARCH, {"serial_num": roof.envoy})
    yield Question(INVERTERS, {"site_id": roof.system_id})
    yield Question(INVERTERS, {"envoy_serial_number": roof.envoy})


def lists_of(roof: Roof) -> Iterator[Question]:
    """Yield lists that are searched, or turned, so that a system would be in them."""
    for query in (
        {"system_id": roof.system_id},
        {"system_id[]": [roof.system_id, 1]},
        {"system_name": roof.name},
        {"system_name[]": roof.mark},
        {"reference": roof.reference(501)},
        {"reference[]": [roof.reference(501), roof.reference(502)]},
        {"next": wire.token(roof.system_id - 1), "limit": 1},
        {"next": wire.token(roof.system_id - 1), "system_id": roof.system_id},
    ):
        yield Question(API, query)


async def look(of: Village) -> None:
    """Let the witness see every system, and note the words that tell one from all others."""
    told: dict[int, set[str]] = {}
    consumed: dict[int, set[str]] = {}
    for roof in of.roofs:
        both: dict[bool, set[str]] = {False: {str(roof.system_id)}, True: set()}
        for one in (*of_roof(roof), Question(API, {"system_id": roof.system_id})):
            answer = await of.ask(WITNESS, APPS[0], one.path, **one.query)
            assert answer.status_code in OK, (one, answer.text)
            both[one.is_consumption] |= words_of(answer.text)
        told[roof.system_id] = both[False] | both[True]
        consumed[roof.system_id] = both[True] - both[False]
    for system_id, words in told.items():
        others = set().union(*(told[one] for one in told if one != system_id))
        of.words[system_id] = frozenset(words - others)
        of.consumed[system_id] = frozenset(consumed[system_id] - others)
        assert len(of.words[system_id]) >= 12, words
        assert of.consumed[system_id]
