"""What a system makes at the moment, from what its devices told last.

Pure; touches nothing.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from relight.model.devices import KINDS_OF
from relight.model.rounding import round_half_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relight.config import Rules
    from relight.model.devices import Device, Source


class Last(NamedTuple):
    """What a device told last, as its fields of the same names."""

    interval_end_at: int | None
    interval_duration_s: int | None
    interval_energy_j: int | None
    snapshot_at: int | None
    snapshot_power_w: int | None


def current_power_w(devices: Iterable[Device], source: Source, now: int, rules: Rules) -> int:
    """Return what the devices of *source* told as their power last, stale reports as 0. [W]

    Rounded once: where all report at once, it is `powr` of the last interval.
    Source: behaviour, summary (current_power).
    """
    kinds = KINDS_OF[source]
    return power_w((one for one in devices if one.is_active and one.kind in kinds), now, rules)


def power_w(told: Iterable[Device | Last], now: int, rules: Rules) -> int:
    """Return what those devices told as their power last, stale reports as 0. [W]"""
    fresh_from_at = now - rules.power_stale_after_s
    told_w, energies_j = 0, dict[int, int]()
    for one in told:
        if measured_at(one) < fresh_from_at:
            continue
        end_at, at, snapshot_w = one.interval_end_at, one.snapshot_at, one.snapshot_power_w
        if end_at is None or (at is not None and at > end_at and snapshot_w is not None):
            told_w += snapshot_w or 0
        else:
            duration_s = one.interval_duration_s or 1
            energies_j[duration_s] = energies_j.get(duration_s, 0) + (one.interval_energy_j or 0)
    averages = (Fraction(energy_j, duration_s) for duration_s, energy_j in energies_j.items())
    power = sum(averages, start=Fraction(told_w))
    return round_half_up(power.numerator, power.denominator)


def fresh_until_at(told: Iterable[Device | Last], now: int, rules: Rules) -> int | None:
    """Return when the next of the reports that are not stale will be, None without any."""
    stale_s = rules.power_stale_after_s
    measured = (measured_at(one) for one in told)
    return min((at + stale_s + 1 for at in measured if at + stale_s >= now), default=None)


def measured_at(one: Device | Last) -> int:
    """Return the end of the report that a device's last power speaks of, 0 without one."""
    told_at = one.snapshot_at if one.snapshot_power_w is not None else None
    return max(one.interval_end_at or 0, told_at or 0)
