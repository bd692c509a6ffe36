"""What simulated systems are built of: models, part numbers, stock numbers, firmware.

Pure data; touches nothing. Part numbers, stock numbers and firmware are facts of real devices;
every serial number of the fleet is made up.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product: an inverter, a gateway or a battery."""

    model: str
    part_number: str
    sku: str
    serial_prefixes: tuple[str, ...]  #: two digits of factory, two of year
    rated_power_w: int = 0  #: continuous AC output
    panel_w: int = 0  #: DC rating of the panel that goes with it
    proc_load: str = ""
    param_table: str = ""


M215 = Product(
    model="M215",
    part_number="800-00107-r01",
    sku="M215-60-2LL-S22-NA",
    serial_prefixes=("1211", "1213", "1215"),
    rated_power_w=215,
    panel_w=260,
    proc_load="520-00095-r01-v04.17.01",
    param_table="540-00161-r01-v04.17.02",
)
IQ7PLUS = Product(
    model="IQ7+",
    part_number="800-01731-r02",
    sku="IQ7PLUS-72-M-US",
    serial_prefixes=("1219", "1220", "2021"),
    rated_power_w=290,
    panel_w=360,
    proc_load="520-00082-r01-v04.30.32",
    param_table="540-00134-r01-v04.30.10",
)
IQ7A = Product(
    model="IQ7A",
    part_number="800-01714-r02",
    sku="IQ7A-72-E-ACM-INT",
    serial_prefixes=("2021", "2022"),
    rated_power_w=349,
    panel_w=430,
    proc_load="520-00082-r01-v04.30.32",
    param_table="540-00134-r01-v04.30.10",
)
IQ8A = Product(
    model="IQ8A",
    part_number="800-01333-r01",
    sku="IQ8A-72-2-US",
    serial_prefixes=("2023", "4822"),
    rated_power_w=349,
    panel_w=440,
    proc_load="521-00005-r06-v02.61.01",
    param_table="549-00040-r01-v02.61.01",
)
IN_AMERICA = (IQ7PLUS, IQ8A, M215)
ELSEWHERE = (IQ7A,)

ENVOY = Product(
    model="Envoy",
    part_number="800-00069-r05",
    sku="ENV-120-01",
    serial_prefixes=("1214", "1216"),
)
ENVOY_S_METERED = Product(
    model="IQ Envoy",
    part_number="800-00554-r03",
    sku="ENV-IQ-AM1-240",
    serial_prefixes=("1218", "1220", "2021"),
)
GATEWAY = Product(
    model="IQ Gateway",
    part_number="800-00654-r08",
    sku="ENV-IQ-AM3-3P",
    serial_prefixes=("1222", "2022"),
)
AC_BATTERY = Product(
    model="AC Battery",
    part_number="800-00930-r03",
    sku="B280-1200-LL-I-US00-RF0",
    serial_prefixes=("1219", "1220"),
    rated_power_w=270,
    proc_load="520-00092-r01-v02.13.02",
    param_table="540-00155-r01-v02.13.01",
)

METER_MODEL = "Envoy S"
METER_MANUFACTURER = "Enphase Energy"
GRID_PROFILES = ("57227c50e4d7973ae602c4e6", "5cac7a4a4f2c5e2b6d1f0a93")
