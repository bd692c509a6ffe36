"""The page on security names tests: each of them is there, and each risk has some."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs/security.md").read_text("utf-8")
_NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_RISK: Final = re.compile(r"^\| API(\d+) .*$", re.MULTILINE)


def test_every_test_that_the_page_names_is_there() -> None:
    for path, name in _NAMED.findall(PAGE):
        text = (ROOT / path).read_text("utf-8")
        assert re.search(rf"^(?:async )?def {name}\(", text, re.MULTILINE), (path, name)


def test_each_of_the_ten_risks_has_tests() -> None:
    risks = {int(found[1]): len(_NAMED.findall(found[0])) for found in _RISK.finditer(PAGE)}

    assert set(range(1, 11)) == risks.keys()
    assert all(risks.values())
