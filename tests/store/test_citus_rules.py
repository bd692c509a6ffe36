"""Whether Citus would take the store's SQL: what its documentation says that it refuses.

Of several machines Citus takes only part of SQL; of one system's shard it takes everything.
Sources: Citus' "SQL support and workarounds", and its release notes for 11.0 and 11.2.
"""

from __future__ import annotations

import re
from functools import cache

import pytest

from relight.store import postgresql_writes as writes
from relight.store import tables as written
from relight.store.distribution import BY, REFERENCE_TABLES
from relight.store.tables import Table as Written
from tests.sql import Query, Text, read, texts
from tests.test_architecture import is_distributed, schema

#: Of one system: its shard is known.
_OF_ONE = re.compile(r"\bsystem_id = (:|\$|\?)")
_ELSEWHERE = re.compile(
    r"\b(LATERAL|TABLESAMPLE|GROUPING SETS|CUBE|ROLLUP|SAVEPOINT|TEMP|TEMPORARY|OVER|INTERSECT"
    r"|EXCEPT|MERGE|(?:random|now|clock_timestamp|nextval|currval)(?=\s*\())(?=\W)"
)
_JOINED = re.compile(
    r"LEFT JOIN (\w+)(?: ([a-z]\w*))?\s+ON (.*?)(?=LEFT JOIN|JOIN|WHERE|$)", re.DOTALL
)
_CONFLICT = re.compile(r"ON CONFLICT \(([^)]*)\)")


@cache
def spread() -> frozenset[str]:
    return frozenset(name for name, table in schema().items() if is_distributed(table))


def statements() -> list[Text]:
    found = texts()
    assert len(found) > 200, "the store's statements are found"
    return found


def of_spread(query: Query) -> set[str]:
    return set(query.tables.values()) & spread()


def aliases(query: Query) -> set[str]:
    return set(query.tables)


def refusals(sql: str) -> list[str]:
    """Return what Citus has against a statement."""
    whole, found = read(sql), []
    if not any(of_spread(one) for one in whole.every()):
        return []
    if sql.lstrip().startswith("WITH RECURSIVE"):
        found.append("a recursive query of what is spread")
    if match := _ELSEWHERE.search(sql):
        found.append(f"{match[1]} with what is spread")
    if ("/*lock*/" in sql or "FOR UPDATE" in sql) and not _OF_ONE.search(sql):
        found.append("rows of several machines locked")
    if re.match(r"\s*(UPDATE|DELETE|INSERT)", sql):
        found += _refusals_of_change(whole)
    for query in whole.every():
        found += _refusals_of_query(query)
    return found


def _refusals_of_change(whole: Query) -> list[str]:
    found, (changed, *_) = [], whole.tables.values()
    if changed not in spread():
        return ["a table that is whole changed by what is spread"]
    if whole.sql.lstrip().startswith("INSERT"):
        columns = re.search(r"INTO \w+\s*\(([^)]*)\)", whole.sql)
        if columns is None or (BY not in columns[1] and "{" not in columns[1]):
            found.append("a row without its system")
        found += [
            "a conflict not of one system"
            for key in _CONFLICT.findall(whole.sql)
            if BY not in key and "{" not in key
        ]
        if re.search(r"DO UPDATE SET.*\b(pg_\w+|random|now)\(", whole.sql, re.DOTALL):
            found.append("a function that may tell another machine something else")
    elif not _OF_ONE.search(whole.sql):
        found.append("rows of several machines changed")
    if re.search(rf"\bSET [^=]*\b{BY} =", whole.sql.partition("WHERE")[0]):
        found.append("a system's number changed")
    return found


def _refusals_of_query(query: Query) -> list[str]:
    return [*_refusals_of_joins(query), *_refusals_of_inner(query)]


def _refusals_of_joins(query: Query) -> list[str]:
    found = []
    first = re.search(r"FROM (\w+)", query.sql)
    is_outer_spread = first is not None and first[1] in spread()
    for table, alias, condition in _JOINED.findall(query.sql):
        if table not in spread():
            continue
        if not is_outer_spread and not _OF_ONE.search(condition):
            found.append(f"{table} joined to what is whole")
        if is_outer_spread and f"{alias or table}.{BY} =" not in condition:
            found.append(f"{table} joined by something else than the system")
    return found


def _refusals_of_inner(query: Query) -> list[str]:
    outer = aliases(query)
    if not of_spread(query):
        # What is whole everywhere must not look into what is spread for each of its rows.
        deep = [one for inner in query.inner for one in inner.every() if of_spread(one)]
        return [f"{one.tables} looked into for each row" for one in deep if _mentions(one, outer)]
    found = []
    for one in query.inner:
        links = [rf"\b{own}\.{BY} = {other}\.{BY}\b" for own in aliases(one) for other in outer]
        is_linked = any(re.search(link, one.sql) for link in links)
        if of_spread(one) and _mentions(one, outer) and not is_linked:
            found.append("one system's rows looked for in another's")
    return found


def _mentions(query: Query, others: set[str]) -> bool:
    own = aliases(query)
    return any(re.search(rf"\b{name}\.", query.sql) for name in others - own)


def test_citus_takes_every_statement_of_the_store() -> None:
    wrong = [f"{text.place}: {refusal}" for text in statements() for refusal in refusals(text.sql)]

    assert not wrong, "\n".join(wrong)


_SUB = "SELECT count(*) FROM device d WHERE"
_PUT = "INSERT INTO series (system_id) VALUES (1) ON CONFLICT (system_id)"


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        ("SELECT name FROM system WHERE status = :s /*lock*/", "locked"),
        (f"SELECT ({_SUB} d.system_id = e.system_id) FROM envoy_serial e", "each row"),
        (f"SELECT 1 FROM plan p WHERE 1 = ({_SUB} d.name = p.name)", "each row"),
        ("SELECT 1 FROM plan p LEFT JOIN system s ON s.name = p.name", "joined to what is whole"),
        ("SELECT 1 FROM system s LEFT JOIN device d ON d.kind = s.size_w", "something else"),
        (f"SELECT 1 FROM system s WHERE 1 = ({_SUB} d.kind = s.size_w)", "another's"),
        ("INSERT INTO series (system_id) VALUES (1) ON CONFLICT (source) DO NOTHING", "conflict"),
        ("INSERT INTO device (device_id) VALUES (1)", "without its system"),
        (f"{_PUT} DO UPDATE SET source = pg_current_xact_id()", "another machine"),
        ("UPDATE plan SET name = '' WHERE EXISTS (SELECT 1 FROM device)", "by what is spread"),
        ("UPDATE system SET system_id = 2 WHERE system_id = :system_id", "number changed"),
        ("UPDATE system SET name = '' WHERE name = 'x'", "several machines changed"),
        ("WITH RECURSIVE r (v) AS (SELECT 1 FROM system) SELECT v FROM r", "recursive"),
        ("SELECT random() FROM system", "random"),
    ],
)
def test_what_citus_refuses_is_found(sql: str, refused: str) -> None:
    assert any(refused in one for one in refusals(sql)), refusals(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM system WHERE system_id = :system_id /*lock*/",
        f"SELECT s.name, ({_SUB} d.system_id = s.system_id) FROM system s",
        "SELECT (SELECT name FROM company c WHERE c.company_id = s.installer_id) FROM system s",
        "SELECT 1 FROM system s LEFT JOIN user_access a ON a.system_id = s.system_id",
        "SELECT (SELECT count(*) FROM system), (SELECT count(*) FROM plan)",
        "SELECT 1 FROM plan LEFT JOIN system s ON s.system_id = :system_id",
        "SELECT 1 FROM system WHERE status_due_at <= :now ORDER BY status_due_at LIMIT :most",
    ],
)
def test_what_citus_takes_is_left_alone(sql: str) -> None:
    assert [] == refusals(sql)


@pytest.mark.parametrize(
    "table", [v for v in vars(written).values() if isinstance(v, Written)], ids=lambda one: one.name
)
def test_rows_are_written_by_their_system(table: Written) -> None:
    row = tuple(range(len(table.columns)))
    put = [writes.statement((writes.put(table, rows).shape,)) for rows in ([row], [row, row])]

    assert table.name in REFERENCE_TABLES or BY in table.key
    assert [] == [refusal for sql in put for refusal in refusals(sql)]
    if table.name not in REFERENCE_TABLES and table.key[0] == BY:
        columns = table.columns[len(table.key) :][:1]
        some = row[: len(table.key) + 1]
        changed = writes.changed(table, columns, [some, some]).shape
        assert [] == refusals(writes.statement((changed,)))


def test_no_table_that_is_whole_has_to_grow_with_what_is_measured() -> None:
    assert set() == REFERENCE_TABLES & {"interval", "reading", "device_day", "system_day", "device"}
