"""What is in `contrib/`: it names metrics that exist, and the tools that read it take it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from relight.model.metrics import CATALOGUE, Kind

ROOT: Final = Path(__file__).parents[1]
RULES: Final = ROOT / "contrib" / "prometheus" / "relight.rules.yml"
DASHBOARD: Final = ROOT / "contrib" / "grafana" / "relight.json"
MONITORING: Final = (ROOT / "docs" / "monitoring.md").read_text("utf-8")


def known() -> set[str]:
    """Return every name under which Prometheus keeps a metric."""
    names = {one.name for one in CATALOGUE if one.kind is not Kind.HISTOGRAM}
    for one in CATALOGUE:
        if one.kind is Kind.HISTOGRAM:
            names |= {f"{one.name}_{part}" for part in ("bucket", "sum", "count")}
    return names


def expressions() -> list[str]:
    dashboard: Any = json.loads(DASHBOARD.read_text("utf-8"))
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [RULES.read_text("utf-8"), *shown]


def test_rules_and_dashboard_name_metrics_that_exist() -> None:
    named = {name for one in expressions() for name in re.findall(r"\brelight_\w+", one)}

    assert len(named) > 15
    assert set() == named - known()


def test_rules_and_dashboard_name_labels_that_exist() -> None:
    labels = {label for one in CATALOGUE for label in one.labels} | {"instance", "job", "le"}

    named = {
        label
        for one in expressions()
        for inside in re.findall(r"relight_\w+\{([^}]*)\}|by \(([^)]*)\)", one)
        for label in re.findall(r"(\w+)\s*(?:[=!]~?|,|$)", re.sub(r'"[^"]*"', "", "".join(inside)))
    }
    assert set() == named - labels


def test_every_metric_is_on_the_page_about_them() -> None:
    assert [] == [one.name for one in CATALOGUE if f"`{one.name}`" not in MONITORING]


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "relight.rules.yml"),
        ("test", "rules", "relight.rules.test.yml"),
        ("check", "config", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_promtool_takes_it(words: tuple[str, ...]) -> None:
    told = subprocess.run(
        ["promtool", *words], cwd=RULES.parent, check=False, capture_output=True, text=True
    )

    assert 0 == told.returncode, told.stdout + told.stderr
