"""Holds answers against a description of the API, ours or the published one.

The published file describes the default `datetime_format` alone; `published` applies the listed
differences (`tests/api/contract_differences.toml`) for the format that was asked for.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import jsonschema_rs
import schemathesis

Document: TypeAlias = dict[str, Any]

#: Not part of this repository: it lies beside the checkout where the file may be read.
PUBLISHED: Final = Path(__file__).parents[2] / "shared" / "spec" / "enlighten-v2-openapi.yml"
LISTED: Final = Path(__file__).parent / "api" / "contract_differences.toml"


class Difference(NamedTuple):
    """One listed difference: of a field, or of a status of a path."""

    kind: str  #: `null`, `always` or a datetime_format; `status`
    place: str
    value: Any

    def __str__(self) -> str:
        """Return how a test names it."""
        return f"{self.place} {self.value if self.kind == 'status' else self.kind}"


def differences() -> list[Difference]:
    """Return every difference that is listed. Raises KeyError for one without its reason."""
    listed = tomllib.loads(LISTED.read_text())
    found = []
    for entry in listed["field"]:
        assert entry["reason"]
        kinds = [
            kind for kind in ("always", "default", "epoch", "iso8601", "null") if kind in entry
        ]
        found += [Difference(kind, name, entry[kind]) for name in entry["names"] for kind in kinds]
    for entry in listed["status"]:
        assert entry["reason"]
        value = (entry["status"], entry.get("response"))
        found += [Difference("status", path, value) for path in entry["paths"]]
    return found


@cache
def published_file() -> Document:
    """Return the published description as it is; not to be changed."""
    raw: Document = schemathesis.openapi.from_path(PUBLISHED).raw_schema
    return raw


def published(form: str, listed: list[Difference]) -> Document:
    """Return the published description with the *listed* differences in one datetime_format."""
    document = copy.deepcopy(published_file())
    # What a format makes of a field comes first: null is beside it.
    for kind in (form, "always", "null", "status"):
        for one in listed:
            if one.kind == kind:
                _apply(one, document)
    return document


def _apply(one: Difference, document: Document) -> None:
    if one.kind == "status":
        status, response = one.value
        responses = document["paths"][one.place]["get"]["responses"]
        assert status not in responses, f"{one} is in the file"
        responses[status] = (
            {"description": "No Content"}
            if response is None
            else {"$ref": f"#/components/responses/{response}"}
        )
        return
    name, _, rest = one.place.partition(".")
    node = document["components"]["schemas"][name]
    *parents, last = rest.split(".")
    for part in parents:
        node = node["properties"][part.removesuffix("[]")]
        node = node["items"] if part.endswith("[]") else node
    assert last in node["properties"], f"{one.place} is not in the file"
    if one.kind == "null":
        node["properties"][last]["nullable"] = True
    else:
        node["properties"][last] = dict(one.value)


@dataclass
class Contract:
    """A description as validators, one for each status of each path."""

    document: Document

    def __post_init__(self) -> None:
        self._validators: dict[tuple[str, str], jsonschema_rs.Validator | None] = {}
        self._components = {"schemas": _plain(self.document["components"]["schemas"])}

    def complaints(self, path: str, status: int, body: Any) -> Iterator[str]:
        """Yield what the description does not allow; a *body* of None is none."""
        by_status = self.document["paths"][path]["get"]["responses"]
        if str(status) not in by_status:
            yield f"{status} is not described for {path}"
            return
        validator = self._validator(path, str(status))
        if (validator is None) != (body is None):
            yield f"{status} of {path} {'has' if validator is None else 'lacks'} a body"
        elif validator is not None:
            for error in validator.iter_errors(body):
                yield f"{status} of {path} at {error.instance_path}: {error.message}"

    def _validator(self, path: str, status: str) -> jsonschema_rs.Validator | None:
        if (path, status) not in self._validators:
            described = self.document["paths"][path]["get"]["responses"][status]
            if "$ref" in described:
                name = described["$ref"].rpartition("/")[2]
                described = self.document["components"]["responses"][name]
            made = None
            if "content" in described:
                schema = _plain(described["content"]["application/json"]["schema"])
                schema = {**schema, "components": self._components}
                made = jsonschema_rs.validator_for(schema, validate_formats=True)
            self._validators[path, status] = made
        return self._validators[path, status]


def _plain(schema: Any) -> Any:
    """Return a schema of OpenAPI 3.0 as JSON Schema, which knows no `nullable`."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(value) for key, value in schema.items() if key not in _ELSEWHERE}
    if schema.get("nullable"):
        return {"anyOf": [plain, {"type": "null"}]}
    return plain


#: `example` is not looked at: those of the file are wrong in places.
_ELSEWHERE: Final = {"nullable", "example", "deprecated"}


def template(target: str) -> str:
    """Return the path of a description that a path and query below /api/v2 belong to."""
    path = target.partition("?")[0].removesuffix("/")
    parts = path.split("/")
    if len(parts) == _OF_SYSTEM:
        parts[2] = "{system_id}"
    return "/".join(parts)


_OF_SYSTEM: Final = 4  #: parts of /systems/{system_id}/name
