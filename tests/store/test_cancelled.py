"""Who is told to stop while the store is asked stops, whatever goes wrong meanwhile."""

import asyncio

import pytest

from relight.store.database import Database, Transaction


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_connection_that_is_lost_does_not_keep_a_cancelled_task_alive(store: Database):
    is_asking = asyncio.Event()

    async def change(tx: Transaction) -> None:
        await tx.run("UPDATE company SET name = name")
        is_asking.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionResetError from None  # as from a connection that breaks meanwhile

    task = asyncio.create_task(store.write(change))
    await is_asking.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
