"""Ask OSV whether anything that requirements/ has locked is known to be vulnerable.

One question for all of it. Exit status 1 for a finding; where the service cannot be reached, it
says so and ends with 0, or with 2 where RELIGHT_AUDIT=required.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from typing import Any, Final

from locked import Locked, locked

SERVICE: Final = os.environ.get("RELIGHT_AUDIT_URL", "https://api.osv.dev/v1/querybatch")
WAIT_S: Final = 20
ANSWER_BYTES_MAX: Final = 16 << 20


def main() -> int:
    """Ask, tell, and return the exit status."""
    parts = locked()
    try:
        findings = list(zip(parts, asked(parts), strict=True))
    except (OSError, ValueError, KeyError) as error:
        print(f"audit: NOT DONE for {len(parts)} locked packages: {SERVICE}: {error}")
        return 2 if os.environ.get("RELIGHT_AUDIT") == "required" else 0
    known = [(part, ids) for part, ids in findings if ids]
    for part, ids in known:
        print(f"audit: {part.name} {part.version}: {', '.join(ids)}")
    print(f"audit: {len(parts)} locked packages, {len(known)} with known vulnerabilities")
    return 1 if known else 0


def asked(parts: list[Locked]) -> list[list[str]]:
    """Return the ids of what is known of each part. Raises OSError, ValueError, KeyError."""
    if not SERVICE.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError("the service must be asked over https")
    question = {"queries": [{"package": {"purl": part.purl}} for part in parts]}
    request = urllib.request.Request(  # noqa: S310 - the scheme is looked at above
        SERVICE, json.dumps(question).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:  # noqa: S310 - the same
        told: dict[str, Any] = json.loads(answer.read(ANSWER_BYTES_MAX))
    return [[one["id"] for one in found.get("vulns", [])] for found in told["results"]]


if __name__ == "__main__":
    sys.exit(main())
