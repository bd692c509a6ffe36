"""What others wrote: the bill of materials, and the question whether any of it is vulnerable."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]


def ran(name: str, **variables: str) -> tuple[int, str]:
    found = subprocess.run(
        [sys.executable, ROOT / ".ci" / name],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )
    return found.returncode, found.stdout + found.stderr


def asked_of(told: dict[str, str], **variables: str) -> tuple[int, str]:
    """Run the audit against a service that knows of these vulnerabilities."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["content-length"])))["queries"]
            names = [re.split("[/@]", one["package"]["purl"])[-2] for one in queries]
            results: list[dict[str, Any]] = [
                {"vulns": [{"id": told[name]}]} if name in told else {} for name in names
            ]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"results": results}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        return ran(
            "audit.py", RELIGHT_AUDIT_URL=f"http://127.0.0.1:{server.server_port}", **variables
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_locked_package_is_in_the_bill_with_its_hashes() -> None:
    code, text = ran("sbom.py")
    bill = json.loads(text)
    listed = {one["name"]: one for one in bill["components"]}

    locks = {path.name: path.read_text("utf-8") for path in (ROOT / "requirements").glob("*.txt")}
    names = set(re.findall(r"^([\w.-]+)==", "\n".join(locks.values()), re.MULTILINE))
    assert 0 == code
    assert ("CycloneDX", "1.6") == (bill["bomFormat"], bill["specVersion"])
    assert names == listed.keys()
    assert all(one["externalReferences"][0]["hashes"] for one in listed.values())
    assert ("required", "excluded") == (listed["starlette"]["scope"], listed["pytest"]["scope"])
    assert (code, text) == ran("sbom.py"), "the same locks give the same bytes"


def test_a_known_vulnerability_fails_the_audit_and_none_does_not() -> None:
    code, text = asked_of({"starlette": "PYSEC-0000-1"})

    assert 1 == code
    assert "starlette" in text
    assert "PYSEC-0000-1" in text
    assert 0 == asked_of({})[0]


def test_an_audit_that_could_not_be_done_says_so() -> None:
    nowhere = {"RELIGHT_AUDIT_URL": "http://127.0.0.1:9/"}

    code, text = ran("audit.py", **nowhere)

    assert 0 == code
    assert "NOT DONE" in text
    assert 2 == ran("audit.py", RELIGHT_AUDIT="required", **nowhere)[0]
