"""The laws of the code that no linter knows: floors, drivers, sizes, names, clocks, keys."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from relight.store.distribution import REFERENCE_TABLES
from tests.schema import Table, tables

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "relight"

LINES_MAX = 400
FUNCTION_LINES_MAX = 60
POSITIONAL_MAX = 4

LEAVES = {"errors", "wire", "wire_alerts", "wire_changes", "wire_reports", "config"}
#: What each part of the package may import of the package, beside itself.
MAY_IMPORT = {
    **dict.fromkeys(LEAVES, LEAVES),
    "__init__": set[str](),
    "__main__": {"cli"},
    "model": LEAVES,
    "store": {"model", *LEAVES},
    "sources": {"store", "model", *LEAVES},
    "api": {"store", "model", *LEAVES},
    "alerts": {"store", "model", *LEAVES},
    "web": {"store", "model", *LEAVES},
    "cli": {"api", "web", "alerts", "sources", "store", "model", "__init__", *LEAVES},
}
ENTRY_POINTS = {"api", "web", "alerts", "sources", "cli"}
#: Libraries that only some parts may import.
ONLY_IN = {
    "apsw": {"store"},
    "asyncpg": {"store"},
    "starlette": ENTRY_POINTS,
    "uvicorn": ENTRY_POINTS,
    "httptools": ENTRY_POINTS,
    "httpx": ENTRY_POINTS,
    "httpx2": ENTRY_POINTS,
    "http": ENTRY_POINTS,
    "urllib.request": ENTRY_POINTS,
    "typer": {"cli"},
    "rich": {"cli"},
    "pvlib": {"sources"},
    "pandas": {"sources"},
    "numpy": {"sources"},
    "aiohttp": {"sources"},
    "pyenphase": {"sources"},
    "sqlite3": set[str](),
}
#: Modules of the standard library that reach outside, or for the machine's clock or chance.
IO_MODULES = {
    "asyncio", "concurrent", "ftplib", "http", "io", "logging", "mmap", "multiprocessing", "os",
    "pathlib", "random", "secrets", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess",
    "tempfile", "threading", "time",
}  # fmt: skip
BANNED_NAMES = {
    "base", "common", "helper", "helpers", "manager", "managers", "misc", "service", "services",
    "stuff", "util", "utils",
}  # fmt: skip
CLOCKS = {
    "datetime.now", "datetime.today", "datetime.utcnow", "datetime.utcfromtimestamp", "date.today",
    "time.time", "time.time_ns", "time.sleep",
}  # fmt: skip
SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|(CREATE|ALTER|DROP)\s+TABLE)"
)


@dataclass(frozen=True)
class Source:
    """One file of Python, parsed."""

    path: Path
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]  #: all of the tree

    @property
    def part(self) -> str:
        """Return the floor, entry point or leaf of the package that the file belongs to."""
        first = self.path.relative_to(PACKAGE).parts[0]
        return first.removesuffix(".py")

    def at(self, node: ast.AST) -> str:
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


@cache
def sources(folder: str) -> list[Source]:
    paths = sorted((ROOT / folder).rglob("*.py"))
    return [_source(path) for path in paths]


def _source(path: Path) -> Source:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    return Source(path, text, tree, tuple(ast.walk(tree)))


def package() -> list[Source]:
    return sources("src/relight")


def everything() -> list[Source]:
    return [*package(), *sources("tests"), *sources("benchmarks")]


def imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Yield each module that *source* imports, by its full name, wherever the import stands."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.at(node)}: imports are absolute"
            assert node.module is not None
            yield node, node.module
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_in(module: str, library: str) -> bool:
    return module == library or module.startswith(f"{library}.")


def is_public(name: str) -> bool:
    return not name.startswith("_")


def test_imports_point_down() -> None:
    wrong = [
        f"{source.at(node)}: {source.part} may not import {module}"
        for source in package()
        for node, module in imports(source)
        if is_in(module, "relight") and module != "relight"
        for part in [module.split(".")[1]]
        if part in MAY_IMPORT and part not in {source.part, *MAY_IMPORT[source.part]}
    ]

    assert not wrong, "\n".join(wrong)


def test_every_part_has_its_floor() -> None:
    assert set() == {source.part for source in package()} - MAY_IMPORT.keys()


def test_libraries_stay_on_their_floors() -> None:
    wrong = [
        f"{source.at(node)}: {source.part} may not import {module}"
        for source in package()
        for node, module in imports(source)
        for library, parts in ONLY_IN.items()
        if is_in(module, library) and source.part not in parts
    ]

    assert not wrong, "\n".join(wrong)


def test_the_standard_sqlite_is_imported_nowhere() -> None:
    wrong = [
        source.at(node)
        for source in everything()
        for node, module in imports(source)
        if is_in(module, "sqlite3")
    ]

    assert not wrong, "\n".join(wrong)


def test_the_model_reaches_for_nothing_outside() -> None:
    wrong = [
        f"{source.at(node)}: imports {module}"
        for source in package()
        if source.part == "model"
        for node, module in imports(source)
        for root in [module.split(".")[0]]
        if root != "relight" and (root in IO_MODULES or root not in sys.stdlib_module_names)
    ]

    assert not wrong, "\n".join(wrong)


def test_sql_is_written_in_the_store_alone() -> None:
    wrong = [
        source.at(node)
        for source in package()
        if source.part != "store"
        for node in source.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]

    assert not wrong, "\n".join(wrong)


def test_the_machines_clock_is_read_at_the_start_alone() -> None:
    wrong = [
        f"{source.at(node)}: {called}"
        for source in package()
        if source.part != "cli"
        for node in source.nodes
        if isinstance(node, ast.Call)
        for called in [ast.unparse(node.func)]
        if ".".join(called.split(".")[-2:]) in CLOCKS
    ]

    assert not wrong, "\n".join(wrong)


def test_serving_loads_nothing_of_the_simulators() -> None:
    asked = "import sys, relight.cli; sys.exit(' '.join(sys.modules.keys() & set(sys.argv)))"

    told = subprocess.run(
        [sys.executable, "-c", asked, "pvlib", "numpy", "pandas", "scipy", "pyenphase", "aiohttp"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert "" == told.stderr.strip()


def test_no_file_is_long() -> None:
    wrong = [
        f"{source.path.relative_to(ROOT)} has {length} lines"
        for source in everything()
        for length in [len(source.text.splitlines())]
        if length > LINES_MAX
    ]

    assert not wrong, "\n".join(wrong)


def test_no_function_is_long() -> None:
    wrong = [
        f"{source.at(node)}: {node.name} has {length} lines"
        for source in everything()
        for node in functions(source)
        for length in [(node.end_lineno or 0) - node.lineno + 1]
        if length > FUNCTION_LINES_MAX
    ]

    assert not wrong, "\n".join(wrong)


def test_few_parameters_go_by_position() -> None:
    wrong = [
        f"{source.at(node)}: {node.name}"
        for source in package()
        for node in functions(source)
        for names in [[each.arg for each in (*node.args.posonlyargs, *node.args.args)]]
        if len([name for name in names if name not in {"self", "cls"}]) > POSITIONAL_MAX
    ]

    assert not wrong, "\n".join(wrong)


def test_names_of_modules_say_what_they_hold() -> None:
    wrong = [
        str(source.path)
        for source in everything()
        if BANNED_NAMES
        & {word for part in source.path.relative_to(ROOT).parts for word in words(part)}
    ]

    assert not wrong, "\n".join(wrong)


def words(part: str) -> list[str]:
    return part.removesuffix(".py").split("_")


def test_what_is_public_is_described() -> None:
    wrong = [
        f"{source.at(node)}: {getattr(node, 'name', 'the module')}"
        for source in package()
        for node in described(source.tree)
        if not ast.get_docstring(node)
    ]

    assert not wrong, "\n".join(wrong)


def described(
    node: ast.Module | ast.ClassDef,
) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield *node* and what is public in it, but for what is inside of functions."""
    if isinstance(node, ast.ClassDef) or node.body:
        yield node
    for child in node.body:
        if isinstance(child, ast.ClassDef) and is_public(child.name):
            yield from described(child)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and is_public(child.name):
            yield child


def test_every_table_of_a_system_has_the_system_in_its_keys() -> None:
    wrong = [
        f"{table.name}: ({', '.join(key)})"
        for table in schema().values()
        if is_distributed(table)
        for key in table.keys or [()]
        if "system_id" not in key
    ]

    assert not wrong, "\n".join(wrong)


def test_no_foreign_key_needs_another_system() -> None:
    known = schema()

    wrong = [
        f"{table.name} ({', '.join(columns)}) points to {pointed}"
        for table in known.values()
        for columns, pointed in table.foreign
        if is_distributed(known[pointed]) and not (is_distributed(table) and "system_id" in columns)
    ]

    assert not wrong, "\n".join(wrong)


def test_reference_tables_are_tables() -> None:
    assert set() == REFERENCE_TABLES - schema().keys()


@pytest.mark.parametrize(
    ("sql", "keys"),
    [
        ("CREATE TABLE t (a {int} NOT NULL PRIMARY KEY, b TEXT UNIQUE){key_table};", "a/b"),
        ("CREATE TABLE t (a int, b numeric(3, 1), UNIQUE (a, b)); -- (c)", "a b"),
        ("CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a DESC);", "a"),
        ("CREATE TABLE t (a int); CREATE INDEX i ON t (a);", ""),
        ("CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN b int UNIQUE;", "b"),
    ],
)
def test_the_keys_of_a_table_are_read(sql: str, keys: str) -> None:
    found = tables([sql])["t"].keys

    assert keys == "/".join(" ".join(key) for key in found)


def test_a_trigger_is_not_a_migration() -> None:
    with pytest.raises(AssertionError, match="may not do this"):
        tables(["CREATE TRIGGER counted AFTER INSERT ON t EXECUTE FUNCTION f();"])


@cache
def schema() -> dict[str, Table]:
    migrations = sorted((PACKAGE / "store" / "migrations").glob("*.sql"))
    assert migrations, "there is a schema to hold to the rules"
    return tables(path.read_text("utf-8") for path in migrations)


def is_distributed(table: Table) -> bool:
    return "system_id" in table.columns and table.name not in REFERENCE_TABLES
