"""How users sign in: their e-mail address, a hash of their password, a second step if they like.

A hash that is empty opens nothing. What passwords may be is `model/people.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relight.errors import AlreadyKnown, BadInput, NotKnown
from relight.model.people import Purpose, sign_in_name
from relight.store import administration, links, server_secret, sessions
from relight.store.administration import NewUser

if TYPE_CHECKING:
    from relight.store.database import Database, Row, Rows, Transaction

_COLUMNS: Final = "user_id, sign_in, password_hash, changed_at, totp_secret, totp_step"
_BY_NAME: Final = f"SELECT {_COLUMNS} FROM credential WHERE sign_in = :sign_in"  # noqa: S608
_BY_USER: Final = f"SELECT {_COLUMNS} FROM credential WHERE user_id = :user_id"  # noqa: S608
_ADMINISTRATORS: Final = """
    SELECT u.user_id FROM user_account u JOIN credential c ON c.user_id = u.user_id
    WHERE u.is_admin = 1 AND c.password_hash <> '' LIMIT 2
"""


@dataclass(frozen=True, slots=True)
class Credential:
    """How a user signs in."""

    user_id: int
    sign_in: str
    password_hash: str = field(repr=False)
    changed_at: int
    totp_secret: str = field(repr=False)  #: empty: no second step
    totp_step: int  #: the last that was used

    @property
    def has_second_step(self) -> bool:
        """Tell whether a code is asked for after the password."""
        return bool(self.totp_secret)


async def of_email(rows: Rows, email: str) -> Credential | None:
    """Return who signs in with this e-mail address, None where nobody does."""
    return _credential(await rows.one(_BY_NAME, sign_in=sign_in_name(email)))


async def of_user(rows: Rows, user_id: int) -> Credential | None:
    """Return how a user signs in, None where they cannot."""
    return _credential(await rows.one(_BY_USER, user_id=user_id))


def _credential(row: Row | None) -> Credential | None:
    return None if row is None else Credential(*row)


async def is_still(tx: Transaction, known: Credential) -> bool:
    """Tell whether a user signs in as they did when that was read; it stays so until the end."""
    found = _credential(await tx.one(f"{_BY_USER} /*lock*/", user_id=known.user_id))
    if found is None:
        return False
    proved = (known.password_hash, known.totp_secret)
    return proved == (found.password_hash, found.totp_secret)


async def has_administrator(rows: Rows) -> bool:
    """Tell whether an administrator can sign in."""
    return await rows.one(_ADMINISTRATORS) is not None


async def refuse_last_administrator(tx: Transaction, user_id: int) -> None:
    """Raise BadInput where nobody could administer the installation without this user."""
    await server_secret.of_installation(tx)  # locked: of two who go at once, one stays
    if [row[0] for row in await tx.all(_ADMINISTRATORS)] == [user_id]:
        raise BadInput("user", f"user {user_id} is the last administrator who can sign in")


async def first_code(database: Database) -> str | None:
    """Return the code that the first start asks for, None where there is an administrator."""

    async def found(tx: Transaction) -> str | None:
        if await has_administrator(tx):
            return None
        return server_secret.first_start_code(await server_secret.of_installation(tx))

    return await database.write(found)


async def add_first_administrator(
    tx: Transaction, new: NewUser, password_hash: str, now: int
) -> int:
    """Add the administrator that an installation begins with, and return their number.

    Raises AlreadyKnown where somebody was quicker.
    """
    await server_secret.of_installation(tx)  # locked: of two at once, the second one sees the first
    if await has_administrator(tx):
        raise AlreadyKnown("there is an administrator already")
    return await add_account(tx, new, password_hash, now)


async def add_account(tx: Transaction, new: NewUser, password_hash: str, now: int) -> int:
    """Add a user who can sign in, and return their number.

    Raises AlreadyKnown for an e-mail address that somebody signs in with.
    """
    user_id = await administration.add_user(tx, new)
    await set_password(tx, user_id, password_hash, now)
    return user_id


async def set_password(
    tx: Transaction, user_id: int, password_hash: str, now: int, *, but: bytes | None = None
) -> None:
    """Give a user a password; their sessions end, but for one where given, and their links.

    Raises NotKnown, BadInput where the user has no e-mail address, AlreadyKnown where somebody
    else signs in with it.
    """
    sign_in = await _sign_in_of(tx, user_id)
    await _refuse_taken(tx, user_id, sign_in)
    await tx.run(
        "INSERT INTO credential (user_id, sign_in, password_hash, changed_at, totp_secret,"
        " totp_step) VALUES (:user_id, :sign_in, :password_hash, :now, '', 0)"
        " ON CONFLICT (user_id) DO UPDATE SET sign_in = excluded.sign_in,"
        " password_hash = excluded.password_hash, changed_at = excluded.changed_at",
        user_id=user_id,
        sign_in=sign_in,
        password_hash=password_hash,
        now=now,
    )
    await sessions.end_all(tx, user_id, but=but)
    await links.end_links_of_user(tx, user_id)


async def _sign_in_of(rows: Rows, user_id: int) -> str:
    row = await rows.one("SELECT email FROM user_account WHERE user_id = :id", id=user_id)
    if row is None:
        raise NotKnown(f"there is no user {user_id}")
    sign_in = sign_in_name(row[0])
    if not sign_in:
        raise BadInput("email", f"user {user_id} has no e-mail address to sign in with")
    return sign_in


async def _refuse_taken(rows: Rows, user_id: int, sign_in: str) -> None:
    sql = "SELECT 1 FROM credential WHERE sign_in = :sign_in AND user_id <> :user_id"
    if await rows.one(sql, sign_in=sign_in, user_id=user_id) is not None:
        raise AlreadyKnown("somebody else signs in with this e-mail address")


async def add_reset_link(
    tx: Transaction, user_id: int, digest: bytes, now: int, *, made_by: int | None = None
) -> None:
    """Make a link by which a user chooses a password; until then the old one stays.

    Raises NotKnown, BadInput and AlreadyKnown as `set_password` would.
    """
    await _refuse_taken(tx, user_id, await _sign_in_of(tx, user_id))
    new = links.NewLink(purpose=Purpose.RESET, user_id=user_id, made_by=made_by)
    await links.add_link(tx, new, digest, now)


async def rename(tx: Transaction, user_id: int, email: str) -> None:
    """Have a user who can sign in do so with another e-mail address from now on.

    Raises BadInput for an empty one, AlreadyKnown where somebody else signs in with it.
    """
    if await of_user(tx, user_id) is None:
        return
    sign_in = sign_in_name(email)
    if not sign_in:
        raise BadInput("email", f"user {user_id} signs in with it")
    await _refuse_taken(tx, user_id, sign_in)
    await tx.run(
        "UPDATE credential SET sign_in = :sign_in WHERE user_id = :user_id",
        sign_in=sign_in,
        user_id=user_id,
    )


async def keep_hash(tx: Transaction, user_id: int, old: str, new: str) -> None:
    """Replace the hash of the same password by one of today's cost."""
    await tx.run(
        "UPDATE credential SET password_hash = :new WHERE user_id = :user_id"
        " AND password_hash = :old",
        new=new,
        user_id=user_id,
        old=old,
    )


async def set_second_step(tx: Transaction, user_id: int, totp_secret: str, step: int) -> None:
    """Ask for a code from now on, newer than *step*; an empty secret asks for none."""
    await tx.run(
        "UPDATE credential SET totp_secret = :secret, totp_step = :step WHERE user_id = :user_id",
        secret=totp_secret,
        step=step,
        user_id=user_id,
    )


async def use_step(tx: Transaction, user_id: int, step: int) -> bool:
    """Note that the code of a step was used; tell whether no code as new was used before."""
    sql = "UPDATE credential SET totp_step = :step WHERE user_id = :user_id AND totp_step < :step"
    return await tx.run(sql, step=step, user_id=user_id) > 0


async def remove(tx: Transaction, user_id: int) -> None:
    """Take away all by which a user signs in: password, second step, sessions, links."""
    await tx.run("DELETE FROM credential WHERE user_id = :user_id", user_id=user_id)
    await sessions.end_all(tx, user_id)
    await links.end_links_of_user(tx, user_id)
