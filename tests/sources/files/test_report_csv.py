"""The vendor's reports as CSV: headers and numbers become intervals or daily totals."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from relight.model.clock import day_of_date
from relight.model.devices import Kind, Source
from relight.model.reports import DayTotal, IntervalReport
from relight.sources.files import detect, report_csv, report_csv_lines
from relight.sources.files.parsed import Options, Target
from relight.sources.files.reading import Content
from tests.sources.files.report_reading import (
    AMSTERDAM,
    METERED,
    NOW_AT,
    PRODUCED,
    STANDS,
    bad,
    hours,
    intervals,
    parse,
    refusal,
    rows,
    totals,
)


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


def test_months_are_refused():
    text = hours("01/01/2022", "02/01/2022", "03/01/2022", "04/13/2022")

    assert "file: has lines 28 days apart: neither up to an hour nor days" == refusal(text)


def test_two_hours_are_refused():
    text = hours("10/13/2022 00:00", "10/13/2022 02:00", "10/13/2022 04:00")

    assert "has lines of 7200 s" in refusal(text)


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


def test_a_batch_is_bounded_where_a_day_is_not(monkeypatch):
    monkeypatch.setattr(report_csv, "BATCH_ROWS_MAX", 3)
    text = hours(*(f"10/13/2022 1{hour}:00" for hour in range(4)))

    assert [3, 1] == [len(report.intervals) for report in parse(text).reports]


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


def test_a_day_total_is_of_its_source():
    text = hours("10/13/2022", "10/14/2022")

    found = [
        one for report in parse(text, source=Source.MICRO).reports for one in report.day_totals
    ]

    assert DayTotal(Source.MICRO, day_of_date(date(2022, 10, 13)), 1) == found[0]
