"""Write the bill of materials of a release (CycloneDX 1.6, JSON): `make sbom`.

It is made of the locks alone, so the same locks give the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any, Final

from locked import Locked, locked

_ROOT: Final = Path(__file__).parents[1]
_VERSION: Final = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)


def bill() -> dict[str, Any]:
    """Return the bill of materials."""
    text = (_ROOT / "src/relight/__init__.py").read_text("utf-8")
    found = _VERSION.search(text)
    version = found[1] if found else "0"
    parts = locked()
    names = " ".join(part.purl for part in parts)
    ours = f"pkg:pypi/relight@{version}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{ours} {names}')}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": "relight",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "purl": ours,
            }
        },
        "components": [_component(part) for part in parts],
        "dependencies": [{"ref": ours, "dependsOn": [part.purl for part in parts if part.runs]}],
    }


def _component(part: Locked) -> dict[str, Any]:
    """Return a part; its hashes are of the files of which one is installed."""
    return {
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "scope": "required" if part.runs else "excluded",
        "purl": part.purl,
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"https://pypi.org/project/{part.name}/{part.version}/",
                "hashes": [{"alg": "SHA-256", "content": one} for one in part.hashes],
            }
        ],
    }


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1)
    sys.stdout.write("\n")
