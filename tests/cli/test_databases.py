"""`relight database`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Relight


def test_the_layout_of_a_store_is_shown(relight: Relight, backend: str) -> None:
    told = relight("database", "status", "--json")

    is_cluster = backend == "citus"
    assert 0 == told.status
    assert ("sqlite" if backend == "sqlite" else "postgresql") == told.json["database"]
    assert is_cluster == told.json["is_distributed"] == (told.json["citus"] is not None)
    if backend != "sqlite":
        layouts = {one["table"]: one for one in told.json["tables"]}
        assert ("distributed" if is_cluster else "local", "distributed") == (
            layouts["interval"]["layout"],
            layouts["interval"]["wanted"],
        )
        assert "reference" == layouts["user_account"]["wanted"]


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_a_store_on_one_machine_is_not_distributed(relight: Relight) -> None:
    told = relight("database", "distribute")

    assert 1 == told.status
    assert told.err.startswith("relight: ")
    assert "Traceback" not in told.err
