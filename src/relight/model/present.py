"""What happens at a site at the moment: made, used, and exchanged with the grid.

Pure; touches nothing. A power that nobody reported lately is None, never 0.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from relight.model.devices import KINDS_OF, Device, Kind, Source
from relight.model.power import current_power_w, measured_at
from relight.model.rounding import round_half_up

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from relight.config import Rules


class Present(NamedTuple):
    """Powers of the last reports that are still fresh. [W]"""

    production_w: int | None
    production_at: int | None  #: the end of the last report of production, fresh or not
    consumption_w: int | None
    net_w: int | None  #: drawn from the grid; negative where it is fed in


def present(
    devices: Sequence[Device],
    source: Source,
    now: int,
    rules: Rules,
    *,
    sees_consumption: bool,
) -> Present:
    """Return what the devices of a system told last, *source* being the one that counts.

    Inverters that are silent while their gateway reports make nothing: that is a night.
    """
    active = [one for one in devices if one.is_active]
    fresh_from_at = now - rules.power_stale_after_s
    makers = [one for one in active if one.kind in KINDS_OF[source]]
    made_at = max((measured_at(one) for one in makers), default=0)
    production_w: int | None = None
    if made_at >= fresh_from_at and makers:
        production_w = current_power_w(active, source, now, rules)
    elif source is Source.MICRO and made_at and _hears_gateway(active, fresh_from_at):
        production_w = 0
    net_w = consumption_w = None
    if sees_consumption:
        net_w = _told_w(active, {Kind.NET_METER}, fresh_from_at)
        consumption_w = _told_w(active, {Kind.CONSUMPTION_METER}, fresh_from_at)
    if production_w is not None:
        if consumption_w is None and net_w is not None:
            consumption_w = max(0, production_w + net_w)
        elif net_w is None and consumption_w is not None:
            net_w = consumption_w - production_w
    return Present(production_w, made_at or None, consumption_w, net_w)


def _hears_gateway(devices: Sequence[Device], fresh_from_at: int) -> bool:
    return any(
        one.kind is Kind.ENVOY and (one.last_report_at() or 0) >= fresh_from_at for one in devices
    )


def _told_w(devices: Sequence[Device], kinds: Collection[Kind], fresh_from_at: int) -> int | None:
    told = [
        one.last_power()
        for one in devices
        if one.kind in kinds and one.is_enabled and measured_at(one) >= fresh_from_at
    ]
    if not told:
        return None
    power = sum(told, start=Fraction())
    return round_half_up(power.numerator, power.denominator)
