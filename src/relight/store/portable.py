"""All rows of a store, in an order and in bytes that are the same in every database.

A table is lines of JSON, one array a row, in the order of its primary key; so two stores that hold
the same have the same SHA-256. Backups and moves are made of this: `store.backups`, `store.moving`.
Source: docs/backups.md.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from relight.errors import BackupUnreadable, StoreNotEmpty, StoreUnreadable
from relight.store import changes, schema
from relight.store.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from relight.store.database import Row, Rows, Transaction
    from relight.store.schema import Column, TableShape

#: Rows that are in memory together.
ROWS_A_PAGE: Final = 1_000
#: Tables that are of one database alone and are not carried to another.
OWN_TABLES: Final = frozenset({"migration", "changed_day", "removed_system", "change_epoch"})
#: Columns of the same kind, by table.
OWN_COLUMNS: Final = dict.fromkeys(("system_day", "report_key_system"), frozenset({"changed_in"}))
#: Tables that a store has rows of before anybody used it; those of another take their place.
FIRST_TABLES: Final = frozenset({"plan", "server_secret"})
#: Tables that hold nothing but secrets.
SECRET_TABLES: Final = frozenset({"server_secret"})
#: What stands in the place of secrets, by table and column. Whoever has a second step cannot sign
#: in without it, rather than without being asked for it: their password goes, too.
SECRET_COLUMNS: Final = {
    ("credential", "totp_secret"): "''",
    ("credential", "password_hash"): "CASE WHEN totp_secret = '' THEN password_hash ELSE '' END",
}
_PYTHON_TYPES: Final[dict[str, Any]] = {
    "int": int | None,
    "text": str | None,
    "bytes": bytes | None,
    "float": float | None,
}
_WATCHED: Final = (
    "SELECT count(*), sum(version) FROM system",
    "SELECT count(*), max(at) FROM audit",
)
_encoder: Final = msgspec.json.Encoder()


class Sum(NamedTuple):
    """What two tables are compared by."""

    rows: int
    sha256: str


class Tally:
    """Counts and digests the lines of a table."""

    def __init__(self) -> None:
        """Begin with none."""
        self._rows = 0
        self._digest = hashlib.sha256()

    def add(self, lines: bytes) -> None:
        """Add whole lines."""
        self._rows += lines.count(b"\n")
        self._digest.update(lines)

    def sum(self) -> Sum:
        """Return what has been added."""
        return Sum(self._rows, self._digest.hexdigest())


async def tables(rows: Rows, dialect: str) -> list[TableShape]:
    """Return the tables that are carried from one store to another, with the columns that are."""
    return [
        one.without(OWN_COLUMNS.get(one.name, frozenset()))
        for one in await schema.tables(rows, dialect)
        if one.name not in OWN_TABLES
    ]


def left_out(table: TableShape, *, with_secrets: bool) -> bool:
    """Tell whether a table is nothing but secrets that are not wanted."""
    return not with_secrets and table.name in SECRET_TABLES


async def read(
    rows: Rows,
    table: TableShape,
    dialect: str,
    *,
    with_secrets: bool,
    take: Callable[[bytes], object],
) -> Sum:
    """Hand all lines of a table to *take*, some at a time, and return what they come to."""
    tally = Tally()
    sql = _select(table, dialect, with_secrets=with_secrets)
    async for page in rows.pages(sql, ROWS_A_PAGE):
        lines = _encoder.encode_lines([tuple(row) for row in page])
        tally.add(lines)
        take(lines)
    return tally.sum()


def _select(table: TableShape, dialect: str, *, with_secrets: bool) -> str:
    columns = [
        name
        if with_secrets or (table.name, name) not in SECRET_COLUMNS
        else f"{SECRET_COLUMNS[table.name, name]} AS {name}"
        for name in table.names
    ]
    texts = {one.name for one in table.columns if one.type == "text"}
    # SQLite compares texts by their bytes, PostgreSQL where it is told to.
    by_bytes = ' COLLATE "C"' if dialect == "postgresql" else ""
    order = [f"{name}{by_bytes}" if name in texts else name for name in table.key]
    return f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY {', '.join(order)}"  # noqa: S608


async def load(
    tx: Transaction,
    dialect: str,
    shapes: Sequence[TableShape],
    lines: Iterable[tuple[str, bytes]],
    *,
    sums: Callable[[], Mapping[str, Sum]],
) -> None:
    """Fill an empty store with *lines* by table, and compare what it then holds with *sums*.

    All in one transaction. Raises StoreNotEmpty, BackupUnreadable where tables or lines are not
    as they must be, StoreUnreadable where the store does not hold what it was given.
    """
    known = {one.name: one for one in await tables(tx, dialect)}
    _refuse_others(known, shapes)
    await refuse_filled(tx, dialect)
    for one in shapes:
        if one.name in FIRST_TABLES:
            await tx.run(f"DELETE FROM {one.name}")  # noqa: S608 - a table of ours
    writers = {one.name: _Writer(one) for one in shapes}
    for name, some in lines:
        await writers[name].write(tx, some)
    expected = sums()
    for one in shapes:
        found = await read(tx, one, dialect, with_secrets=True, take=_nothing)
        if found != expected[one.name]:
            raise StoreUnreadable(
                f"table {one.name}: {found.rows} rows were written of {expected[one.name].rows},"
                " or not as they were given; nothing is kept"
            )
    if any(one.name == changes.EPOCH for one in await schema.tables(tx, dialect)):
        await changes.renew(tx, dialect)
    if dialect == "postgresql":
        await tx.run("ANALYZE")


def _nothing(_: bytes) -> None:
    """Keep nothing of what is only digested."""


class _Writer:
    """Writes lines of one table."""

    def __init__(self, shape: TableShape) -> None:
        types = {one.name: one.type for one in shape.columns if one.type != "int"}
        ordered = (*shape.key, *(one for one in shape.names if one not in shape.key))
        self._table = Table(shape.name, ordered, shape.key, types)
        self._places = [shape.names.index(one) for one in ordered]
        self._is_ordered = ordered == shape.names
        self._decoder = msgspec.json.Decoder(_row_type(shape.columns))

    async def write(self, tx: Transaction, lines: bytes) -> None:
        try:
            rows: list[Row] = self._decoder.decode_lines(lines)
        except (ValueError, RecursionError) as error:  # no JSON, no text, too deep
            raise BackupUnreadable(f"table {self._table.name}: a row cannot be read") from error
        if not self._is_ordered:
            rows = [tuple(row[place] for place in self._places) for row in rows]
        await tx.put(self._table, rows)


def _row_type(columns: Sequence[Column]) -> Any:  # noqa: ANN401 - made of the columns' types
    return tuple[tuple(_PYTHON_TYPES[one.type] for one in columns)]  # type: ignore[misc]


def _refuse_others(known: Mapping[str, TableShape], shapes: Sequence[TableShape]) -> None:
    """Raise BackupUnreadable unless the tables are those of the store, secrets aside."""
    given = {one.name: one for one in shapes}
    wrong = sorted((known.keys() ^ given.keys()) - SECRET_TABLES)
    wrong += sorted(
        name
        for name in known.keys() & given.keys()
        if set(known[name].columns) != set(given[name].columns)
        or known[name].key != given[name].key
    )
    if wrong:
        raise BackupUnreadable(f"its tables are not those of this store: {', '.join(wrong)}")


async def refuse_filled(rows: Rows, dialect: str) -> None:
    """Raise StoreNotEmpty where the store holds anything that somebody put there."""
    for one in await tables(rows, dialect):
        if one.name in FIRST_TABLES:
            continue
        if await rows.one(f"SELECT 1 FROM {one.name} LIMIT 1") is not None:  # noqa: S608
            raise StoreNotEmpty(f"the store is not empty (table {one.name}); nothing was changed")


async def moment(rows: Rows) -> list[Row]:
    """Return what differs once a system or anything done by hand has changed."""
    return [tuple(row) for sql in _WATCHED for row in await rows.all(sql)]
