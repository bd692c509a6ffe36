"""Several machines for the tests: a real cluster where one is named, else Citus' functions.

RELIGHT_TEST_CITUS is the URL of a database of a cluster with the extension, in which the tests may
make schemas; or `stand-in`: then the tests' own PostgreSQL gets functions of the same names, which
keep what they were called with. Nothing is spread, but the store asks as it does on a cluster.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self

import asyncpg

from relight.store import distribution
from relight.store.database import open_database
from relight.store.migrate import migrate

CLUSTER: Final = os.environ.get("RELIGHT_TEST_CITUS", "")
STAND_IN: Final = "stand-in"
SHARDS: Final = 4
_numbers = itertools.count()


class Cluster:
    """A cluster in which each store is a schema of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._made:
            _run(self._execute(f"DROP SCHEMA {name} CASCADE"))

    def schema(self) -> str:
        """Return the URL of a new, empty schema."""
        name = f"relight_test_{os.getpid()}_{next(_numbers)}"
        _run(self._execute(f"CREATE SCHEMA {name}"))
        self._made.append(name)
        return f"{self._url}{'&' if '?' in self._url else '?'}search_path={name},public"

    def store(self) -> str:
        """Return the URL of a new, migrated, distributed store."""
        url = self.schema()
        _run(_spread(url))
        return url

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


async def _spread(url: str) -> None:
    await migrate(url)
    store = await open_database(url)
    try:
        await distribution.distribute(store, SHARDS)
    finally:
        await store.close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run *work* to its end in a thread: here a loop may run already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


_STAND_INS = """
CREATE TABLE pg_dist_node (nodename text, nodeport int, isactive bool, noderole text,
    shouldhaveshards bool);
INSERT INTO pg_dist_node VALUES ('one', 5432, true, 'primary', true),
    ('two', 5432, true, 'primary', true);
CREATE TABLE citus_tables (table_name regclass, citus_table_type text, distribution_column text,
    shard_count int, beside text);
CREATE FUNCTION create_reference_table(regclass) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO citus_tables VALUES ($1, 'reference', NULL, 1, NULL) $$;
CREATE FUNCTION create_distributed_table(name regclass, by text, colocate_with text DEFAULT 'none',
    shard_count int DEFAULT NULL) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO citus_tables VALUES (name, 'distributed', by, shard_count, colocate_with) $$;
"""
_EXTENSION = """
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    SELECT 90000, 'citus', 10, oid, false, '13.0-1' FROM pg_namespace WHERE nspname = 'public';
"""
_KEPT = (
    "SELECT trim(table_name::text, chr(34)), citus_table_type, distribution_column, shard_count,"
    " beside FROM citus_tables"
)


async def put_stand_ins(url: str) -> None:
    """Make the server behind *url* look like a cluster of two machines."""
    connection = await asyncpg.connect(url)
    try:
        # Where the extension's own are: every store finds them, whatever its schema.
        await connection.execute("SET allow_system_table_mods = on; SET search_path = pg_catalog")
        await connection.execute(_STAND_INS)
        await connection.execute(_EXTENSION)
    finally:
        await connection.close()


async def kept(url: str) -> list[tuple[str, str, str | None, int | None, str | None]]:
    """Return what was spread, and how, in its order."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(_KEPT)]
    finally:
        await connection.close()
