"""The parsers under a coverage-guided fuzzer: `make fuzz`, or `python -m tests.fuzz.parsers NAME`.

Needs atheris, which is no part of the tests' environment (`pip install atheris`; Linux, CPython).
A finding is written to a file, and its traceback is shown.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from pathlib import Path
from typing import Final

#: Of one input, and of what one run may hold. [bytes, MiB, s]
INPUT_BYTES_MAX: Final = 4_096
MEMORY_MIB_MAX: Final = 1_500
RUN_S_MAX: Final = 20


def fuzz(name: str, *, runs: int, seconds: int, corpus: Path) -> None:
    """Try one target so often or for so long, and exit: libFuzzer ends the process."""
    try:
        import atheris  # noqa: PLC0415 - an optional tool
    except ImportError:
        sys.exit("relight: make fuzz needs atheris: .venv/bin/python -m pip install atheris")
    with atheris.instrument_imports(include=["relight"], enable_loader_override=False):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - must be loaded by the fuzzer

    target, folder = TARGETS[name], corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (folder / f"seed-{number}").write_bytes(seed[:INPUT_BYTES_MAX])
    words = [
        f"-atheris_runs={runs}", f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}",
        f"-rss_limit_mb={MEMORY_MIB_MAX}", f"-timeout={RUN_S_MAX}", "-print_final_stats=1",
        f"-artifact_prefix={corpus}/finding-{name}-",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *words, str(folder)], target.tried)
    atheris.Fuzz()


def main() -> None:
    """Try every target, or those that are named, each in a process of its own."""
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - children load it under the fuzzer

    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("names", nargs="*", help=", ".join(TARGETS))
    reader.add_argument("--runs", type=int, default=1_000_000, help="of each target, at most")
    reader.add_argument("--seconds", type=int, default=60, help="for each target, at most")
    reader.add_argument("--corpus", type=Path, default=Path(".fuzz"), help="kept from run to run")
    asked = reader.parse_args()
    starting, failed = multiprocessing.get_context("spawn"), []
    for name in asked.names or TARGETS:
        how = {"runs": asked.runs, "seconds": asked.seconds, "corpus": asked.corpus}
        process = starting.Process(target=fuzz, args=(name,), kwargs=how)
        process.start()
        process.join()
        if process.exitcode:
            failed.append(name)
    sys.exit(f"relight: findings in {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
