"""What a demo is made of, and the files in its folder that remember it.

`demo-fleet.json` holds what the fleet is a function of, and the keys, from before the first row is
written: so every later start continues the same fleet. `demo.json` and `demo-second.json` are for
clients, `demo-sign-in.json` is for the pages. All are readable by this user alone.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, Self

import msgspec

from relight.errors import SetupError
from relight.model.access import new_application_key, new_report_key, user_code
from relight.sources.simulator.fleet import FIRST_SYSTEM_ID, fleet

if TYPE_CHECKING:
    from pathlib import Path

    from relight.sources.simulator.system import SimulatedSystem

#: Old programs ship with this user, who sees the whole fleet.
FIRST_USER: Final = 310_606
#: With this address the first user signs in on the pages.
FIRST_EMAIL: Final = "demo@relight.example"
SECOND_USER: Final = 310_607
SEED: Final = 67
FLEET_FILE: Final = "demo-fleet.json"
CLIENT_FILE: Final = "demo.json"
SECOND_FILE: Final = "demo-second.json"
SIGN_IN_FILE: Final = "demo-sign-in.json"
_FILE_MODE: Final = 0o600
_PASSWORD_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a demo's fleet is a function of, and the keys to it."""

    systems: int
    days: int  #: of history before `today`
    today: date
    seed: int
    key: str = field(repr=False)
    second_key: str = field(repr=False)
    report_key: str = field(repr=False)
    password: str = field(default="", repr=False)  #: of the first user; empty: made earlier
    told_at: int | None = None  #: until then the store was told everything

    @classmethod
    def new(cls, systems: int, days: int, now: int) -> Self:
        """Return a world whose history ends at *now*, with fresh keys."""
        return cls(
            systems=systems,
            days=days,
            today=datetime.fromtimestamp(now, UTC).date(),
            seed=SEED,
            key=new_application_key(secrets.token_bytes),
            second_key=new_application_key(secrets.token_bytes),
            report_key=new_report_key(secrets.token_bytes),
            password=_new_password(),
        )

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the world of a folder, None where there is none yet. Raises SetupError."""
        path = folder / FLEET_FILE
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise SetupError(f"cannot read {path}: {error}") from error

    def keep(self, folder: Path) -> None:
        """Write this world into its folder, for `read`."""
        _write(folder / FLEET_FILE, self)

    def with_password(self) -> Self:
        """Return this world with a password, where it was made before there were pages."""
        return self if self.password else replace(self, password=_new_password())

    def grown(self, systems: int) -> Self:
        """Return this world with more systems; those that it has stay as they are."""
        if systems <= self.systems:
            return self
        return replace(self, systems=systems, told_at=None)

    def fleet(self) -> list[SimulatedSystem]:
        """Return its systems, system 67 first."""
        return fleet(self.systems, seed=self.seed, today=self.today, days=self.days)

    def tell_clients(self, folder: Path, base_url: str) -> None:
        """Write what clients need into files of the folder."""
        first = {
            "base_url": base_url,
            "key": self.key,
            "user_id": user_code(FIRST_USER),
            "system_id": FIRST_SYSTEM_ID,
            "report_key": self.report_key,
        }
        second = {
            "base_url": base_url,
            "key": self.second_key,
            "user_id": user_code(SECOND_USER),
            "system_id": FIRST_SYSTEM_ID,
        }
        _write(folder / CLIENT_FILE, first)
        _write(folder / SECOND_FILE, second)
        signing_in = {"address": f"{base_url}/sign-in", "email": FIRST_EMAIL}
        _write(folder / SIGN_IN_FILE, signing_in | {"password": self.password})


def _new_password() -> str:
    return secrets.token_hex(_PASSWORD_BYTES)


def _write(path: Path, content: object) -> None:
    """Write JSON for this user alone, all of it or nothing. Raises SetupError."""
    text = msgspec.json.format(msgspec.json.encode(content)) + b"\n"
    unfinished = path.with_name(f"{path.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        number = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(number, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(number)
        unfinished.replace(path)
    except OSError as error:
        raise SetupError(f"cannot write {path}: {error.strerror}") from error
