"""Metrics as text: what Prometheus reads is what was counted, each number in one bucket."""

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from relight.model import metrics
from relight.model.metrics import CATALOGUE, DATABASE_S, QUOTA_REFUSALS, REQUESTS, SHARED, Sample


def numbers() -> list[float]:
    return [0.0] * sum(metrics.words(one) * len(one.series) for one in SHARED)


def test_names_and_labels_are_as_prometheus_wants_them() -> None:
    wrong = [
        one.name
        for one in CATALOGUE
        if not one.name.startswith("relight_")
        or (one.kind is metrics.Kind.COUNTER) != one.name.endswith("_total")
        or any(len(labels) != len(one.labels) for labels in one.series)
        or not one.help.endswith(".")
    ]

    assert [] == wrong
    assert len(CATALOGUE) == len({one.name for one in CATALOGUE})


def test_no_label_names_a_key_or_a_person() -> None:
    known = {label for one in CATALOGUE for label in one.labels}

    assert set() == known & {"key", "user", "user_id", "app", "app_id", "address", "path", "client"}


def test_each_series_has_a_place_of_its_own() -> None:
    taken = [
        place + index
        for family in SHARED
        for labels in family.series
        for place in [metrics.places()[family.name, labels]]
        for index in range(metrics.words(family))
    ]

    assert list(range(len(numbers()))) == sorted(taken)


def test_what_was_counted_is_told() -> None:
    counted = numbers()
    counted[metrics.places()[REQUESTS.name, ("stats", "200")]] = 7
    counted[metrics.places()[QUOTA_REFUSALS.name, ("month",)]] = 2

    told = metrics.text(counted, {metrics.BUILD: [Sample(('1"0', "3", "a\\b"), 1)]}).decode()

    assert '\nrelight_requests_total{endpoint="stats",status="200"} 7\n' in told
    assert 'relight_requests_total{endpoint="stats",status="404"}' not in told
    assert '\nrelight_quota_refusals_total{limit="minute"} 0\n' in told
    assert '\nrelight_quota_refusals_total{limit="month"} 2\n' in told
    assert '\nrelight_build_info{version="1\\"0",python="3",database="a\\\\b"} 1\n' in told


def test_the_buckets_of_a_histogram_hold_what_is_below_them() -> None:
    counted = numbers()
    place = metrics.places()[DATABASE_S.name, ("write",)]
    counted[place + 1], counted[place + len(DATABASE_S.bounds)] = 3, 1
    counted[place + len(DATABASE_S.bounds) + 1] = 60.5

    lines = metrics.text(counted, {}).decode().splitlines()
    told = [line for line in lines if 'operation="write"' in line and "duration" in line]

    assert 'relight_database_duration_seconds_bucket{operation="write",le="0.0005"} 0' == told[0]
    assert 'relight_database_duration_seconds_bucket{operation="write",le="0.001"} 3' == told[1]
    assert 'relight_database_duration_seconds_bucket{operation="write",le="+Inf"} 4' == told[-3]
    assert 'relight_database_duration_seconds_sum{operation="write"} 60.5' == told[-2]
    assert 'relight_database_duration_seconds_count{operation="write"} 4' == told[-1]


@given(st.lists(st.one_of(st.floats(0, 100), st.sampled_from(DATABASE_S.bounds))))
def test_each_value_falls_into_the_first_bucket_that_holds_it(values: list[float]) -> None:
    expected: dict[int, int] = {}
    for value in values:
        bucket = bisect_left(DATABASE_S.bounds, value)
        expected[bucket] = expected.get(bucket, 0) + 1

    assert expected == dict(metrics.buckets(DATABASE_S.bounds, sorted(values)))
