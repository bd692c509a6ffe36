"""A limit of time, over work that waits and work that does not."""

from __future__ import annotations

import asyncio

import pytest

from relight.api.in_time import in_time

SOON_S = 0.01


async def at_once() -> int:
    return 7


async def later(gate: asyncio.Event) -> int:
    for _ in range(3):
        await asyncio.sleep(0)
    await gate.wait()
    return await at_once()


async def test_work_that_waits_for_nothing_comes_to_its_end_without_a_turn_of_the_loop() -> None:
    turns: list[int] = []
    asyncio.get_running_loop().call_soon(turns.append, 1)

    assert (7, []) == (await in_time(at_once(), SOON_S), turns)


async def test_work_that_waits_goes_on_where_it_was() -> None:
    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(SOON_S, gate.set)

    assert 7 == await in_time(later(gate), 60)


async def test_work_that_waits_too_long_is_ended() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(TimeoutError):
        await in_time(work(), SOON_S)
    assert [True] == ended


async def test_what_the_work_raises_is_raised_whether_it_waited_or_not() -> None:
    async def work(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        raise ZeroDivisionError

    for turns in (0, 2):
        with pytest.raises(ZeroDivisionError):
            await in_time(work(turns), 60)


async def test_a_task_that_is_cancelled_cancels_the_work() -> None:
    task = asyncio.create_task(in_time(later(asyncio.Event()), 60))
    await asyncio.sleep(SOON_S)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_may_catch_what_interrupts_it() -> None:
    async def work() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "tidied"

    task = asyncio.create_task(in_time(work(), 60))
    await asyncio.sleep(SOON_S)
    task.cancel()

    assert "tidied" == await task
