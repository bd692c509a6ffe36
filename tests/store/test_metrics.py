"""The file in which all processes count: nothing is lost or counted twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from relight.model import metrics as catalogue
from relight.model.metrics import ANSWERS_BYTES, QUOTA_REFUSALS, REQUEST_S, REQUESTS, Labels
from relight.store.metrics import PLACES_MAX, Metrics

COUNTING = """
import sys, time
from pathlib import Path
from relight.model.metrics import ANSWERS_BYTES, QUOTA_REFUSALS
from relight.store.metrics import Metrics
metrics = Metrics.open(Path(sys.argv[1]))
metrics.add(QUOTA_REFUSALS, ("month",), 5)
metrics.set(ANSWERS_BYTES, (), 1000)
metrics.request("stats", 200, 0.002)
metrics.flush()
print("counted", flush=True)
sys.stdin.read()
metrics.request("stats", 200, 0.002)
metrics.close()
"""


def counting(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTING, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "counted\n" == process.stdout.readline()
    return process


def number(metrics: Metrics, family: catalogue.Family, labels: Labels = ()) -> float:
    return metrics.numbers()[catalogue.places()[family.name, labels]]


def test_one_process_tells_what_all_have_counted(tmp_path: Path) -> None:
    metrics = Metrics.open(tmp_path / "metrics")
    with counting(tmp_path / "metrics") as one, counting(tmp_path / "metrics") as two:
        metrics.add(QUOTA_REFUSALS, ("month",))

        assert 11 == number(metrics, QUOTA_REFUSALS, ("month",))
        assert 2_000 == number(metrics, ANSWERS_BYTES)
        assert 2 == number(metrics, REQUESTS, ("stats", "200"))
        assert 3 == metrics.processes()
        one.communicate("")
        two.communicate("")

    assert 4 == number(metrics, REQUESTS, ("stats", "200"))
    assert 0 == number(metrics, ANSWERS_BYTES)
    assert 1 == metrics.processes()
    metrics.close()


def test_what_a_killed_process_counted_stays_and_what_it_held_goes(tmp_path: Path) -> None:
    metrics = Metrics.open(tmp_path / "metrics")
    with counting(tmp_path / "metrics") as process:
        os.kill(process.pid, signal.SIGKILL)

    assert 5 == number(metrics, QUOTA_REFUSALS, ("month",))
    assert 0 == number(metrics, ANSWERS_BYTES)
    with counting(tmp_path / "metrics") as another:
        assert 10 == number(metrics, QUOTA_REFUSALS, ("month",))
        assert 1_000 == number(metrics, ANSWERS_BYTES)
        another.communicate("")
    metrics.close()


def test_counters_go_on_after_a_new_start(tmp_path: Path) -> None:
    for _ in range(3):
        metrics = Metrics.open(tmp_path / "metrics")
        metrics.add(QUOTA_REFUSALS, ("minute",))
        metrics.close()

    metrics = Metrics.open(tmp_path / "metrics")
    assert 3 == number(metrics, QUOTA_REFUSALS, ("minute",))
    assert 0o600 == (tmp_path / "metrics").stat().st_mode & 0o777
    metrics.close()


@pytest.mark.parametrize("left", [b"", b"something else", b"\xff" * 2_000_000])
def test_a_file_of_another_layout_is_begun_anew(left: bytes, tmp_path: Path) -> None:
    (tmp_path / "metrics").write_bytes(left)

    metrics = Metrics.open(tmp_path / "metrics")

    assert not any(metrics.numbers())
    assert ["metrics"] == [one.name for one in tmp_path.iterdir()]
    metrics.close()


def test_who_counts_in_a_file_that_was_replaced_goes_on(tmp_path: Path) -> None:
    with counting(tmp_path / "metrics") as process:
        (tmp_path / "metrics").write_bytes(b"another layout")
        os.truncate(tmp_path / "metrics", 2_000_000)

        metrics = Metrics.open(tmp_path / "metrics")
        process.communicate("")

        assert 0 == process.returncode
    assert not any(metrics.numbers())
    metrics.close()


def test_a_process_that_cannot_have_the_file_counts_by_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics.open(tmp_path / "nowhere" / "metrics")

    metrics.request("stats", 200, 0.002)

    assert 1 == number(metrics, REQUESTS, ("stats", "200"))
    assert 1 == metrics.processes()
    assert "metrics of this process alone" in caplog.text
    metrics.close()


def test_one_process_too_many_counts_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("relight.store.metrics.PLACES_MAX", 1)
    assert PLACES_MAX > 64
    with counting(tmp_path / "metrics") as process:
        os.truncate(tmp_path / "metrics", (tmp_path / "metrics").stat().st_size)
        metrics = Metrics.open(tmp_path / "metrics")
        process.communicate("")

    assert 0 == number(metrics, QUOTA_REFUSALS, ("month",))
    assert "processes count already" in caplog.text
    metrics.close()


def test_what_nobody_knows_is_counted_under_one_name(tmp_path: Path) -> None:
    metrics = Metrics.open(tmp_path / "metrics")

    for index in range(1_000):
        metrics.request(f"{index}.php", 404, 0.5)
        metrics.request("stats", 600 + index, 0.5)

    assert 1_000 == number(metrics, REQUESTS, ("other", "404"))
    assert 1_000 == number(metrics, REQUESTS, ("stats", "other"))
    place = catalogue.places()[REQUEST_S.name, ("stats",)]
    assert 500 == metrics.numbers()[place + len(REQUEST_S.bounds) + 1]
    metrics.close()
