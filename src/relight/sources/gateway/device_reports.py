"""From a poll to the devices themselves: what they are, when they came and went. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.model.devices import Kind
from relight.model.reports import ChargeReport, DeviceReport
from relight.sources.gateway import answers
from relight.sources.gateway.clocks import believed_at
from relight.sources.gateway.payloads import home, info, inventory

if TYPE_CHECKING:
    from relight.sources.gateway.answers import Poll
    from relight.sources.gateway.draft import Draft
    from relight.sources.gateway.parts import Parts
    from relight.sources.gateway.payloads.home import Home
    from relight.sources.gateway.payloads.inventory import Installed

MANUFACTURER: Final = "Enphase"
_KINDS: Final = {
    inventory.INVERTER: Kind.INVERTER,
    inventory.BATTERY: Kind.BATTERY,
    inventory.ENSEMBLE_BATTERY: Kind.BATTERY,
}
#: Devices that retire when they are listed no longer; meters go by their configuration.
_LISTED: Final = (Kind.INVERTER, Kind.BATTERY)
_PERCENT_MAX: Final = 100


def take(draft: Draft, poll: Poll, parts: Parts, *, retire_after_s: int) -> None:
    """Derive what the gateway and its devices are, and which are there no longer."""
    at_home = _home(poll)
    _envoy(draft, poll, parts, at_home)
    if at_home is not None and at_home.connection_type is not None:
        draft.memory.connection_type = at_home.connection_type.value
    for path in (answers.INVENTORY, answers.ENSEMBLE):
        text = poll.body(path)
        for one in (None if text is None else inventory.parse(text)) or ():
            _installed(draft, one, parts)
    _retire_absent(draft, retire_after_s)


def _home(poll: Poll) -> Home | None:
    for path in (answers.HOME, answers.HOME_JSON):
        text = poll.body(path)
        found = None if text is None else home.parse(text)
        if found is not None:
            return found
    return None


def _envoy(draft: Draft, poll: Poll, parts: Parts, at_home: Home | None) -> None:
    text = poll.body(answers.INFO)
    own = None if text is None else info.parse(text)
    if own is None:
        return
    draft.see(Kind.ENVOY, draft.envoy_serial)
    part = parts.find(own.part_number)
    strength = None if at_home is None else at_home.signal_strength
    draft.tell(
        DeviceReport(
            kind=Kind.ENVOY,
            serial_number=draft.envoy_serial,
            part_number=own.part_number or None,
            model=part.model or None,
            sku=part.sku or None,
            manufacturer=MANUFACTURER,
            signal_strength=strength,
            proc_load=own.firmware or None,
        ),
        f"{own.part_number}|{part.model}|{part.sku}|{own.firmware}|{strength}",
    )


def _installed(draft: Draft, one: Installed, parts: Parts) -> None:
    kind = _KINDS.get(one.kind)
    if kind is None:
        return
    if one.is_deleted:
        for known in draft.memory.devices_of(kind):
            if known.serial_number == one.serial_number and known.seen_at < draft.at:
                draft.retire(known, one.reported_at or draft.at)
        return
    draft.see(kind, one.serial_number)
    part = parts.find(one.part_number)
    draft.tell(
        DeviceReport(
            kind=kind,
            serial_number=one.serial_number,
            part_number=one.part_number or None,
            model=part.model or None,
            sku=part.sku or None,
            manufacturer=MANUFACTURER,
            rated_power_w=part.rated_power_w or None,
            proc_load=one.image or None,
            param_table=one.parameters or None,
        ),
        f"{one.part_number}|{part.model}|{part.sku}|{one.image}|{one.parameters}",
    )
    charge = one.charge_percent
    if kind is Kind.BATTERY and charge is not None and 0 <= charge <= _PERCENT_MAX:
        read_at = believed_at(one.reported_at or draft.at, draft.at)
        draft.charges.append(ChargeReport(one.serial_number, read_at, charge))


def _retire_absent(draft: Draft, retire_after_s: int) -> None:
    """Retire what has been listed by no answer for long, while others of its kind were."""
    for kind in _LISTED:
        known = draft.memory.devices_of(kind)
        if any(one.seen_at == draft.at for one in known):
            for one in known:
                if draft.at - one.seen_at > retire_after_s:
                    draft.retire(one, one.seen_at)
