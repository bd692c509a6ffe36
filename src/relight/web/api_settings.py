"""A user's API settings: their User ID, the applications they let in, each system's checkbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.errors import NotKnown
from relight.model.access import user_code
from relight.store import administration_keys, applications, sharing
from relight.web.changing import change
from relight.web.ids import id_of
from relight.web.render import render
from relight.web.visit import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.applications import ApiSystem
    from relight.web.visit import Visit

PATH: Final = "/api-settings"
#: Systems on a page.
LINES_MAX: Final = 100


async def settings(visit: Visit) -> Response:
    """Answer `/api-settings`."""
    user_id, database = visit.signed_in.user_id, visit.held.database
    after = id_of(visit.asked("after"))
    systems = await _systems(visit, after, LINES_MAX + 1)
    return render(
        visit,
        "api_settings.html",
        code=user_code(user_id),
        granted=await database.read(lambda rows: applications.granted(rows, user_id)),
        uncovered={
            one.app_id: one.systems
            for one in await database.read(lambda rows: sharing.uncovered(rows, user_id))
        },
        systems=systems[:LINES_MAX],
        after=after,
        next_after=systems[LINES_MAX - 1].system_id if len(systems) > LINES_MAX else None,
    )


async def switch(visit: Visit) -> Response:
    """Switch API access of the systems that were shown, where a checkbox was changed."""
    form = visit.posted
    shown, wanted = set(form.all("shown")), set(form.all("api"))
    after = id_of(form.text("after"))
    changed = [
        one
        for one in await _systems(visit, after, LINES_MAX)
        if one.may_change
        and str(one.system_id) in shown
        and one.is_api_enabled != (str(one.system_id) in wanted)
    ]
    for one in changed:
        await _switch(visit, one)
    said = "API access is changed." if changed else "Nothing was changed."
    return visit.to(f"{PATH}?after={after}" if after else PATH, said=said)


async def revoke(visit: Visit) -> Response:
    """Take the user's authorisation of an application back."""
    user_id, app_id = visit.signed_in.user_id, id_of(visit.posted.text("app_id"))
    try:
        await change(
            visit,
            "grant.remove",
            lambda tx: administration_keys.remove_grant(tx, user_id, app_id),
            {"user": user_id, "app_id": app_id},
        )
    except NotKnown:
        return visit.to(PATH, said="It had no access any more.")
    return visit.to(PATH, said="The application has no access any more.")


async def _back(visit: Visit) -> Response:
    return visit.to(PATH)


async def _systems(visit: Visit, after: int, limit: int) -> list[ApiSystem]:
    return await visit.held.database.read(
        lambda rows: applications.api_systems(rows, visit.see(), after=after, limit=limit)
    )


async def _switch(visit: Visit, system: ApiSystem) -> None:
    is_on = not system.is_api_enabled
    await change(
        visit,
        "system.set",
        lambda tx: applications.switch_api(
            tx,
            visit.see(),
            system.system_id,
            visit.now,
            is_on=is_on,
            rules=visit.held.config.rules,
        ),
        {"system_id": system.system_id, "is_api_enabled": is_on},
        system_id=system.system_id,
    )


PAGES: Final = (Page(PATH, settings, switch), Page(f"{PATH}/revoke", _back, revoke))
