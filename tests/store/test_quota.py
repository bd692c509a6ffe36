"""The shared call counters of `relight.store.quota`, with real worker processes."""

import itertools
import random
import time
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import DataUnavailable, StoreUnreadable
from relight.model.access import UNLIMITED, WATT, Busy, Plan, Refusal, minute_window, month_window
from relight.store import quota
from relight.store.quota import QuotaBook
from tests.store.quota_caller import APP, JUNE_30_AT, callers

OTHER_APP = 1409611897287
JUNE_AT = 1401580800
JULY_AT = 1404172800


@pytest.fixture
def path(tmp_path):
    return tmp_path / "quota.counters"


@pytest.fixture
def book(path):
    with closing(QuotaBook.open(path)) as opened:
        yield opened


@pytest.fixture(scope="module")
def lasting_book(tmp_path_factory):
    with closing(QuotaBook.open(tmp_path_factory.mktemp("quota") / "quota.counters")) as opened:
        yield opened


@pytest.fixture(scope="module")
def fresh_app_ids():
    return itertools.count(1)


def call(
    book: QuotaBook, app_id: int = APP, plan: Plan = WATT, *, now: int = JUNE_30_AT
) -> Refusal | Busy | None:
    """Make one call from its beginning to its end."""
    outcome = book.enter(app_id, plan, now)
    if outcome is None:
        book.leave(app_id)
    return outcome


def test_the_eleventh_call_of_a_minute_is_refused_with_its_window(book):
    assert [call(book) for _ in range(10)] == [None] * 10

    expected = Refusal("minute", *minute_window(JUNE_30_AT), 10)
    assert call(book) == expected


def test_refused_calls_do_not_count(book):
    for _ in range(15):
        call(book)

    assert book.usage(APP, JUNE_30_AT) == (10, 10)


def test_the_month_is_named_where_the_minute_is_used_up_too(book):
    plan = Plan("tiny", 2, 2)
    call(book, plan=plan)
    call(book, plan=plan)

    expected = Refusal("month", *month_window(JUNE_30_AT), 2)
    assert call(book, plan=plan) == expected


def test_a_new_minute_and_a_new_month_begin_at_zero(book):
    for _ in range(10):
        call(book)

    assert call(book, now=JUNE_30_AT + 60) is None
    assert book.usage(APP, JUNE_30_AT + 60) == (1, 11)
    assert call(book, now=JULY_AT) is None
    assert book.usage(APP, JULY_AT) == (1, 1)


def test_applications_are_counted_apart(book):
    for _ in range(10):
        call(book)

    assert call(book, OTHER_APP) is None
    assert book.usage(OTHER_APP, JUNE_30_AT) == (1, 1)


def test_an_application_that_never_called_has_used_nothing(book):
    assert book.usage(APP, JUNE_30_AT) == (0, 0)


def test_four_processes_together_get_exactly_as_many_calls_at_once_as_the_plan_has(path):
    with callers(path, 4) as workers:
        for worker in workers:
            worker.ask(plan=UNLIMITED, times=100)
        answers = Counter("".join(worker.answers() for worker in workers))

    assert answers == {"+": 32, "b": 368}


@pytest.mark.parametrize(("minute", "month"), [(1000, None), (None, 1000), (1001, 1000)])
def test_four_processes_hammering_one_application_get_exactly_its_quota(path, minute, month):
    plan = Plan("a thousand", minute, month, concurrent_limit=5000)
    with callers(path, 4) as workers:
        for worker in workers:
            worker.ask(plan=plan, times=1000)
        answers = Counter("".join(worker.answers() for worker in workers))

    refused = "m" if month is None else "M"
    assert answers == {"+": 1000, refused: 3000}


def test_four_processes_adding_applications_give_each_one_row(path):
    with callers(path, 4) as workers:
        for app_id in range(1, 51):
            for worker in workers:
                worker.ask(app_id, UNLIMITED)
        for worker in workers:
            assert [worker.answers() for _ in range(50)] == ["+"] * 50

    with closing(QuotaBook.open(path)) as book:
        assert [book.usage(app_id, JUNE_30_AT) for app_id in range(1, 51)] == [(4, 4)] * 50


def test_an_application_added_by_another_worker_is_seen(path, book):
    with callers(path) as [worker]:
        assert worker.enter(OTHER_APP) == "+"

        assert book.usage(OTHER_APP, JUNE_30_AT) == (1, 1)
        assert call(book, OTHER_APP) is None
        assert book.usage(OTHER_APP, JUNE_30_AT) == (2, 2)


def test_a_restart_keeps_the_counts(path):
    with closing(QuotaBook.open(path)) as book:
        for _ in range(10):
            call(book)

    with closing(QuotaBook.open(path)) as book:
        assert book.usage(APP, JUNE_30_AT) == (10, 10)
        assert call(book) is not None


def test_too_many_calls_at_once_are_busy_until_one_ends(book):
    for _ in range(32):
        assert book.enter(APP, UNLIMITED, JUNE_30_AT) is None

    assert book.enter(APP, UNLIMITED, JUNE_30_AT) == Busy(32)
    book.leave(APP)
    assert book.enter(APP, UNLIMITED, JUNE_30_AT) is None
    assert book.usage(APP, JUNE_30_AT) == (33, 33)


def test_busy_comes_before_a_spent_quota(book):
    plan = Plan("both", 1, 1, concurrent_limit=1)
    book.enter(APP, plan, JUNE_30_AT)

    assert book.enter(APP, plan, JUNE_30_AT) == Busy(1)


def test_calls_in_flight_in_another_worker_count(path, book):
    with callers(path) as [worker]:
        assert worker.enter(plan=UNLIMITED, times=32) == "+" * 32
        assert book.enter(APP, UNLIMITED, JUNE_30_AT) == Busy(32)

        worker.leave(times=2)
        assert book.enter(APP, UNLIMITED, JUNE_30_AT) is None
        assert worker.enter(plan=UNLIMITED, times=2) == "+b"


def test_a_killed_workers_calls_in_flight_are_forgotten_but_stay_counted(path, book):
    with callers(path) as [worker]:
        worker.enter(plan=UNLIMITED, times=32)
        worker.kill()

        assert book.enter(APP, UNLIMITED, JUNE_30_AT) is None
        assert book.usage(APP, JUNE_30_AT) == (33, 33)


def test_a_worker_in_a_killed_ones_place_begins_without_calls_in_flight(path):
    with callers(path) as [worker]:
        worker.enter(plan=UNLIMITED, times=32)
        worker.kill()

    with closing(QuotaBook.open(path)) as book:
        assert book.enter(APP, UNLIMITED, JUNE_30_AT) is None


def test_a_killed_workers_calls_do_not_hide_those_of_a_living_one(path, book):
    with callers(path, 2) as [doomed, living]:
        doomed.enter(plan=UNLIMITED, times=2)
        living.enter(plan=UNLIMITED, times=30)
        doomed.kill()

        outcomes = [book.enter(APP, UNLIMITED, JUNE_30_AT) for _ in range(3)]

    assert outcomes == [None, None, Busy(32)]


@pytest.mark.parametrize("seed", range(5))
def test_kills_at_any_moment_never_grant_more_than_the_limit(path, seed):
    endless = Plan("endless", None, None, concurrent_limit=10**6)
    with callers(path, 2) as workers:
        for worker in workers:
            worker.ask(plan=endless, times=10**6)
        time.sleep(random.Random(seed).uniform(0.005, 0.1))
        granted = sum(worker.kill().count("+") for worker in workers)

    with closing(QuotaBook.open(path)) as book:
        _, counted = book.usage(APP, JUNE_30_AT)
        # Each kill may have come between the count and the answer.
        assert granted <= counted <= granted + 2
        one_left = Plan("one left", None, counted + 1)
        assert call(book, plan=one_left) is None
        assert call(book, plan=one_left) is not None


def test_a_worker_a_tick_behind_counts_in_its_own_minute_and_month(book):
    for _ in range(10):
        call(book, now=JULY_AT - 1)
    call(book, now=JULY_AT)

    assert call(book, now=JULY_AT - 1) == Refusal("minute", JULY_AT - 60, JULY_AT, 10)
    assert book.usage(APP, JULY_AT) == (1, 1)
    assert book.usage(APP, JULY_AT - 1) == (10, 10)


def test_a_clock_moved_far_back_begins_new_windows(book):
    for _ in range(10):
        call(book, now=JULY_AT)

    assert call(book, now=JUNE_AT) is None
    assert book.usage(APP, JUNE_AT) == (1, 1)


@given(
    st.lists(
        st.tuples(st.integers(min_value=-119, max_value=119), st.booleans()),
        max_size=120,
    )
)
def test_whatever_the_clock_does_around_a_month_the_counts_are_those_of_a_dictionary(
    lasting_book, fresh_app_ids, calls
):
    plan = Plan("few", 5, 12)
    app_ids = [next(fresh_app_ids), next(fresh_app_ids)]
    minutes: Counter[tuple[int, int]] = Counter()
    months: Counter[tuple[int, bool]] = Counter()
    for tick, second in calls:
        app_id = app_ids[second]
        minute, month = (app_id, tick // 60), (app_id, tick < 0)
        free = minutes[minute] < 5 and months[month] < 12

        assert (call(lasting_book, app_id, plan, now=JULY_AT + tick) is None) == free

        minutes[minute] += free
        months[month] += free
        used = (minutes[minute], months[month])
        assert lasting_book.usage(app_id, now=JULY_AT + tick) == used


def test_flush_gives_what_changed_since_the_last_one(book):
    call(book)
    call(book)
    call(book, OTHER_APP)

    assert book.flush() == [(APP, JUNE_AT, 2), (OTHER_APP, JUNE_AT, 1)]
    assert book.flush() == []
    call(book)
    assert book.flush() == [(APP, JUNE_AT, 3)]


def test_flush_gives_the_months_on_both_sides_of_a_boundary(book):
    call(book, now=JULY_AT - 1)
    call(book, now=JULY_AT)

    assert sorted(book.flush()) == [(APP, JUNE_AT, 1), (APP, JULY_AT, 1)]


def test_flush_of_one_worker_gives_the_count_of_all(path, book):
    with callers(path) as [worker]:
        worker.enter(times=3)
        call(book)

    assert book.flush() == [(APP, JUNE_AT, 4)]


def test_the_first_flush_gives_what_a_killed_worker_left(path):
    with callers(path) as [worker]:
        worker.enter(times=3)
        worker.kill()

    with closing(QuotaBook.open(path)) as book:
        assert book.flush() == [(APP, JUNE_AT, 3)]


def test_a_lost_file_grants_nothing_beyond_what_was_flushed(path):
    plan = Plan("tiny", None, 5)
    with closing(QuotaBook.open(path)) as book:
        for _ in range(4):
            call(book, plan=plan)
        flushed = book.flush()
    path.unlink()

    with closing(QuotaBook.open(path)) as book:
        for row in flushed:
            book.restore(*row)

        assert call(book, plan=plan) is None
        assert call(book, plan=plan) == Refusal("month", JUNE_AT, JULY_AT, 5)


def test_restore_never_lowers_a_count(book):
    for _ in range(5):
        call(book)

    book.restore(APP, JUNE_AT, 3)
    assert book.usage(APP, JUNE_30_AT) == (5, 5)
    book.restore(APP, JUNE_AT, 9)
    assert book.usage(APP, JUNE_30_AT) == (5, 9)


def test_a_file_that_lost_its_tail_is_made_whole(path):
    with closing(QuotaBook.open(path)) as book:
        call(book)
    with path.open("r+b") as file:
        file.truncate(5000)

    with closing(QuotaBook.open(path)) as book:
        assert book.usage(APP, JUNE_30_AT) == (1, 1)


def test_a_page_lost_to_a_power_cut_costs_only_the_applications_on_it(path):
    with closing(QuotaBook.open(path)) as book:
        for app_id in range(1, 129):
            call(book, app_id)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(4096))

    with closing(QuotaBook.open(path)) as book:
        assert book.usage(1, JUNE_30_AT) == (0, 0)
        assert call(book, 1) is None
        assert call(book, 200) is None
        assert [book.usage(app_id, JUNE_30_AT) for app_id in (1, 200)] == [(1, 1)] * 2
        assert [book.usage(app_id, JUNE_30_AT) for app_id in range(65, 129)] == [(1, 1)] * 64


def test_a_file_of_another_kind_is_named_and_left_alone(path):
    path.write_bytes(b"something else, and somebody's")

    with pytest.raises(StoreUnreadable, match=r"quota\.counters: not a quota file"):
        QuotaBook.open(path)

    assert path.read_bytes() == b"something else, and somebody's"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreUnreadable, match="nowhere"):
        QuotaBook.open(tmp_path / "nowhere" / "quota.counters")


def test_workers_beyond_the_last_place_are_refused(path, monkeypatch):
    monkeypatch.setattr(quota, "WORKERS_MAX", 1)
    with callers(path), pytest.raises(StoreUnreadable, match="1 workers"):
        QuotaBook.open(path)


def test_applications_beyond_the_last_row_are_refused(book, monkeypatch):
    monkeypatch.setattr(quota, "APPLICATIONS_MAX", 2)
    call(book, 1)
    call(book, 2)

    with pytest.raises(DataUnavailable, match="2 applications"):
        call(book, 3)
    assert call(book, 1) is None


def test_a_call_left_twice_is_a_defect_not_a_gift(book):
    call(book)

    with pytest.raises(ValueError, match="memoryview"):
        book.leave(APP)
