"""schemathesis asks a real server in all of its phases: examples, coverage, fuzzing, sequences."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relight.store.database import SQLITE_PREFIX
from tests.crash.processes import base_url, started
from tests.golden import fleet
from tests.serving import KEY, USER_ID

#: Requests an operation and phase that are thought of: `make soak` thinks of more.
EXAMPLES = 400 if int(os.environ.get("RELIGHT_TEST_ROUNDS", "5")) > 5 else 6
#: Not those of status and media type, which `tests/api/test_contract.py` makes: what is longer than
#: 64 KB a line is no request to the HTTP library, which answers 400 in words of its own.
CHECKS = (
    "not_a_server_error,response_headers_conformance,response_schema_conformance,unsupported_method"
)
CONFIG = f"""
[parameters]
key = "{KEY}"
user_id = "{USER_ID}"
system_id = [67, 72, 1765, 2002, 3003, 4004]
site_id = [67, 2002]
"""


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_a_server_that_is_asked_in_every_phase_answers_as_it_says(
    migrated_sqlite: Path, tmp_path: Path
) -> None:
    store = tmp_path / "relight.sqlite3"
    shutil.copyfile(migrated_sqlite, store)
    url = f"{SQLITE_PREFIX}{store}"
    asyncio.run(fleet.build(url, is_closed=True))
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(fleet.NOW))
    words = ["relight", "serve", "--port", "0", "--data", str(tmp_path), "--at", at]

    with started(*words, log=tmp_path / "log") as process:
        asked = subprocess.run(
            [
                *(Path(sys.executable).with_name("st"), "--config-file", "schemathesis.toml"),
                *("run", f"{base_url(process)}/api/v2/openapi.json", "--checks", CHECKS),
                *("--phases", "examples,coverage,fuzzing,stateful", "--warnings", "off"),
                *("--max-examples", str(EXAMPLES), "--continue-on-failure", "--no-color"),
            ],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )

    assert 0 == asked.returncode, asked.stdout[-6_000:] + asked.stderr[-2_000:]
    assert "Traceback" not in (tmp_path / "log").read_text()
