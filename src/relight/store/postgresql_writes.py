"""Whole rows and columns written to PostgreSQL: several tables in one statement.

Only makes texts and their arguments; running them is `store.postgresql_session`'s.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.store.database import Row
    from relight.store.tables import Table

#: Numbers of transactions are never used again and do not wrap; see `store.changes`.
_CHANGE = "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
_TYPES = {"text": "text", "bytes": "bytea", "float": "double precision"}


class Shape(NamedTuple):
    """What the text of a write depends on."""

    name: str
    columns: tuple[str, ...]  #: as each row has them, those of the key first
    key: tuple[str, ...]
    types: tuple[str, ...]  #: of the columns
    is_set: bool  #: whether rows that are there get these columns, or rows are put
    is_single: bool
    stamp: str = ""  #: a column that gets the number of the transaction


class Write(NamedTuple):
    """Rows to be written to one table."""

    shape: Shape
    rows: Sequence[Row]

    def arguments(self) -> list[object]:
        """Return the values of the parameters: of a single row its own, else of each column."""
        if self.shape.is_single:
            return list(self.rows[0])
        columns: list[object] = [list(column) for column in zip(*self.rows, strict=True)]
        if self.shape.is_set:
            columns[0] = self.rows[0][0]
        return columns


def put(table: Table, rows: Sequence[Row]) -> Write:
    """Return the upsert of whole rows."""
    shape = _shape(table, table.columns, is_set=False, is_single=len(rows) == 1)
    return Write(shape._replace(stamp=table.stamp) if table.stamp else shape, rows)


def changed(table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> Write:
    """Return the update of some columns of rows of one system."""
    return Write(_shape(table, (*table.key, *columns), is_set=True, is_single=len(rows) == 1), rows)


def _shape(table: Table, columns: tuple[str, ...], *, is_set: bool, is_single: bool) -> Shape:
    types = tuple(_TYPES[table.types[one]] if one in table.types else "bigint" for one in columns)
    return Shape(table.name, columns, table.key, types, is_set, is_single)


@lru_cache(maxsize=256)
def statement(shapes: tuple[Shape, ...], guard: tuple[str, ...] = ()) -> str:
    """Return the one statement of several writes, each to another table.

    With a *guard* the last of them updates one row, and nothing at all is written unless these
    columns of it are as the last parameters say; the statement then returns whether they were.
    """
    texts, number = [], 1
    for shape in shapes[:-1] if guard else shapes:
        texts.append(_text(shape, number, "EXISTS (SELECT 1 FROM guard)" if guard else ""))
        number += len(shape.columns)
    if not guard:
        named = [f"w{n} AS ({text})" for n, text in enumerate(texts[:-1])]
        return f"WITH {', '.join(named)} {texts[-1]}" if named else texts[-1]
    last = shapes[-1]
    begin = number + len(last.columns)
    as_known = [f"{name} = ${n}::bigint" for n, name in enumerate(guard, begin)]
    texts.insert(0, f"{_text(last, number, ' AND '.join(as_known))} RETURNING 1")
    named = [f"{'guard' if n == 0 else f'w{n}'} AS ({text})" for n, text in enumerate(texts)]
    return f"WITH {', '.join(named)} SELECT count(*) FROM guard"  # noqa: S608 - tables of ours


@lru_cache(maxsize=256)
def together(shapes: tuple[Shape, ...], guard: tuple[str, ...]) -> str:
    """Return the one statement of the same writes for several systems.

    All parameters are columns of rows, in the end those of *guard* with a row a system, as the
    last of *shapes* has. A system whose columns of *guard* are others, or that is locked just now,
    is left alone with all its rows; the statement returns the other systems.
    """
    last, number = shapes[-1], sum(len(one.columns) for one in shapes[:-1]) + 1
    types = (*last.types, *["bigint"] * len(guard))
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(types, number))
    names = ", ".join([*last.columns, *(f"old_{one}" for one in guard)])
    as_known = [f"s.{one} = u.old_{one}" for one in guard]
    values = last.columns[len(last.key) :]
    action, same = ", ".join(f"{one} = u.{one}" for one in values), _same(last.key)
    told = f"SELECT * FROM unnest({arrays}) AS t({names})"  # noqa: S608 - tables of ours
    held = f"SELECT u.* FROM {last.name} s JOIN told u ON {same} WHERE {' AND '.join(as_known)}"  # noqa: S608 - the same
    guarded = f"UPDATE {last.name} s SET {action} FROM held u WHERE {same} RETURNING s.system_id"  # noqa: S608 - the same
    texts = [
        f"told AS ({told})",
        f"held AS ({held} FOR NO KEY UPDATE OF s SKIP LOCKED)",
        f"guard AS ({guarded})",
    ]
    number = 1
    for n, shape in enumerate(shapes[:-1]):
        arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(shape.types, number))
        source = f"unnest({arrays}) AS u({', '.join(shape.columns)})"
        where = "u.system_id IN (SELECT system_id FROM guard)"
        if shape.is_set:
            values = shape.columns[len(shape.key) :]
            action = ", ".join(f"{one} = u.{one}" for one in values)
            where = f"{_same(shape.key)} AND {where}"
            text = f"UPDATE {shape.name} s SET {action} FROM {source} WHERE {where}"  # noqa: S608 - the same
        else:
            text = _insert(shape, f"SELECT {_given(shape, 'u.*')} FROM {source} WHERE {where}")  # noqa: S608
        texts.append(f"w{n} AS ({text})")
        number += len(shape.columns)
    return f"WITH {', '.join(texts)} SELECT system_id FROM guard"  # noqa: S608 - the same


def _same(key: tuple[str, ...]) -> str:
    return " AND ".join(f"s.{name} = u.{name}" for name in key)


def _given(shape: Shape, source: str) -> str:
    return f"{source}, {_CHANGE}" if shape.stamp else source


def _text(shape: Shape, number: int, condition: str) -> str:
    return _set(shape, number, condition) if shape.is_set else _upsert(shape, number, condition)


def _upsert(shape: Shape, number: int, condition: str) -> str:
    if shape.is_single:
        given = [f"${n}::{kind}" for n, kind in enumerate(shape.types, number)]
        source = _given(shape, ", ".join(given))
        # Plain values go straight to where their system is; what is selected takes a detour.
        rows = f"SELECT {source} WHERE {condition}" if condition else f"VALUES ({source})"
    else:
        arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(shape.types, number))
        # Without a condition ON CONFLICT would be read as that of a join.
        rows = f"SELECT {_given(shape, '*')} FROM unnest({arrays}) WHERE {condition or 'true'}"  # noqa: S608 - the same
    return _insert(shape, rows)


def _insert(shape: Shape, rows: str) -> str:
    """Return the upsert of *rows*, which select or list the values of a shape's columns."""
    values = [column for column in shape.columns if column not in shape.key]
    stamp = [shape.stamp] if shape.stamp else []
    action = ", ".join(f"{column} = excluded.{column}" for column in [*values, *stamp])
    old = ", ".join(f"{shape.name}.{column}" for column in values)
    new = ", ".join(f"excluded.{column}" for column in values)
    if action:
        action = f"UPDATE SET {action}"
        if values:
            action = f"{action} WHERE ({old}) IS DISTINCT FROM ({new})"
    return (
        f"INSERT INTO {shape.name} ({', '.join([*shape.columns, *stamp])}) {rows}"
        f" ON CONFLICT ({', '.join(shape.key)}) DO {action or 'NOTHING'}"
    )


def _set(shape: Shape, number: int, condition: str) -> str:
    """Return an update whose first key column, the system, is one value for all rows."""
    typed = list(zip(shape.columns, shape.types, strict=True))
    keys, every = len(shape.key), list(enumerate(typed, number))
    of_one = {name: f"${n}::{kind}" for n, (name, kind) in every}
    source, of_rows = "", of_one
    if not shape.is_single:
        arrays = ", ".join(f"${n}::{kind}[]" for n, (_, kind) in every[1:])
        source = f" FROM unnest({arrays}) AS u({', '.join(shape.columns[1:])})"
        of_rows = of_one | {name: f"u.{name}" for name in shape.columns[1:]}
    action = ", ".join(f"{name} = {of_rows[name]}" for name in shape.columns[keys:])
    where = [f"{shape.name}.{name} = {of_rows[name]}" for name in shape.key]
    if condition:
        where.append(condition)
    return f"UPDATE {shape.name} SET {action}{source} WHERE {' AND '.join(where)}"  # noqa: S608 - the same
