"""Answers as people saved them, invented for the tests, and the three forms of their times."""

import json
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

LOS_ANGELES = ZoneInfo("America/Los_Angeles")

META = {
    "status": "normal",
    "last_report_at": 1642806000,  # 2022-01-21 15:00 in Los Angeles
    "last_energy_at": 1642805700,
    "operational_at": 1612200000,  # 2021-02-01 09:20
}

STATS = {
    "system_id": 67,
    "total_devices": 19,
    "intervals": [
        {"end_at": 1642778400, "devices_reporting": 19, "powr": 3, "enwh": 0},
        {"end_at": 1642778700, "devices_reporting": 18, "powr": 6, "enwh": 1},
        {"end_at": 1642779300, "devices_reporting": 19, "powr": 173, "enwh": 14},
    ],
    "meta": META,
}
CONSUMPTION_STATS = {
    "system_id": 67,
    "total_devices": 1,
    "intervals": [
        {"end_at": 1642778100, "devices_reporting": 1, "enwh": 0},
        {"end_at": 1642779000, "devices_reporting": 1, "enwh": 211},
    ],
    "meta": META,
}
RGM_STATS = {
    "system_id": 67,
    "total_devices": 2,
    "intervals": [
        {"end_at": 1642778100, "wh_del": 55, "devices_reporting": 2},
        {"end_at": 1642779000, "wh_del": 40, "devices_reporting": 1},
    ],
    "meter_intervals": [
        {
            "meter_serial_number": "1218676784",
            "envoy_serial_number": "1218347675",
            "intervals": [
                {"channel": 1, "end_at": 1642778100, "wh_del": 30.125, "curr_w": 121},
                {"channel": 2, "end_at": 1642778100, "wh_del": 4.0, "curr_w": 16},
                {"channel": 1, "end_at": 1642779000, "wh_del": 40.0, "curr_w": 160},
                {"channel": 2, "end_at": 1642779000, "wh_del": None, "curr_w": None},
            ],
        },
        {
            "meter_serial_number": "1218676791",
            "envoy_serial_number": "1218347675",
            "intervals": [{"channel": 1, "end_at": 1642778100, "wh_del": 21.0, "curr_w": 84}],
        },
    ],
    "meta": META,
}
RGM_SUM = {**RGM_STATS, "meter_intervals": []}
ENERGY_LIFETIME = {
    "system_id": 67,
    "start_date": "2021-02-01",
    "meter_start_date": "2021-02-04",
    "production": [15422, 15421, 17118, 18505, 18511],
    "meta": META,
}
ENERGY_LIFETIME_ALL = {
    "system_id": 67,
    "start_date": "2021-02-01",
    "meter_start_date": "2021-02-04",
    "production": [15422, 0, 17118, 18505, 0],
    "micro_production": [15422, 0, 17118, 18513, 18520],
    "meter_production": [0, 0, 11388, 18505, 0],
    "meta": META,
}
CONSUMPTION_LIFETIME = {
    "system_id": 67,
    "start_date": "2021-02-01",
    "consumption": [0, 0, 9001, 0, 9003],
    "meta": META,
}
MONTHLY_PRODUCTION = {
    "system_id": 67,
    "start_date": "2021-10-20",
    "end_date": "2021-11-19",
    "production_wh": 208435,
    "meter_readings": [{"serial_number": "121122334455EIM1", "start": 196077, "end": 404512}],
    "meta": META,
}
METER_READINGS = {
    "system_id": 67,
    "meter_readings": [
        {"serial_number": "121122334455EIM1", "value": 6180635, "read_at": 1642778100}
    ],
    "meta": META,
}
SUMMARY = {
    "system_id": 67,
    "modules": 14,
    "size_w": 2660,
    "current_power": 3,
    "energy_today": 11491,
    "energy_lifetime": 21668606,
    "summary_date": "2022-01-21",
    "source": "microinverters",
    "status": "normal",
    "operational_at": META["operational_at"],
    "last_report_at": META["last_report_at"],
    "last_interval_end_at": META["last_energy_at"],
}
ENVOYS = {
    "system_id": 67,
    "envoys": [
        {
            "envoy_id": 434803,
            "serial_number": "121112607295",
            "part_number": "800-00069-r02",
            "status": "normal",
            "name": "Envoy 121112607295",
            "last_report_at": 1642806000,
        },
        {
            "envoy_id": 434804,
            "serial_number": "010814000001",
            "part_number": "",
            "status": "normal",
            "name": "Attic",
            "last_report_at": None,
        },
    ],
}
INVENTORY = {
    "system_id": 67,
    "envoys": [{"sn": "121112607295", "model": "IQ Envoy", "sku": "ENV-IQ-AM1-240"}],
    "inverters": [{"sn": "121547060495", "model": "IQ7AS", "sku": "IQ7AS-66-ACM-US"}],
    "meters": [
        {
            "sn": "121112607295EIM1",
            "manufacturer": "Enphase Energy",
            "model": "Envoy S",
            "status": "normal",
            "state": "enabled",
        },
        {
            "sn": "121112607295EIM2",
            "manufacturer": "Enphase Energy",
            "model": "Envoy S",
            "status": "disabled",
            "state": "disabled",
        },
        {"sn": "999111222333", "manufacturer": "GE", "model": "I-210+", "status": "meter_issue"},
    ],
    "meta": META,
}
INVERTERS_SUMMARY = [
    {
        "signal_strength": 5,
        "micro_inverters": [
            {
                "id": 1059689835,
                "serial_number": "688346865858",
                "model": "M215",
                "part_number": "800-00107-r01",
                "sku": "M215-60-2LL-S22-NA",
                "status": "normal",
                "power_produced": {"value": 34, "units": "W", "precision": 0},
                "proc_load": "520-00095-r01-v04.17.01",
                "param_table": "undetermined-v",
                "envoy_serial_number": "121842012242",
                "energy": {"value": 232, "units": "Wh", "precision": 0},
                "grid_profile": "57227c50e4d7973ae602c4e6",
                "last_report_date": 1642805700,
            },
            {
                "id": 1059689836,
                "serial_number": "686868727227",
                "model": "M215",
                "part_number": "800-00107-r01",
                "sku": "M215-60-2LL-S22-NA",
                "status": "normal",
                "power_produced": {"value": 0, "units": "W", "precision": 0},
                "proc_load": "undetermined-v",
                "param_table": "undetermined-v",
                "envoy_serial_number": "121842012242",
                "energy": {"value": 0, "units": "Wh", "precision": 0},
                "grid_profile": "",
                "last_report_date": None,
            },
        ],
    }
]
SYSTEMS = {
    "systems": [
        {
            "system_id": 66,
            "system_name": "Other",
            "system_public_name": "Other",
            "status": "normal",
            "timezone": "America/Denver",
            "country": "US",
            "state": "CO",
            "city": "Boulder",
            "postal_code": "80301",
            "connection_type": "wifi",
            "meta": META,
        },
        {
            "system_id": 67,
            "system_name": "Sample Residence",
            "system_public_name": "Residential System",
            "status": "normal",
            "timezone": "America/Los_Angeles",
            "country": "US",
            "state": "ZZ",
            "city": "Sebastopol",
            "postal_code": "",
            "reference": "A-1",
            "connection_type": "cellular",
            "meta": META,
        },
    ],
    "next": "4e7a453d0a",
}
SEARCH_SYSTEM_ID = {"system_id": 67}

#: Every shape, by the name under which it is known.
SHAPES: dict[str, object] = {
    "stats": STATS,
    "consumption_stats": CONSUMPTION_STATS,
    "rgm_stats": RGM_STATS,
    "energy_lifetime": ENERGY_LIFETIME,
    "consumption_lifetime": CONSUMPTION_LIFETIME,
    "monthly_production": MONTHLY_PRODUCTION,
    "production_meter_readings": METER_READINGS,
    "summary": SUMMARY,
    "envoys": ENVOYS,
    "inventory": INVENTORY,
    "inverters_summary_by_envoy_or_site": INVERTERS_SUMMARY,
    "systems": SYSTEMS,
    "search_system_id": SEARCH_SYSTEM_ID,
}
DATETIME_FORMATS = ("", "iso8601", "epoch")


def saved(answer: object, datetime_format: str = "", callback: str = "") -> bytes:
    """Return *answer* as it came over the wire under a `datetime_format` and a `callback`."""
    text = json.dumps(_formatted(answer, datetime_format), separators=(",", ":"))
    return f"/**/{callback}({text})".encode() if callback else text.encode()


def _formatted(value: object, datetime_format: str) -> object:
    if isinstance(value, list):
        return [_formatted(inner, datetime_format) for inner in value]
    if isinstance(value, dict):
        return {key: _shown(key, inner, datetime_format) for key, inner in value.items()}
    return value


def _shown(key: str, value: object, datetime_format: str) -> object:
    if isinstance(value, str) and key.endswith("_date") and datetime_format:
        midnight = datetime.combine(date.fromisoformat(value), time(), LOS_ANGELES)
        return midnight.isoformat() if datetime_format == "iso8601" else int(midnight.timestamp())
    # The one instant that is text by default.
    is_text = datetime_format == "iso8601" or (key == "last_report_date" and not datetime_format)
    if isinstance(value, int) and key.endswith(("_at", "_date")) and is_text:
        return datetime.fromtimestamp(value, LOS_ANGELES).isoformat()
    return _formatted(value, datetime_format)
