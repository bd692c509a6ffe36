"""The feeder: everything due is told once, whatever the server does in between."""

import json
import os
import signal
import socketserver
import sys
import textwrap
import threading
import time
from collections import Counter
from datetime import date
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import httpx2
import pytest

from relight.model.clock import Clock, day_of_date, day_start_at
from relight.sources.simulator.days import simulate
from relight.sources.simulator.feed import PERIOD_S, Feed, Order, keep_feeding, start
from relight.sources.simulator.fleet import fleet

SEED = 1
TODAY = date(2025, 7, 1)
SYSTEMS = fleet(4, seed=SEED, today=TODAY, days=30)
SINCE_AT = day_start_at(SYSTEMS[0].zone, day_of_date(TODAY)) + 10 * 3600


class World:
    """A time that passes only by waiting, and a server that remembers what it was told."""

    def __init__(self, until_at: int, answers: tuple[int, ...] = ()) -> None:
        self.at = SINCE_AT
        self.until_at = until_at
        self.answers = list(answers)
        self.told: list[tuple[int, dict[str, Any]]] = []
        self.waits: list[float] = []

    def post(self, body: bytes) -> int:
        status = self.answers.pop(0) if self.answers else 200
        if status == 0:
            raise httpx2.ConnectError("nobody is there")
        if status == 200:
            self.told += ((self.at, json.loads(line)) for line in body.split(b"\n"))
        return status

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.at += max(1, int(seconds))
        return self.at <= self.until_at

    def run(self, systems=SYSTEMS) -> None:
        feed = Feed(systems, SEED, SINCE_AT)
        keep_feeding(feed, self.post, Clock(lambda: self.at), self.wait)

    def energies(self) -> Counter[tuple[str, int, int, int]]:
        """Return how often each interval of system 67 was told, by device, channel and end."""
        return Counter(
            (row["serial_number"], row.get("channel", 1), row["end_at"], row["energy_j"])
            for _, body in self.told
            if body["system_id"] == 67
            for name in ("inverter_intervals", "meter_intervals")
            for row in body.get(name, ())
        )


def expected(until_at: int) -> Counter[tuple[str, int, int, int]]:
    days = simulate(SYSTEMS[0], SEED, day_of_date(TODAY), 2, until_at=until_at)
    return Counter(
        (column.serial_number, column.channel, end_at, energy_j)
        for day in days
        for column in day.columns
        for number, energy_j in enumerate(column.energies_j)
        if (end_at := column.first_end_at + number * column.step_s) > SINCE_AT
    )


def test_an_hour_is_told_once_and_within_a_period():
    world = World(SINCE_AT + 3600)

    world.run()

    told = world.energies()
    assert set(told.values()) == {1}
    assert set(expected(SINCE_AT + 3600 - PERIOD_S)) <= set(told)
    assert all(
        at - PERIOD_S <= row["end_at"] <= at
        for at, body in world.told
        for row in body.get("inverter_intervals", ())
    )


def test_midnight_is_passed_without_a_gap():
    hours = 15 * 3600
    world = World(SINCE_AT + hours)

    world.run(SYSTEMS[:1])

    assert set(expected(SINCE_AT + hours - PERIOD_S)) <= set(world.energies())


def test_something_moves_all_the_time():
    world = World(SINCE_AT + 900)

    world.run(fleet(25, seed=SEED, today=TODAY, days=30))

    at = sorted(at for at, _ in world.told)
    assert max(later - sooner for sooner, later in pairwise(at)) <= 15
    assert len(at) >= 120


@pytest.mark.parametrize("status", [0, 401, 500, 503])
def test_what_was_not_taken_is_told_again(status: int):
    world = World(SINCE_AT + 3600, answers=(200, status, status, status, status))

    world.run()

    assert set(world.energies().values()) == {1}
    assert set(expected(SINCE_AT + 3600 - PERIOD_S)) <= set(world.energies())
    assert [1, 2, 4, 8] == [wait for wait in world.waits if wait in (1, 2, 4, 8)][:4]


def test_what_the_server_refuses_is_not_told_for_ever():
    world = World(SINCE_AT + 1200, answers=(422,))

    world.run()

    assert len(world.told) > 8


def test_a_long_absence_is_made_good_in_pieces():
    world = World(SINCE_AT + 20)
    world.at += 40 * 3600
    world.until_at = world.at + 20

    world.run(SYSTEMS[:1])

    assert set(expected(world.told[-1][0] - PERIOD_S)) <= set(world.energies())
    assert max(len(body.get("inverter_intervals", ())) for _, body in world.told) <= 20 * 72


def test_devices_are_described_once_a_day():
    world = World(SINCE_AT + 3600)

    world.run(SYSTEMS[:1])

    described = [body["devices"] for _, body in world.told if "devices" in body]
    assert [len(SYSTEMS[0].devices)] == [len(devices) for devices in described]


def test_the_key_is_not_shown():
    order = an_order("http://127.0.0.1:1")

    assert order.report_key not in repr(order)


def an_order(base_url: str) -> Order:
    return Order(
        base_url=base_url,
        report_key="rk_secret",
        count=1,
        seed=SEED,
        today=TODAY,
        days=30,
        since_at=SINCE_AT,
        clock=Clock(time.time, SINCE_AT + PERIOD_S - int(time.time())),
    )


class Listener(ThreadingHTTPServer):
    """Takes everything and remembers it: path, headers and body of each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.heard: list[tuple[str, Message, bytes]] = []
        self.has_heard = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """Answers a Listener's requests."""

    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, self.headers, body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.server.has_heard.set()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener():
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def base_url(server: socketserver.TCPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def test_a_feeder_process_reports_with_its_key_and_stops_when_told(listener):
    process = start(an_order(base_url(listener)))
    try:
        assert listener.has_heard.wait(60)
    finally:
        process.terminate()
        process.join(20)

    path, headers, body = listener.heard[0]
    assert process.exitcode == 0
    assert path == "/ingest/v1/reports"
    assert headers["Authorization"] == "Bearer rk_secret"
    assert json.loads(body.split(b"\n")[0])["system_id"] == 67


def test_a_feeder_ends_with_the_process_that_started_it(listener, tmp_path):
    program = tmp_path / "parent.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import time
            from datetime import date
            from relight.model.clock import Clock
            from relight.sources.simulator.feed import Order, start

            if __name__ == "__main__":
                clock = Clock(time.time, {SINCE_AT + PERIOD_S} - int(time.time()))
                order = Order(
                    base_url={base_url(listener)!r}, report_key="k", count=1, seed=1,
                    today=date(2025, 7, 1), days=30, since_at={SINCE_AT}, clock=clock,
                )
                print(start(order).pid, flush=True)
                time.sleep(600)
            """
        )
    )
    with Popen([sys.executable, str(program)], stdout=PIPE) as parent:
        assert parent.stdout is not None
        feeder = int(parent.stdout.readline())
        assert listener.has_heard.wait(60)

        parent.send_signal(signal.SIGKILL)

    for _ in range(100):
        if not is_running(feeder):
            break
        time.sleep(0.1)
    assert not is_running(feeder)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended but was not yet asked for its status counts as ended.
    stat = Path(f"/proc/{pid}/stat").read_text("ascii")
    return stat.rpartition(")")[2].split()[0] != "Z"
