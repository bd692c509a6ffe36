"""A change that a person makes on a page: done and noted in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from relight.store import audit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relight.store.database import Transaction
    from relight.web.visit import Visit

Made = TypeVar("Made")


async def change(
    visit: Visit,
    action: str,
    step: Callable[[Transaction], Awaitable[Made]],
    detail: Mapping[str, object] | Callable[[Made], Mapping[str, object]],
    *,
    system_id: int | None = None,
) -> Made:
    """Do *step* and note it as *action* (`noun.verb`) with *detail*, which holds no secrets."""
    hand = visit.hand()

    async def both(tx: Transaction) -> Made:
        made = await step(tx)
        given = detail(made) if callable(detail) else detail
        await audit.note(tx, hand, action, system_id=system_id, detail=given)
        return made

    return await visit.held.database.write(both)
