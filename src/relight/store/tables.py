"""The tables that whole rows are put into: their columns, keys and column types.

Only what `Transaction.put` needs; the schema itself is in `migrations/`. Touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table by its columns, in the order that rows are given in."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    types: dict[str, str]  #: columns that are not integers: text, bytes or float
    #: A column that the database sets to the number of the change that puts a row; see `changes`.
    stamp: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        """Return the columns that are not part of the key."""
        return tuple(column for column in self.columns if column not in self.key)

    @property
    def select(self) -> str:
        """Return the columns as a list for SELECT."""
        return ", ".join(self.columns)


def _table(table: str, columns: str, /, *, key: int, stamp: str = "", **types: str) -> Table:
    names = tuple(columns.split())
    return Table(table, names, names[:key], types, stamp)


INTERVAL = _table(
    "interval",
    "slot_at system_id device_id channel end_at duration_s energy_j devices origin",
    key=5,
)
READING = _table(
    "reading",
    "slot_at system_id device_id channel register read_at energy_j power_w origin",
    key=6,
)
DEVICE = _table(
    "device",
    "system_id device_id kind serial_number wire_id envoy_serial name model part_number sku"
    " manufacturer is_enabled has_issue retired_at proc_load param_table grid_profile"
    " signal_strength rated_power_w device_count first_at first_end_at registers"
    " read_first_at read_last_at told_at reported_at interval_end_at interval_duration_s"
    " interval_energy_j snapshot_at snapshot_power_w snapshot_energy_j packed_energy_j"
    " charge_percent charge_changed_at dark_day is_dark",
    key=2,
    serial_number="text",
    envoy_serial="text",
    name="text",
    model="text",
    part_number="text",
    sku="text",
    manufacturer="text",
    proc_load="text",
    param_table="text",
    grid_profile="text",
    charge_percent="float",
)
SERIES = _table("series", "system_id source first_end_at last_end_at", key=2)
ENVOY_SERIAL = _table("envoy_serial", "serial_number system_id", key=1, serial_number="text")
DEVICE_DAY = _table("device_day", "system_id day device_id energy_j data", key=3, data="bytes")
SYSTEM_DAY = _table(
    "system_day", "system_id source day version data", key=3, stamp="changed_in", data="bytes"
)
CHANGED_DAY = _table("changed_day", "system_id source day", key=3, stamp="changed_in")
REPORT_KEY_SYSTEM = _table(
    "report_key_system", "key_digest system_id", key=2, stamp="changed_in", key_digest="bytes"
)
REMOVED_SYSTEM = _table(
    "removed_system", "key_digest system_id", key=2, stamp="changed_in", key_digest="bytes"
)
SYSTEM_YEAR = _table("system_year", "system_id source year version data", key=3, data="bytes")
IMPORTED_DAY = _table("imported_day", "system_id source day energy_wh", key=3)
IMPORTED_PERIOD = _table("imported_period", "system_id source first_day until_day energy_wh", key=4)
SYSTEM = _table(
    "system",
    "system_id name public_name is_anonymous timezone country state city postal_code"
    " connection_type interconnect_at size_w installer_id is_api_enabled created_at version"
    " last_device_id packed_to_day pack_due_at status status_at status_due_at"
    " file_last_report_at file_last_energy_at file_operational_at file_meter_start_day"
    " name_key heard_at rated_w listed_w"
    " known last_report_at last_energy_at operational_at settled_at",
    key=1,
    known="bytes",
    name="text",
    public_name="text",
    timezone="text",
    country="text",
    state="text",
    city="text",
    postal_code="text",
    connection_type="text",
    status="text",
    name_key="text",
)
GATEWAY = _table(
    "gateway",
    "system_id serial_number host username added_at",
    key=2,
    serial_number="text",
    host="text",
    username="text",
)
GATEWAY_MEMORY = _table(
    "gateway_memory",
    "system_id serial_number version data",
    key=2,
    serial_number="text",
    data="bytes",
)

#: The number of the last change that is stored; rows may go, their numbers are not used again.
LAST_CHANGE = """
    SELECT max(number) FROM (
        SELECT max(changed_in) AS number FROM system_day
        UNION ALL SELECT max(changed_in) FROM changed_day
        UNION ALL SELECT max(changed_in) FROM report_key_system
        UNION ALL SELECT max(changed_in) FROM removed_system
        UNION ALL SELECT max(number_min) FROM change_epoch
    ) AS numbers
"""
