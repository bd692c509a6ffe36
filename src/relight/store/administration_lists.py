"""What administrators look through: users, companies, access, report keys and gateways by pages.

Only reads. Each list is searched and walked from the key at a page's edge: see `store.paging`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from relight.errors import NotKnown
from relight.model.access import NUMBER_MAX, user_code, user_number
from relight.model.gateways import GatewayHealth
from relight.model.listing import folded
from relight.store import administration_keys as keys
from relight.store.administration_people import CompanyLine, UserLine
from relight.store.administration_systems import names
from relight.store.paging import Listing, escaped, part

if TYPE_CHECKING:
    from relight.store.database import Row, Rows
    from relight.store.paging import Part, Turn

WORDS_MAX: Final = 6

_USERS: Final = """
    SELECT u.user_id, u.name, u.email, u.company_id,
        (SELECT count(*) FROM user_access a WHERE a.user_id = u.user_id),
        (SELECT count(*) FROM app_grant g WHERE g.user_id = u.user_id),
        u.is_admin, CASE WHEN c.password_hash <> '' THEN 1 ELSE 0 END,
        (SELECT name FROM company m WHERE m.company_id = u.company_id)
    FROM user_account u LEFT JOIN credential c ON c.user_id = u.user_id
    WHERE {beyond} AND %s ORDER BY u.user_id {order} LIMIT :most
"""
_COMPANIES: Final = """
    SELECT c.company_id, c.name,
        (SELECT count(*) FROM user_account u WHERE u.company_id = c.company_id),
        (SELECT count(*) FROM company_access a WHERE a.company_id = c.company_id)
    FROM company c
    WHERE {beyond} AND %s ORDER BY c.company_id {order} LIMIT :most
"""
_SYSTEMS: Final = """
    SELECT s.system_id, s.name, s.city, s.country, s.status, s.is_api_enabled, s.heard_at,
        (SELECT name FROM company c WHERE c.company_id = s.installer_id)
    FROM system s WHERE {beyond} AND %s ORDER BY s.system_id {order} LIMIT :most
"""
_TIES: Final = """
    SELECT (SELECT count(*) FROM user_access WHERE system_id = :system_id),
        (SELECT count(*) FROM company_access WHERE system_id = :system_id),
        (SELECT count(*) FROM report_key_system WHERE system_id = :system_id),
        (SELECT count(*) FROM device WHERE system_id = :system_id AND retired_at IS NULL)
"""
_USER_ACCESS: Final = Listing(
    """
    SELECT a.system_id, s.name, a.role, a.sees_consumption
    FROM user_access a JOIN system s ON s.system_id = a.system_id
    WHERE a.user_id = :number AND {beyond} ORDER BY a.system_id {order} LIMIT :most
    """,
    ("a.system_id",),
)
_COMPANY_ACCESS: Final = Listing(
    """
    SELECT a.system_id, s.name, 'viewer', a.sees_consumption
    FROM company_access a JOIN system s ON s.system_id = a.system_id
    WHERE a.company_id = :company_id AND {beyond} ORDER BY a.system_id {order} LIMIT :most
    """,
    ("a.system_id",),
)
_KEYS: Final = """
    SELECT k.created_at, k.key_digest, k.name,
        (SELECT count(*) FROM report_key_system c WHERE c.key_digest = k.key_digest),
        (SELECT min(c.system_id) FROM report_key_system c WHERE c.key_digest = k.key_digest)
    FROM report_key k
    WHERE {beyond} AND %s
    ORDER BY k.created_at {order}, k.key_digest {order} LIMIT :most
"""
#: Looked for first: along the list every key's row would be fetched.
_FOUND_KEYS: Final = """
    SELECT key_digest FROM report_key WHERE lower(name) LIKE lower(:pattern) ESCAPE '!'
    UNION SELECT key_digest FROM report_key WHERE key_digest >= :low AND key_digest < :high
    UNION SELECT key_digest FROM report_key_system WHERE system_id = :system_id
"""
_KEY_SYSTEMS: Final = Listing(
    """
    SELECT c.system_id, s.name FROM report_key_system c
    JOIN system s ON s.system_id = c.system_id
    WHERE c.key_digest = :digest AND {beyond} ORDER BY c.system_id {order} LIMIT :most
    """,
    ("c.system_id",),
)
_GATEWAYS: Final = """
    SELECT g.system_id, g.serial_number, s.name, g.username, g.host, g.added_at,
        h.polled_at, h.answered_at, h.failing_since_at, coalesce(h.is_refused, 0),
        coalesce(h.error, ''), h.saved_at, coalesce(h.waiting_bytes, 0)
    FROM gateway g JOIN system s ON s.system_id = g.system_id
    LEFT JOIN gateway_health h
        ON h.system_id = g.system_id AND h.serial_number = g.serial_number
    WHERE {beyond} AND %s ORDER BY g.system_id {order}, g.serial_number {order} LIMIT :most
"""
_COUNTS: Final = """
    SELECT (SELECT count(*) FROM system), (SELECT count(*) FROM user_account),
        (SELECT count(*) FROM company), (SELECT count(*) FROM application),
        (SELECT count(*) FROM report_key), (SELECT count(*) FROM gateway),
        (SELECT count(*) FROM gateway g JOIN gateway_health h
            ON h.system_id = g.system_id AND h.serial_number = g.serial_number
            WHERE h.failing_since_at IS NOT NULL)
"""


class ListedUser(NamedTuple):
    """A user, and their company's name where they have one."""

    user: UserLine
    company: str | None


class ListedSystem(NamedTuple):
    """A system, as administrators look through them."""

    system_id: int
    name: str
    city: str
    country: str
    status: str  #: as stored: at most a minute old
    is_api_enabled: bool
    heard_at: int | None
    installer: str | None


class Ties(NamedTuple):
    """How much a system is tied to."""

    people: int
    companies: int
    report_keys: int
    devices: int


class SystemAccess(NamedTuple):
    """A system that a user, or everyone of a company, may see."""

    system_id: int
    name: str
    role: str
    sees_consumption: bool


class ListedKey(NamedTuple):
    """A report key, how many systems it reports for, and the first of them."""

    fingerprint: str
    name: str
    created_at: int
    systems: int
    first_id: int | None
    first_name: str | None


class CoveredSystem(NamedTuple):
    """A system that a report key reports for."""

    system_id: int
    name: str


class ListedGateway(NamedTuple):
    """A gateway, its system, and how collecting from it goes."""

    system_id: int
    system: str
    username: str
    health: GatewayHealth


class Counts(NamedTuple):
    """How many there are of everything."""

    systems: int
    users: int
    companies: int
    applications: int
    report_keys: int
    gateways: int
    failing_gateways: int


async def users(
    rows: Rows, turn: Turn, *, search: str = "", company_id: int | None = None
) -> Part[ListedUser]:
    """Return a page of the users, by number; of a company alone where one is given.

    *search* is words of the name or the e-mail address, or a number or a user_id.
    """
    condition, given = _searched("u.name_key", search, "u.user_id")
    if company_id is not None:
        condition += " AND u.company_id = :company_id"
        given["company_id"] = company_id
    return await part(rows, Listing(_USERS % condition, ("u.user_id",)), turn, _user, **given)


def _user(row: Row) -> ListedUser:
    number, name, email, company_id, systems, applications, is_admin, signs_in, company = row
    user = UserLine(
        number,
        user_code(number),
        name,
        email,
        company_id,
        systems,
        applications,
        bool(is_admin),
        bool(signs_in),
    )
    return ListedUser(user, company)


async def companies(rows: Rows, turn: Turn, *, search: str = "") -> Part[CompanyLine]:
    """Return a page of the companies, by id; *search* is words of the name, or an id."""
    condition, given = _searched("c.name_key", search, "c.company_id")
    listing = Listing(_COMPANIES % condition, ("c.company_id",))
    return await part(rows, listing, turn, lambda row: CompanyLine(*row), **given)


async def systems(rows: Rows, turn: Turn, *, search: str = "") -> Part[ListedSystem]:
    """Return a page of all systems, by id.

    *search* is words of the name, the public name or the city, or an id.
    """
    condition, given = _searched("s.name_key", search, "s.system_id")
    return await part(rows, Listing(_SYSTEMS % condition, ("s.system_id",)), turn, _system, **given)


def _system(row: Row) -> ListedSystem:
    line = ListedSystem(*row)
    return line._replace(is_api_enabled=bool(line.is_api_enabled), heard_at=line.heard_at or None)


async def ties(rows: Rows, system_id: int) -> Ties:
    """Return how much a system is tied to."""
    row = await rows.one(_TIES, system_id=system_id)
    return Ties(*(row or (0,) * len(Ties._fields)))


async def access_of_user(rows: Rows, number: int, turn: Turn) -> Part[SystemAccess]:
    """Return a page of the systems that a user has access of their own to, by id."""
    return await part(rows, _USER_ACCESS, turn, _access, number=number)


async def access_of_company(rows: Rows, company_id: int, turn: Turn) -> Part[SystemAccess]:
    """Return a page of the systems that a company sees, by id."""
    return await part(rows, _COMPANY_ACCESS, turn, _access, company_id=company_id)


def _access(row: Row) -> SystemAccess:
    return SystemAccess(row[0], row[1], row[2], bool(row[3]))


async def user_access(rows: Rows, number: int, system_id: int) -> SystemAccess:
    """Return how a user sees a system. Raises NotKnown where they have no access of their own."""
    row = await rows.one(
        "SELECT a.system_id, s.name, a.role, a.sees_consumption"
        " FROM user_access a JOIN system s ON s.system_id = a.system_id"
        " WHERE a.user_id = :number AND a.system_id = :system_id",
        number=number,
        system_id=system_id,
    )
    if row is None:
        raise NotKnown(f"user {number} has no access of their own to system {system_id}")
    return _access(row)


async def company_access(rows: Rows, company_id: int, system_id: int) -> SystemAccess:
    """Return how a company sees a system. Raises NotKnown where it does not."""
    row = await rows.one(
        "SELECT a.system_id, s.name, 'viewer', a.sees_consumption"
        " FROM company_access a JOIN system s ON s.system_id = a.system_id"
        " WHERE a.company_id = :company_id AND a.system_id = :system_id",
        company_id=company_id,
        system_id=system_id,
    )
    if row is None:
        raise NotKnown(f"company {company_id} has no access to system {system_id}")
    return _access(row)


async def report_keys(rows: Rows, turn: Turn, *, search: str = "") -> Part[ListedKey]:
    """Return a page of the report keys, newest first.

    *search* is a part of the name, the beginning of a fingerprint, or a system's id.
    """
    condition, given = "1 = 1", dict[str, object]()
    if search.strip():
        low, high = keys.digests(search.strip())
        condition = f"k.key_digest IN ({_FOUND_KEYS})"
        given = {
            "pattern": f"%{escaped(search.strip())}%",
            "low": low,
            "high": high,
            "system_id": _number(search.strip()),
        }
    listing = Listing(_KEYS % condition, ("k.created_at", "k.key_digest"), is_falling=True)
    found = await part(rows, listing, turn, _key, **given)
    # Asked by itself: what is whole on every machine cannot look into what is spread.
    first_ids = [one.first_id for one in found.lines if one.first_id is not None]
    known = await names(rows, first_ids)
    lines = [one._replace(first_name=known.get(one.first_id or 0)) for one in found.lines]
    return replace(found, lines=lines)


def _key(row: Row) -> ListedKey:
    created_at, digest, name, systems, first_id = row
    return ListedKey(keys.fingerprint(digest), name, created_at, systems, first_id, None)


async def systems_of_key(rows: Rows, fingerprint: str, turn: Turn) -> Part[CoveredSystem]:
    """Return a page of the systems that a report key reports for. Raises NotKnown, BadInput."""
    digest = await keys.report_key_digest(rows, fingerprint)
    return await part(rows, _KEY_SYSTEMS, turn, lambda row: CoveredSystem(*row), digest=digest)


async def gateways(
    rows: Rows,
    turn: Turn,
    *,
    search: str = "",
    system_id: int | None = None,
    serial_number: str | None = None,
) -> Part[ListedGateway]:
    """Return a page of the gateways, by system; of one system, or one alone, where it is given.

    *search* is a part of the serial number or of the host, or a system's id.
    """
    condition, given = "1 = 1", dict[str, object]()
    if search.strip():
        condition = (
            "(lower(g.serial_number) LIKE lower(:pattern) ESCAPE '!'"
            " OR lower(g.host) LIKE lower(:pattern) ESCAPE '!' OR g.system_id = :asked_id)"
        )
        pattern = f"%{escaped(search.strip())}%"
        given = {"pattern": pattern, "asked_id": _number(search.strip())}
    for name, value in (("system_id", system_id), ("serial_number", serial_number)):
        if value is not None:
            condition += f" AND g.{name} = :{name}"
            given[name] = value
    listing = Listing(_GATEWAYS % condition, ("g.system_id", "g.serial_number"))
    return await part(rows, listing, turn, _gateway, **given)


def _gateway(row: Row) -> ListedGateway:
    system_id, serial_number, system, username, host, *rest = row
    added_at, polled_at, answered_at, failing_since_at, is_refused, error, saved_at, waiting = rest
    health = GatewayHealth(
        serial_number,
        host,
        added_at,
        polled_at,
        answered_at,
        failing_since_at,
        bool(is_refused),
        error,
        saved_at,
        waiting,
    )
    return ListedGateway(system_id, system, username, health)


async def counts(rows: Rows) -> Counts:
    """Return how many there are of everything."""
    row = await rows.one(_COUNTS)
    return Counts(*(row or (0,) * len(Counts._fields)))


async def apps_by_plan(rows: Rows) -> dict[str, int]:
    """Return how many applications have each plan that any has."""
    found = await rows.all("SELECT plan, count(*) FROM application GROUP BY plan")
    return {row[0]: row[1] for row in found}


def _searched(column: str, search: str, number_column: str) -> tuple[str, dict[str, object]]:
    """Return the condition that every word is in a column, or that the search is a number."""
    words = folded(search).split()[:WORDS_MAX]
    if not words:
        return "1 = 1", {}
    given: dict[str, object] = {
        f"word_{index}": f"%{escaped(word)}%" for index, word in enumerate(words)
    }
    found = " AND ".join(f"{column} LIKE :{name} ESCAPE '!'" for name in given)
    return f"(({found}) OR {number_column} = :asked)", given | {"asked": _number(search.strip())}


def _number(text: str) -> int:
    """Return the number that a search is, or the user's whose user_id it is; 0 where neither."""
    if text.isascii() and text.isdecimal():
        return min(int(text), NUMBER_MAX) if len(text) <= len(str(NUMBER_MAX)) else 0
    return user_number(text) or 0
