"""Several machines: PostgreSQL with the extension Citus, its tables spread by `system_id`.

What belongs to a system lives where that system's shard is; everything else is small and whole on
every machine. Source: design section 3, Citus; docs/scaling.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import SetupError

if TYPE_CHECKING:
    from relight.store.database import Database, Rows, Transaction

#: The column by which rows are spread; every key of a table that has it must name it.
BY: Final = "system_id"
#: The table that the others lie beside.
FIRST: Final = "system"
#: Tables that name a system, yet are small or asked without one: whole on every machine.
REFERENCE_TABLES: Final = frozenset(
    {
        "alert_choice",
        "audit",
        "company_access",
        "company_reference",
        "envoy_serial",
        "removed_system",
        "report_key_system",
        "user_access",
    }
)
#: Statements of a transaction one after the other on each machine, for those that change tables:
#: there what ran on several connections meets itself. Without Citus it says nothing.
IN_SEQUENCE: Final = "SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"
#: Pieces that tables are cut into: enough to move to as many machines later.
SHARDS: Final = 64
SHARDS_MAX: Final = 4_096

_EXTENSION: Final = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
_AVAILABLE: Final = "SELECT default_version FROM pg_available_extensions WHERE name = 'citus'"
#: Ordinary and partitioned tables of this schema, but no partitions.
_TABLES: Final = """
    SELECT c.relname,
        EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = :by
            AND NOT a.attisdropped),
        c.relkind = 'p',
        (SELECT count(*) FROM pg_inherits i WHERE i.inhparent = c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY c.relname
"""
_SPREAD: Final = """
    SELECT c.relname, t.citus_table_type, t.distribution_column, t.shard_count
    FROM citus_tables t JOIN pg_class c ON c.oid = t.table_name
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema()
"""
_NODES: Final = """
    SELECT nodename, nodeport, shouldhaveshards FROM pg_dist_node
    WHERE isactive AND noderole = 'primary' ORDER BY nodename, nodeport
"""
_KINDS: Final = {"reference": "reference", "distributed": "distributed"}


class TableLayout(NamedTuple):
    """Where the rows of a table are."""

    table: str
    #: `local`: on one machine; `distributed`: by system; `reference`: whole on every machine.
    layout: str
    wanted: str  #: the same, as it is to be on several machines
    shards: int | None
    partitions: int | None  #: by time; None where the table has none


class Node(NamedTuple):
    """A machine of the cluster."""

    host: str
    port: int
    holds_shards: bool


class Layout(NamedTuple):
    """How a store lies on machines."""

    dialect: str
    citus: str | None  #: the version of the extension, None where it is not there
    nodes: list[Node]
    tables: list[TableLayout]

    @property
    def is_distributed(self) -> bool:
        """Tell whether systems are spread."""
        return any(one.table == FIRST and one.layout == "distributed" for one in self.tables)

    @property
    def to_do(self) -> list[TableLayout]:
        """Return the tables that are not yet as they are to be, the first of all first."""
        left = [one for one in self.tables if one.layout != one.wanted]
        # Reference tables before what is joined with them, and what others lie beside first.
        return sorted(left, key=lambda one: (one.wanted != "reference", one.table != FIRST))


async def layout(database: Database) -> Layout:
    """Return how the store lies on machines; an SQLite file is on one."""
    if database.dialect != "postgresql":
        return Layout(database.dialect, None, [], [])
    return await database.read(lambda rows: _layout(rows, database.dialect), is_long=True)


async def _layout(rows: Rows, dialect: str) -> Layout:
    row = await rows.one(_EXTENSION)
    spread: dict[str, tuple[str, int | None]] = {}
    nodes: list[Node] = []
    if row is not None:
        for table, kind, _, shards in await rows.all(_SPREAD):
            spread[table] = (_KINDS.get(kind, "local"), shards)
        nodes = [Node(one[0], one[1], bool(one[2])) for one in await rows.all(_NODES)]
    tables = []
    for table, has_system, is_parted, partitions in await rows.all(_TABLES, by=BY):
        kind, shards = spread.get(table, ("local", None))
        is_whole = not has_system or table in REFERENCE_TABLES
        wanted = "reference" if is_whole else "distributed"
        parts = partitions if is_parted else None
        tables.append(TableLayout(table, kind, wanted, shards, parts))
    return Layout(dialect, None if row is None else row[0], nodes, tables)


async def distribute(database: Database, shards: int = SHARDS) -> list[str]:
    """Spread the store's tables over the cluster's machines, and return those that were.

    Each table in a transaction of its own: one that was interrupted goes on where it stopped.
    Writers of a table wait while its rows are moved. Raises SetupError without the extension.
    """
    found = await layout(database)
    await _refuse_without(database, found)
    done = []
    for one in found.to_do:

        async def change(tx: Transaction, one: TableLayout = one) -> None:
            await _spread(tx, one, shards)

        await database.write(change)
        done.append(one.table)
    return done


async def _refuse_without(database: Database, found: Layout) -> None:
    if found.dialect != "postgresql":
        raise SetupError("an SQLite file is on one machine: only PostgreSQL can be distributed")
    if found.citus is not None:
        return
    row = await database.read(lambda rows: rows.one(_AVAILABLE))
    if row is None:
        raise SetupError(
            "this PostgreSQL server has no extension citus: install it on every machine,"
            " add it to shared_preload_libraries, and restart"
        )
    raise SetupError(
        f"this server has citus {row[0]}, this database does not: CREATE EXTENSION citus,"
        " as a superuser and on every machine"
    )


async def _spread(tx: Transaction, one: TableLayout, shards: int) -> None:
    # Moving what is there takes as long as it takes.
    await tx.run("SET LOCAL statement_timeout = 0")
    await tx.run("SET LOCAL lock_timeout = 0")
    if one.wanted == "reference":
        await tx.one("SELECT create_reference_table(CAST(:name AS text)::regclass)", name=one.table)
    elif one.table == FIRST:
        await tx.one(
            "SELECT create_distributed_table(CAST(:name AS text)::regclass, :by,"
            " shard_count => CAST(:shards AS integer))",
            name=one.table,
            by=BY,
            shards=shards,
        )
    else:
        await tx.one(
            "SELECT create_distributed_table(CAST(:name AS text)::regclass, :by,"
            " colocate_with => CAST(:first AS text))",
            name=one.table,
            by=BY,
            first=FIRST,
        )
