"""Saved answers of the v2 API: which of the 13 shapes one is, and reading it whole.

Pure. The shapes are read in the `v2_…` modules beside this one; here they are told apart by
their keys, checked for what all have in common, and cut into bounded reports.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import BadInput
from relight.model.devices import Source
from relight.sources.files import v2_devices, v2_energy, v2_readings
from relight.sources.files.batches import batches, row_count
from relight.sources.files.parsed import BadRows, Format, Parsed
from relight.sources.files.v2_fields import Answer, Fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from relight.model.reports import Report
    from relight.sources.files.parsed import Options, Target
    from relight.sources.files.reading import Content

#: Stands for the key under which the one answer that is a list would lie.
_LIST: Final = "answer"
_REFUSED: Final = frozenset({"reason", "errorCode", "errorMessages"})
_KEYS_SHOWN_MAX: Final = 8
_KEYS_TEXT_MAX: Final = 200


class Shape(NamedTuple):
    """One of the shapes: the keys that only it has together, and its reader."""

    name: str
    keys: frozenset[str]
    read: Callable[[Answer], Report]


def _shape(name: str, keys: str, read: Callable[[Answer], Report]) -> Shape:
    return Shape(name, frozenset(keys.split()), read)


#: In this order: an earlier one may have the keys of a later one, and more.
SHAPES: Final = (
    _shape("rgm_stats", "meter_intervals intervals", v2_energy.rgm_stats),
    _shape("stats", "intervals total_devices", v2_energy.stats),
    _shape("consumption_stats", "intervals total_devices", v2_energy.consumption_stats),
    _shape("energy_lifetime", "start_date production", v2_energy.energy_lifetime),
    _shape("consumption_lifetime", "start_date consumption", v2_energy.consumption_lifetime),
    _shape("monthly_production", "production_wh start_date", v2_readings.monthly_production),
    _shape("production_meter_readings", "meter_readings", v2_readings.production_meter_readings),
    _shape("summary", "summary_date energy_lifetime", v2_devices.summary),
    _shape("inventory", "inverters meters", v2_devices.inventory),
    _shape("envoys", "envoys", v2_devices.envoys),
    _shape("inverters_summary_by_envoy_or_site", _LIST, v2_devices.inverters_summary),
    _shape("systems", "systems", v2_devices.systems),
    _shape("search_system_id", "system_id", v2_devices.search_system_id),
)
_BY_NAME: Final = {shape.name: shape for shape in SHAPES}
_STATS: Final = {
    Source.MICRO: _BY_NAME["stats"],
    Source.CONSUMPTION: _BY_NAME["consumption_stats"],
}
_UNKNOWN: Final = _shape("stats or consumption_stats", "", v2_energy.unknown_intervals)


def shape_of(document: object, source: Source | None) -> Shape:
    """Return the shape of an answer; *source* decides where an empty list leaves it open.

    Raises BadInput for what is no answer, or the answer of a refused call.
    """
    keys = _keys(document)
    if keys & _REFUSED and not keys & {"system_id", "systems"}:
        raise BadInput("document", f"is the answer of a call that was refused: {document!r:.120}")
    for shape in SHAPES:
        if shape.keys <= keys and (shape.name != "search_system_id" or keys == shape.keys):
            return _stats_shape(document, source) if shape.name == "stats" else shape
    raise BadInput("document", f"is no answer of the v2 API (keys: {_listed(keys)})")


def _stats_shape(document: object, source: Source | None) -> Shape:
    """Tell `stats` and `consumption_stats` apart, which have the same keys but in their rows."""
    rows = [row for row in Fields(document).values("intervals") if isinstance(row, dict)]
    if rows:
        return _STATS[Source.MICRO if "powr" in rows[0] else Source.CONSUMPTION]
    return _UNKNOWN if source is None else _STATS.get(source, _UNKNOWN)


def _detected(content: Content, target: Target, options: Options) -> Parsed:
    return _read(shape_of(content.json, options.source), content, target, options)


def _forced(shape: Shape, content: Content, target: Target, options: Options) -> Parsed:
    missing = shape.keys - _keys(content.json)
    if missing:
        raise BadInput("document", f"is no answer of {shape.name}: {_listed(missing)} is missing")
    return _read(shape, content, target, options)


def _read(shape: Shape, content: Content, target: Target, options: Options) -> Parsed:
    document = content.json
    fields = Fields({_LIST: document} if isinstance(document, list) else document)
    bad, notes = BadRows(), list[str]()
    if "system_id" in fields:
        found = fields.integer("system_id")
        if found != target.system_id:
            notes.append(v2_devices.other_system(found, target.system_id))
    report = shape.read(Answer(fields, target, options, bad, notes))
    return Parsed(
        format_name=shape.name,
        reports=tuple(batches(report)),
        row_count=row_count(report),
        bad=bad,
        notes=notes,
    )


def _keys(document: object) -> frozenset[str]:
    if isinstance(document, list):
        return frozenset({_LIST})
    return frozenset(document) if isinstance(document, dict) else frozenset()


def _is_json(content: Content, _: Options) -> bool:
    return content.is_json


def _is_never(_: Content, __: Options) -> bool:
    return False


def _listed(keys: frozenset[str]) -> str:
    return ", ".join(sorted(keys)[:_KEYS_SHOWN_MAX])[:_KEYS_TEXT_MAX] or "none"


#: One entry finds out the shape; the others are for those who name it.
FORMATS: Final = (
    Format("v2", "a saved v2 answer", _is_json, _detected),
    *(
        Format(shape.name, f"an answer of {shape.name}", _is_never, partial(_forced, shape))
        for shape in SHAPES
    ),
)
