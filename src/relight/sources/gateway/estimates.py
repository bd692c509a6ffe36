"""Inverters that tell powers alone: power times time, scaled to a counter of them all. Pure.

A report's power is the average since the report before. Where the gateway has a counter of all
inverters, the estimates are drawn to it: what it counted and no interval holds yet is owed, and
each new interval pays its share, within limits. Source: docs/gateways.md, powers alone.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from relight.model.odometers import WRAP_J
from relight.sources.gateway.counters import POWER_W_MAX
from relight.sources.gateway.memory import Counter, Estimate

#: Reports are no longer than this; a longer silence is a night or a gap. [s]
REPORT_S_MAX: Final = 3_600
#: How long a report is taken to be, before two were seen in a row. [s]
REPORT_S_USUAL: Final = 300
#: A report may come this much later than usual and still cover all the time since. [percent]
LATE_PERCENT: Final = 150
#: Estimates are scaled by no less and no more. [percent]
SCALE_PERCENT_MIN, SCALE_PERCENT_MAX = 50, 200
#: A counter that has stood still for longer while power was told is not counting. [s]
STALLED_S: Final = 3_600
#: What a counter may be ahead or behind without more being made of it. [J]
SLACK_J: Final = 100 * 3_600
#: How many inverters' counters may begin again between two readings of their sum.
WRAPS_MAX: Final = 64


class Estimated(NamedTuple):
    """An inverter's energy over (end_at - duration_s, end_at], as power times time."""

    serial_number: str
    end_at: int
    duration_s: int
    energy_j: int
    since_s: int  #: how long ago it reported before

    @property
    def follows_gap(self) -> bool:
        """Tell whether the report before it was missed, or there was a night."""
        return self.since_s > REPORT_S_MAX


def estimate(
    before: Estimate | None, serial_number: str, report_at: int, power_w: int
) -> tuple[Estimated | None, Estimate]:
    """Return what an inverter made by its new report, if there is one."""
    if before is None:
        return None, Estimate(report_at, None)
    since_s = report_at - before.report_at
    if since_s <= 0:
        return None, before
    usual_s = before.usual_s or REPORT_S_USUAL
    is_next = since_s <= (usual_s * LATE_PERCENT // 100 if before.usual_s else REPORT_S_MAX)
    duration_s = since_s if is_next else min(usual_s, since_s)
    found = Estimated(serial_number, report_at, duration_s, power_w * duration_s, since_s)
    return found, Estimate(report_at, since_s if since_s <= REPORT_S_MAX else before.usual_s)


def count_on(before: Counter | None, energy_j: int, at: int, *, inverters: int) -> Counter:
    """Return the counter of a gateway after it was read again. [J]

    The sum falls by 2^32 J with each inverter that begins again; any other fall, or a jump, is
    another counter.
    """
    if before is None:
        return Counter(energy_j, 0, at)
    change_j = energy_j - before.energy_j
    if change_j == 0:
        return before
    if change_j < 0:
        wraps = -(change_j // WRAP_J)
        change_j += wraps * WRAP_J if wraps <= WRAPS_MAX else 0
    possible_j = max(1, inverters) * POWER_W_MAX * max(1, at - before.changed_at)
    if not 0 <= change_j <= possible_j:
        return Counter(energy_j, 0, at)
    return Counter(energy_j, before.owed_j + change_j, at)


def missed_j(found: list[Estimated], counter: Counter | None) -> int:
    """Return what the counter counted in a time of which no reports are known. [J]"""
    raw_j = sum(one.energy_j for one in found)
    if counter is None or not any(one.follows_gap for one in found):
        return 0
    is_more = counter.owed_j > raw_j * SCALE_PERCENT_MAX // 100 + SLACK_J
    return counter.owed_j - raw_j if is_more else 0


def scaled(
    found: list[Estimated], counter: Counter | None, at: int
) -> tuple[list[Estimated], Counter | None]:
    """Return the estimates of one poll drawn to the counter, and what is owed after them."""
    raw_j = sum(one.energy_j for one in found)
    if counter is None or raw_j == 0:
        return found, counter
    if at - counter.changed_at > STALLED_S:
        owed_j = min(max(counter.owed_j - raw_j, -SLACK_J), SLACK_J)
        return found, Counter(counter.energy_j, owed_j, counter.changed_at)
    least_j = raw_j * SCALE_PERCENT_MIN // 100
    most_j = raw_j * SCALE_PERCENT_MAX // 100
    paid_j = min(max(counter.owed_j, least_j), most_j)
    drawn, passed_j = [], 0
    for one in found:
        before_j = paid_j * passed_j // raw_j
        passed_j += one.energy_j
        drawn.append(one._replace(energy_j=paid_j * passed_j // raw_j - before_j))
    return drawn, counter.paid(paid_j)
