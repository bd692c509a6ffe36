"""What one process takes on at once: no more bytes and no more waiting than it says."""

from __future__ import annotations

import pytest

from relight.api.intake import Intake
from relight.errors import DataUnavailable


def test_bodies_that_grow_too_large_together_are_refused_and_make_room_when_they_are_done() -> None:
    intake = Intake(bytes_max=100)
    with intake.holding() as first:
        first.grow_to(60)
        with intake.holding() as second:
            second.grow_to(40)
            with pytest.raises(DataUnavailable):
                second.grow_to(41)
        first.grow_to(100)

    with intake.holding() as third:
        third.grow_to(100)


def test_so_many_wait_for_the_store_and_no_more_until_one_is_done() -> None:
    intake = Intake(saving_max=1)
    with intake.saving(), pytest.raises(DataUnavailable), intake.saving():
        pass

    with intake.saving():
        pass
