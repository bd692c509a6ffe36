"""Files that others on this machine could read, though they hold what is nobody else's."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from relight.cli.desk import sqlite_path
from relight.config import Config

#: Nobody but the owner; of keys that a server is given, a group may be trusted.
_OTHERS: Final = 0o077
_STRANGERS: Final = 0o007
#: Files of one folder that are looked at.
_FILES_MAX: Final = 10_000


def loose(config: Config) -> list[str]:
    """Return a line for each file or folder that others may read, with what to do about it."""
    return [
        f"{path} can be read by others: chmod {'700' if path.is_dir() else '600'} {path}"
        for path, mask in _held(config)
        if _mode(path) & mask
    ]


def _held(config: Config) -> Iterator[tuple[Path, int]]:
    """Yield what is to be the owner's alone, and the bits of its mode that are too many."""
    yield config.data_dir, _OTHERS
    store = sqlite_path(config)
    if store is not None:
        for suffix in ("", "-wal", "-shm"):
            yield store.with_name(f"{store.name}{suffix}"), _OTHERS
    for one in (config.quota_path, config.metrics_path, config.secrets_path, config.spool_path):
        yield one, _OTHERS
    if config.secrets_path.is_dir() and os.access(config.secrets_path, os.R_OK):
        for one in sorted(config.secrets_path.iterdir())[:_FILES_MAX]:
            yield one, _OTHERS
    telling = config.telling
    for key in (
        config.tls_key,
        telling.metrics_token_file,
        telling.alert_webhook_secret_file,
        telling.smtp_password_file,
    ):
        if key is not None:
            yield key, _STRANGERS


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0  # not there, or not ours to look at
