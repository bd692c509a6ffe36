"""SIGTERM while reports come in: what is under way ends, nothing acknowledged is lost."""

import asyncio
import random
import signal
from pathlib import Path

import pytest

from relight.store.database import open_database
from tests.crash import telling
from tests.crash.processes import base_url
from tests.crash.sending import Senders
from tests.crash.test_crash import asserted_kept, serving

HEARD_S_MAX = 30
PATIENCE_S = 60


@pytest.mark.untraced
@pytest.mark.parametrize("workers", [1, 2])
async def test_a_server_that_is_told_to_stop_loses_nothing(
    store_url: str, tmp_path: Path, workers: int
) -> None:
    database = await open_database(store_url)
    await telling.furnish(database)
    await database.close()
    senders, chance, log = Senders(), random.Random(workers), tmp_path / "log"

    for number in range(2):
        senders.give(chance.sample(telling.slots(number), k=2_000))
        with serving(store_url, log, number=number, workers=workers) as process:
            async with senders.sending(base_url(process)):
                await asyncio.wait_for(senders.heard.wait(), HEARD_S_MAX)
                await asyncio.sleep(chance.uniform(0.1, 0.4))
                process.send_signal(signal.SIGTERM)
                ended = await asyncio.to_thread(process.wait, PATIENCE_S)
        assert 0 == ended
        await asserted_kept(store_url, senders.acknowledged, senders.sent)

    assert senders.acknowledged
    assert "Traceback" not in log.read_text("utf-8")
