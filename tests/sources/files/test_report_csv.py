"""The vendor's reports as CSV: headers, labels and numbers become intervals or daily totals."""

import csv
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import BadInput
from relight.model.clock import date_of_day, day_of_date
from relight.model.devices import Kind, Source
from relight.model.reports import DayTotal, IntervalReport, Receipt
from relight.sources.files import detect, report_csv_lines, taking
from relight.sources.files.parsed import Options, Parsed, Target
from relight.sources.files.reading import Content, read
from tests.house import House, served

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW_AT = 1_760_000_000  # 2025-10-09
SAMPLE = (
    Path(__file__).parents[4]
    / "shared"
    / "data"
    / "enlighten_reports"
    / "9999999_custom_report.csv"
)
PRODUCED = "Date/Time,Energy Produced (Wh)\n"
METERED = (
    "Date/Time,Energy Produced (Wh),Energy Consumed (Wh),Exported to Grid (Wh),"
    "Imported from Grid (Wh)\n"
)
STANDS = {
    "production": Kind.UNNAMED_PRODUCTION_METERS,
    "micro": Kind.UNNAMED_INVERTERS,
    "consumption": Kind.UNNAMED_CONSUMPTION_METERS,
}


def parse(text: str | bytes, *, zone: ZoneInfo = AMSTERDAM, **options: Any) -> Parsed:
    data = text if isinstance(text, bytes) else text.encode()
    return detect.parse(Content(data), Target(67, zone, NOW_AT), Options(**options))


def intervals(parsed: Parsed) -> list[IntervalReport]:
    return [one for report in parsed.reports for one in report.intervals]


def rows(text: str | bytes, of: str = "production", **options: Any) -> list[tuple[str, int]]:
    """Return when each interval began, in local time with its offset, and its Wh."""
    return [
        (
            datetime.fromtimestamp(one.end_at - one.duration_s, AMSTERDAM).isoformat(
                " ", "minutes"
            ),
            one.energy_j // 3_600,
        )
        for one in intervals(parse(text, **options))
        if one.kind is STANDS[of]
    ]


def totals(text: str | bytes, **options: Any) -> list[tuple[str, str, int]]:
    return [
        (one.source.name, date_of_day(one.day).isoformat(), one.energy_wh)
        for report in parse(text, **options).reports
        for one in report.day_totals
    ]


def bad(text: str, **options: Any) -> list[str]:
    return [f"{one.place}: {one.reason}" for one in parse(text, **options).bad.kept]


def refusal(text: str, **options: Any) -> str:
    with pytest.raises(BadInput) as refused:
        parse(text, **options)
    return str(refused.value)


def hours(*labels: str, header: str = PRODUCED) -> str:
    """Return a report of one Wh, two Wh and so on at *labels*."""
    return header + "".join(f"{label},{number}\n" for number, label in enumerate(labels, 1))


def test_a_line_is_named_by_the_start_of_its_hour():
    text = hours("10/13/2022 14:00", "10/13/2022 15:00")

    [first, second] = intervals(parse(text))

    assert IntervalReport(STANDS["production"], "", 1, 1665666000, 3600, 3600) == first
    assert (1665669600, 7200) == (second.end_at, second.energy_j)


def test_production_and_consumption_are_each_a_series():
    text = METERED + "10/13/2022 14:00,526,328,198,0\n10/13/2022 15:00,700,100,600,0\n"

    assert [526, 700] == [energy_wh for _, energy_wh in rows(text)]
    assert [328, 100] == [energy_wh for _, energy_wh in rows(text, "consumption")]
    assert (
        "not taken, having no place: Exported to Grid (Wh), Imported from Grid (Wh)"
        in parse(text).notes
    )


def test_batteries_and_a_generator_are_named_as_not_taken():
    columns = [
        "Stored in batteries (Wh)",
        "Discharged from batteries (Wh)",
        "Stored in AC Batteries (Wh)",
        "Discharged from AC Batteries (Wh)",
        "Consumed From Generator (Wh)",
    ]
    text = f"Date/Time,Energy Produced (Wh),{','.join(columns)}\n10/13/2022 14:00,5,1,2,3,4,5\n"

    parsed = parse(text, step_s=900)

    assert f"not taken, having no place: {', '.join(columns)}" in parsed.notes
    assert [5 * 3600] == [one.energy_j for one in intervals(parsed)]


@pytest.mark.parametrize(
    "header",
    [
        "Date/Time,Energy Delivered (Wh)",
        "date/time,ENERGY PRODUCED (Wh)",
        '"Date/Time","Energy  Produced  (Wh)"',
        "Date/Time,Energy Produced (Wh),",
        "Date/Time;Energy Produced (Wh)",
        "Date/Time\tEnergy Produced (Wh)",
    ],
)
def test_a_header_is_known_by_its_words(header):
    mark = next(mark for mark in ";\t," if mark in header)
    text = f"{header}\n10/13/2022 14:00{mark}7\n"

    assert [("2022-10-13 14:00+02:00", 7)] == rows(text, step_s=3600)


def test_produced_counts_where_delivered_is_there_too():
    text = "Date/Time,Energy Delivered (Wh),Energy Produced (Wh)\n10/13/2022 14:00,7,8\n"

    assert [("2022-10-13 14:00+02:00", 8)] == rows(text, step_s=3600)


def test_a_byte_order_mark_and_lines_of_windows_are_read():
    text = "\ufeff" + hours("10/13/2022 14:00", "10/13/2022 15:00").replace("\n", "\r\n")

    assert [1, 2] == [energy_wh for _, energy_wh in rows(text)]


def test_kilowatt_hours_are_read_as_such():
    text = "Date/Time,Energy Produced (kWh)\n10/13/2022,8.298\n"

    assert [("METER", "2022-10-13", 8298)] == totals(text)


def test_a_report_in_another_language_is_refused_in_clear_words():
    text = "Datum/Tijd,Geproduceerde energie (Wh)\n12-10-2022 14:00,5\n"

    told = refusal(text)

    assert told.startswith("line 1: names no column of a report in English: 'Datum/Tijd,Gepro")
    assert "set the site's language to English" in told


def test_a_column_that_stands_twice_is_refused():
    text = "Date/Time,Energy Produced (Wh),Energy Produced (Wh)\n10/13/2022 14:00,5,6\n"

    assert "line 1: has the column 'Energy Produced (Wh)' twice" == refusal(text)


def test_days_are_totals_and_nothing_else():
    text = PRODUCED + '10/12/2022,"8,298"\n10/13/2022,"5,146"\n10/14/2022,946\nTotal,"14,390"\n'

    parsed = parse(text)

    assert [] == intervals(parsed)
    assert [
        ("METER", "2022-10-12", 8298),
        ("METER", "2022-10-13", 5146),
        ("METER", "2022-10-14", 946),
    ] == totals(text)
    assert [
        "production is taken as a meter's (--source micro: the microinverters')",
        "one line a day: totals of days, without intervals",
    ] == parsed.notes


def test_days_have_consumption_too():
    text = METERED + '10/13/2022,"1,000",2000,0,1000\n'

    assert [("METER", "2022-10-13", 1000), ("CONSUMPTION", "2022-10-13", 2000)] == totals(text)


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


def test_months_are_refused():
    text = hours("01/01/2022", "02/01/2022", "03/01/2022", "04/13/2022")

    assert "file: has lines 28 days apart: neither up to an hour nor days" == refusal(text)


def test_two_hours_are_refused():
    text = hours("10/13/2022 00:00", "10/13/2022 02:00", "10/13/2022 04:00")

    assert "has lines of 7200 s" in refusal(text)


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
    assert "line 2: Date/Time '10/13/2022' is none that can be read" == (
        refusal(hours("10/13/2022"), time_format="%b %d %y").partition("first: ")[2].rstrip(")")
    ).replace("2 Date", "2: Date")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("-5", "Energy Produced (Wh) -5 is below 0"),
        ("many", "Energy Produced (Wh) 'many' is no number"),
        ('"1,00"', "Energy Produced (Wh) '1,00' is no number"),
        ("nan", "Energy Produced (Wh) 'nan' is no number"),
        ("9" * 30, f"Energy Produced (Wh) '{'9' * 30}' is no number"),
        ("99999999999", "is more than 1000 kW could make"),
        ("1,2", "columns: 3 instead of 2"),
    ],
)
def test_a_number_that_cannot_be_makes_its_line_bad(cell, reason):
    text = hours("10/13/2022 14:00", "10/13/2022 15:00") + f"10/13/2022 16:00,{cell}\n"

    assert [f"line 4: {reason}"] == bad(text)


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


def test_empty_lines_and_empty_cells_at_the_end_say_nothing():
    text = PRODUCED + "\n10/13/2022 14:00Z,7,,\n,\n10/13/2022 15:00Z,8\n\n"

    assert [("2022-10-13 16:00+02:00", 7), ("2022-10-13 17:00+02:00", 8)] == rows(text)


def test_what_is_not_known_is_no_zero():
    text = METERED + "10/13/2022 14:00,,328,198,0\n10/13/2022 15:00,700,N/A,600,0\n"

    assert [700] == [energy_wh for _, energy_wh in rows(text)]
    assert [328] == [energy_wh for _, energy_wh in rows(text, "consumption")]


def test_a_missing_line_stays_a_gap():
    text = hours(*(f"10/13/2022 {hour}:00" for hour in (10, 11, 12, 15, 16)))

    assert ["10", "11", "12", "15", "16"] == [label[11:13] for label, _ in rows(text)]


def test_a_line_said_twice_counts_once_unless_it_says_something_else():
    text = hours("10/13/2022 14:00", "10/13/2022 15:00", "10/13/2022 16:00")

    assert 3 == parse(text + "10/13/2022 14:00,1\n").row_count
    assert ["line 5: has other energy for the time of line 2"] == bad(text + "10/13/2022 14:00,9\n")


def test_a_day_said_twice_counts_once_unless_it_says_something_else():
    text = hours("10/13/2022", "10/14/2022")

    assert 2 == parse(text + "10/13/2022,1\n").row_count
    assert ["line 4: has other energy for the day of line 2"] == bad(text + "10/13/2022,9\n")


def test_a_line_within_another_one_is_bad():
    text = hours(*(f"10/13/2022 1{hour}:00" for hour in range(5))) + "10/13/2022 12:30,5\n"

    assert ["line 7: begins within the 3600 s of line 4"] == bad(text)


def test_what_lies_in_the_future_or_before_1970_is_bad():
    assert ["line 4: lies in the future"] == bad(
        hours("10/08/2025 21:00", "10/08/2025 22:00", "10/13/2025 10:00", "10/08/2025 23:00")
    )
    assert ["line 2: lies in the future"] == bad(hours("10/13/2025", "10/09/2025", "10/08/2025"))
    assert ["line 2: lies before 1970"] == bad(hours("12/31/1969", "01/01/1970"))
    assert ["line 2: lies before 1970"] == bad(
        hours("12/31/1969 10:00", "12/31/1970 11:00", "12/31/1970 12:00", "12/31/1970 13:00")
    )


def test_a_footer_that_its_lines_do_not_make_is_told():
    text = PRODUCED + '10/12/2022,"8,298"\n10/13/2022,"5,146"\nTotal,"20,000"\n'

    assert (
        "Energy Produced (Wh) of the footer is 20000 Wh, that of its lines 13444 Wh: is it whole?"
        in parse(text).notes
    )


def test_a_footer_in_the_middle_is_bad():
    text = hours("10/13/2022", "10/14/2022") + "Total,3\n" + "10/15/2022,9\n"

    assert ["line 4: has no date, but 'Total'"] == bad(text)


@pytest.mark.parametrize("footer", ["Total,many\n", "Total\n", "Total,\n"])
def test_a_footer_without_a_number_is_passed_over(footer):
    assert 2 == parse(hours("10/13/2022", "10/14/2022") + footer).row_count


def test_marks_of_thousands_are_not_guessed_where_commas_do_not_separate():
    text = "Date/Time;Energy Produced (Wh)\n10/13/2022;8298\n10/14/2022;8.298\n10/15/2022;8,298\n"

    assert ["line 3", "line 4"] == [one.place for one in parse(text).bad.kept]


def test_production_is_the_microinverters_where_it_is_said_or_nothing_else_is_known():
    text = hours("10/13/2022 14:00", "10/13/2022 15:00")
    known = {"1218": Kind.INVERTER, "12": Kind.ENVOY}
    target = Target(67, AMSTERDAM, NOW_AT, known)

    found = detect.parse(Content(text.encode()), target, Options())

    assert [1, 2] == [energy_wh for _, energy_wh in rows(text, "micro", source=Source.MICRO)]
    assert {Kind.UNNAMED_INVERTERS} == {one.kind for one in intervals(found)}
    assert found.notes[0].startswith("production is taken as the microinverters'")


def test_what_a_report_has_no_use_for_is_refused():
    text = hours("10/13/2022 14:00", "10/13/2022 15:00")

    assert refusal(text, serial_number="1").startswith("--serial: ")
    assert refusal(text, source=Source.CONSUMPTION).startswith("--source: ")


def test_a_file_without_a_good_line_is_refused():
    assert "file: has no line that can be taken (0 bad)" == refusal(PRODUCED)
    assert "line 2 Date/Time 'x1' is none that can be read" in refusal(PRODUCED + "x1,1\n")


def test_a_length_that_nothing_tells_is_to_be_named():
    assert "name it by --step" in refusal(hours("10/13/2022 14:00"))
    labels = ("10:00", "10:15", "11:00", "11:10", "12:30")
    assert "no regular distance" in refusal(hours(*(f"10/13/2022 {one}" for one in labels)))


def test_times_without_an_offset_may_be_of_a_named_zone():
    text = hours("10/13/2022 14:00", "10/13/2022 15:00")

    assert "2022-10-13 16:00+02:00" == rows(text, timezone="UTC")[0][0]
    assert "2022-10-13 20:00+02:00" == rows(text, timezone="US/Eastern")[0][0]


def test_a_quote_that_never_ends_is_no_csv():
    assert "line 3: is no CSV: unexpected end of data" == refusal(hours("10/13/2022") + '"1')


def test_no_more_lines_are_read_than_are_bounded(monkeypatch):
    monkeypatch.setattr(report_csv_lines, "LINES_MAX", 2)

    told = refusal(hours("10/13/2022 14:00", "10/13/2022 15:00", "10/13/2022 16:00"))

    assert "file: has more than 2 lines: split it" == told


def test_a_long_report_comes_in_batches_of_whole_days():
    labels = (
        (datetime(2022, 1, 1) + timedelta(minutes=15 * number)).isoformat(" ")  # noqa: DTZ001
        for number in range(7_000)
    )
    site = ZoneInfo("UTC")

    first, second = parse(hours(*labels), zone=site).reports

    assert (4_992, 2_008) == (len(first.intervals), len(second.intervals))
    assert 0 == first.intervals[-1].end_at % 86_400


def test_a_batch_is_bounded_where_a_day_is_not():
    start = datetime(2022, 1, 1)  # noqa: DTZ001
    labels = ((start + timedelta(seconds=10 * number)).isoformat(" ") for number in range(5_001))

    assert [5_000, 1] == [len(report.intervals) for report in parse(hours(*labels)).reports]


def test_more_than_fits_a_day_is_bad():
    text = hours("10/13/2022", "10/14/2022") + "10/15/2022,99999999\n"

    assert ["line 4: is more than 1000 kW could make"] == bad(text)


def test_consumption_of_days_may_be_alone():
    text = "Date/Time,Energy Consumed (Wh)\n10/13/2022,5\n10/14/2022,6\n"

    assert [("CONSUMPTION", "2022-10-13", 5), ("CONSUMPTION", "2022-10-14", 6)] == totals(text)


def test_consumption_alone_is_a_report_too():
    text = "Date/Time,Energy Consumed (Wh)\n10/13/2022 14:00,5\n10/13/2022 15:00,6\n"

    assert [5, 6] == [energy_wh for _, energy_wh in rows(text, "consumption")]
    assert {Kind.UNNAMED_CONSUMPTION_METERS} == {one.kind for one in intervals(parse(text))}


def test_a_named_power_column_makes_it_a_power_csv():
    text = "Date/Time,Energy Produced (Wh)\n2022-10-13 14:00,5\n2022-10-13 15:00,5\n"

    assert "power_csv" == parse(text, power_column="2").format_name


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


@pytest.fixture
async def house(store_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with served(store_url, tmp_path, timezone="Europe/Amsterdam") as house:
        house.now = NOW_AT
        yield house


async def take(house: House, content: Content, **options: Any) -> Receipt:
    aim = await taking.target(house.database, 67, NOW_AT)
    parsed = detect.parse(content, aim, Options(**options))
    assert not parsed.bad.count
    return await taking.take(
        house.database, parsed, aim, rules=house.config.rules, progress=lambda _: None
    )


@pytest.mark.skipif(not SAMPLE.exists(), reason="the file is not here")
async def test_the_days_of_a_real_report_come_back_to_the_wh(house):
    days: defaultdict[str, int] = defaultdict(int)
    with SAMPLE.open(encoding="utf-8-sig", newline="") as file:
        for label, energy_wh in list(csv.reader(file))[1:]:
            days[label[:10]] += int(energy_wh)

    receipt = await take(house, read(SAMPLE))
    again = await take(house, read(SAMPLE))

    lifetime = await house.get("energy_lifetime")
    assert (5591, 5591) == (receipt.new, again.repeated)
    assert "2024-01-01" == lifetime.json()["start_date"]
    assert list(days.values()) == lifetime.json()["production"][: len(days)]
    assert 2_000_524 == sum(lifetime.json()["production"])


async def test_hours_are_spread_over_the_quarters_that_rgm_stats_lists(house):
    text = METERED + "01/13/2025 14:00,524,328,196,0\n01/13/2025 15:00,700,100,600,0\n"

    await take(house, Content(text.encode()))

    start_at = house.at("2025-01-13T14:00")
    produced = await house.get("rgm_stats", start_at=start_at)
    consumed = await house.get("consumption_stats", start_at=start_at)
    assert [131] * 4 + [175] * 4 == [one["wh_del"] for one in produced.json()["intervals"]]
    assert [82] * 4 + [25] * 4 == [one["enwh"] for one in consumed.json()["intervals"]]


async def test_days_are_listed_until_something_better_is_known(house):
    text = hours("10/13/2022", "10/14/2022")
    better = hours(*(f"10/13/2022 {hour:02}:00" for hour in range(24)))

    await take(house, Content(text.encode()))
    before = await house.get("energy_lifetime")
    await take(house, Content(better.encode()))
    after = await house.get("energy_lifetime")

    assert [1, 2] == before.json()["production"][:2]
    assert [300, 2] == after.json()["production"][:2]


def test_a_day_total_is_of_its_source():
    text = hours("10/13/2022", "10/14/2022")

    found = [
        one for report in parse(text, source=Source.MICRO).reports for one in report.day_totals
    ]

    assert DayTotal(Source.MICRO, day_of_date(date(2022, 10, 13)), 1) == found[0]
