"""Blocks of lines of a power CSV say what the same lines say one by one."""

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from relight.errors import BadInput
from relight.sources.files import detect
from relight.sources.files.parsed import Options, Target
from relight.sources.files.reading import Content

NOW_AT = 1_732_000_000
ZONES = ("America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "UTC")
#: Hours that clocks skip or show twice are among them.
HOURS = ["2023-11-05T00", "2023-11-05T01", "2024-03-31T02", "2024-04-07 01", "2024-06-01T12"]
RESTS = [":00", ":05", ":05:00", ":10:30", ":05Z", ":05+00:00", ":10:00 -0500", ":15+1030"]
TIMES = st.one_of(
    st.integers(1_700_000_000, 1_700_003_000).map(str),
    st.builds("{}{}".format, st.sampled_from(HOURS), st.sampled_from(RESTS)),
    st.sampled_from(["", "soon", "2023-02-29T00:00", "20230601", "17000000000", "1685620800.5"]),
)
POWERS = st.one_of(
    st.decimals(0, 1_100, places=3).map(str),
    st.sampled_from(["0", "1.5", ".5", "5.", "", "-1", "1e2", "NaN", "1,5", "1.2.3", "9" * 30]),
)
PLAIN_TIMES = st.builds(
    "2024-{:02}-{:02}T{:02}:{:02}{}".format,
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 23),
    st.integers(0, 59),
    st.just(""),
)
LINES = st.one_of(
    st.lists(st.tuples(PLAIN_TIMES, st.decimals(0, 9, places=3).map(str)), max_size=12),
    st.lists(st.tuples(TIMES, POWERS), max_size=8),
    st.lists(st.tuples(TIMES, st.just("1.5")), max_size=8),
    st.lists(st.tuples(st.sampled_from(HOURS).map("{}:05".format), POWERS), max_size=8),
)


def told(lines: list[tuple[str, str]], zone: str, delimiter: str, options: Options) -> object:
    text = "\n".join(delimiter.join(line) for line in [("time", "power_kw"), *lines])
    try:
        parsed = detect.parse(
            Content(text.encode()), Target(1, ZoneInfo(zone), NOW_AT), options, name="power_csv"
        )
    except BadInput as error:
        return str(error)
    return list(parsed.reports), parsed.bad, parsed.notes, parsed.row_count


@given(
    lines=LINES,
    zone=st.sampled_from(ZONES),
    delimiter=st.sampled_from(",;"),
    unit=st.sampled_from(["W", "kW"]),
)
def test_blocks_say_what_their_lines_say_one_by_one(lines, zone, delimiter, unit):
    options = Options(step_s=300, power_unit=unit)
    # A blank before a time means nothing, but only lines by themselves are looked at so closely.
    unusual = [(time and f" {time}", power) for time, power in lines]

    assert told(unusual, zone, delimiter, options) == told(lines, zone, delimiter, options)
