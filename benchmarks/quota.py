"""Quotas: exact over 4 workers under load, and what counting a call costs beside a `summary`.

Two applications ask far more than they may, one a month and one a minute, over 16 connections to
4 workers: as many calls are let in as the limit says, not one more. The cost is that of the
counters in shared memory, beside the processor time of a summary that is kept and of one made anew.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from _asking import SUMMARY, address, cold, warm
from _comparing import Rival, told, turns
from _fleet import NOW, Fleet, Shape, built
from _load import Targets, asked_statuses
from _measuring import SERVER_CORE, awaited, keep, served, show

from relight.model.access import Plan, new_application_key
from relight.store import administration as adding
from relight.store.database import SQLITE_PREFIX, Transaction, open_database
from relight.store.quota import QuotaBook

WORKERS = 4
CONNECTIONS = 16
LIMIT = 3_000
ASKED = 3 * LIMIT
COUNTED = 200_000
SHAPE = Shape(systems=100, slot_days=7, total_days=1_095)


async def limited(fleet: Fleet, plan: Plan) -> str:
    """Add an application that has a plan of its own, and return its key."""
    database = await open_database(f"{SQLITE_PREFIX}{fleet.store}")
    key = new_application_key(os.urandom)

    async def change(tx: Transaction) -> None:
        await adding.add_plan(tx, plan)
        new = adding.NewApp(name=plan.name, key=key, plan=plan.name)
        app_id = await adding.add_app(tx, new, NOW, os.urandom)
        await adding.add_grant(tx, 1, app_id, NOW)

    await database.write(change)
    await database.close()
    return key


def let_in(fleet: Fleet, keys: dict[str, str]) -> dict[str, dict[str, int]]:
    """Ask with each key more often than its limit, and count the answers by their status."""
    found = {}
    with served(*fleet.serve_words(), "--workers", str(WORKERS)) as server:
        for name, key in keys.items():
            paths = [
                address(fleet._replace(key=key), f"/api/v2/systems/{1 + n % 100}/summary", {})
                for n in range(ASKED)
            ]
            statuses = asked_statuses(server.base_url, paths, CONNECTIONS)
            found[name] = {"limit": LIMIT, "asked": ASKED, "let_in": statuses.pop(200, 0)}
            found[name] |= {f"refused_{status}": count for status, count in statuses.items()}
    return found


def counting_us(folder: Path) -> float:
    """Return the processor time in which one call is counted and leaves. [µs]"""
    book = QuotaBook.open(folder / "counters")
    plan = Plan("Counted", 10**12, 10**12)
    book.enter(1, plan, NOW)
    book.leave(1)
    began = time.process_time()
    for _ in range(COUNTED):
        book.enter(1, plan, NOW)
        book.leave(1)
    took_s = time.process_time() - began
    book.close()
    return took_s / COUNTED * 1e6


def summaries_us(fleet: Fleet) -> dict[str, float]:
    """Return the processor time of a summary, kept and made anew. [µs]"""
    with served(*fleet.serve_words(), core=SERVER_CORE) as server:
        awaited(server)
        rivals = [
            Rival("warm", server, Targets(warm(fleet, SUMMARY))),
            Rival("cold", server, Targets(cold(fleet, SUMMARY))),
        ]
        numbers = told(turns(rivals, CONNECTIONS, rounds=3, seconds=1))
        for rival in rivals:
            rival.targets.remove()
    return {name: one["cpu_us"] for name, one in numbers.items()}


def main() -> None:
    """Measure, print tables and keep them."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="relight-bench-") as name:
        fleet, _ = built(Path(name), SHAPE)
        keys = {
            "a month": asyncio.run(limited(fleet, Plan("Monthly", None, LIMIT))),
            "a minute": asyncio.run(limited(fleet, Plan("Minutely", LIMIT, None))),
        }
        exact = let_in(fleet, keys)
        cost_us, summary_us = counting_us(Path(name)), summaries_us(fleet)
    show(
        f"Calls let in by {WORKERS} workers, {CONNECTIONS} connections",
        ("a limit for", "limit", "asked", "let in"),
        [(name, one["limit"], one["asked"], one["let_in"]) for name, one in exact.items()],
    )
    show(
        "What counting a call costs, of a summary's processor time",
        ("summary", "cpu µs", "counting µs", "share"),
        [(name, one, cost_us, f"{cost_us / one:.1%}") for name, one in summary_us.items()],
    )
    shares = {name: round(cost_us / one, 4) for name, one in summary_us.items()}
    keep("quota", {"exact": exact, "counting_us": round(cost_us, 2), "share_of_summary": shares})


if __name__ == "__main__":
    main()
