"""The fleets that are measured on are what reports leave. Nothing is measured here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_a_fleet_of_copies_is_what_reports_leave(tmp_path: Path):
    words = [sys.executable, str(BENCHMARKS / "_fleet.py"), str(tmp_path)]
    sizes = ["--systems", "25", "--slot-days", "4", "--total-days", "5"]
    subprocess.run([*words, *sizes], check=True, capture_output=True)

    verified = subprocess.run(
        [sys.executable, "-m", "relight", "verify", "--data", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (0, "every derived number is what was reported\n") == (
        verified.returncode,
        verified.stdout,
    )
