"""The tables of an open store, as the database's own catalogue tells of them.

So whatever walks through all of them cannot forget one that a migration added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from relight.store.database import Rows

#: One row a column, in the order of the columns; the place in the primary key from 1, else 0.
_COLUMNS: Final = {
    "sqlite": """
        SELECT m.name, x.name, x.type, x.pk
        FROM sqlite_schema m JOIN pragma_table_info(m.name) x ON 1 = 1
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
        ORDER BY m.name, x.cid
    """,
    "postgresql": """
        SELECT c.relname, a.attname, format_type(a.atttypid, NULL),
            coalesce((
                SELECT k.place FROM unnest(CAST(i.indkey AS smallint[])) WITH ORDINALITY
                    AS k (attnum, place) WHERE k.attnum = a.attnum
            ), 0)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        ORDER BY c.relname, a.attnum
    """,
}
_TYPES: Final = {
    "INTEGER": "int",
    "TEXT": "text",
    "BLOB": "bytes",
    "REAL": "float",
    "integer": "int",
    "bigint": "int",
    "text": "text",
    "bytea": "bytes",
    "double precision": "float",
}


class Column(msgspec.Struct, frozen=True):
    """A column; any may be empty as far as this tells."""

    name: str
    type: str  #: int, text, bytes or float


class TableShape(msgspec.Struct, frozen=True):
    """A table with its columns and its primary key."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(one.name for one in self.columns)

    def without(self, names: frozenset[str]) -> TableShape:
        """Return this without some columns, none of which is in the key."""
        return TableShape(
            self.name, tuple(one for one in self.columns if one.name not in names), self.key
        )


async def tables(rows: Rows, dialect: str) -> list[TableShape]:
    """Return every table of the store, by name."""
    columns: dict[str, list[Column]] = {}
    keys: dict[str, dict[int, str]] = {}
    for table, column, kind, place in await rows.all(_COLUMNS[dialect]):
        columns.setdefault(table, []).append(Column(column, _TYPES[kind]))
        if place:
            keys.setdefault(table, {})[place] = column
    return [
        TableShape(name, tuple(found), tuple(one for _, one in sorted(keys[name].items())))
        for name, found in sorted(columns.items())
    ]
