"""Any body is taken or refused, and the quick reading takes what the exact one does."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from relight.model import report_parsing
from relight.model.devices import Kind
from relight.model.report_fields import Refusals
from relight.model.report_parsing import ParsedReport, parse
from relight.model.report_rows import LISTS
from tests.report_samples import LIMITS, NOW, ROW_OF, parsed

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.sampled_from([0, 1, 300, NOW, NOW + 901, 86_400, 54_000, 67]),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["1218", "net", "production", "received", "meter", "retired", "a:b"]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELD_NAMES = sorted({name for row in ROW_OF.values() for name in row} | {"channel", "register"})


@st.composite
def rows(draw: st.DrawFn, name: str) -> object:
    """Return a row that is good but for a few fields."""
    row: dict[str, object] = dict(ROW_OF[name])
    row |= draw(st.dictionaries(st.sampled_from(FIELD_NAMES), SCALARS, max_size=2))
    row |= draw(st.dictionaries(st.text(max_size=9), ANYTHING, max_size=1))
    return row if draw(st.integers(0, 9)) else draw(ANYTHING)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, object]:
    document: dict[str, object] = {}
    for name in draw(st.sets(st.sampled_from(LISTS))):
        document[name] = draw(st.lists(rows(name), max_size=4))
    heads = st.sampled_from(["system_id", "envoy", "reported_at", "devices", "other"])
    return document | draw(st.dictionaries(heads, ANYTHING, max_size=2))


def exact(body: bytes) -> tuple[ParsedReport | None, Refusals]:
    refusals = Refusals()
    found = report_parsing._exact(  # noqa: SLF001 - the reading that the quick one must equal
        body, "", refusals, now=NOW, rows_max=LIMITS.report_rows_max
    )
    return found, refusals


@given(documents(), st.sampled_from([None, 1]))
def test_the_quick_reading_takes_what_the_exact_one_does(
    document: dict[str, object], indent: int | None
) -> None:
    body = json.dumps(document, indent=indent).encode()

    taken, refusals = exact(body)
    found = parse(body, now=NOW, limits=LIMITS)

    assert (found.reports, found.refusals) == ([taken] if taken else [], refusals)


@given(st.lists(rows("inverter_intervals"), min_size=1))
def test_the_quick_reading_takes_the_intervals_that_the_exact_one_does(
    sent: list[object],
) -> None:
    body = json.dumps({"inverter_intervals": sent}).encode()

    taken, refusals = exact(body)
    found = parse(body, now=NOW, limits=LIMITS)

    assert (found.reports, found.refusals) == ([taken] if taken else [], refusals)


def objects(value: object) -> list[dict[str, object]]:
    """Return every object in *value*, itself included."""
    if isinstance(value, dict):
        return [value, *(found for inner in value.values() for found in objects(inner))]
    return [found for inner in value for found in objects(inner)] if isinstance(value, list) else []


@given(documents(), st.data())
def test_a_key_given_twice_is_refused_wherever_it_stands(
    document: dict[str, object], data: st.DataObject
) -> None:
    document |= {"envoy": "12", "reported_at": NOW}
    data.draw(st.sampled_from(objects(document))).update(first_one=1, second_one=2)
    body = json.dumps(document, separators=(",", data.draw(st.sampled_from([":", " : "]))))
    body = body.replace("first_one", "energy_j").replace("second_one", "energy\\u005fj")

    assert parse(body.encode(), now=NOW, limits=LIMITS).reports == []


@given(ANYTHING)
def test_any_json_is_taken_or_refused(document: object) -> None:
    found = parsed(document)

    assert found.reports or found.refusals.total


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_taken_or_refused(body: bytes, is_lines: bool) -> None:
    found = parse(body, now=NOW, limits=LIMITS, is_lines=is_lines)

    assert found.reports or found.refusals.total


@given(documents(), st.data())
def test_a_body_that_was_cut_off_is_refused(
    document: dict[str, object], data: st.DataObject
) -> None:
    body = json.dumps(document).encode()
    end = data.draw(st.integers(0, len(body) - 1))

    assert parse(body[:end], now=NOW, limits=LIMITS).reports == []


@given(documents())
def test_every_record_keeps_within_the_bounds(document: dict[str, object]) -> None:
    for one in parsed(document).reports:
        for interval in one.report.intervals:
            assert 0 < interval.duration_s <= 86_400
            assert interval.duration_s <= interval.end_at <= NOW + 900
            assert interval.energy_j >= 0 or interval.kind is Kind.NET_METER
        for reading in one.report.readings:
            assert 0 <= reading.read_at <= NOW + 900
