"""What style sheets must agree on."""

from __future__ import annotations

import re
from importlib import resources

STYLES = resources.files("relight.web").joinpath("static/relight.css").read_text("utf-8")


def tokens(selector: str) -> dict[str, str]:
    """Return the custom properties that a selector sets."""
    body = STYLES.partition(selector + " {")[2].partition("}")[0]
    return dict(re.findall(r"(--[\w-]+): ([^;]+);", body))


def test_dark_by_choice_looks_as_dark_by_the_system_does():
    by_system = tokens(':root:not([data-theme="light"])')

    assert by_system
    assert by_system == tokens(':root[data-theme="dark"]')


def test_every_colour_that_is_used_exists():
    folder = resources.files("relight.web").joinpath("static")
    files = [one for one in folder.iterdir() if one.name.endswith(".css")]
    used = {
        name for one in files for name in re.findall(r"var\((--[\w-]+)\)", one.read_text("utf-8"))
    }
    set_somewhere = {
        name for one in files for name in re.findall(r"(--[\w-]+):", one.read_text("utf-8"))
    }

    assert set() == used - set_somewhere
