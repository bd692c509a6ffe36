"""Reads the SQL of the migrations as far as the rules for several machines need it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_COMMENT = re.compile(r"--[^\n]*")
_TEMPLATE_WORD = re.compile(r"\{\w+\}")
_CREATE_TABLE = re.compile(r"CREATE TABLE (\w+)\s*\((.*)\)\s*\Z", re.DOTALL)
_CREATE_INDEX = re.compile(
    r"CREATE (UNIQUE )?INDEX (\w+) ON (\w+)\s*\(((?:[^()]|lower\(\w+\))*)\)(\s+WHERE .*)?\Z"
)
_ADD_COLUMN = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (.*)\Z", re.DOTALL)
_DATA = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM)\s")
_TABLE_KEY = re.compile(r"(?:CONSTRAINT \w+ )?(?:PRIMARY KEY|UNIQUE)\s*\(([^()]*)\)")
_FOREIGN_KEY = re.compile(r"(?:CONSTRAINT \w+ )?FOREIGN KEY\s*\(([^()]*)\)\s*REFERENCES (\w+)")
_COLUMN = re.compile(r"(\w+)\s")


@dataclass
class Table:
    """A table: its columns, what must be unique in it, and the tables that it points to."""

    name: str
    columns: list[str] = field(default_factory=list)
    keys: list[tuple[str, ...]] = field(default_factory=list)
    foreign: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    def add(self, item: str) -> None:
        """Take one item from between the parentheses of CREATE TABLE."""
        if found := _TABLE_KEY.match(item):
            self.keys.append(_names(found[1]))
        elif found := _FOREIGN_KEY.match(item):
            self.foreign.append((_names(found[1]), found[2]))
        elif not item.startswith(("CHECK", "CONSTRAINT")):
            self._add_column(item)

    def _add_column(self, item: str) -> None:
        found = _COLUMN.match(f"{item} ")
        assert found, f"{self.name}: cannot read the column {item!r}"
        self.columns.append(found[1])
        if "PRIMARY KEY" in item or "UNIQUE" in item:
            self.keys.append((found[1],))
        if pointed := re.search(r"REFERENCES (\w+)", item):
            self.foreign.append(((found[1],), pointed[1]))


def tables(migrations: Iterable[str]) -> dict[str, Table]:
    """Return the tables that *migrations*, in order, leave behind.

    Raises AssertionError for a statement that this cannot read: triggers, for one, are not allowed.
    """
    known: dict[str, Table] = {}
    for sql in migrations:
        for statement in _statements(sql):
            _apply(statement, known)
    return known


def _apply(statement: str, known: dict[str, Table]) -> None:
    if found := _CREATE_TABLE.match(statement):
        table = known[found[1]] = Table(found[1])
        for item in _items(found[2]):
            table.add(item)
    elif found := _CREATE_INDEX.match(statement):
        if found[1]:
            known[found[3]].keys.append(_names(found[4]))
    elif found := _ADD_COLUMN.match(statement):
        known[found[1]].add(found[2])
    else:
        assert _DATA.match(statement), f"a migration may not do this: {statement[:80]!r}"


def _statements(sql: str) -> Iterator[str]:
    plain = _TEMPLATE_WORD.sub("", _COMMENT.sub("", sql))
    return (part.strip() for part in plain.split(";") if part.strip())


def _items(body: str) -> Iterator[str]:
    """Yield what stands between the commas of *body* that are in no parentheses."""
    depth, start = 0, 0
    for place, letter in enumerate(f"{body},"):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield body[start:place].strip()
            start = place + 1


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.split()[0] for part in text.split(","))
