"""Two workers against one: requests a CPU-second, and what stalls while both write to one file.

Reads: the demo's fleet, random systems and days, warm. A server with one worker, one with two, and
two servers that share nothing take turns; the last tell what two busy cores do to one another.
What counts is the processor time of the processes. Ingestion: so many reports a second,
paced, sent to two workers of one store while somebody reads; a constant body is asked in turns, so
that what the machine itself holds up is seen beside what Relight does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import ingestion
from _measuring import HERE, OK, Connection, Served, answered, keep, median_and_p99, served, show

DAY_S = 86_400
#: Connections that read at once, and that send at once.
READERS, SENDERS = 8, 16
#: The demo's fleet that is read.
SYSTEMS_READ, DAYS_READ = 20, 120
ADDRESSES = 400
#: Systems that report, and how long before the rate counts. [s]
SYSTEMS, WARM_UP_S = 240, 2.0
STALL_MS = 50.0
#: What processor time is counted in.
TICK_MS = 1_000 / os.sysconf("SC_CLK_TCK")


def targets(data: Path, server: Served, count: int) -> list[str]:
    """Return *count* addresses of random systems, days and endpoints that are answered well."""
    client = json.loads((data / "demo.json").read_text("utf-8"))
    caller = {"key": client["key"], "user_id": client["user_id"]}
    chance, connection, found = random.Random(1), Connection(server.base_url), list[str]()
    listed = json.loads(
        answered(connection, connection.request(f"/api/v2/systems?{urlencode(caller)}"))
    )
    ids = [one["system_id"] for one in listed["systems"]]
    today = int(time.time()) // DAY_S * DAY_S
    while len(found) < count:
        start_at = today - DAY_S * chance.randrange(2, DAYS_READ)
        day = {"start_at": start_at, "end_at": start_at + DAY_S}
        path, asked = chance.choice(
            [("stats", day), ("rgm_stats", day), ("summary", {}), ("energy_lifetime", {})]
        )
        target = f"/api/v2/systems/{chance.choice(ids)}/{path}?{urlencode(caller | asked)}"
        if connection.ask(connection.request(target))[0] == OK:
            found.append(target)
    connection.close()
    return found


def cpus_ms(server: Served) -> dict[int, float]:
    """Return the processor time of each process of a server. [ms]"""
    found, waiting = {}, [server.process.pid]
    while waiting:
        pid = waiting.pop()
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        found[pid] = (int(fields[11]) + int(fields[12])) * TICK_MS
        waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split())
    return found


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Do *work* so many times at once."""
    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def read_for(
    servers: list[Served], asked: list[str], seconds: float
) -> tuple[float, dict[int, float]]:
    """Read over several connections; return the CPU time of a request [µs], and each process'."""
    counts = [0] * READERS
    before = {pid: ms for one in servers for pid, ms in cpus_ms(one).items()}
    until = time.monotonic() + seconds

    def work(number: int) -> None:
        connection = Connection(servers[number % len(servers)].base_url)
        requests = [connection.request(one) for one in asked[number::READERS]]
        while not counts[number] or time.monotonic() < until:
            for request in requests[:50]:
                answered(connection, request)
            counts[number] += len(requests[:50])
            requests = requests[50:] + requests[:50]
        connection.close()

    in_threads(READERS, work)
    used = {pid: ms - before[pid] for one in servers for pid, ms in cpus_ms(one).items()}
    return sum(used.values()) * 1_000 / sum(counts), used


def reading(data: Path, url: str, seconds: float, rounds: int) -> dict[str, object]:
    """Measure CPU time a request: one worker, two, and two servers that share nothing, in turns."""
    found: dict[str, list[float]] = {name: [] for name in ("one", "two", "apart")}
    busier: list[float] = []
    with ExitStack() as stack:
        beside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relight-bench-")))
        shutil.copytree(data, beside, dirs_exist_ok=True)
        other_url = url.replace(str(data), str(beside))

        def serving(folder: Path, store: str, workers: int) -> Served:
            words = ["serve", "--port", "0", "--data", str(folder), "--database", store]
            return stack.enter_context(served("-m", "relight", *words, "--workers", str(workers)))

        one, two = serving(data, url, 1), serving(data, url, 2)
        servers = {"one": [one], "two": [two], "apart": [one, serving(beside, other_url, 1)]}
        asked = targets(data, one, ADDRESSES)
        for some in (*servers.values(), *servers.values()):
            read_for(some, asked, seconds)
        for _ in range(rounds):
            for name, some in servers.items():
                took_us, used = read_for(some, asked, seconds)
                found[name].append(took_us)
                if name == "two":
                    busier.append(max(used.values()) / max(sum(used.values()), TICK_MS))
    quiet = {name: min(each) for name, each in found.items()}
    return {
        "one_us": round(median(found["one"]), 1),
        "two_us": round(median(found["two"]), 1),
        "apart_us": round(median(found["apart"]), 1),
        "ratio": round(median(found["one"]) / median(found["two"]), 2),
        "ratio_apart": round(median(found["apart"]) / median(found["two"]), 2),
        "ratio_quietest": round(quiet["one"] / quiet["two"], 2),
        "share_of_the_busier": round(median(busier), 2),
    }


def build(data: Path, url: str) -> None:
    """Build the demo's fleet."""
    words = ["--data", str(data), "--database", url, "--systems", str(SYSTEMS_READ)]
    subprocess.run(
        [sys.executable, "-m", "relight", "demo", "--no-serve", *words, "--days", str(DAYS_READ)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def ready(server: Served) -> None:
    """Wait until a server answers."""
    connection = Connection(server.base_url)
    answered(connection, connection.request("/readyz"))
    connection.close()


def bodies(number: int) -> Iterator[bytes]:
    """Yield the reports of a sender's systems, as their morning goes on."""
    mine = range(1 + number, 1 + SYSTEMS, SENDERS)
    for passed_s in range(ingestion.STEP_S, ingestion.MORNING_S, ingestion.STEP_S):
        for system_id in mine:
            yield ingestion.report(system_id, ingestion.NOW - ingestion.MORNING_S + passed_s, 1)


def send(base_url: str, key: str, rate: float, seconds: float) -> tuple[list[float], float]:
    """Send *rate* reports a second; return how long each took, and the rate that was reached."""
    took_ms: list[list[float]] = [[] for _ in range(SENDERS)]
    most = min(int((rate * (seconds + WARM_UP_S)) / SENDERS) + 1, 2_000)
    pause_s = SENDERS / rate
    prepared = [list(islice(bodies(n), most)) for n in range(SENDERS)]
    began = time.monotonic() + 0.1

    def work(number: int) -> None:
        connection = Connection(base_url)
        due = began + pause_s * number / SENDERS
        for body in prepared[number]:
            request = connection.request("/ingest/v1/reports", body, bearer=key)
            time.sleep(max(0.0, due - time.monotonic()))
            sent = time.perf_counter_ns()
            answered(connection, request)
            if due > began + WARM_UP_S:
                took_ms[number].append((time.perf_counter_ns() - sent) / 1e6)
            due += pause_s
        connection.close()

    in_threads(SENDERS, work)
    took = [one for each in took_ms for one in each]
    return took, len(took) / (time.monotonic() - began - WARM_UP_S)


def read_meanwhile(pipe: Pipe, addresses: tuple[str, str], target: str) -> None:
    """Read from Relight and from the constant server in turns until told to stop; in a process."""
    connections = [Connection(address) for address in addresses]
    requests = [connections[0].request(target), connections[1].request("/1000")]
    took_ms: tuple[list[float], list[float]] = ([], [])
    while not pipe.poll():
        for connection, request, found in zip(connections, requests, took_ms, strict=True):
            began = time.perf_counter_ns()
            connection.ask(request)
            found.append((time.perf_counter_ns() - began) / 1e6)
        time.sleep(0.002)
    pipe.send(took_ms)


def ingesting(url: str, folder: Path, rate: float, seconds: float) -> dict[str, object]:
    """Measure what two workers' ingestion into one store holds up."""
    key = asyncio.run(ingestion.furnish(url))
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ingestion.NOW))
    words = ["-m", "relight", "serve", "--port", "0", "--data", str(folder), "--database", url]
    constant_words = (str(HERE / "_constant.py"),)
    with (
        served(*words, "--at", at, "--workers", "2") as server,
        served(*constant_words) as constant,
    ):
        ready(server)
        here, there = multiprocessing.Pipe()
        addresses = (server.base_url, constant.base_url)
        reader = multiprocessing.Process(target=read_meanwhile, args=(there, addresses, "/readyz"))
        reader.start()
        took_ms, reached = send(server.base_url, key, rate, seconds)
        here.send(None)
        while not isinstance(found := here.recv(), tuple):
            pass
        reader.join()
        used_ms = sorted(cpus_ms(server).values())
    told: dict[str, object] = {
        "wanted_a_s": rate,
        "reports_a_s": round(reached),
        "share_of_the_busier": round(used_ms[-1] / sum(used_ms), 2),
    }
    for name, times in zip(("send", "read", "constant"), (took_ms, *found), strict=True):
        middle, slow = median_and_p99(times)
        told[name] = {
            "median_ms": round(middle, 2),
            "p99_ms": round(slow, 2),
            "worst_ms": round(max(times), 1),
            "stalls": sum(one > STALL_MS for one in times),
            "of": len(times),
        }
    return told


def main() -> None:
    """Measure both stores, print tables and keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=1_000, help="reports a second")
    parser.add_argument("--only", choices=["reads", "ingestion"])
    parser.add_argument("--store", choices=["SQLite", "PostgreSQL"])
    given = parser.parse_args()
    found: dict[str, dict[str, object]] = {}
    with ingestion.postgresql() as reads_url, ingestion.postgresql() as writes_url:
        for store in ("SQLite", "PostgreSQL") if given.store is None else (given.store,):
            urls = {"reads": reads_url, "ingestion": writes_url}
            for what in urls if given.only is None else (given.only,):
                with tempfile.TemporaryDirectory(prefix="relight-bench-") as folder:
                    file = f"sqlite:///{folder}/relight.sqlite3"
                    url = file if store == "SQLite" else urls[what]
                    found[f"{store}, {what}"] = measured(what, url, Path(folder), given)
    tell(found)
    keep("workers", dict(found))


def measured(what: str, url: str, folder: Path, given: argparse.Namespace) -> dict[str, object]:
    """Measure one thing on one store."""
    if what == "ingestion":
        return ingesting(url, folder, given.rate, given.seconds * given.rounds)
    build(folder, url)
    return reading(folder, url, given.seconds, given.rounds)


def tell(found: dict[str, dict[str, object]]) -> None:
    """Print the tables."""
    of_reads = {name: one for name, one in found.items() if "ratio" in one}
    if of_reads:
        header = (
            "",
            "1 worker",
            "2 workers",
            "2 servers",
            "1 : 2",
            "servers : 2",
            "quietest 1 : 2",
        )
        show(
            "Processor time of a warm answer, µs (wanted: one worker's ≥ 0.9 of two workers')",
            (*header, "share of the busier"),
            [(name, *one.values()) for name, one in of_reads.items()],
        )
    rows: list[tuple[object, ...]] = []
    for name, one in found.items():
        for what in ("send", "read", "constant"):
            times = one.get(what)
            if isinstance(times, dict):
                rows.append((f"{name}: {what}", one["reports_a_s"], *times.values()))
    if rows:
        header = ("", "reports/s", "median ms", "p99 ms", "worst ms", "over 50 ms", "of")
        show("Paced ingestion by two workers into one store, and a reader meanwhile", header, rows)


if __name__ == "__main__":
    main()
