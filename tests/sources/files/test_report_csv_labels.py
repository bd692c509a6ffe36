"""The labels of the vendor's reports: dates of either order, days, offsets, clock changes."""

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.files.report_reading import (
    PRODUCED,
    bad,
    hours,
    intervals,
    parse,
    refusal,
    rows,
    totals,
)


def test_midnights_of_different_days_are_days():
    text = hours("2016-07-29 00:00:00 +0200", "2016-07-30 00:00:00 +0200")

    assert [("METER", "2016-07-29", 1), ("METER", "2016-07-30", 2)] == totals(text)


def test_a_single_midnight_is_a_day_where_its_length_says_so():
    text = hours("2016-07-29 00:00")

    assert [("METER", "2016-07-29", 1)] == totals(text, step_s=86_400)
    assert [("2016-07-29 00:00+02:00", 1)] == rows(text, step_s=900)


def test_days_of_another_zone_than_the_sites_are_refused():
    text = hours("2021-12-01 00:00:00 +0000", "2021-12-02 00:00:00 +0000")

    told = refusal(text)

    assert "file: has lines of 86400 s: neither up to an hour nor days of the site's zone" == told


def test_lines_with_an_offset_tell_their_instant():
    text = (
        "Date/Time,Energy Produced (Wh),Energy Consumed (Wh),Exported to Grid (Wh),"
        "Imported from Grid (Wh),Stored in batteries (Wh),Discharged from batteries (Wh)\n"
        "2021-12-01 00:00:00 +0000,0,16,0,20,4,0\n"
        "2021-12-01 00:15:00 +0000,1,17,0,21,4,0\n"
    )

    assert [("2021-12-01 01:00+01:00", 0), ("2021-12-01 01:15+01:00", 1)] == rows(text)
    assert [16, 17] == [energy_wh for _, energy_wh in rows(text, "consumption")]
    assert {900} == {one.duration_s for one in intervals(parse(text))}


def test_the_hour_that_autumn_shows_twice_is_told_by_order():
    labels = ["10/30/2022 01:00", "10/30/2022 02:00", "10/30/2022 02:00", "10/30/2022 03:00"]
    expected = [
        ("2022-10-30 01:00+02:00", 1),
        ("2022-10-30 02:00+02:00", 2),
        ("2022-10-30 02:00+01:00", 3),
        ("2022-10-30 03:00+01:00", 4),
    ]

    assert expected == rows(hours(*labels))


def test_quarters_of_the_hour_that_autumn_shows_twice_are_told_by_order():
    twice = [f"10/30/2022 02:{minute}" for minute in ("00", "15", "30", "45")]

    found = rows(hours("10/30/2022 01:45", *twice, *twice, "10/30/2022 03:00"))

    assert ["+02:00"] * 5 + ["+01:00"] * 5 == [label[-6:] for label, _ in found]


def test_an_hour_that_should_stand_twice_and_does_not_is_bad():
    text = hours("10/30/2022 01:00", "10/30/2022 02:00", "10/30/2022 03:00", "10/30/2022 04:00")

    [reason] = bad(text)

    assert reason.startswith("line 3: its time was shown twice that day")


def test_the_hour_that_spring_skips_is_no_gap():
    text = hours("03/31/2024 00:00", "03/31/2024 01:00", "03/31/2024 03:00", "03/31/2024 04:00")

    ends = [one.end_at for one in intervals(parse(text))]

    assert [3600] * 3 == [later - sooner for sooner, later in pairwise(ends)]


def test_a_time_that_spring_skips_is_bad():
    text = hours("03/31/2024 00:00", "03/31/2024 01:00", "03/31/2024 02:00", "03/31/2024 03:00")

    [reason] = bad(text)

    assert reason.startswith("line 4: Date/Time 02:00 does not exist")


def test_days_first_are_read_where_a_number_tells():
    text = hours("12/10/2022 14:00", "12/10/2022 15:00", "13/10/2022 14:00", "13/10/2022 15:00")

    assert "2022-10-12 14:00+02:00" == rows(text)[0][0]


def test_days_first_are_read_where_days_follow_one_another():
    assert [("METER", "2022-02-01", 1), ("METER", "2022-02-02", 2)] == totals(
        hours("01/02/2022", "02/02/2022")
    )
    assert [("METER", "2022-02-01", 1), ("METER", "2022-02-02", 2)] == totals(
        hours("02/01/2022", "02/02/2022")
    )


def test_dates_with_points_have_the_day_first():
    assert [("METER", "2022-10-01", 1)] == totals(hours("1.10.2022"))


def test_dates_that_could_be_either_are_refused():
    text = hours("01/02/2022 14:00", "01/02/2022 15:00")

    told = refusal(text)

    assert told.startswith("file: has dates that could be month/day or day/month (01/02/2022)")
    assert "2022-02-01 14:00+01:00" == rows(text, time_format="%d/%m/%Y %H:%M")[0][0]


def test_years_that_do_not_exist_tell_no_order():
    assert refusal(hours("01/02/0000", "01/03/0000")).startswith("file: has dates that could be")


def test_dates_of_both_orders_are_refused():
    text = hours("10/13/2022 14:00", "13/10/2022 15:00")

    assert refusal(text).startswith("file: has dates with the day first and others with the month")


def test_a_form_of_times_that_was_named_is_read():
    text = hours("Oct 13 22 02PM", "Oct 13 22 03PM")

    assert "2022-10-13 14:00+02:00" == rows(text, time_format="%b %d %y %I%p")[0][0]
    assert "line 2 Date/Time '10/13/2022' is none that can be read" in refusal(
        hours("10/13/2022"), time_format="%b %d %y"
    )


@pytest.mark.parametrize(
    "label",
    [
        "",
        "10/13/22 16:00",
        "13 Oct",
        "10/13/2022 25:00",
        "1/2/3/4",
        "10/13/2022 16:00 +99:00",
        "2022-13-10 16:00",
    ],
)
def test_a_label_that_cannot_be_makes_its_line_bad(label):
    text = hours("10/13/2022 14:00", "10/13/2022 15:00") + f"{label},7\n"

    [reason] = bad(text)

    assert reason.startswith("line 4: Date/Time ")


def test_a_date_that_does_not_exist_makes_its_line_bad():
    text = hours("02/27/2022", "02/28/2022", "02/29/2022")

    assert ["line 4: Date/Time is no date: 2, 29, 2022 as month/day"] == bad(text)


def test_a_line_without_time_among_hours_is_bad():
    text = hours("10/13/2022 14:00", "10/13/2022 15:00", "10/14/2022")

    assert ["line 4: Date/Time has no time of day, as other lines have"] == bad(text)


def test_midnights_among_which_one_has_no_time_are_not_days():
    text = hours("10/13/2022", "10/14/2022 00:00", "10/14/2022 00:15", "10/14/2022 00:30")

    assert ["line 2: Date/Time has no time of day, as other lines have"] == bad(text)


def test_times_without_an_offset_may_be_of_a_named_zone():
    text = hours("10/13/2022 14:00", "10/13/2022 15:00")

    assert "2022-10-13 16:00+02:00" == rows(text, timezone="UTC")[0][0]
    assert "2022-10-13 20:00+02:00" == rows(text, timezone="US/Eastern")[0][0]


@given(
    st.lists(st.integers(0, 250_000), min_size=2, max_size=60),
    st.sampled_from(["America/Los_Angeles", "Europe/Amsterdam", "Australia/Lord_Howe"]),
    st.dates(date(2015, 1, 1), date(2025, 6, 1)),
)
def test_whatever_the_day_every_joule_of_the_hours_comes_back(energies, name, first):
    site = ZoneInfo(name)
    start_at = int(datetime(first.year, first.month, first.day, tzinfo=site).timestamp())
    labels = (
        datetime.fromtimestamp(start_at + 3600 * hour, site).isoformat(" ", "seconds")
        for hour in range(len(energies))
    )
    text = PRODUCED + "".join(
        f"{label},{energy}\n" for label, energy in zip(labels, energies, strict=True)
    )

    found = intervals(parse(text, zone=site))

    assert [(start_at + 3600 * hour, 3600 * wh) for hour, wh in enumerate(energies)] == [
        (one.end_at - 3600, one.energy_j) for one in found
    ]
