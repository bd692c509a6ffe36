"""`docs/operating.md` says what is: every setting with its default, and every command."""

import re
from pathlib import Path

from relight.cli.commands import COMMANDS
from relight.cli.logs import Level
from relight.config import Setting, settings

TEXT = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8")


def row(setting: Setting) -> str:
    """Return the line of the table of settings that tells of *setting*."""
    default = "" if setting.default is None else f"`{setting.default}`"
    return f"| `{setting.variable}` | {default} | {setting.help} |"


def test_every_setting_is_in_the_table_as_it_is() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `RELIGHT_")]

    expected = [row(setting) for setting in settings()]
    assert expected == rows, "the table is to be:\n" + "\n".join(expected)


def test_every_command_is_told_of() -> None:
    told = set(re.findall(r"relight ([a-z]+(?:-[a-z]+)*)", TEXT))

    assert set() == COMMANDS.keys() - told
    assert set() == told - COMMANDS.keys()


def test_every_level_of_the_log_is_told_of() -> None:
    assert [] == [level for level in Level if f"`{level}`" not in TEXT]
