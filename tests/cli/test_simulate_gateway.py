"""`relight simulate-gateway` as a person runs it: a gateway of their own to collect from."""

import asyncio
import signal
import stat
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from relight.config import Collecting
from relight.sources.gateway.connection import Access, Connection, signed_in
from relight.sources.gateway.vault import Secret


def words(*more: str) -> list[str]:
    return [sys.executable, "-m", "relight", "simulate-gateway", "--inverters", "2", *more]


async def test_it_serves_until_it_is_told_to_stop(tmp_path: Path):
    token_file = tmp_path / "token"
    more = ("--port", "0", "--token-file", str(token_file), "--at", "2026-06-21T10:00:00Z")
    process = await asyncio.create_subprocess_exec(*words(*more), stdout=PIPE)
    assert process.stdout is not None
    said = (await process.stdout.readline()).decode()
    serial, host = said.split()[1], said.split("//")[1].strip("/\n")

    async with Connection(
        Access(host, "", Secret(token_file.read_text().strip())), Collecting()
    ) as one:
        found = await one.identify()
        await signed_in(one)
        answer = await one.ask("/ivp/pdm/device_data")

    assert (serial, "8.3.5167") == (found.serial_number, found.firmware)
    assert 200 == answer.status
    assert 0o600 == stat.S_IMODE(token_file.stat().st_mode)
    assert str(token_file) in (await process.stdout.readline()).decode()
    process.send_signal(signal.SIGTERM)
    assert 0 == await process.wait()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--firmware", "eight"), "is no version"),
        (("--speed", "0"), "speed"),
        (("--inverters", "100000"), "inverters"),
        (("--at", "yesterday"), "at"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(wrong: tuple[str, str], said: str):
    found = subprocess.run(words(*wrong), capture_output=True, text=True, check=False)

    assert 0 != found.returncode
    assert said in found.stderr
    assert "Traceback" not in found.stderr
