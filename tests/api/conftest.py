"""What tests of the API take: the whole application, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relight.store.database import Database
from tests.serving import Server, served


@pytest.fixture
async def api(store: Database, store_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """Serve a store without systems to one user of an unlimited application."""
    async with served(store, store_url, tmp_path / "data") as running:
        yield running
