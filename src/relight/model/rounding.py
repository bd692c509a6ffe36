"""Rounding of stored joules to the published watts and watt-hours: nearest, halves up.

Pure integer arithmetic. Never round a rounded number, but for the two cases where v2 did:
the energy of a five-minute slot comes from its rounded power, a channel's power from its
rounded energy.
Source: behaviour, Times (rounding), stats, rgm_stats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Joules in a watt-hour.
JOULES_PER_WH: Final = 3600
#: The length of an interval of `stats`, and of the meters' ones. [s]
STATS_STEP_S: Final = 300
METER_STEP_S: Final = 900


def round_half_up(numerator: int, denominator: int) -> int:
    """Return numerator / denominator (which is positive) as the nearest integer, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


def energy_wh(energy_j: int) -> int:
    """Return joules as watt-hours: a day, a consumption interval, a counter [Wh]."""
    return (energy_j + 1800) // JOULES_PER_WH


def power_w(energy_j: int, duration_s: int = STATS_STEP_S) -> int:
    """Return the average power of *energy_j* over *duration_s*: `powr` by default [W]."""
    return round_half_up(energy_j, duration_s)


def slot_powers_w(energies_j: Iterable[int]) -> list[int]:
    """Return `powr` of each five-minute slot [W]."""
    return [(energy_j + 150) // 300 for energy_j in energies_j]


def slot_energies_wh(powers_w: Iterable[int]) -> list[int]:
    """Return `enwh` of each five-minute slot from its published, rounded power [Wh]."""
    return [(slot_w + 6) // 12 for slot_w in powers_w]


def channel_energies_wh(energies_j: Iterable[int | None]) -> list[float | None]:
    """Return `wh_del` of each slot of a meter's channel: at most 3 decimals, never below 0 [Wh]."""
    return [None if mwh is None else mwh / 1000 for mwh in _energies_mwh(energies_j)]


def channel_powers_w(energies_j: Iterable[int | None]) -> list[int | None]:
    """Return `curr_w` of each 15-minute slot of a channel: four times its rounded energy [W]."""
    return [None if mwh is None else (mwh + 125) // 250 for mwh in _energies_mwh(energies_j)]


def _energies_mwh(energies_j: Iterable[int | None]) -> list[int | None]:
    return [
        energy_j if energy_j is None else (5 * energy_j + 9) // 18 if energy_j > 0 else 0
        for energy_j in energies_j
    ]
