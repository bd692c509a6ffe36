"""Every answer's keys in the order of the wire, written out in full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from relight import wire

META = wire.Meta("normal", 1_445_619_615, 1_445_619_033, 1_357_023_600)
META_TEXT = (
    '{"status":"normal","last_report_at":1445619615,"last_energy_at":1445619033,'
    '"operational_at":1357023600}'
)


def text(shape: object) -> str:
    return wire.encode(shape).decode()


def entry(
    reference: str | UnsetType = UNSET, other_references: list[str] | UnsetType = UNSET
) -> wire.SystemEntry:
    return wire.SystemEntry(
        system_id=67,
        system_name="Green Acres",
        system_public_name="Residential System",
        status="normal",
        timezone="America/Los_Angeles",
        country="US",
        state="CA",
        city="Los Angeles",
        postal_code="90001",
        connection_type="ethernet",
        meta=META,
        reference=reference,
        other_references=other_references,
    )


def test_what_is_not_known_of_a_system_is_null():
    assert (
        '{"status":"normal","last_report_at":null,"last_energy_at":null,"operational_at":null}'
        == text(wire.Meta("normal", None, None, None))
    )


def test_a_page_of_systems():
    assert (
        '{"systems":[{"system_id":67,"system_name":"Green Acres",'
        '"system_public_name":"Residential System","status":"normal",'
        '"timezone":"America/Los_Angeles","country":"US","state":"CA","city":"Los Angeles",'
        '"postal_code":"90001","reference":"A1","other_references":["B2"],'
        f'"connection_type":"ethernet","meta":{META_TEXT}}}],"next":"4e6a633d0a"}}'
    ) == text(wire.Systems([entry(reference="A1", other_references=["B2"])], wire.token(67)))


def test_references_and_next_are_left_out_where_there_are_none():
    written = text(wire.Systems([entry()]))

    assert '"postal_code":"90001","connection_type":"ethernet"' in written
    assert written.endswith("}}]}")


def test_search_system_id():
    assert text(wire.SearchSystemId(123)) == '{"system_id":123}'


def test_summary():
    assert (
        '{"system_id":45157,"modules":14,"size_w":2660,"current_power":3,"energy_today":11491,'
        '"energy_lifetime":21668606,"summary_date":"2017-03-07","source":"microinverters",'
        '"status":"normal","operational_at":1321406693,"last_report_at":1488939265,'
        '"last_interval_end_at":1488939052}'
    ) == text(
        wire.Summary(
            system_id=45157,
            modules=14,
            size_w=2660,
            current_power=3,
            energy_today=11491,
            energy_lifetime=21668606,
            summary_date="2017-03-07",
            source="microinverters",
            status="normal",
            operational_at=1321406693,
            last_report_at=1488939265,
            last_interval_end_at=1488939052,
        )
    )


def test_stats():
    assert (
        '{"system_id":2599884,"total_devices":19,"intervals":[{"end_at":1642778400,'
        f'"devices_reporting":19,"powr":3,"enwh":0}}],"meta":{META_TEXT}}}'
    ) == text(wire.Stats(2599884, 19, [wire.StatsInterval(1642778400, 19, 3, 0)], META))


def test_rgm_stats():
    channels = [
        wire.ChannelInterval(1, 1384122600, 30.0, 120),
        wire.ChannelInterval(2, 1384122600, None, None),
    ]
    assert (
        '{"system_id":1765,"total_devices":2,"intervals":[{"end_at":1384122600,"wh_del":50,'
        '"devices_reporting":2}],"meter_intervals":[{"meter_serial_number":"1218676784",'
        '"envoy_serial_number":"1218347675","intervals":[{"channel":1,"end_at":1384122600,'
        '"wh_del":30.0,"curr_w":120},{"channel":2,"end_at":1384122600,"wh_del":null,'
        f'"curr_w":null}}]}}],"meta":{META_TEXT}}}'
    ) == text(
        wire.RgmStats(
            1765,
            2,
            [wire.RgmInterval(1384122600, 50, 2)],
            [wire.MeterIntervals("1218676784", "1218347675", channels)],
            META,
        )
    )


def test_consumption_stats():
    assert (
        '{"system_id":1765,"total_devices":1,"intervals":[{"end_at":1448946900,'
        f'"devices_reporting":1,"enwh":0}}],"meta":{META_TEXT}}}'
    ) == text(wire.ConsumptionStats(1765, 1, [wire.ConsumptionInterval(1448946900, 1, 0)], META))


def test_energy_lifetime_with_every_key():
    assert (
        '{"system_id":66,"start_date":"2013-01-01","meter_start_date":"2013-01-04",'
        '"production":[15422,15421],"micro_production":[15422,15421],'
        f'"meter_production":[0,0],"meta":{META_TEXT}}}'
    ) == text(
        wire.EnergyLifetime(
            system_id=66,
            start_date="2013-01-01",
            meter_start_date="2013-01-04",
            production=[15422, 15421],
            micro_production=[15422, 15421],
            meter_production=[0, 0],
            meta=META,
        )
    )


def test_energy_lifetime_without_a_meter_or_any_production():
    assert (f'{{"system_id":66,"start_date":null,"production":[],"meta":{META_TEXT}}}') == text(
        wire.EnergyLifetime(system_id=66, start_date=None, production=[], meta=META)
    )


def test_consumption_lifetime():
    assert (
        f'{{"system_id":66,"start_date":"2016-08-01","consumption":[1,2],"meta":{META_TEXT}}}'
    ) == text(wire.ConsumptionLifetime(66, "2016-08-01", [1, 2], META))


def test_monthly_production():
    assert (
        '{"system_id":66,"start_date":"2011-07-01","end_date":"2011-07-31",'
        '"production_wh":208435,"meter_readings":[{"serial_number":"123123123123",'
        f'"start":196077,"end":404512}}],"meta":{META_TEXT}}}'
    ) == text(
        wire.MonthlyProduction(
            66,
            "2011-07-01",
            "2011-07-31",
            208435,
            [wire.PeriodReadings("123123123123", 196077, 404512)],
            META,
        )
    )


def test_production_meter_readings():
    assert (
        '{"system_id":66,"meter_readings":[{"serial_number":"123123123123EIM1",'
        f'"value":6180635,"read_at":1473901200}}],"meta":{META_TEXT}}}'
    ) == text(
        wire.ProductionMeterReadings(
            66, [wire.MeterReading("123123123123EIM1", 6180635, 1473901200)], META
        )
    )


def test_envoys():
    assert (
        '{"system_id":67,"envoys":[{"envoy_id":434803,"serial_number":"121112607295",'
        '"part_number":"800-00069-r02","status":"normal","name":"Envoy 121112607295",'
        '"last_report_at":1428362525}]}'
    ) == text(
        wire.Envoys(
            67,
            [
                wire.EnvoyEntry(
                    434803,
                    "121112607295",
                    "800-00069-r02",
                    "normal",
                    "Envoy 121112607295",
                    1428362525,
                )
            ],
        )
    )


def test_inventory():
    assert (
        '{"system_id":1765,"envoys":[{"sn":"1","model":"IQ Envoy","sku":""}],'
        '"inverters":[{"sn":"2","model":"IQ7AS","sku":""}],'
        '"meters":[{"sn":"202138014971EIM1","manufacturer":"Enphase Energy",'
        '"model":"Envoy S","status":"normal","state":"enabled"}],'
        f'"meta":{META_TEXT}}}'
    ) == text(
        wire.Inventory(
            1765,
            [wire.InventoryDevice("1", "IQ Envoy", "")],
            [wire.InventoryDevice("2", "IQ7AS", "")],
            [
                wire.InventoryMeter(
                    "202138014971EIM1", "Enphase Energy", "Envoy S", "normal", "enabled"
                )
            ],
            META,
        )
    )


def test_inverters_summary():
    assert (
        '[{"signal_strength":5,"micro_inverters":[{"id":1059689835,'
        '"serial_number":"688346865858","model":"M215","part_number":"800-00107-r01",'
        '"sku":"M215-60-2LL-S22-NA","status":"normal",'
        '"power_produced":{"value":34,"units":"W","precision":0},'
        '"proc_load":"520-00095-r01-v04.17.01","param_table":"540-00161-r01-v04.17.02",'
        '"envoy_serial_number":"121842012242",'
        '"energy":{"value":232,"units":"Wh","precision":0},'
        '"grid_profile":"57227c50e4d7973ae602c4e6",'
        '"last_report_date":"2021-11-19T16:28:04-08:00"}]}]'
    ) == text(
        [
            wire.InvertersSummary(
                5,
                [
                    wire.InverterEntry(
                        id=1059689835,
                        serial_number="688346865858",
                        model="M215",
                        part_number="800-00107-r01",
                        sku="M215-60-2LL-S22-NA",
                        status="normal",
                        power_produced=wire.Quantity(34, "W"),
                        proc_load="520-00095-r01-v04.17.01",
                        param_table="540-00161-r01-v04.17.02",
                        envoy_serial_number="121842012242",
                        energy=wire.Quantity(232, "Wh"),
                        grid_profile="57227c50e4d7973ae602c4e6",
                        last_report_date="2021-11-19T16:28:04-08:00",
                    )
                ],
            )
        ]
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (310606, "4d7a45774e6a41320a"),
        (247, "4d6a51330a"),
        (67, "4e6a633d0a"),
        (181110, "4d5467784d5445770a"),
    ],
)
def test_a_number_is_hidden_in_its_token(number: int, expected: str):
    assert expected == wire.token(number)
    assert number == wire.number(expected)


@given(st.integers(0, wire.ID_MAX))
def test_a_token_gives_its_number_back(number):
    assert number == wire.number(wire.token(number))
    assert number == wire.number(wire.token(number).upper())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0a",
        "310606",
        "4d6a5133",  # without the line's end
        "4d6a51330a0a",
        "4d6a51330",
        "4d 6a 51 33 0a",
        "4d6a51330g",
        "٤d6a51330a",
        wire.token(0).replace("0a", "") + "0a" * 20,
        (b"LTE=\n").hex(),  # -1
        (b"MDA3\n").hex(),  # 007
        (b"YWJj\n").hex(),  # abc
        wire.token(wire.ID_MAX + 1),
        "4d" * 50_000,
    ],
)
def test_what_is_no_token_has_no_number(text: str):
    assert wire.number(text) is None


@given(st.text())
def test_any_text_is_a_token_or_none(text):
    number = wire.number(text)

    assert number is None or wire.token(number) == text.lower()
