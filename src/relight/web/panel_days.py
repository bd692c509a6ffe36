"""The days around a day: where its neighbours are shown, and an inverter's last month as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from relight.model.clock import date_of_day
from relight.model.panels import WINDOW_DAYS, Panel, beside, make_of, usual

if TYPE_CHECKING:
    from relight.model.devices import Device
    from relight.store.panels import PanelDay


class Steps(NamedTuple):
    """The dates of the day before and the day after, the latter empty where there is none."""

    back: str
    on: str


class DayBar(NamedTuple):
    """One day of an inverter. [J]"""

    day: int
    date: str
    energy_j: int | None
    expected_j: float | None  #: by its neighbours and its usual ratio
    deviation: float | None
    is_shown: bool  #: the day that the page shows


def steps(day: int, today: int) -> Steps:
    """Return where a page of *day* leads on to."""
    return Steps(str(date_of_day(day - 1)), str(date_of_day(day + 1)) if day < today else "")


def bars(shown: PanelDay, alike: Sequence[Panel], device: Device) -> list[DayBar]:
    """Return an inverter's days up to the one shown, oldest first, each beside its neighbours.

    What is usual is that of the day shown; a day that is not over is compared nowhere here.
    """
    makes = {one.device.device_id: make_of(one.device) for one in alike}
    makes[device.device_id] = make_of(device)
    own = next((one for one in alike if one.device.device_id == device.device_id), None)
    energies = dict(shown.before)
    energies[shown.day] = {
        one.device.device_id: one.energy_j for one in alike if one.energy_j is not None
    }
    compared = {
        day: beside(makes, some)[device.device_id]
        for day, some in energies.items()
        if day < shown.day or shown.is_over
    }
    known = None if own is None or own.weak is None else own.weak.before
    if known is None:
        before = [it.ratio for day, it in sorted(compared.items()) if day < shown.day]
        known = usual([one for one in before if one is not None])
    found = []
    for day in range(shown.day - WINDOW_DAYS, shown.day + 1):
        it = compared.get(day)
        expected_j = None
        if it is not None and known is not None and it.middle_j is not None:
            expected_j = it.middle_j * known.ratio
        deviation = None
        if it is not None and it.ratio is not None and known is not None and known.ratio > 0:
            deviation = it.ratio / known.ratio - 1
        found.append(
            DayBar(
                day=day,
                date=str(date_of_day(day)),
                energy_j=energies.get(day, {}).get(device.device_id),
                expected_j=expected_j,
                deviation=deviation,
                is_shown=day == shown.day,
            )
        )
    return found
