"""What answers are compared with: nginx, VictoriaMetrics and Prism, where they are installed.

Each runs on the server's core, on loopback, from a folder of its own. What is not installed is
left out and named, with how to install it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from _fleet import TODAY, YEAR_DAYS, Fleet, reports, template_of
from _measuring import SERVER_CORE, Served, pinned

from relight.model.devices import Kind

NGINX = "nginx"
VICTORIA = "victoria-metrics"
PRISM = "prism"
INSTALL = {
    NGINX: "apt-get install nginx-core",
    VICTORIA: "apt-get install victoria-metrics",
    PRISM: "npm install --prefix benchmarks/.peers @stoplight/prism-cli",
    "wrk": "apt-get install wrk",
}
PEERS = Path(__file__).parent / ".peers"
START_S = 30.0
_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; default_type application/json;
  keepalive_timeout 600; keepalive_requests 1000000000; open_file_cache max=1000;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port} backlog=2048; root {folder}/files; }}
}}
"""


def found(name: str) -> str | None:
    """Return where a program is, or None."""
    beside = PEERS / "node_modules" / ".bin" / name
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", str(beside.parent)))
    return shutil.which(os.environ.get(f"RELIGHT_BENCH_{name.upper()}", name), path=path)


def missing() -> list[str]:
    """Return a sentence for each program that is not installed."""
    return [
        f"left out: {name} is not installed ({how})"
        for name, how in INSTALL.items()
        if found(name) is None
    ]


@contextmanager
def _running(words: list[str], port: int) -> Iterator[Served]:
    """Run a program on the server's core until the block ends."""
    with subprocess.Popen(
        pinned(words, SERVER_CORE), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until = time.monotonic() + START_S
            while process.poll() is None and time.monotonic() < until:
                with suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                time.sleep(0.05)
            else:
                raise SystemExit(f"did not start: {' '.join(words)}")
            yield Served(process, f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def nginx(folder: Path) -> Iterator[Served | None]:
    """Serve the files in the folder's `files` by nginx, if that is there."""
    program, port = found(NGINX), _free_port()
    if program is None:
        yield None
        return
    (folder / "files").mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port), "ascii")
    with _running([program, "-c", str(folder / "nginx.conf"), "-p", str(folder)], port) as one:
        yield one


@contextmanager
def prism(document: Path) -> Iterator[Served | None]:
    """Serve the examples of an OpenAPI document by Prism, if that is there."""
    program, port = found(PRISM), _free_port()
    if program is None:
        yield None
        return
    words = [program, "mock", "-h", "127.0.0.1", "-p", str(port), "-m", "false", str(document)]
    with _running([*words, "-v", "silent"], port) as one:
        yield one


@contextmanager
def victoria(fleet: Fleet) -> Iterator[Served | None]:
    """Serve the powers and daily totals of a fleet by VictoriaMetrics, if that is there.

    They are loaded once, and stay beside the fleet.
    """
    program, port = found(VICTORIA), _free_port()
    if program is None:
        yield None
        return
    folder = fleet.folder / "victoria"
    words = [program, f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}"]
    words += ["-retentionPeriod=100y", "-search.latencyOffset=0s", "-loggerLevel=ERROR"]
    with _running(
        [*words, "-search.maxStalenessInterval=5m", "-selfScrapeInterval=0"], port
    ) as one:
        if not (folder / "loaded").exists():
            load_victoria(one.base_url, fleet)
            (folder / "loaded").touch()
        yield one


def load_victoria(base_url: str, fleet: Fleet) -> None:
    """Load the powers by 5 minutes and the daily totals, template by template."""
    lines = {}
    for system_id in range(1, fleet.shape.systems + 1):
        template = template_of(system_id)
        if template not in lines:
            lines[template] = _lines(template, fleet)
        body = "".join(
            f'{{"metric":{{"__name__":"{name}","system":"{system_id}"}},{rest}}}\n'
            for name, rest in lines[template]
        )
        _post(f"{base_url}/api/v1/import", body.encode())
    _post(f"{base_url}/internal/force_flush", b"")
    _post(f"{base_url}/internal/force_merge", b"")


def _post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, method="POST")  # noqa: S310 - our own peer
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        answer.read()


def _lines(template: int, fleet: Fleet) -> list[tuple[str, str]]:
    """Return the series of a template as what stands after the name in a line of an import."""
    powers: dict[int, int] = {}
    days: dict[int, int] = {}
    for report in reports(template, fleet.shape):
        for total in report.day_totals:
            days[total.day * 86_400] = total.energy_wh
        for column in report.columns:
            if column.kind is not Kind.INVERTER:
                continue
            day_at = column.day * 86_400
            days[day_at] = days.get(day_at, 0) + sum(column.energies_j) // 3_600
            if column.day < TODAY - YEAR_DAYS:
                continue  # the API answers no intervals older than that
            for n, energy_j in enumerate(column.energies_j):
                end_at = column.first_end_at + n * column.step_s
                powers[end_at] = powers.get(end_at, 0) + energy_j // column.step_s
    return [("power", _series(powers)), ("day", _series(days))]


def _series(values: dict[int, int]) -> str:
    every = sorted(values)
    numbers = ",".join(str(values[at]) for at in every)
    return f'"values":[{numbers}],"timestamps":[{",".join(f"{at}000" for at in every)}]'
