"""What has to be remembered of a gateway from one poll to the next. Pure records.

It is stored beside what was derived, in the same transaction: so after any crash the next poll
goes on exactly where the last one that counted ended.
"""

from __future__ import annotations

from typing import Self

import msgspec

from relight.errors import BadInput
from relight.model.devices import Kind


class Position(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A place in a spool: everything before it has been derived."""

    day: int = 0  #: of the file, UTC
    offset: int = 0  #: bytes


class Channel(msgspec.Struct, frozen=True, array_like=True):
    """One channel of an inverter that has a lifetime counter."""

    end_at: int  #: everything up to here is reported
    told_end_at: int  #: the end of its last report, as the gateway said
    lifetime_j: int | None  #: the counter then
    seen_at: int  #: when the counter was last seen to stand there

    def uncounted(self, until_at: int) -> Self:
        """Return it after it was estimated up to an instant: its counter says nothing of that."""
        end_at = max(self.end_at, until_at)
        return msgspec.structs.replace(self, end_at=end_at, lifetime_j=None)


class Estimate(msgspec.Struct, frozen=True, array_like=True):
    """An inverter of which powers are told and no energy."""

    report_at: int
    usual_s: int | None  #: how long its reports are, None until two were seen


class Counter(msgspec.Struct, frozen=True, array_like=True):
    """A counter of all inverters together, to which estimates are scaled."""

    energy_j: int
    owed_j: int  #: counted, and in no interval yet; negative where the intervals are ahead
    changed_at: int

    def paid(self, energy_j: int) -> Self:
        """Return it after *energy_j* of what is owed went into intervals."""
        return msgspec.structs.replace(self, owed_j=self.owed_j - energy_j)


class Held(msgspec.Struct, frozen=True, array_like=True):
    """The last reading of an odometer."""

    read_at: int
    energy_j: int
    power_w: int | None
    is_sent: bool


class Known(msgspec.Struct, frozen=True, array_like=True):
    """A device that the gateway has listed."""

    kind: Kind
    serial_number: str
    seen_at: int
    told: str = ""  #: what was last told of it, in short
    is_retired: bool = False


class Memory(msgspec.Struct):
    """Everything remembered of one gateway."""

    position: Position = Position()
    polled_at: int = 0  #: the last poll that was derived
    begun_at: int | None = None  #: the first poll that told of energy
    inventory_at: int | None = None
    channels: dict[str, Channel] = {}
    estimates: dict[str, Estimate] = {}
    counter: Counter | None = None
    odometers: dict[str, Held] = {}
    devices: dict[str, Known] = {}
    opened: list[int] = []  #: by what the inverters' energy before collecting was told
    opened_meters: list[str] = []  #: production meters of which it was told
    connection_type: str = ""

    def copy(self) -> Self:
        """Return a memory that can be changed without changing this one."""
        return msgspec.structs.replace(
            self,
            channels=dict(self.channels),
            estimates=dict(self.estimates),
            odometers=dict(self.odometers),
            devices=dict(self.devices),
            opened=list(self.opened),
            opened_meters=list(self.opened_meters),
        )

    def devices_of(self, kind: Kind) -> list[Known]:
        """Return the devices of a kind that are in use."""
        return [one for one in self.devices.values() if one.kind is kind and not one.is_retired]

    def to_json(self) -> bytes:
        """Return it as it is stored."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return what `to_json` gave. Raises BadInput."""
        try:
            return msgspec.json.decode(data, type=cls)
        except (ValueError, RecursionError) as error:  # no JSON, no text, too deep
            raise BadInput("memory", f"cannot be read: {error}") from error


def device_key(kind: Kind, serial_number: str) -> str:
    """Return the key of a device in `Memory.devices`."""
    return f"{kind.value}/{serial_number}"


def channel_key(serial_number: str, channel: int) -> str:
    """Return the key of a channel in `Memory.channels`."""
    return f"{serial_number}/{channel}"
