"""What is in `contrib/`: it names metrics that exist, and the tools that read it take it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from relight.cli.commands import COMMANDS
from relight.cli.serve import parser
from relight.config import settings
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


def test_units_and_container_say_commands_and_settings_that_exist() -> None:
    places = [*(ROOT / "contrib").rglob("*.service"), ROOT / "contrib/container/Containerfile"]
    texts = [path.read_text("utf-8") for path in places]

    variables = {name for text in texts for name in re.findall(r"\bRELIGHT_\w+", text)}
    commands = {name for text in texts for name in re.findall(r"bin/relight ([a-z]+)", text)}
    options = {name for text in texts for name in re.findall(r"relight serve.*?(--[a-z-]+)", text)}

    assert len(places) == 3
    assert set() == variables - {one.variable for one in settings()}
    assert {"serve", "backup"} == commands & COMMANDS.keys() == commands
    known = {word for action in parser()._actions for word in action.option_strings}  # noqa: SLF001
    assert {"--collect"} == options & known == options


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("unit", sorted((ROOT / "contrib" / "systemd").iterdir()), ids=str)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path) -> None:
    for one in unit.parent.iterdir():
        # No program is where the unit has it: any that is here stands for it.
        text = one.read_text("utf-8").replace(
            "/opt/relight/bin/relight", shutil.which("true") or ""
        )
        (tmp_path / one.name).write_text(text, "utf-8")

    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name],
        check=False,
        capture_output=True,
        text=True,
    )

    assert [] == [line for line in told.stderr.splitlines() if line.startswith(unit.stem)]
    assert "Unknown" not in told.stderr
