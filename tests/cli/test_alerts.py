"""`relight alert`: who is mailed, what is wrong, and a message to try the ways with."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.alerts.listening import Listening, listening
from tests.cli.conftest import Relight, add_system


@pytest.fixture
def mail_server() -> Iterator[Listening]:
    """Run a mail server in a thread: the command has a loop of its own."""
    loop, found = asyncio.new_event_loop(), list[Listening]()
    ready = threading.Event()

    async def run() -> None:
        async with listening("smtp") as here:
            found.append(here)
            ready.set()
            await stopping.wait()

    stopping = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert ready.wait(60)
    yield found[0]
    loop.call_soon_threadsafe(stopping.set)
    thread.join()
    loop.close()


def test_who_is_mailed_is_added_listed_and_removed(relight: Relight) -> None:
    add_system(relight, "--id", 67)
    relight("user", "add", "--name", "Ann", "--number", 310_606, "--email", "ann@example.org")
    words = ("--user", "310606", "--system", 67)

    assert 0 == relight("alert", "add", *words).status
    again = relight("alert", "add", *words)
    listed = relight("alert", "list", "--choices", "--json")
    assert "relight: user 310606 is mailed about system 67 already\n" == again.err
    assert [(67, 310_606, "Ann", "ann@example.org")] == [tuple(one.values()) for one in listed.json]
    assert 0 == relight("alert", "remove", *words).status
    assert 1 == relight("alert", "remove", *words).status
    assert [] == relight("alert", "list", "--json").json
    assert "alert.remove" == relight("audit", "--json").json[0]["action"]


def test_nobody_without_an_address_is_mailed(relight: Relight) -> None:
    add_system(relight, "--id", 67)
    relight("user", "add", "--name", "Ann", "--number", 310_606)

    told = relight("alert", "add", "--user", 310_606, "--system", 67)

    assert (1, "relight: there is no user 310606 with an e-mail address\n") == (
        told.status, told.err,
    )  # fmt: skip


def test_a_test_without_a_way_is_one_line(relight: Relight) -> None:
    told = relight("alert", "test")

    assert 1 == told.status
    assert told.err.startswith("relight: nobody is to be told: set RELIGHT_ALERT_WEBHOOK")


def test_each_way_is_tried(
    relight: Relight, mail_server: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELIGHT_ALERT_EMAIL_FROM", "relight@example.org")
    monkeypatch.setenv("RELIGHT_ALERT_EMAIL_TO", "op@example.org")
    monkeypatch.setenv("RELIGHT_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("RELIGHT_SMTP_PORT", str(mail_server.port))
    monkeypatch.setenv("RELIGHT_SMTP_SECURITY", "none")
    assert (0, "e-mail to op@example.org: taken\n") == relight_told(relight)

    monkeypatch.setenv("RELIGHT_ALERT_WEBHOOK", "http://127.0.0.1:1/secret")

    status, out = relight_told(relight)
    assert 1 == status
    assert "webhook: webhook: " in out
    assert "secret" not in out
    assert ["op@example.org", "op@example.org"] == [to for to, _ in mail_server.mails]


def relight_told(relight: Relight) -> tuple[int, str]:
    told = relight("alert", "test")
    return told.status, told.out
