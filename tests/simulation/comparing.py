"""Answers side by side: what is compared, and what is said of one that is not as it must be."""

from __future__ import annotations

import json
from typing import Any, cast


class WrongError(AssertionError):
    """What a simulation found."""


def without_ids(path: str, body: Any) -> Any:
    """Return an answer without ids of devices, which are in ascending order, and by serials."""
    if path.endswith("/envoys") and isinstance(body, dict):
        return body | {"envoys": _by_serial(body["envoys"], "envoy_id")}
    if path.endswith("by_envoy_or_site") and isinstance(body, list):
        return sorted(
            (one | {"micro_inverters": _by_serial(one["micro_inverters"], "id")} for one in body),
            key=json.dumps,
        )
    if path == "/systems" and "next" in body:
        return body | {"next": "…"}
    return body


def _by_serial(listed: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    ids = [one[name] for one in listed if name in one]
    if ids != sorted(set(ids)):
        raise WrongError(f"ids are not in order: {ids}")
    rest = [{key: value for key, value in one.items() if key != name} for one in listed]
    return sorted(rest, key=lambda one: cast("str", one["serial_number"]))


def different(path: str, params: Any, expected: Any, found: Any) -> str:
    """Return the words for an answer that is not what it must be."""
    lines = [f"{path} {params}", *_differences("", expected, found)]
    return "\n".join(lines[:20])


def _differences(place: str, expected: Any, found: Any) -> list[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        names = sorted(expected.keys() | found.keys())
        pairs = [(f"{place}.{name}", expected.get(name), found.get(name)) for name in names]
        return [line for pair in pairs for line in _differences(*pair)]
    are_lists = isinstance(expected, list | tuple) and isinstance(found, list | tuple)
    if are_lists and len(expected) == len(found):
        both = enumerate(zip(expected, found, strict=True))
        return [line for n, two in both for line in _differences(f"{place}[{n}]", *two)]
    return [] if expected == found else [f"{place}: expected {expected}, found {found}"]
