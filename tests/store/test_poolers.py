"""Behind a pooler of connections: no prepared statements where the URL says so."""

from __future__ import annotations

import pytest

from relight.errors import StoreUnreadable
from relight.store.database import open_database

_PREPARED = "SELECT count(*) FROM pg_prepared_statements"


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize(
    ("asked", "kept"), [("statement_cache_size=9", 1), ("statement_cache_size=0", 0)]
)
async def test_statements_are_kept_unless_the_url_says_otherwise(
    store_url: str, asked: str, kept: int
) -> None:
    database = await open_database(
        f"{store_url}{'&' if '?' in store_url else '?'}{asked}", connections=1
    )
    for _ in range(3):
        row = await database.point("SELECT name FROM plan WHERE name = :name", name="Watt")
    prepared = await database.point(_PREPARED)
    await database.close()

    assert ("Watt",) == tuple(row or ())
    assert (kept > 0) == (prepared is not None and prepared[0] > 1)


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_number_of_statements_that_is_none_is_refused(store_url: str) -> None:
    with pytest.raises(StoreUnreadable, match="its URL cannot be read"):
        await open_database(f"{store_url}{'&' if '?' in store_url else '?'}statement_cache_size=x")
