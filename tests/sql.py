"""Collects the SQL that the store asks, and reads it as far as the rules of Citus need it."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import relight.store

FOLDER = Path(relight.store.__file__).parent
_STATEMENT = re.compile(r"^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\b")
_INNERMOST = re.compile(r"\(([^()]*)\)")
_FROM = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)(?:\s+(?:AS\s+)?(?!WHERE|SET|ON\b)([a-z]\w*))?"
)
#: What is not a table although it follows FROM.
_NO_TABLES = {"unnest", "json_each", "pg_extension", "pg_available_extensions"}


class Text(NamedTuple):
    """A statement, and where it stands."""

    place: str
    sql: str


class Query(NamedTuple):
    """One SELECT or change: its own tables by their aliases, and what stands within it."""

    sql: str  #: without what stands in parentheses and begins with SELECT
    tables: dict[str, str]
    inner: tuple[Query, ...]

    def every(self) -> Iterator[Query]:
        """Yield this and all within."""
        yield self
        for one in self.inner:
            yield from one.every()


def texts() -> list[Text]:
    """Return every statement of the store: its modules' constants, and those within functions."""
    found = []
    for path in sorted(FOLDER.glob("*.py")):
        module = importlib.import_module(f"relight.store.{path.stem}")
        for name, value in vars(module).items():
            sql = getattr(value, "sql", value)
            if isinstance(sql, str) and _STATEMENT.match(sql):
                found.append(Text(f"{path.name}: {name}", sql))
        tree = ast.parse(path.read_text("utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found += _within(function, path.name)
    return found


def _within(function: ast.FunctionDef | ast.AsyncFunctionDef, file: str) -> Iterator[Text]:
    for node in ast.walk(function):
        if isinstance(node, ast.JoinedStr):
            parts = [one.value if isinstance(one, ast.Constant) else "{}" for one in node.values]
            sql = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            sql = node.value
        else:
            continue
        if _STATEMENT.match(sql):
            yield Text(f"{file}:{node.lineno}", sql)


def read(sql: str) -> Query:
    """Return a statement as its own part and what stands within it."""
    kept: list[Query] = []

    def fold(match: re.Match[str]) -> str:
        body = match[1]
        if not _STATEMENT.match(body):
            return f"\x01{body}\x02"  # an expression's own parentheses
        kept.append(_query(body, kept))
        return f" \x03{len(kept) - 1}\x04 "

    while _INNERMOST.search(sql):
        sql = _INNERMOST.sub(fold, sql)
    return _query(sql, kept)


def _query(sql: str, kept: list[Query]) -> Query:
    inner = tuple(kept[int(number)] for number in re.findall("\x03(\\d+)\x04", sql))
    tables = {
        alias or table: table
        for table, alias in _FROM.findall(sql)
        if table not in _NO_TABLES and table.islower()
    }
    return Query(sql.replace("\x01", "(").replace("\x02", ")"), tables, inner)
