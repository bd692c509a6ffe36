"""The golden answers: how their files are read and written, and how a fleet is asked for them.

A file holds the cases of one endpoint: a name, what is asked for below /api/v2 (key and user are
added where it names none), the status, and the body in each `datetime_format`; `epoch` and
`iso8601` are left out where they are the same as `default`. After a change that is meant,
`python -m tests.golden.answers` asks for all of them again: read the difference before you keep it.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from relight.store.database import SQLITE_PREFIX
from relight.store.migrate import migrate
from tests.golden import fleet

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

Case: TypeAlias = dict[str, Any]

FOLDER: Final = Path(__file__).parent
ENDPOINTS: Final = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
FORMATS: Final = ("default", "epoch", "iso8601")


def cases(endpoint: str) -> list[Case]:
    """Return the cases of an endpoint, answers included."""
    found: list[Case] = json.loads((FOLDER / f"{endpoint}.json").read_text())
    return found


def body(case: Mapping[str, Any], form: str) -> str:
    """Return the body that a case expects in one of `FORMATS`, as it goes on the wire."""
    expected = case[form] if form in case else case["default"]
    return "" if expected is None else compact(expected)


def compact(value: object) -> str:
    """Return JSON as it goes on the wire."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def answers(served: fleet.Fleet, case: Case) -> dict[str, httpx2.Response]:
    """Return what a fleet answers to a case, by format."""
    return {
        form: await served.get(case["get"], None if form == "default" else form) for form in FORMATS
    }


async def _answered(served: fleet.Fleet, case: Case) -> Case:
    found = await answers(served, case)
    (status,) = {response.status_code for response in found.values()}
    answered: Case = {"case": case["case"], "get": case["get"], "status": status}
    for form, response in found.items():
        value = json.loads(response.text) if response.text else None
        text = "" if value is None else compact(value)
        assert response.text == text, f"{case['get']}: what JSON cannot write as it was"
        if form == "default" or value != answered["default"]:
            answered[form] = value
    return answered


async def _write() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"{SQLITE_PREFIX}{folder}/relight.sqlite3"
        await migrate(url)
        await fleet.build(url, is_closed=False)
        async with fleet.served(url, Path(folder)) as served:
            for endpoint in ENDPOINTS:
                written = [await _answered(served, case) for case in cases(endpoint)]
                text = "[\n" + ",\n".join(map(_lines, written)) + "\n]\n"
                (FOLDER / f"{endpoint}.json").write_text(text)


def _lines(case: Case) -> str:
    """Return a case with one line a key."""
    return "{" + ",\n ".join(f'"{key}": {compact(value)}' for key, value in case.items()) + "}"


if __name__ == "__main__":
    asyncio.run(_write())
