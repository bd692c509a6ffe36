"""The JSON shape of what a webhook is sent. A leaf: needs msgspec alone."""

import msgspec


class Alert(msgspec.Struct):
    """Something that began to be wrong, or is over."""

    state: str  #: `began` or `ended`
    system_id: int
    system: str
    trouble: str
    device: str  #: its serial number, empty where it is the system's
    severity: str
    text: str
    began_at: str
    url: str


class Posted(msgspec.Struct):
    """One message."""

    version: int
    alerts: list[Alert]
