"""Power CSV files: columns, times, units and steps become joules of one device."""

import csv
import random
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import BadInput
from relight.model.clock import date_of_day, day_ending
from relight.model.devices import Kind, Source
from relight.model.energy import Origin
from relight.model.reports import IntervalReport
from relight.sources.files import detect
from relight.sources.files.parsed import Options, Parsed, Target
from relight.sources.files.power_csv import energy_j
from relight.sources.files.reading import Content, read

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
NOW_AT = 1700000000
TARGET = Target(67, LOS_ANGELES, NOW_AT)
#: 2023-06-01 12:00 UTC, 05:00 in Los Angeles.
AT = 1685620800
SHARED = Path(__file__).parents[4] / "shared" / "data" / "power"

SIMPLE = "time,power_kw\n2023-06-01T12:00Z,0.5\n2023-06-01T12:05Z,1.25\n2023-06-01T12:10Z,0\n"


def parse(text: str, **options: Any) -> Parsed:
    return detect.parse(Content(text.encode()), TARGET, Options(**options))


def intervals(parsed: Parsed) -> list[IntervalReport]:
    return [one for report in parsed.reports for one in report.intervals]


def pairs(text: str, **options: Any) -> list[tuple[int, int]]:
    return [(one.end_at - AT, one.energy_j) for one in intervals(parse(text, **options))]


def bad(text: str, **options: Any) -> list[str]:
    return [f"{one.place}: {one.reason}" for one in parse(text, **options).bad.kept]


def refusal(text: str, **options: Any) -> str:
    with pytest.raises(BadInput) as refused:
        parse(text, **options)
    return str(refused.value)


def test_kilowatts_become_joules_of_the_interval_that_ends_at_the_time():
    result = parse(SIMPLE)

    assert "power_csv" == result.format_name
    assert [
        IntervalReport(Kind.UNNAMED_INVERTERS, "", 1, AT, 300, 150_000),
        IntervalReport(Kind.UNNAMED_INVERTERS, "", 1, AT + 300, 300, 375_000),
        IntervalReport(Kind.UNNAMED_INVERTERS, "", 1, AT + 600, 300, 0),
    ] == intervals(result)
    (report,) = result.reports
    assert Origin.FILE is report.origin
    assert (1, AT + 600) == (report.devices[0].device_count, report.devices[0].reported_at)


def test_a_time_may_name_the_start_of_its_interval():
    assert [(300, 150_000), (600, 375_000), (900, 0)] == pairs(SIMPLE, label_is_start=True)


@pytest.mark.parametrize(
    ("header", "expected_j"),
    [
        ("time,power", 600_000),
        ("Timestamp,AC Power", 600_000),
        ("date_time,Power (kW)", 600_000),
        ("datetime,ac_power_kw", 600_000),
        ("ts,kW", 600_000),
        ("time,power_w", 600),
        ("time,Power [W]", 600),
        ("time,watts", 600),
        ("time,W", 600),
    ],
)
def test_columns_and_the_unit_are_known_by_their_names(header, expected_j):
    text = f"{header}\n2023-06-01T12:00Z,2\n2023-06-01T12:05Z,2\n"

    assert [(0, expected_j), (300, expected_j)] == pairs(text)


def test_columns_and_the_unit_can_be_named():
    text = "a,when,b\n1,2023-06-01T12:00Z,7\n2,2023-06-01T12:05Z,8\n"

    expected = [(0, 2100), (300, 2400)]
    assert expected == pairs(text, time_column="WHEN", power_column="b", power_unit="w")
    assert expected == pairs(text, time_column="2", power_column="3", power_unit="W")


def test_a_file_without_a_header_is_read_by_the_numbers_of_its_columns():
    text = "2023-06-01T12:00Z,2\n2023-06-01T12:05Z,3\n"

    assert [(0, 600_000), (300, 900_000)] == pairs(text, time_column="1", power_column="2")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_found_and_a_decimal_comma_with_them(delimiter):
    text = SIMPLE.replace(",", delimiter).replace("1.25", "1,25")

    assert [(0, 150_000), (300, 375_000), (600, 0)] == pairs(text)


@pytest.mark.parametrize(
    "times",
    [
        ("2023-06-01T12:00:00Z", "2023-06-01T12:05:00Z"),
        ("2023-06-01 05:00:00-07:00", "2023-06-01 05:05:00-07:00"),
        ("2023-06-01 05:00:00 -0700", "2023-06-01 05:05:00 -0700"),
        ("2023-06-01 05:00", "2023-06-01 05:05"),
        (str(AT), str(AT + 300)),
        (f"{AT}000", f"{AT + 300}000"),
        (f"{AT}.0", f"{AT + 300}.25"),
    ],
)
def test_times_are_read_in_many_forms_site_local_without_an_offset(times):
    text = f"time,power\n{times[0]},1\n{times[1]},1\n"

    assert [(0, 300_000), (300, 300_000)] == pairs(text)


def test_times_without_an_offset_may_be_of_another_zone_or_form():
    text = "time,power\n01.06.2023 14:00,1\n01.06.2023 14:05,1\n"

    found = pairs(text, timezone="Europe/Berlin", time_format="%d.%m.%Y %H:%M")

    assert [(0, 300_000), (300, 300_000)] == found
    assert [(-7200, 300_000)] == pairs(
        "time,power\n2023-06-01 10:00,1\n", timezone="utc", step_s=300
    )


def test_lines_in_any_order_are_the_same():
    lines = SIMPLE.splitlines()
    shuffled = [lines[0], lines[3], lines[1], lines[2]]

    assert pairs(SIMPLE) == pairs("\n".join(shuffled))


def test_a_line_said_twice_counts_once_and_is_mentioned():
    result = parse(SIMPLE + "2023-06-01T12:05Z,1.25\n")

    assert 3 == result.row_count
    assert "1 lines say the same as another one" in result.notes
    assert 0 == result.bad.count


def test_a_line_that_contradicts_another_is_bad():
    text = SIMPLE + "2023-06-01T12:05Z,1.26\n"

    assert ["line 5: has another power for the time of line 3"] == bad(text)


def test_gaps_stay_gaps():
    text = "time,power\n" + "".join(f"{AT + at},1\n" for at in (0, 300, 600, 1500, 1800, 40_000))

    assert [0, 300, 600, 1500, 1800, 40_000] == [at for at, _ in pairs(text)]


def test_the_step_is_told_or_the_usual_distance():
    lines = ["time,power", *(f"{AT + at},1" for at in (0, 60, 360))]

    assert "name it by --step" not in str(parse("\n".join(lines[:3])))
    assert [(0, 900_000), (60, 900_000), (360, 900_000)] == pairs("\n".join(lines), step_s=900)


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        (f"time,power\n{AT},1\n", {}, "has a single time"),
        ("time,power\n" + "".join(f"{AT + at},1\n" for at in (0, 60, 200, 500, 560)), {}, ""),
        ("time,power\n" + "".join(f"{AT + at},1\n" for at in (0, 60, 200, 500)), {}, "no regular"),
        (SIMPLE, {"step_s": 0}, "--step: is not within 1 and 86400 seconds"),
        (SIMPLE, {"step_s": 90_000}, "--step: is not within 1 and 86400 seconds"),
        (SIMPLE, {"power_column": "nothing"}, "there is no column 'nothing' in: time, power_kw"),
        (SIMPLE, {"power_column": "3"}, "there is no column '3'"),
        (SIMPLE, {"where": {"sensor": "a"}}, "--where: there is no column 'sensor'"),
        (SIMPLE, {"power_unit": "MW"}, "--power-unit: 'MW' is neither W nor kW"),
        ("time,power,watts\n1,2,3\n", {"time_column": "time"}, "2 columns could be the one"),
        ("time,flow\n1,2\n", {"time_column": "time"}, "no column is the one that --power-column"),
        ("time,power\n", {}, "has no line that can be taken (0 bad)"),
        ("time,power\nx,1\n", {}, "has no line that can be taken (1 bad; the first: line 2"),
        ('time,power\n"2023,1\n', {}, "is no CSV"),
        ("Date/Time,Energy\n01/01/2024 00:00,0\n", {}, "neither JSON nor"),
        ("hello\n", {}, "is neither JSON nor the header of a known CSV file: 'hello'"),
        ("x" * 20_000, {}, "is neither JSON"),
        ("x" * 20_000, {"time_column": "1"}, "line 1: is longer than"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_reason(text, options, expected):
    if not expected:
        assert parse(text, **options).row_count
        return

    assert expected in refusal(text, **options)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2023-06-01T12:15Z,-0.001", "power -0.001 kW is below 0"),
        ("2023-06-01T12:15Z,-1000000.0", "power -1000000.0 kW is below 0"),
        ("2023-06-01T12:15Z,1000.1", "power 1000.1 kW is more than 1000 kW"),
        ("2023-06-01T12:15Z,1e99", "power 1e99 kW is more than 1000 kW"),
        ("2023-06-01T12:15Z,NaN", "power 'NaN' is no number"),
        ("2023-06-01T12:15Z,inf", "power 'inf' is no number"),
        ("2023-06-01T12:15Z,1_0", "power '1_0' is no number"),
        ("2023-06-01T12:15Z,", "power is missing"),
        ("2023-06-01T12:15Z", "has 1 columns instead of 2 or more"),
        (",1", "time is missing"),
        ("yesterday,1", "time 'yesterday' is none that can be read"),
        ("2023-02-30T12:15Z,1", "time '2023-02-30T12:15Z' is none that can be read"),
        ("0001-01-01T00:00+14:00,1", "lies before 1970"),
        ("1969-12-31T23:00Z,1", "lies before 1970"),
        ("9999-12-31T23:59-10:00,1", "lies in the future"),
        (f"{NOW_AT + 1200},1", "lies in the future"),
        ("2023-03-12 02:30,1", "time '2023-03-12 02:30' does not exist"),
        ("2022-11-06 01:30,1", "its time was shown twice that day"),
    ],
)
def test_a_line_that_cannot_be_is_named_and_the_others_are_read(line, expected):
    lines = SIMPLE.splitlines()
    text = "\n".join([*lines[:2], "", line, *lines[2:]])

    (reason,) = bad(text)

    assert reason.startswith(f"line 4: {expected}")
    assert [(0, 150_000), (300, 375_000), (600, 0)] == pairs(text)


def test_bad_lines_are_kept_up_to_a_limit_and_counted_beyond():
    text = SIMPLE + "".join(f"{AT + 900 + 300 * i},-1\n" for i in range(3000))

    result = parse(text)

    assert (3000, 1000) == (result.bad.count, len(result.bad.kept))


@pytest.mark.parametrize(
    ("options", "kind", "serial_number"),
    [
        ({}, Kind.UNNAMED_INVERTERS, ""),
        ({"source": Source.MICRO, "serial_number": "12"}, Kind.INVERTER, "12"),
        ({"source": Source.METER}, Kind.PRODUCTION_METER, "power-csv"),
        ({"source": Source.METER, "serial_number": "9"}, Kind.PRODUCTION_METER, "9"),
        ({"source": Source.CONSUMPTION}, Kind.CONSUMPTION_METER, "power-csv"),
    ],
)
def test_the_source_says_what_device_the_lines_are_of(options, kind, serial_number):
    assert {(kind, serial_number)} == {
        (one.kind, one.serial_number) for one in intervals(parse(SIMPLE, **options))
    }


LONG_FORM = """site,meas_name,ts,sensor,meas_val_f
A,ac_power,2023-06-01 12:00:00,one,1
A,ac_power,2023-06-01 12:05:00,one,2
A,ac_power,2023-06-01 12:00:00,two,3
A,ac_voltage,2023-06-01 12:00:00,one,240
"""


def test_of_the_long_form_one_series_is_chosen_and_its_times_are_utc():
    where = {"sensor": "one", "MEAS_NAME": "ac_power"}

    result = parse(LONG_FORM, where=where, source=Source.METER)

    assert [(AT, 300_000), (AT + 300, 600_000)] == [
        (one.end_at, one.energy_j) for one in intervals(result)
    ]
    assert {"one"} == {one.serial_number for one in intervals(result)}
    assert "2 lines are left out by --where" in result.notes


def test_several_series_at_once_are_refused():
    assert "holds several series (A,ac_power,one; A,ac_power,two" in refusal(
        LONG_FORM.replace("A,ac_voltage", "A,ac_power")
    )


def test_local_times_are_read_over_the_autumn_change_of_clocks():
    start_at = 1699167600  # 2023-11-05 00:00 in Los Angeles
    lines = [
        f"{datetime.fromtimestamp(at, LOS_ANGELES):%Y-%m-%d %H:%M},{at % 7}"
        for at in range(start_at, start_at + 4 * 3600, 900)
    ]

    found = intervals(parse("\n".join(["time,power", *lines])))

    assert [(at, at % 7 * 900_000) for at in range(start_at, start_at + 4 * 3600, 900)] == [
        (one.end_at, one.energy_j) for one in found
    ]


def test_large_files_are_cut_at_the_ends_of_days():
    lines = [f"{AT + 300 * i},1" for i in range(12_000)]

    reports = list(parse("time,power\n" + "\n".join(lines)).reports)

    assert 12_000 == sum(len(report.intervals) for report in reports)
    assert max(len(report.intervals) for report in reports) <= 5_000
    ends = [report.intervals[-1].end_at for report in reports[:-1]]
    starts = [report.intervals[0].end_at for report in reports[1:]]
    assert all(
        day_ending(LOS_ANGELES, end) < day_ending(LOS_ANGELES, start)
        for end, start in zip(ends, starts, strict=True)
    )


def test_a_file_that_ends_within_a_day_is_cut_where_its_day_is_too_long():
    lines = [f"{AT + i},1" for i in range(11_000)]

    reports = list(parse("time,power\n" + "\n".join(lines)).reports)

    assert [5000, 5000, 1000] == [len(report.intervals) for report in reports]


@given(st.decimals(0, 1_000_000, places=6), st.integers(1, 86_400))
def test_joules_are_exact_and_rounded_half_up(power_w, step_s):
    exact = Fraction(power_w) * step_s

    joules = energy_j(power_w, step_s)

    assert -Fraction(1, 2) < joules - exact <= Fraction(1, 2)


def test_any_text_is_read_or_refused():
    chance = random.Random(7)
    alphabet = 'time,power\n0123456789.:-"; \tTZ'
    for _ in range(2000):
        text = "time,power\n" + "".join(chance.choices(alphabet, k=60))
        with suppress(BadInput):
            parse(text, step_s=300)


@pytest.mark.parametrize(
    ("name", "bad_lines"),
    [("TAEFC1044741.csv", [4528, 22147, 26980]), ("ZT162185000441C1203.csv", [])],
)
@pytest.mark.skipif(not SHARED.exists(), reason="the data sets are not here")
def test_a_real_data_set_has_the_energy_of_its_lines_day_by_day(name, bad_lines):
    expected: defaultdict[object, Fraction] = defaultdict(Fraction)
    with (SHARED / name).open(newline="") as file:
        for row in csv.DictReader(file):
            power_kw = Decimal(row["meas_val_f"])
            at = datetime.fromisoformat(row["ts"]).replace(tzinfo=UTC)
            day = (at.astimezone(LOS_ANGELES) - timedelta(seconds=1)).date()
            if power_kw >= 0:
                expected[day] += Fraction(power_kw) * 1000 * 300

    result = detect.parse(read(SHARED / name), TARGET, Options())

    found: defaultdict[object, Fraction] = defaultdict(Fraction)
    for one in intervals(result):
        found[date_of_day(day_ending(LOS_ANGELES, one.end_at))] += one.energy_j
    assert expected == found
    assert [f"line {line}" for line in bad_lines] == [one.place for one in result.bad.kept]
