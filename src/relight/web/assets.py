"""Scripts, styles and pictures, read once and served under addresses that name their content.

So browsers keep them for good, and a new release is a new address.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from relight.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from relight.web.visit import Visit

FOLDER: Final = "/static/"
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}
_TEXTS: Final = ("text/", "application/", "image/svg")
_GZIP_LEVEL: Final = 9


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    media_type: str
    body: bytes
    gzip_body: bytes | None


@cache
def assets() -> dict[str, Asset]:
    """Return every file by its path within the folder."""
    root = resources.files("relight.web").joinpath("static")
    return {name: _asset(name, file.read_bytes()) for name, file in sorted(_files(root, ""))}


@cache
def version() -> str:
    """Return a digest of all files."""
    found = hashlib.sha256()
    for name, asset in assets().items():
        found.update(b"%s\0%d\0" % (name.encode(), len(asset.body)) + asset.body)
    return found.hexdigest()[:10]


def address(name: str) -> str:
    """Return where a file is served. Raises KeyError for one that does not exist."""
    assets()[name]
    return f"{FOLDER}{version()}/{name}"


async def asset(visit: Visit) -> Response:
    """Answer `/static/VERSION/NAME`."""
    found = assets().get(visit.request.path_params["name"])
    if found is None:
        raise NotFound(visit.request.url.path)
    is_current = visit.request.path_params["version"] == version()
    headers = {"cache-control": _FOR_GOOD if is_current else "no-cache", "vary": "accept-encoding"}
    takes_gzip = "gzip" in visit.request.headers.get("accept-encoding", "")
    if takes_gzip and found.gzip_body is not None:
        headers["content-encoding"] = "gzip"
        return Response(found.gzip_body, headers=headers, media_type=found.media_type)
    return Response(found.body, headers=headers, media_type=found.media_type)


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif not entry.name.startswith("."):
            yield prefix + entry.name, entry


def _asset(name: str, body: bytes) -> Asset:
    suffix = name[name.rfind(".") :]
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(body, _GZIP_LEVEL, mtime=0) if kind.startswith(_TEXTS) else None
    return Asset(kind, body, packed if packed and len(packed) < len(body) else None)
