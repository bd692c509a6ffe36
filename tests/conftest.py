"""What every test may take: databases, empty or migrated, and an open store.

A test that takes one of them runs twice, on SQLite and on PostgreSQL; `-k sqlite` picks one. Where
RELIGHT_TEST_CITUS names a cluster, it runs there as well.
"""

import asyncio
import itertools
import os
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, settings

from relight.store.database import SQLITE_PREFIX, Database, open_database
from relight.store.migrate import migrate
from tests.citus import CLUSTER, STAND_IN, Cluster, put_stand_ins
from tests.postgresql import Databases, Server, postgresql_server

#: The folder of tests that need a browser; `tests/browser/chromium.py` looks for one.
BROWSER_TESTS = "tests/browser/"
#: With this variable coverage has every Python that is started trace itself.
TRACES_CHILDREN = "COVERAGE_PROCESS_CONFIG"

# No deadlines: how fast a shared machine is says nothing about the code. CI looks at the same
# examples each time; `make test` elsewhere, and `make soak`, look for new ones.
settings.register_profile(
    "default",
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings.register_profile(
    "soak", settings.get_profile("default"), derandomize=False, max_examples=2_000
)
settings.load_profile("default")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Trace no lines where that only counts again what is counted, at twice the time.

    What PostgreSQL repeats runs on SQLite, too, examples that are searched for run the same lines
    many times, and processes that are killed have no time to tell what they ran. Their set-up is
    traced, and so is whatever other tests run. pytest-cov's own `no_cover` does not stop the
    tracing that a worker of xdist began with.
    """
    is_again = any(map(item.get_closest_marker, ("hypothesis", "soak", "untraced")))
    if not is_again and "postgresql" not in item.name:
        return (yield)
    tracing, of_children = sys.gettrace(), os.environ.pop(TRACES_CHILDREN, None)
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracing)
        if of_children is not None:
            os.environ[TRACES_CHILDREN] = of_children


@pytest.fixture(scope="session")
def rounds() -> int:
    """Return how often a test that kills processes does so."""
    return int(os.environ.get("RELIGHT_TEST_ROUNDS", "5"))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Run a PostgreSQL server that may lose what it holds when the machine stops."""
    with postgresql_server() as running:
        yield running


@pytest.fixture(scope="session")
def postgresql_dsn(server: Server) -> str:
    """Return the URL of a running PostgreSQL, for tests that make their own databases."""
    return server.url


@pytest.fixture(scope="session")
def databases(server: Server) -> Iterator[Databases]:
    """Make and drop PostgreSQL databases."""
    made = Databases(server)
    yield made
    made.close()


@pytest.fixture(scope="session")
def migrated_postgresql(databases: Databases) -> Iterator[str]:
    """Return the URL of a migrated database to copy; nothing may connect to it."""
    url = databases.create()
    asyncio.run(migrate(url))
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file to copy; nothing may open it."""
    path = tmp_path_factory.mktemp("migrated") / "relight.sqlite3"
    asyncio.run(migrate(f"{SQLITE_PREFIX}{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql", *(["citus"] if CLUSTER else [])])
def backend(request: pytest.FixtureRequest) -> str:
    """Return which database the test runs on; every test that takes one runs on both."""
    return cast("str", request.param)


@pytest.fixture(scope="session")
def cluster_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the URL of a database of a cluster, or of one that looks like it."""
    if CLUSTER != STAND_IN:
        yield CLUSTER
        return
    databases: Databases = request.getfixturevalue("databases")
    url = databases.create()
    asyncio.run(put_stand_ins(url))
    yield url
    databases.drop(url)


@pytest.fixture
def database_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the URL of a new, empty database."""
    if backend == "sqlite":
        yield f"{SQLITE_PREFIX}{tmp_path / 'relight.sqlite3'}"
        return
    if backend == "citus":
        with Cluster(request.getfixturevalue("cluster_database")) as cluster:
            yield cluster.schema()
        return
    databases: Databases = request.getfixturevalue("databases")
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture
def new_database_url(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[], str]]:
    """Return a function that makes a new, empty database, and returns its URL."""
    if backend == "sqlite":
        numbers = itertools.count()
        yield lambda: f"{SQLITE_PREFIX}{tmp_path / f'empty-{next(numbers)}.sqlite3'}"
        return
    if backend == "citus":
        with Cluster(request.getfixturevalue("cluster_database")) as cluster:
            yield cluster.schema
        return
    databases: Databases = request.getfixturevalue("databases")
    made: list[str] = []

    def create() -> str:
        made.append(databases.create())
        return made[-1]

    yield create
    for url in made:
        databases.drop(url)


@pytest.fixture
def new_store_url(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[], str]]:
    """Return a function that makes a migrated database without systems, and returns its URL.

    For tests that need many in a row, as hypothesis does.
    """
    if backend == "sqlite":
        source: Path = request.getfixturevalue("migrated_sqlite")
        numbers = itertools.count()
        yield lambda: _sqlite_copy(source, tmp_path / f"relight-{next(numbers)}.sqlite3")
        return
    if backend == "citus":
        with Cluster(request.getfixturevalue("cluster_database")) as cluster:
            yield cluster.store
        return
    databases: Databases = request.getfixturevalue("databases")
    template: str = request.getfixturevalue("migrated_postgresql")
    made: list[str] = []

    def copy() -> str:
        made.append(databases.create(template=template))
        return made[-1]

    yield copy
    for url in made:
        databases.drop(url)


@pytest.fixture
def store_url(new_store_url: Callable[[], str]) -> str:
    """Return the URL of a new, migrated database without systems."""
    return new_store_url()


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Database]:
    """Open a new, migrated store without systems."""
    database = await open_database(store_url)
    yield database
    await database.close()


def _sqlite_copy(source: Path, target: Path) -> str:
    shutil.copyfile(source, target)
    return f"{SQLITE_PREFIX}{target}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly which tests were left out for want of a browser."""
    left_out = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if report.nodeid.startswith(BROWSER_TESTS)
    ]
    if not left_out:
        return
    _, _, reason = left_out[0].longrepr
    files = Counter(report.nodeid.partition("::")[0] for report in left_out)
    terminalreporter.section("left out: the tests in a browser", yellow=True)
    for file, count in sorted(files.items()):
        terminalreporter.write_line(f"{file}: {count}")
    terminalreporter.write_line(
        f"{len(left_out)} tests were not run: {reason.removeprefix('Skipped: ')}"
    )
