"""Our OpenAPI description, read for people: groups of endpoints, their parameters and bodies.

Reads the package's `openapi.json` once. How it looks is `templates/reference.html`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, TypeAlias

import msgspec

_Json: TypeAlias = "dict[str, Any]"

#: Schemas that are told of once, by name, instead of wherever they are used.
_NAMED: Final = {
    "Instant": "instant",
    "KnownInstant": "instant or null",
    "Day": "day",
    "KnownDay": "day or null",
    "Status": "status",
    "Meta": "meta",
}
#: Parameters that every endpoint takes.
_SHARED: Final = frozenset({"datetime_format", "callback"})
#: More values of a parameter are given under its name with this behind it.
_MANY: Final = "[]"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an endpoint."""

    name: str
    kind: str  #: its type in words
    text: str
    is_required: bool
    is_in_path: bool
    may_repeat: bool  #: also as `name[]`
    is_shared: bool  #: means the same everywhere


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body, with the fields within it."""

    name: str
    kind: str
    text: str
    is_always_there: bool
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A body as it may come."""

    title: str
    value: object


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of an endpoint."""

    status: int
    text: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint."""

    name: str
    path: str  #: with the base, as `/api/v2/systems/{system_id}/stats`
    title: str
    text: str
    group: str
    is_deprecated: bool
    parameters: tuple[Parameter, ...]
    fields: tuple[Field, ...]
    answers: tuple[Answer, ...]

    @property
    def example(self) -> Example:
        """Return the answer that is shown beside it; its title is the request."""
        return self.answers[0].examples[0]


@dataclass(frozen=True, slots=True)
class Group:
    """Endpoints that belong together."""

    name: str
    text: str
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """All that the API says of itself."""

    groups: tuple[Group, ...]
    meta: tuple[Field, ...]
    statuses: tuple[str, ...]
    status_text: str
    errors: tuple[Answer, ...]  #: each refusal once

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return every endpoint, as they stand."""
        return tuple(endpoint for group in self.groups for endpoint in group.endpoints)


@cache
def description() -> Description:
    """Return the description."""
    raw = resources.files("relight").joinpath("openapi.json").read_bytes()
    return _Reader(msgspec.json.decode(raw)).description()


class _Reader:
    """Reads the document, with its references."""

    def __init__(self, document: _Json) -> None:
        self._document = document
        self._components: _Json = document["components"]
        self._base: str = document["servers"][0]["url"]

    def description(self) -> Description:
        endpoints = [
            self._endpoint(path, methods["get"])
            for path, methods in self._document["paths"].items()
        ]
        groups = tuple(
            Group(
                tag["name"],
                tag["description"],
                tuple(one for one in endpoints if one.group == tag["name"]),
            )
            for tag in self._document["tags"]
        )
        status = self._components["schemas"]["Status"]
        errors = {
            (answer.status, answer.text): answer
            for endpoint in endpoints
            for answer in endpoint.answers
            if answer.status >= 400  # noqa: PLR2004 - HTTP's errors
        }
        return Description(
            groups,
            self._fields({"$ref": "#/components/schemas/Meta"}),
            tuple(status["enum"]),
            status["description"],
            tuple(errors[key] for key in sorted(errors)),
        )

    def _endpoint(self, path: str, operation: _Json) -> Endpoint:
        found = [self._at(one) for one in operation["parameters"]]
        names = {one["name"] for one in found}
        answers = tuple(
            self._answer(int(status), told) for status, told in operation["responses"].items()
        )
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        return Endpoint(
            name=operation["operationId"],
            path=self._base + path,
            title=operation["summary"],
            text=operation.get("description", ""),
            group=operation["tags"][0],
            is_deprecated=operation.get("deprecated", False),
            parameters=tuple(
                Parameter(
                    one["name"],
                    self._kind(one["schema"]),
                    one["description"],
                    one.get("required", False),
                    one["in"] == "path",
                    one["name"] + _MANY in names,
                    one["name"] in _SHARED,
                )
                for one in found
                if not one["name"].endswith(_MANY)
            ),
            fields=self._fields(schema),
            answers=answers,
        )

    def _answer(self, status: int, told: _Json) -> Answer:
        told = self._at(told)
        body = told.get("content", {}).get("application/json", {})
        examples = body.get("examples", {}).values()
        return Answer(
            status,
            told["description"],
            tuple(Example(one["summary"], one["value"]) for one in examples),
        )

    def _fields(self, schema: _Json) -> tuple[Field, ...]:
        """Return the fields of an object, or of the objects in a list."""
        plain = self._plain(schema)
        if plain.get("type") == "array":
            return () if self._name(plain["items"]) else self._fields(plain["items"])
        required = plain.get("required", ())
        return tuple(
            Field(
                name,
                self._kind(one),
                self._text(one),
                name in required,
                () if self._name(one) else self._fields(one),
            )
            for name, one in plain.get("properties", {}).items()
        )

    def _kind(self, schema: _Json) -> str:
        """Return a type in words."""
        named = self._name(schema)
        if named:
            return named
        plain = self._plain(schema)
        if "const" in plain:
            return msgspec.json.encode(plain["const"]).decode()
        if "enum" in plain:
            return " | ".join(msgspec.json.encode(one).decode() for one in plain["enum"])
        kinds = plain["type"] if isinstance(plain["type"], list) else [plain["type"]]
        if kinds == ["array"]:
            within = self._kind(plain["items"])
            return f"list of {within}s"
        return " or ".join(kinds)

    def _text(self, schema: _Json) -> str:
        if "description" in schema or self._name(schema):
            return str(schema.get("description", ""))
        return str(self._plain(schema).get("description", ""))

    def _name(self, schema: _Json) -> str | None:
        """Return by which name a schema is told of elsewhere, if it is."""
        if "allOf" in schema:
            return self._name(schema["allOf"][0])
        return _NAMED.get(schema.get("$ref", "").rpartition("/")[2])

    def _plain(self, schema: _Json) -> _Json:
        """Return a schema without a reference around it."""
        return self._plain(schema["allOf"][0]) if "allOf" in schema else self._at(schema)

    def _at(self, node: _Json) -> _Json:
        if "$ref" not in node:
            return node
        _, _, kind, name = node["$ref"].split("/")
        found: _Json = self._components[kind][name]
        return found
