"""Devices come, are what they are, and go, by what gateways list."""

import json

from relight.model.devices import Kind
from relight.sources.gateway.memory import Memory
from tests.sources.gateway.made import DAY_S, ENVOY, MORNING_AT, derived, device_data, pcu, powers

AT = MORNING_AT


def inventory(*devices: dict[str, object], kind: str = "PCU") -> str:
    return json.dumps([{"type": kind, "devices": list(devices)}])


def installed(serial: str, **more: object) -> dict[str, object]:
    return {
        "part_num": "800-01731-r07",
        "installed": "1750786534",
        "serial_num": serial,
        "device_status": ["envoy.global.ok"],
        "last_rpt_date": str(AT - 60),
        "admin_state": 2,
        "img_pnum_running": "521-00005-r06-v02.61.01",
        "ptpn": "549-00040-r01-v02.61.01",
        "communicating": True,
    } | more


def test_an_inventory_tells_parts_models_and_firmware_once():
    first = derived(Memory(), AT, inventory=inventory(installed("1001")))
    second = derived(first.memory, AT + 3_600, inventory=inventory(installed("1001")))

    told = first.reports[0].devices[-1]
    assert ("IQ7+", "IQ7PLUS-72-M-US", 290) == (told.model, told.sku, told.rated_power_w)
    assert "521-00005-r06-v02.61.01" == told.proc_load
    assert "549-00040-r01-v02.61.01" == told.param_table
    assert () == tuple(second.reports[0].devices)


def test_a_deleted_device_is_retired_when_it_last_reported():
    memory = derived(Memory(), AT, inventory=inventory(installed("1001"))).memory
    gone = installed("1001", admin_state=3, last_rpt_date=AT + 500)

    second = derived(memory, AT + 3_600, inventory=inventory(gone, installed("1002")))

    retired = {one.serial_number: one.retired_at for one in second.reports[0].devices}
    assert AT + 500 == retired["1001"]
    assert retired["1002"] is None


def test_a_device_that_no_list_has_for_a_week_is_retired():
    rows = [("1001", AT, 5), ("1002", AT, 5)]
    memory = derived(Memory(), AT, inverters=powers(*rows)).memory
    found = [derived(memory, AT + days * DAY_S + 1, inverters=powers(rows[0])) for days in (6, 7)]

    assert [0, 1] == [len(one.reports[0].devices) for one in found]
    assert ("1002", AT) == (
        found[1].reports[0].devices[0].serial_number,
        found[1].reports[0].devices[0].retired_at,
    )


def test_a_gateway_that_lists_nothing_retires_nothing():
    memory = derived(Memory(), AT, inverters=powers(("1001", AT, 5))).memory

    later = derived(memory, AT + 30 * DAY_S, inverters=powers())

    assert () == tuple(later.reports[0].devices)


def test_a_retired_device_that_is_back_is_in_use_again():
    rows = [("1001", AT, 5), ("1002", AT, 5)]
    memory = derived(Memory(), AT, inverters=powers(*rows)).memory
    memory = derived(memory, AT + 8 * DAY_S, inverters=powers(rows[0])).memory

    back = derived(memory, AT + 9 * DAY_S, inverters=powers(*rows))

    assert [(Kind.INVERTER, "1002")] == back.revived


def test_home_tells_connection_and_strength_and_only_news_of_them():
    info = f"<device><sn>{ENVOY}</sn><pn>800-1-r1</pn><software>D8.2</software></device>"
    home = json.dumps(
        {
            "timezone": "US/Central",
            "network": {
                "primary_interface": "wlan0",
                "interfaces": [
                    {"type": "ethernet", "interface": "eth0"},
                    {"type": "wifi", "interface": "wlan0"},
                ],
            },
            "comm": {"num": 20, "level": 4, "pcu": {"num": 20, "level": 4}},
        }
    )

    first = derived(Memory(), AT, info=info, home=home)
    second = derived(first.memory, AT + 3_600, info=info, home=home)

    told = first.reports[0].devices[-1]
    assert ("wifi", None) == (first.connection_type, second.connection_type)
    assert (Kind.ENVOY, 4, "8.2") == (told.kind, told.signal_strength, told.proc_load)
    assert () == tuple(second.reports[0].devices)


def test_ac_batteries_tell_their_charge():
    battery = {
        "devName": "acb",
        "sn": "121917000000",
        "channels": [{"lastReading": {"endDate": AT - 60, "duration": 932, "SOC": 42}}],
    }

    found = derived(Memory(), AT, device_data=device_data(pcu("1001"), battery))

    assert [("121917000000", AT - 60, 42)] == [tuple(one) for one in found.reports[0].charges]
    assert {Kind.INVERTER, Kind.BATTERY} == {one.kind for one in found.memory.devices.values()}


def test_batteries_of_the_ensemble_tell_their_charge_and_are_in_use():
    battery = installed("122035013273", part_num="830-00703-r67", admin_state=6, percentFull=85)

    found = derived(Memory(), AT, ensemble=inventory(battery, kind="ENCHARGE"))

    assert [("122035013273", AT - 60, 85)] == [tuple(one) for one in found.reports[0].charges]
    assert {Kind.BATTERY} == {one.kind for one in found.memory.devices.values()}
