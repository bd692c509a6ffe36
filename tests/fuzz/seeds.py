"""Good bytes to begin from: samples of the tests, each as its reader would get it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Final

from relight.model import source_days as packed_days
from relight.model import years as packed_years
from relight.model.access import new_report_key, user_code
from relight.model.change_tokens import token
from relight.model.energy import Interval, Origin
from relight.model.packing import pack_device_day
from relight.model.slots import Dense
from relight.model.source_days import SourceDay
from tests import native
from tests.report_samples import NOW, ROW_OF
from tests.sources.files import saved_answers
from tests.sources.gateway import made

if TYPE_CHECKING:
    from collections.abc import Iterator

_POWER_CSV: Final = "time,power (W)\n2022-01-21 07:00,12\n2022-01-21 07:05,34.5\n"
_REPORT_CSVS: Final = (
    "Date/Time,Energy Produced (Wh)\n01/20/2022,12345\n01/21/2022,2345\n",
    "Time Interval,Power (W),Energy (Wh)\n2022-01-21 07:00:00 -0800,120,10\n",
    "Day;Produced kWh\n20.01.2022;1,5\n",
)
_GATEWAY: Final = (
    (
        '<?xml version="1.0"?><envoy_info><time>1642778400</time><device><sn>122344000001</sn>'
        "<pn>800-00555-r03</pn><software>D7.0.88 (445d48)</software><imeter>true</imeter></device>"
        "<web-tokens>true</web-tokens></envoy_info>"
    ),
    '{"wattHoursToday":1,"wattHoursSevenDays":2,"wattHoursLifetime":3,"wattsNow":4}',
    '[{"type":"PCU","devices":[{"serial_num":"1","part_num":"800-1","installed":"1642778400"}]}]',
    '[{"eid":704643328,"state":"enabled","measurementType":"production","phaseMode":"three"}]',
    (
        '[{"eid":704643328,"timestamp":1642778400,"actEnergyDlvd":1.5,"actEnergyRcvd":0.0,'
        '"activePower":3.5,"channels":[{"eid":1,"timestamp":1642778400,"actEnergyDlvd":1.5}]}]'
    ),
    (
        '{"production":[{"type":"inverters","activeCount":2,"readingTime":1642778400,"wNow":1,'
        '"whLifetime":2}],"consumption":[{"type":"eim","measurementType":"net-consumption"}]}'
    ),
    (
        '{"software_build_epoch":1,"timezone":"Europe/Berlin","network":{"web_comm":true,'
        '"interfaces":[{"type":"ethernet","carrier":true}]},"comm":{"num":2,"level":5}}'
    ),
)


def _document() -> dict[str, object]:
    return {"envoy": "12", "reported_at": NOW, **{name: [row] for name, row in ROW_OF.items()}}


def reports() -> Iterator[bytes]:
    """Yield bodies of ingestion."""
    yield json.dumps(_document()).encode()
    yield json.dumps([_document(), {"system_id": 67}]).encode()
    for name, row in ROW_OF.items():
        yield json.dumps({"system_id": 67, name: [row, row]}).encode()


def lines() -> Iterator[bytes]:
    """Yield the same, a report a line."""
    yield b"\n".join(reports())
    yield from reports()


def bodies() -> Iterator[bytes]:
    """Yield the same packed, with the size of the pieces in front; one of them is a bomb."""
    for body in (*reports(), b"0" * (1 << 21)):
        yield b"\x40" + gzip.compress(body)
    yield b"\x07" + gzip.compress(b"{}") * 40


def natives() -> Iterator[bytes]:
    """Yield what legacy gateways send."""
    xml = native.report(native.interval(), native.reading(), native.event(), native.device())
    yield from (xml, native.form(xml), native.packed(xml), gzip.compress(xml))


def files() -> Iterator[bytes]:
    """Yield files to import, with a byte in front that tells how."""
    answers = [value for name, value in vars(saved_answers).items() if name.isupper()]
    texts = [json.dumps(one) for one in answers if isinstance(one, dict | list)]
    texts += [f"/**/panels.draw({texts[0]})", _POWER_CSV, *_REPORT_CSVS]
    xml = native.report(native.interval(), native.reading()).decode()
    for text in (*texts, xml):
        for how in (0, 1, 2, 7):
            yield bytes([how]) + text.encode()


def payloads() -> Iterator[bytes]:
    """Yield what gateways answer."""
    yield made.device_data(made.pcu("1", (NOW, 300, 5, 7))).encode()
    yield made.powers(("1", NOW, 200)).encode()
    yield from (text.encode() for text in _GATEWAY)


def device_days() -> Iterator[bytes]:
    """Yield packed days of devices, as packing has them."""
    for step_s in (300, 900, 77):
        rows = [
            Interval(7, 1 + n % 2, NOW + n * step_s, step_s, n * 1_000, 1, Origin.REPORT)
            for n in range(9)
        ]
        yield pack_device_day(NOW - 3_600, 86_400, rows, [])


def source_days() -> Iterator[bytes]:
    """Yield packed days of sources."""
    for step_s in (300, 900):
        count = packed_days.slot_count(NOW, 86_400, step_s)
        for states in ([2] * count, [0, 1, 2] * (count // 3)):
            line = Dense(list(range(count)), states, [1] * count)
            lines_of_day = {(0, 0): line, (3, 1): line}
            yield packed_days.pack(SourceDay(NOW, 86_400, step_s, lines_of_day))


def years() -> Iterator[bytes]:
    """Yield packed years."""
    yield packed_years.pack_year({n: n * 100 for n in range(365)})
    yield packed_years.pack_year({1: 5, 9: 70_000})


def backups() -> Iterator[bytes]:
    """Yield a backup of one empty table, and the bare frame of one."""
    shape = {"name": "plan", "columns": [{"name": "name", "type": "text"}], "key": ["name"]}
    table = {"shape": shape, "rows": 1, "sha256": hashlib.sha256(b'["Watt"]\n').hexdigest()}
    contents = json.dumps(
        {
            "relight": "1", "schema": 1, "made_at": NOW, "dialect": "sqlite",
            "with_secrets": False, "tables": [table], "files": [],
        }
    )  # fmt: skip
    digest = hashlib.sha256(contents.encode()).hexdigest()
    head = f'{{"format":"relight-backup","version":1,"sha256":"{digest}","contents":{contents}}}'
    for parts in ({"tables/plan.ndjson": '["Watt"]\n', "manifest.json": head}, {}):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in parts.items():
                archive.writestr(name, text)
        yield file.getvalue()


def spools() -> Iterator[bytes]:
    """Yield days of a spool, plain and packed."""
    polls = b"".join(
        json.dumps({"poll": {"at": NOW + n, "answers": {"/info": [200, "x"]}}}).encode() + b"\n"
        for n in range(3)
    )
    yield b"\x00" + polls
    yield b"\x01" + gzip.compress(polls)


def words() -> Iterator[bytes]:
    """Yield what stands for something in an address."""
    yield user_code(310_606).encode()
    yield new_report_key(bytes).encode()
    yield token((1, 2, 3, 4), b"s", b"r").encode()
