"""What a gateway says of itself and of what is installed. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from relight.sources.simulator.gateway.standing import Standing

_INSTALLED_AT: Final = "1700000000"
_VERIFIED: Final = 2


def info(standing: Standing, firmware: str, at: int) -> str:
    """Return `/info`, which is XML."""
    envoy = standing.system.envoys[0]
    has_meters = "true" if standing.system.meters else "false"
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f"<envoy_info>\n  <time>{at}</time>\n  <device>\n    <sn>{envoy.serial_number}</sn>\n"
        f"    <pn>{envoy.part_number}</pn>\n    <software>D{firmware}</software>\n"
        f"    <euaid>4c8675</euaid>\n    <seqnum>0</seqnum>\n    <apiver>1</apiver>\n"
        f"    <imeter>{has_meters}</imeter>\n  </device>\n</envoy_info>\n"
    )


def home(standing: Standing, at: int) -> dict[str, object]:
    """Return `/home` or `/home.json`."""
    local = datetime.fromtimestamp(at, standing.site)
    count = len(standing.listed(at))
    strength = standing.system.envoys[0].signal_strength
    silent = {"num": 0, "level": 0}
    interface = {
        "type": standing.system.connection_type,
        "interface": "eth0",
        "mac": "00:1D:C0:00:00:01",
        "dhcp": True,
        "ip": "127.0.0.1",
        "carrier": True,
    }
    return {
        "timezone": standing.system.place.timezone,
        "current_date": local.strftime("%m/%d/%Y"),
        "current_time": local.strftime("%H:%M"),
        "network": {
            "web_comm": False,
            "ever_reported_to_enlighten": False,
            "last_enlighten_report_time": 0,
            "primary_interface": "eth0",
            "interfaces": [interface],
        },
        "comm": {
            "num": count,
            "level": strength,
            "pcu": {"num": count, "level": strength},
            "acb": silent,
            "nsrb": silent,
        },
    }


def inventory(standing: Standing, at: int) -> list[object]:
    """Return `/inventory.json`."""
    devices: list[object] = []
    for _, one in standing.listed(at):
        report = standing.report(one.serial_number, at)
        devices.append(
            {
                "part_num": one.part_number,
                "installed": _INSTALLED_AT,
                "serial_num": one.serial_number,
                "device_status": ["envoy.global.ok"],
                "last_rpt_date": "0" if report is None else str(report.end_at),
                "admin_state": _VERIFIED,
                "dev_type": 1,
                "img_pnum_running": one.proc_load,
                "ptpn": one.param_table,
                "producing": True,
                "communicating": True,
                "provisioned": True,
                "operating": True,
            }
        )
    return [{"type": "PCU", "devices": devices}, *_none("ACB", "NSRB")]


def _none(*kinds: str) -> list[object]:
    return [{"type": kind, "devices": []} for kind in kinds]
