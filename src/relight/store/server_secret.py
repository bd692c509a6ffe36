"""What all processes of an installation must agree on and nobody may know.

Made once, by whichever process asks first. Cookies and forms are signed with it.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final

from relight.errors import StoreUnreadable

if TYPE_CHECKING:
    from relight.model.access import Randomness
    from relight.store.database import Transaction

_BYTES: Final = 32
_NAME: Final = "installation"
#: Letters and digits that nobody mistakes for one another.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_LENGTH: Final = 16


async def of_installation(tx: Transaction, random: Randomness = secrets.token_bytes) -> bytes:
    """Return the installation's secret of 32 bytes, made where there is none yet.

    Its row is locked until the transaction ends.
    """
    row = await _locked(tx)
    if row is None:
        await tx.run(
            "INSERT INTO server_secret (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING",
            name=_NAME,
            value=random(_BYTES),
        )
        row = await _locked(tx)
    if row is None:
        raise StoreUnreadable("the installation's secret cannot be written")
    return row


async def _locked(tx: Transaction) -> bytes | None:
    row = await tx.one("SELECT value FROM server_secret WHERE name = :name /*lock*/", name=_NAME)
    return None if row is None else bytes(row[0])


def first_start_code(secret: bytes) -> str:
    """Return what whoever makes the first administrator has to know.

    The same at every start, so that the log of any of them will do; useless once there is one.
    """
    drawn = hmac.digest(secret, b"first start", "sha256")
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in drawn[:_CODE_LENGTH])
