"""`meta`, which nearly every answer carries.

Source: behaviour, meta.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relight import wire
from relight.api.formats import Format, instant

if TYPE_CHECKING:
    from relight.model.facts import SystemFacts


def meta_of(facts: SystemFacts, form: Format) -> wire.Meta:
    """Return a system's `meta` in the asked form."""
    return wire.Meta(
        status=facts.status.value,
        last_report_at=instant(form, facts.site, facts.last_report_at),
        last_energy_at=instant(form, facts.site, facts.last_energy_at),
        operational_at=instant(form, facts.site, facts.operational_at),
    )
