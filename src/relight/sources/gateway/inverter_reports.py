"""From a poll to inverters' energy: by their counters, else by powers, else by their sum. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.model.clock import DAY_S
from relight.model.devices import Kind, Source
from relight.model.reports import ChargeReport, IntervalReport, SnapshotReport
from relight.sources.gateway import answers, counters, estimates, gaps
from relight.sources.gateway.clocks import believed_at
from relight.sources.gateway.memory import Estimate, channel_key, device_key
from relight.sources.gateway.payloads import device_data, inverters, meters, production

if TYPE_CHECKING:
    from relight.sources.gateway.answers import Poll
    from relight.sources.gateway.draft import Draft
    from relight.sources.gateway.estimates import Estimated
    from relight.sources.gateway.memory import Counter
    from relight.sources.gateway.payloads.device_data import DeviceData, InverterData
    from relight.sources.gateway.payloads.inverters import InverterPower

#: What has been opened of the inverters: by their own counters, or by the sum of them.
_BY_CHANNELS: Final = 1
_BY_SUM: Final = 2
#: An inverter whose counter is not told for longer is estimated from its powers.
_COUNTER_LOST_S: Final = DAY_S


def take(draft: Draft, poll: Poll) -> None:
    """Derive the energy of all inverters, and the charges of batteries."""
    text = poll.body(answers.DEVICE_DATA)
    data = None if text is None else device_data.parse(text)
    text = poll.body(answers.INVERTERS)
    powers = None if text is None else inverters.parse(text)
    if data is not None:
        _by_counters(draft, data)
    if powers is not None and (data is None or not data.is_whole):
        _by_powers(draft, powers, lifetime_j(poll))
    if data is None and powers is None:
        _by_sum(draft, poll)
    if draft.memory.begun_at is None and (data is not None or powers is not None):
        draft.memory.begun_at = draft.at


def lifetime_j(poll: Poll) -> int | None:
    """Return the counter of all inverters together, None where none is told. [J]

    With a production meter in use `/api/v1/production` counts that, so it is not read then.
    """
    text = poll.body(answers.PRODUCTION_JSON)
    found = None if text is None else production.parse(text)
    if found is not None and found.inverters is not None:
        return found.inverters.energy_j or None
    if found is not None and any(one.measures == production.PRODUCTION for one in found.meters):
        return None
    text = poll.body(answers.METERS)
    configured = [] if text is None else meters.parse_meters(text) or []
    if any(one.is_enabled and one.measures == production.PRODUCTION for one in configured):
        return None
    text = poll.body(answers.PRODUCTION_V1)
    return None if text is None else production.parse_v1(text)


def _by_counters(draft: Draft, data: DeviceData) -> None:
    for inverter in data.inverters:
        _inverter(draft, inverter)
    for battery in data.batteries:
        draft.see(Kind.BATTERY, battery.serial_number)
        draft.charges.append(ChargeReport(*battery))


def _inverter(draft: Draft, inverter: InverterData) -> None:
    memory, serial_number = draft.memory, inverter.serial_number
    is_new = memory.begun_at is not None and not _is_listed(draft, serial_number)
    draft.see(Kind.INVERTER, serial_number)
    has_news = False
    estimated = memory.estimates.pop(serial_number, None)
    from_at = None if estimated is None else estimated.report_at
    for one in inverter.channels:
        key = channel_key(serial_number, one.channel)
        before = memory.channels.get(key)
        if before is not None and from_at is not None:
            before = before.uncounted(from_at)
        if before is None:
            step = counters.begin(one, draft.at, from_at=from_at, is_new=is_new)
            if step.after is not None and not is_new:
                _open_channel(draft, step)
        else:
            step = counters.follow(before, one, draft.at, draft.site)
        draft.add(serial_number, one.channel, step.pieces)
        if step.after is not None:
            has_news = has_news or before is None or step.after.end_at != before.end_at
            memory.channels[key] = step.after
    if has_news:
        _snapshot(draft, inverter)


def _is_listed(draft: Draft, serial_number: str) -> bool:
    return device_key(Kind.INVERTER, serial_number) in draft.memory.devices


def _open_channel(draft: Draft, step: counters.Step) -> None:
    if _BY_SUM in draft.memory.opened:
        return
    if _BY_CHANNELS not in draft.memory.opened:
        draft.memory.opened.append(_BY_CHANNELS)
    draft.open(Source.MICRO, step.earlier_j + draft.before_today_j(step.pieces))


def _snapshot(draft: Draft, inverter: InverterData) -> None:
    """Tell an inverter's power and counter: of all its channels, once each is known."""
    ends = [one.last.end_at for one in inverter.channels if one.last is not None]
    powers = [one.power_w for one in inverter.channels if one.power_w is not None]
    lifetimes = [one.lifetime_j for one in inverter.channels if one.lifetime_j is not None]
    if not ends:
        return
    draft.snapshots.append(
        SnapshotReport(
            Kind.INVERTER,
            inverter.serial_number,
            believed_at(max(ends), draft.at),
            max(0, sum(powers)) if powers else None,
            sum(lifetimes) if lifetimes and len(lifetimes) == len(inverter.channels) else None,
        )
    )


def _by_powers(draft: Draft, powers: list[InverterPower], energy_j: int | None) -> None:
    memory, found = draft.memory, []
    for one in powers:
        if one.device_type == inverters.BATTERY:
            draft.see(Kind.BATTERY, one.serial_number)
        if one.device_type != inverters.INVERTER:
            continue
        draft.see(Kind.INVERTER, one.serial_number)
        if one.report_at == 0 or _is_counted(draft, one.serial_number):
            continue
        before = memory.estimates.get(one.serial_number)
        report_at = believed_at(one.report_at, draft.at)
        news, after = estimates.estimate(before, one.serial_number, report_at, one.power_w)
        memory.estimates[one.serial_number] = after
        if news is not None:
            found.append(news)
        if after is not before:
            draft.snapshots.append(
                SnapshotReport(Kind.INVERTER, one.serial_number, report_at, one.power_w)
            )
    # A sum counts those with counters of their own too, and cannot be shared out then.
    has_own = any(one.lifetime_j is not None for one in memory.channels.values())
    counter = None if has_own else _counted_on(draft, energy_j, len(powers))
    missed_j = estimates.missed_j(found, counter)
    if counter is not None and missed_j:
        _missed(draft, found, missed_j)
        counter = counter.paid(missed_j)
    drawn, memory.counter = estimates.scaled(found, counter, draft.at)
    for each in drawn:
        start_at = each.end_at - each.duration_s
        piece = gaps.Piece(start_at, each.end_at, each.energy_j, is_estimate=True)
        draft.add(each.serial_number, 1, [piece])


def _is_counted(draft: Draft, serial_number: str) -> bool:
    """Tell whether an inverter's own counter will say what it made."""
    channels = [
        (key, one)
        for key, one in draft.memory.channels.items()
        if one.lifetime_j is not None and key.rpartition("/")[0] == serial_number
    ]
    lost = [pair for pair in channels if draft.at - pair[1].seen_at > _COUNTER_LOST_S]
    if not lost or len(lost) < len(channels):
        return bool(channels)
    for key, one in lost:
        draft.memory.channels[key] = one.uncounted(one.end_at)
    end_at = max(one.end_at for _, one in lost)
    draft.memory.estimates[serial_number] = Estimate(end_at, None)
    return False


def _counted_on(draft: Draft, energy_j: int | None, count: int) -> Counter | None:
    memory = draft.memory
    if energy_j is None:
        return memory.counter
    if memory.counter is None and not memory.opened:
        memory.opened.append(_BY_SUM)
        draft.open(Source.MICRO, energy_j)
    return estimates.count_on(memory.counter, energy_j, draft.at, inverters=count)


def _missed(draft: Draft, found: list[Estimated], energy_j: int) -> None:
    """Put what a sum counted during a gap into it, in equal parts for each inverter."""
    after_gap = [one for one in found if one.follows_gap]
    for index, one in enumerate(after_gap):
        share_j = energy_j * (index + 1) // len(after_gap) - energy_j * index // len(after_gap)
        end_at = one.end_at - one.duration_s
        pieces = gaps.spread(one.end_at - one.since_s, end_at, share_j, draft.site)
        draft.add(one.serial_number, 1, [piece._replace(is_estimate=True) for piece in pieces])


def _by_sum(draft: Draft, poll: Poll) -> None:
    """Report a gateway that tells the sum of its inverters and not one of them."""
    text = poll.body(answers.PRODUCTION_JSON)
    found = None if text is None else production.parse(text)
    if found is None or found.inverters is None or draft.memory.devices_of(Kind.INVERTER):
        return
    energy_j, count = found.inverters.energy_j, found.inverters.devices
    before = draft.memory.counter
    counter = _counted_on(draft, energy_j, count)
    draft.memory.counter = counter
    if counter is None or before is None or counter.owed_j <= 0:
        return
    for piece in gaps.spread(before.changed_at, draft.at, counter.owed_j, draft.site):
        duration_s = piece.end_at - piece.start_at
        draft.estimated.append(
            IntervalReport(
                Kind.UNNAMED_INVERTERS, "", 1, piece.end_at, duration_s, piece.energy_j, count
            )
        )
    draft.memory.counter = counter.paid(counter.owed_j)
