"""What a company calls a system: its own reference, as its members read and write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from relight.store.database import Rows, Transaction

#: The permission is part of the question: only of a system that the company has access to.
_OWN: Final = """
    SELECT r.reference FROM company_access ca
    LEFT JOIN company_reference r
        ON r.company_id = ca.company_id AND r.system_id = ca.system_id
    WHERE ca.company_id = :company_id AND ca.system_id = :system_id
"""
_SET: Final = """
    INSERT INTO company_reference (company_id, system_id, reference)
    SELECT company_id, system_id, :reference FROM company_access
    WHERE company_id = :company_id AND system_id = :system_id
    ON CONFLICT (company_id, system_id) DO UPDATE SET reference = excluded.reference
"""
_REMOVE: Final = """
    DELETE FROM company_reference WHERE company_id = :company_id AND system_id = :system_id
"""


async def own(rows: Rows, company_id: int, system_id: int) -> str | None:
    """Return what a company calls a system, empty where nothing; None without access to it."""
    row = await rows.one(_OWN, company_id=company_id, system_id=system_id)
    return None if row is None else row[0] or ""


async def set_own(tx: Transaction, company_id: int, system_id: int, reference: str) -> None:
    """Give a system the name that a company knows it by; an empty one takes it away."""
    sql, given = (_SET, {"reference": reference}) if reference else (_REMOVE, {})
    await tx.run(sql, company_id=company_id, system_id=system_id, **given)
