"""Putting a file that was read and checked into the store, batch by batch.

Calls `store.reports.save` as every source does. A batch is durable once it is counted, and
repeating one is harmless, so an import that was killed is completed by doing it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight.model.reports import Receipt
from relight.sources.files.batches import row_count
from relight.sources.files.parsed import Target
from relight.store import book, reports

if TYPE_CHECKING:
    from collections.abc import Callable

    from relight.config import Rules
    from relight.model.reports import Report
    from relight.sources.files.parsed import Parsed
    from relight.store.database import Database, Transaction


async def target(database: Database, system_id: int, now_at: int) -> Target:
    """Return the system that a file is for. Raises NotKnown where there is none."""

    async def opened(tx: Transaction) -> book.Book:
        return await book.opened(tx, system_id)

    found = await database.write(opened)
    meters = {serial: kind for kind, serial in found.by_serial if serial}
    return Target(system_id, found.site, now_at, meters)


async def take(
    database: Database,
    parsed: Parsed,
    aim: Target,
    *,
    rules: Rules,
    progress: Callable[[int], None],
) -> Receipt:
    """Save every report of a file; *progress* is told how many rows each one had.

    Raises BadInput where an envoy of the file belongs to another system; what came before it in
    the file stays.
    """
    receipt = Receipt()
    for report in parsed.reports:

        async def change(tx: Transaction, report: Report = report) -> Receipt:
            return await reports.save(tx, aim.system_id, report, now=aim.now_at, rules=rules)

        receipt.add(await database.write(change))
        progress(row_count(report))
    return receipt
