"""`relight database`."""

from __future__ import annotations

from tests.cli.conftest import Relight


def test_the_layout_of_a_store_is_shown(relight: Relight, backend: str) -> None:
    told = relight("database", "status", "--json")

    assert 0 == told.status
    assert (backend, None, False) == (
        told.json["database"],
        told.json["citus"],
        told.json["is_distributed"],
    )
    if backend == "postgresql":
        layouts = {one["table"]: one for one in told.json["tables"]}
        assert ("local", "distributed") == (
            layouts["interval"]["layout"],
            layouts["interval"]["wanted"],
        )
        assert "reference" == layouts["user_account"]["wanted"]


def test_a_store_on_one_machine_is_not_distributed(relight: Relight) -> None:
    told = relight("database", "distribute")

    assert 1 == told.status
    assert told.err.startswith("relight: ")
    assert "Traceback" not in told.err
