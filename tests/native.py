"""Reports as legacy gateways send them, made anew for tests."""

from __future__ import annotations

import zlib
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

ENVOY = "121319013553"
#: A report of the 24 July 2015, 12:00 in Los Angeles.
REPORTED_AT = 1_437_764_400
END_AT = REPORTED_AT - 300


def element(name: str, /, **attributes: object) -> str:
    words = " ".join(f"{key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name} {words}/>"


def envoy(**changed: object) -> str:
    told = {
        "latitude": "33.08",
        "ip_addr": "10.0.0.217",
        "part_num": "800-00069-r05",
        "sw_version": "R3.12.34 (2e8bfe)",
        "serial_num": ENVOY,
        "timezone": "US/Pacific",
    }
    return element("envoy", **(told | changed))


def interval(**changed: object) -> str:
    told = {
        "interval_duration": 300,
        "stat_duration": 294,
        "end_date": END_AT,
        "stats": 65_439,
        "id": 2_905_944,
        "eqid": "121333003009.1",
    }
    return element("interval", **(told | changed))


def reading(**changed: object) -> str:
    told = {
        "duration": 296,
        "stats": "250102,59979,27782,7462,49,0,0,67535",
        "date": END_AT + 44,
        "id": 2_858_706,
        "flags": 0,
        "eqid": "121333003009.1",
    }
    return element("reading", **(told | changed))


def event(number: object = 221) -> str:
    return (
        f'<event event_state="0" event_code="10031" event_date="{END_AT}" id="{number}" '
        f'eqid="{ENVOY}"><message_params><![CDATA[{{"value":"true"}}]]></message_params></event>'
    )


def device(**changed: object) -> str:
    told = {
        "image_bits": 131_072,
        "device_type": 1,
        "admin_state": 1,
        "condition_flags": 2_359_296,
        "part_num": "800-00103-r05",
        "eqid": "121333003009",
    }
    whole = element("device", **(told | changed))
    return whole.removesuffix("/>") + '><channel channel_type="1" eqid="121333003009.1"/></device>'


def report(*rows: str, head: str | None = None, reported_at: object = REPORTED_AT) -> bytes:
    """Return the XML of a report, with the gateway in front."""
    inside = "".join((envoy() if head is None else head, *rows))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<perf_report report_timestamp="{reported_at}" webcomm_version="4.6.0">{inside}'
        "</perf_report>\n"
    ).encode()


def form(xml: bytes) -> bytes:
    return b"webcomm_version=4.6.0&body=" + quote(xml).encode() + b"&more=1"


def packed(xml: bytes) -> bytes:
    """Return a report as it goes over the wire."""
    return zlib.compress(form(xml))
