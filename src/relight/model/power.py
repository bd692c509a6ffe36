"""What a system makes at the moment, from what its devices told last.

Pure; touches nothing.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from relight.model.devices import KINDS_OF
from relight.model.rounding import round_half_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relight.config import Rules
    from relight.model.devices import Device, Source


def current_power_w(devices: Iterable[Device], source: Source, now: int, rules: Rules) -> int:
    """Return what the devices of *source* told as their power last, stale reports as 0. [W]

    Rounded once: where all report at once, it is `powr` of the last interval.
    Source: behaviour, summary (current_power).
    """
    kinds, fresh_from_at = KINDS_OF[source], now - rules.power_stale_after_s
    told = (
        one.last_power()
        for one in devices
        if one.is_active and one.kind in kinds and measured_at(one) >= fresh_from_at
    )
    power = sum(told, start=Fraction())
    return round_half_up(power.numerator, power.denominator)


def measured_at(device: Device) -> int:
    """Return the end of the report that a device's last power speaks of, 0 without one."""
    told_at = device.snapshot_at if device.snapshot_power_w is not None else None
    return max(device.interval_end_at or 0, told_at or 0)
