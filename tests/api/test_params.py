"""Query strings as clients send them, hostile ones included."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.api.formats import Format
from relight.api.params import QUERY_BYTES_MAX, Query, SystemFilters, id_of
from relight.errors import BadParameter, MissingParameter, UnreadableDate
from relight.model.clock import zone

LOS_ANGELES = zone("America/Los_Angeles")


def test_a_parameter_not_given_is_none():
    assert Query(b"").text("key") is None
    assert Query(b"key").text("key") is None
    assert Query(b"key=").text("key") is None
    assert Query(b"&&=&key&").text("key") is None


def test_the_last_of_a_repeated_parameter_counts():
    assert Query(b"key=a&key=b").text("key") == "b"


def test_names_and_values_are_decoded():
    query = Query(b"system%5Fname=Gr%C3%BCn+%26+Co%2B")

    assert query.text("system_name") == "Grün & Co+"


def test_a_value_may_hold_equals_signs():
    assert Query(b"key=a=b").text("key") == "a=b"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"%", "%"),
        (b"%4", "%4"),
        (b"%zz", "%zz"),
        (b"%ff", "\ufffd"),
        (b"\xff", "\ufffd"),
        (b"%ed%a0%80", "\ufffd\ufffd\ufffd"),
        (b"a%00b", "a\ufffdb"),
        (b"a\x00b", "a\ufffdb"),
        (b"\xc3\xbc", "ü"),
    ],
)
def test_malformed_bytes_are_read_as_well_as_they_can_be(raw: bytes, expected: str):
    assert expected == Query(b"key=" + raw).text("key")


@pytest.mark.parametrize(
    "raw",
    [b"a" * 100_000, b"%" * 100_000, b"&" * 100_000, b"[]=1&" * 20_000, b"%00" * 33_000],
)
def test_a_long_query_string_is_harmless(raw: bytes):
    assert Query(raw).text("key") is None


def test_an_endless_query_string_is_refused():
    with pytest.raises(BadParameter, match="query string is longer"):
        Query(b"a" * (QUERY_BYTES_MAX + 1))


@given(st.binary(max_size=300))
def test_no_bytes_break_a_query(raw):
    query = Query(raw)

    assert 1 <= query.limit() <= 1_000
    assert query.format() in Format
    SystemFilters.of(query)


def test_a_needed_parameter_that_is_given_is_returned():
    assert Query(b"serial_num=123").needed("serial_num", "Provide envoy serial number") == "123"


def test_a_needed_parameter_is_missed_in_its_own_words():
    with pytest.raises(MissingParameter, match="Provide envoy serial number"):
        Query(b"serial_num=").needed("serial_num", "Provide envoy serial number")


def test_plain_and_list_values_of_a_filter_come_together():
    query = Query(b"status=comm&status%5B%5D=micro&status[]=power&status[]=&status[]=micro")

    assert query.values("status") == ("comm", "micro", "power")


def test_too_many_values_of_a_filter_are_refused():
    query = Query(b"&".join(b"system_id[]=%d" % system_id for system_id in range(1_001)))

    with pytest.raises(BadParameter, match="system_id"):
        query.values("system_id")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", 100),
        (b"limit=", 100),
        (b"limit=1", 1),
        (b"limit=0007", 7),
        (b"limit=1000", 1_000),
        (b"limit=1001", 1_000),
        (b"limit=" + b"9" * 10_000, 1_000),
        (b"limit=0", 100),
        (b"limit=-5", 100),
        (b"limit=ten", 100),
        (b"limit=5.0", 100),
        (b"limit=1_0", 100),
        (b"limit=%D9%A5", 100),
        (b"limit=%C2%B2", 100),
    ],
)
def test_a_limit_is_clamped_or_the_default(raw: bytes, expected: int):
    assert expected == Query(raw).limit()


def test_next_is_the_system_that_ended_the_page_before():
    assert Query(b"next=4e6a633d0a").next() == 67
    assert Query(b"next=").next() is None


def test_an_unreadable_next_is_refused():
    with pytest.raises(BadParameter, match="next"):
        Query(b"next=67").next()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", Format.DEFAULT),
        (b"datetime_format=iso8601", Format.ISO8601),
        (b"datetime_format=epoch", Format.EPOCH),
        (b"datetime_format=ISO8601", Format.DEFAULT),
        (b"datetime_format=unix", Format.DEFAULT),
    ],
)
def test_other_datetime_formats_are_ignored(raw: bytes, expected: Format):
    assert expected is Query(raw).format()


@pytest.mark.parametrize(
    "raw",
    [
        b"1642778400",
        b"1642778400.0",
        b"2022-01-21T07:20:00-08:00",
        b"2022-01-21T20:50:00+05:30",
        b"2022-01-21T20:50:00%2B05:30",
        b"2022-01-21T07%3A20%3A00",
    ],
)
def test_an_instant_is_read_from_a_query(raw: bytes):
    assert Query(b"start_at=" + raw).instant("start_at", LOS_ANGELES) == 1_642_778_400


def test_an_instant_or_a_day_not_given_is_none():
    query = Query(b"start_at=&start_date=")

    assert query.instant("start_at", LOS_ANGELES) is None
    assert query.day("start_date") is None


def test_what_cannot_be_read_is_refused_with_its_text():
    query = Query(b"end_at=1e400&start_date=a+b")

    with pytest.raises(UnreadableDate) as bad_instant:
        query.instant("end_at", LOS_ANGELES)
    with pytest.raises(UnreadableDate) as bad_day:
        query.day("start_date")

    assert bad_instant.value.text == "1e400"
    assert bad_day.value.text == "a b"


def test_a_day_is_read_leniently():
    assert Query(b"start_date=1970-01-02T00:00:00Z").day("start_date") == 1


def test_filters_not_asked_for_are_none():
    assert SystemFilters(None, None, None, None, None, None) == SystemFilters.of(Query(b"limit=5"))


def test_every_filter_is_read():
    asked = SystemFilters.of(
        Query(
            b"system_id=67&system_id[]=68&system_id[]=067&system_name=Green&status=comm"
            b"&reference=A1&installer=Sun+Co&connection_type[]=wifi"
        )
    )

    assert (
        SystemFilters(
            system_ids=(67, 68),
            names=("Green",),
            statuses=("comm",),
            references=("A1",),
            installers=("Sun Co",),
            connection_types=("wifi",),
        )
        == asked
    )


def test_an_id_that_cannot_be_matches_nothing():
    assert SystemFilters.of(Query(b"system_id=green")).system_ids == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("67", 67),
        ("0067", 67),
        ("0", 0),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        ("9" * 300, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1.0", None),
        ("1_0", None),
        ("٦٧", None),
    ],
)
def test_an_id_is_plain_decimal(text: str, expected: int | None):
    assert expected == id_of(text)
