"""A damaged backup fills no store, and says so."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relight.errors import BackupUnreadable
from relight.store import moving, portable
from relight.store.backups import Archive
from relight.store.database import open_database
from tests.golden import fleet
from tests.store.test_backups import furnished, url_of, write

if TYPE_CHECKING:
    from relight.store.database import Transaction

__all__ = ["furnished"]  # the fixture
NOW = fleet.NOW


def altered(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write a backup again with other parts."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    target = path.with_suffix(".altered")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target


def cut_table(parts: dict[str, bytes]) -> None:
    lines = parts["tables/device.ndjson"].splitlines(keepends=True)
    parts["tables/device.ndjson"] = b"".join(lines[:-1])


def torn_line(parts: dict[str, bytes]) -> None:
    parts["tables/device.ndjson"] = parts["tables/device.ndjson"][:-5]


def without_table(parts: dict[str, bytes]) -> None:
    del parts["tables/device.ndjson"]


def without_manifest(parts: dict[str, bytes]) -> None:
    del parts["manifest.json"]


def another_part(parts: dict[str, bytes]) -> None:
    parts["tables/another.ndjson"] = b""


def manifest_of_no_text(parts: dict[str, bytes]) -> None:
    parts["manifest.json"] = b'{"format":"\xff"}'


def manifest_too_deep(parts: dict[str, bytes]) -> None:
    parts["manifest.json"] = b'{"contents":' + b"[" * 9_999


def forged_manifest(parts: dict[str, bytes]) -> None:
    parts["manifest.json"] = parts["manifest.json"].replace(b'"sqlite"', b'"SQLite"')


def of_the_future(parts: dict[str, bytes]) -> None:
    parts["manifest.json"] = json.dumps({"format": "relight-backup", "version": 99}).encode()


def of_something_else(parts: dict[str, bytes]) -> None:
    parts["manifest.json"] = b"{}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (cut_table, "device is not what its manifest says"),
        (torn_line, "ends within a line"),
        (without_table, "other parts"),
        (another_part, "other parts"),
        (without_manifest, "manifest.json cannot be read"),
        (manifest_of_no_text, "its manifest cannot be read"),
        (manifest_too_deep, "its manifest cannot be read"),
        (forged_manifest, "manifest is damaged"),
        (of_the_future, "install a newer Relight"),
        (of_something_else, "no backup of Relight"),
    ],
)
async def test_a_backup_that_is_not_whole_is_refused_before_anything_is_written(
    furnished: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], reason: str
) -> None:
    await write(url_of(furnished), tmp_path / "backup")
    damaged, target = altered(tmp_path / "backup", change), tmp_path / "target.sqlite3"

    with pytest.raises(BackupUnreadable, match=reason):
        await moving.restore(url_of(target), damaged, now=NOW)

    assert not target.exists()


async def test_bytes_that_were_lost_or_turned_are_found(furnished: Path, tmp_path: Path) -> None:
    await write(url_of(furnished), tmp_path / "backup")
    whole = (tmp_path / "backup").read_bytes()
    wrong = tmp_path / "wrong"

    last = len(whole) - 3
    places = [*range(0, last, len(whole) // 40), *range(last - 4_000, last, 37)]
    for place in places:
        for content in (whole[:place], whole[:place] + b"\0~" + whole[place + 2 :]):
            wrong.write_bytes(content)
            try:
                with Archive(wrong) as archive:
                    found = archive.verify()
            except BackupUnreadable:
                continue
            # What no byte of the content hangs on: a time, a mode, a number of a version.
            with Archive(tmp_path / "backup") as archive:
                assert archive.contents == found


async def test_rows_of_another_shape_leave_the_store_empty(
    furnished: Path, store_url: str, tmp_path: Path
) -> None:
    await write(url_of(furnished), tmp_path / "backup")
    store = await open_database(store_url)
    with Archive(tmp_path / "backup") as archive:
        shapes, lines = [one.shape for one in archive.contents.tables], list(archive.lines())
        wrong = [(name, some.replace(b"[67,", b'["67",')) for name, some in lines]

        async def load(tx: Transaction) -> None:
            await portable.load(tx, store.dialect, shapes, wrong, sums=archive.contents.sums)

        with pytest.raises(BackupUnreadable, match="cannot be read"):
            await store.write(load)
    await store.read(lambda rows: portable.refuse_filled(rows, store.dialect))
    await store.close()


async def test_what_was_lost_on_the_way_is_noticed_in_the_end(
    furnished: Path, store_url: str, tmp_path: Path
) -> None:
    await write(url_of(furnished), tmp_path / "backup")
    store = await open_database(store_url)
    with Archive(tmp_path / "backup") as archive:
        shapes = [one.shape for one in archive.contents.tables]
        fewer = [one for one in archive.lines() if one[0] != "series"]

        async def load(tx: Transaction) -> None:
            await portable.load(tx, store.dialect, shapes, fewer, sums=archive.contents.sums)

        with pytest.raises(Exception, match="series: 0 rows were written"):
            await store.write(load)
    await store.read(lambda rows: portable.refuse_filled(rows, store.dialect))
    await store.close()
