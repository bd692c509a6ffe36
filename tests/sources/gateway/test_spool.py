"""The spool: on disk before anything else, whole lines only, days that can stand alone."""

import gzip
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import GatewayError
from relight.model.clock import DAY_S
from relight.sources.gateway.answers import Answer, Poll
from relight.sources.gateway.memory import Memory, Position
from relight.sources.gateway.spool import Spool

DAY = 20_000
AT = DAY * DAY_S + 600
FILE = "2024-10-04.ndjson"


def poll(at: int) -> Poll:
    return Poll(at, {"/info": Answer(200, "Grüße\n" + "x" * (at % 97))})


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with closing(Spool(tmp_path)) as opened:
        yield opened


def polls(spool: Spool, since: Position | None = None) -> list[int]:
    read = spool.read(since or Position())
    return [one.line.poll.at for one in read if one.line is not None and one.line.poll is not None]


def test_what_is_appended_is_read_in_order_from_any_place(spool: Spool, tmp_path: Path):
    places = [spool.append(poll(AT + n), None) for n in (0, 60, DAY_S, DAY_S + 60)]

    assert [AT, AT + 60, AT + DAY_S, AT + DAY_S + 60] == polls(spool)
    assert [AT + DAY_S, AT + DAY_S + 60] == polls(spool, places[1])
    assert [] == polls(spool, places[3])
    assert [0o600] == [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()][:1]


def test_a_new_file_begins_with_the_memory(spool: Spool, tmp_path: Path):
    spool.append(poll(AT), Memory(polled_at=5))
    spool.append(poll(AT + 60), Memory(polled_at=6))

    lines = [one.line for one in spool.read(Position()) if one.line is not None]

    assert [5] == [line.memory.polled_at for line in lines if line.memory is not None]


@given(cut=st.integers(1, 200))
def test_a_torn_last_line_is_passed_over_and_cut_off(
    tmp_path_factory: pytest.TempPathFactory, cut: int
):
    folder = tmp_path_factory.mktemp("spool")
    with closing(Spool(folder)) as spool:
        place = spool.append(poll(AT), None)
        end = spool.append(poll(AT + 60), None)
    os.truncate(folder / FILE, max(place.offset, end.offset - cut))

    assert [AT] == polls(Spool(folder))
    with closing(Spool(folder)) as again:
        again.append(poll(AT + 120), None)
        assert [AT, AT + 120] == polls(again)


def test_a_line_of_noise_is_passed_over(spool: Spool, tmp_path: Path):
    spool.append(poll(AT), None)
    spool.close()
    with (tmp_path / FILE).open("ab") as file:
        file.write(b"\x00\xff{]\n")
    spool.append(poll(AT + 60), None)

    assert [AT, AT + 60] == polls(spool)


def test_days_that_are_over_are_compressed_and_old_ones_removed(spool: Spool, tmp_path: Path):
    places = [spool.append(poll(AT + n * DAY_S), None) for n in range(5)]

    spool.tidy(DAY + 4, derived_to=places[4], keep_days=2)

    names = sorted(path.name for path in tmp_path.iterdir())
    assert [
        "2024-10-06.ndjson.gz",
        "2024-10-07.ndjson.gz",
        "2024-10-08.ndjson",
    ] == names
    assert [AT + n * DAY_S for n in (2, 3, 4)] == polls(spool)
    assert [AT + 4 * DAY_S] == polls(spool, places[3])
    assert b"info" in gzip.decompress((tmp_path / names[0]).read_bytes())


def test_what_was_not_derived_is_kept(spool: Spool, tmp_path: Path):
    places = [spool.append(poll(AT + n * DAY_S), None) for n in range(5)]

    spool.tidy(DAY + 4, derived_to=places[0], keep_days=2)

    assert [AT + n * DAY_S for n in range(5)] == polls(spool)


def test_a_clock_that_was_put_back_writes_on_where_it_was(spool: Spool, tmp_path: Path):
    place = spool.append(poll(AT), None)
    spool.close()

    spool.append(poll(AT - 3 * DAY_S), None)

    assert [AT - 3 * DAY_S] == polls(spool, place)


def test_a_place_in_another_spool_begins_anew(spool: Spool, tmp_path: Path):
    spool.append(poll(AT), None)

    assert [AT] == polls(spool, Position(DAY, 1_000_000))


def test_a_disk_that_takes_nothing_is_told_of(tmp_path: Path):
    (tmp_path / "taken").write_text("")

    with pytest.raises(GatewayError, match="cannot write to the spool"):
        Spool(tmp_path / "taken").append(poll(AT), None)


def test_a_packed_day_that_is_damaged_cannot_be_read(spool: Spool, tmp_path: Path):
    packed = bytearray(gzip.compress(b"{}\n" * 900))
    packed[12:20] = b"\xff" * 8
    (tmp_path / f"{FILE}.gz").write_bytes(packed)

    with pytest.raises(GatewayError, match="cannot read the spool"):
        polls(spool)


@pytest.mark.parametrize(
    "text", [b'{"poll":{"at":1,"answers":{"\xff":[1,""]}}}', b'{"x":' + b"[" * 9_999]
)
def test_a_line_that_is_no_text_or_too_deep_is_passed_over(
    spool: Spool, tmp_path: Path, text: bytes
):
    spool.append(poll(AT), None)
    with next(tmp_path.iterdir()).open("ab") as file:
        file.write(text + b"\n")

    assert [AT] == polls(spool)
