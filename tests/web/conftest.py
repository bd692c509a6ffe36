"""The pages over a real store, on each database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.browsing import browsing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relight.store.database import Database
    from tests.web.browsing import Site


@pytest.fixture
async def site(store: Database, store_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with browsing(store, store_url, tmp_path) as running:
        yield running
