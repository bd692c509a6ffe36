"""Whatever is told, in whatever order: the store holds what the plain model says."""

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from relight.model.reports import Report
from tests import factories, stored
from tests.any_reports import (
    EVERYBODY,
    INVERTERS,
    METERS,
    Close,
    Place,
    examples,
    stories,
    tell,
)
from tests.factories import devices_told

DAY_S = 86_400
#: Days have closed up to so many before, or after, what is told.
BEFORE, AFTER = -60, 100


async def new_site(store, place: Place, *, packed_to: int = BEFORE, after_s: int = 100 * DAY_S):
    now = place.at + after_s
    return await factories.site(store, place.timezone, packed_to_day=place.day + packed_to, now=now)


async def says_what_the_plain_model_says(store, story, *, packed_to: int = BEFORE) -> None:
    place, steps = story
    note(f"{place} {steps}")
    site = await new_site(store, place, packed_to=packed_to)

    await tell(site, steps)

    expected, found = await stored.both(site, steps)
    assert expected == found


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(35)
@given(story=stories())
async def test_whatever_is_told_the_store_says_what_the_plain_model_says(store, story):
    await says_what_the_plain_model_says(store, story)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(20)
@given(story=stories(METERS))
async def test_whatever_meters_tell_the_store_says_what_the_plain_model_says(store, story):
    await says_what_the_plain_model_says(store, story)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(20)
@given(story=stories())
async def test_what_is_told_of_days_long_closed_is_the_same(store, story):
    await says_what_the_plain_model_says(store, story, packed_to=AFTER)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["postgresql"])
@examples(10)
@given(story=stories())
async def test_postgresql_says_what_the_plain_model_says_too(store, story):
    await says_what_the_plain_model_says(store, story)


@st.composite
def two_orders(draw):
    """Return a place, what is told there, and the same in another order, some of it twice."""
    place, steps = draw(stories())
    reports = [step for step in steps if not isinstance(step, Close)]
    again = draw(st.lists(st.sampled_from(reports), max_size=3)) if reports else []
    closes = st.integers(-3, 4).map(lambda n: Close(place.day + n))
    others = draw(st.permutations([*reports, *again, *draw(st.lists(closes, max_size=2))]))
    return place, steps, others


async def leaves_the_same_rows(store, told) -> None:
    place, steps, others = told
    note(f"{place} {steps} {others}")
    one, other = [await new_site(store, place, after_s=DAY_S) for _ in range(2)]
    for site, order in ((one, steps), (other, others)):
        await site.save(devices_told(EVERYBODY))
        await tell(site, order)
        await site.close_to(place.day + 5)

    expected, found = await stored.every_row(one), await stored.every_row(other)

    for table, rows in expected.items():
        assert rows == found[table], table


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(25)
@given(told=two_orders())
async def test_order_and_repeats_make_no_difference_to_any_row(store, told):
    await leaves_the_same_rows(store, told)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["postgresql"])
@examples(8)
@given(told=two_orders())
async def test_order_and_repeats_make_no_difference_to_any_row_of_postgresql(store, told):
    await leaves_the_same_rows(store, told)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["sqlite"])
@examples(20)
@given(story=stories(INVERTERS))
async def test_joules_in_less_what_is_superseded_are_joules_out(store, story):
    place, steps = story
    steps = [
        step if isinstance(step, Close) else Report(intervals=step.intervals) for step in steps
    ]
    site, model = await new_site(store, place), stored.told(place.timezone, steps)
    await tell(site, steps)

    in_j = sum(told.energy_j for told in model.intervals.values())
    superseded_j = sum(
        model.superseded_j(name, channel)
        for name in model.names
        for channel in model.channels(name)
    )

    days = (await stored.contents(site))["system_day"]
    out_j = sum(
        slot.energy_j for day in days.values() for line in day.values() for slot in line.values()
    )
    assert in_j - superseded_j == out_j
