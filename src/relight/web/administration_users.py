"""Users as an administrator handles them: listed, added, changed, removed, given a link.

Passwords are chosen by their owners alone: what an administrator hands over is a link.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from relight.errors import AlreadyKnown, BadInput, NotKnown
from relight.model import fields
from relight.model.people import LINK_S, Purpose, new_token, token_digest
from relight.store import administration, applications, audit, credentials
from relight.store import administration_lists as lists
from relight.store import administration_people as people
from relight.store.administration import NewUser
from relight.store.paging import Turn
from relight.web import turning
from relight.web.asking import Question, ask
from relight.web.changing import change
from relight.web.ids import id_of
from relight.web.render import render
from relight.web.typed import REFUSALS, WHOLE, Typed, sentence
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.administration_people import CompanyLine, UserLine
    from relight.store.database import Rows, Transaction
    from relight.store.paging import Part
    from relight.web.visit import Visit

#: With more companies than this their ids are typed instead of chosen.
CHOICES_MAX: Final = 100
#: How the record calls a link with which a password is chosen.
LINKED: Final = "user.link"
_DAY_S: Final = 86_400
_NEW: Final = ("name", "email", "company", "is_admin", "number", "wants_link")
_SET: Final = ("name", "email", "company", "is_admin")
_LIST: Final = ("/admin/users", "Users")


async def listed(visit: Visit) -> Response:
    """Answer `/admin/users`."""
    search, company_id = visit.asked("q"), id_of(visit.asked("company")) or None
    turn = turning.turned(visit, turning.number)

    async def question(rows: Rows) -> tuple[Part[lists.ListedUser], list[CompanyLine]]:
        found = await lists.users(rows, turn, search=search, company_id=company_id)
        of = [] if company_id is None else await people.companies(rows, company_id)
        return found, of

    part, of = await visit.held.database.read(question, is_long=True)
    return render(
        visit,
        "admin/users.html",
        users=part.lines,
        ways=turning.ways(visit, part),
        search=search,
        company=of[0] if of else None,
    )


async def new(visit: Visit) -> Response:
    """Show the form of a new user."""
    values = {"wants_link": "1", "company": visit.asked("company")}
    return await _new_form(visit, Typed(values))


async def _new_form(visit: Visit, typed: Typed) -> Response:
    companies = await visit.held.database.read(companies_to_choose)
    return render(
        visit, "admin/user_new.html", status=typed.status, typed=typed, companies=companies
    )


async def companies_to_choose(rows: Rows) -> list[CompanyLine]:
    """Return the companies, none where they are too many to choose from."""
    found = await lists.companies(rows, Turn(limit=CHOICES_MAX))
    return [] if found.on else found.lines


async def add(visit: Visit) -> Response:
    """Add a user, and show the link with which they choose their password, this once."""
    typed = Typed.of(visit.posted, _NEW)
    new = NewUser(
        name=typed.take("name", lambda text: fields.text("name", text), ""),
        email=typed.take("email", fields.email, ""),
        number=typed.take("number", lambda text: fields.user(text) if text else None, None),
        company_id=typed.take("company", company, None),
        is_admin=typed.is_on("is_admin"),
    )
    if typed.is_on("wants_link") and not new.email and "email" not in typed.errors:
        typed.errors["email"] = "They sign in with it: without an address there is no link."
    if typed.errors:
        return await _new_form(visit, typed)
    token = new_token(secrets.token_bytes) if typed.is_on("wants_link") else ""
    try:
        made = await change(
            visit,
            "user.add",
            lambda tx: _added(tx, visit, new, token),
            lambda made: {
                "number": made,
                "name": new.name,
                "company_id": new.company_id,
                "is_admin": new.is_admin,
            },
        )
    except REFUSALS as error:
        typed.refuse(error, "company" if isinstance(error, NotKnown) else "number")
        return await _new_form(visit, typed)
    if token:
        return await _shown_link(visit, made, token, is_new=True)
    return visit.to(f"/admin/users/{made}", said=f"{new.name} is added.")


async def _added(tx: Transaction, visit: Visit, new: NewUser, token: str) -> int:
    """Add a user, and where there is a token the link of it; return their number."""
    number = await administration.add_user(tx, new)
    if token:
        try:
            await _linked(tx, visit, number, token)
        except AlreadyKnown as error:
            raise BadInput("email", str(error)) from error
        await audit.note(tx, visit.hand(), LINKED, detail={"number": number})
    return number


async def _linked(tx: Transaction, visit: Visit, number: int, token: str) -> None:
    made_by = visit.signed_in.user_id
    await credentials.add_reset_link(tx, number, token_digest(token), visit.now, made_by=made_by)


def company(text: str) -> int | None:
    """Return the id of a company, None where nothing is given. Raises BadInput."""
    return fields.number_or_none("company", text) if text.strip() else None


async def shown(visit: Visit) -> Response:
    """Answer `/admin/users/NUMBER`."""
    user = await one_user(visit)
    values = {
        "name": user.name,
        "email": user.email,
        "company": "" if user.company_id is None else str(user.company_id),
        "is_admin": "1" if user.is_admin else "",
    }
    return await _user(visit, user, Typed(values))


async def one_user(visit: Visit) -> UserLine:
    """Return the user that the address names. Raises NotKnown."""
    number = id_of(str(visit.request.path_params["number"]))
    found = await visit.held.database.read(lambda rows: people.users(rows, number))
    if not found:
        raise NotKnown(f"there is no user {number}")
    return found[0]


async def _user(visit: Visit, user: UserLine, typed: Typed) -> Response:
    turn = turning.turned(visit, turning.number)
    database = visit.held.database
    access = await database.read(lambda rows: lists.access_of_user(rows, user.number, turn))
    credential = await database.read(lambda rows: credentials.of_user(rows, user.number))
    return render(
        visit,
        "admin/user.html",
        status=typed.status,
        user=user,
        typed=typed,
        companies=await database.read(companies_to_choose),
        access=access.lines,
        ways=turning.ways(visit, access),
        granted=await database.read(lambda rows: applications.granted(rows, user.number)),
        has_second_step=credential is not None and credential.has_second_step,
    )


async def save(visit: Visit) -> Response:
    """Change a user's name, address, company, or whether they administer."""
    user, typed = await one_user(visit), Typed.of(visit.posted, _SET)
    given: dict[str, object] = {
        "name": typed.take("name", lambda text: fields.text("name", text), ""),
        "email": typed.take("email", fields.email, ""),
        "company_id": typed.take("company", company, None),
        "is_admin": typed.is_on("is_admin"),
    }
    if typed.errors:
        return await _user(visit, user, typed)
    known = user._asdict()
    changes = {name: value for name, value in given.items() if value != known[name]}
    if not changes:
        return visit.to(visit.request.url.path, said="Nothing was changed.")
    # The column holds 0 or 1.
    stored = {name: +value if isinstance(value, bool) else value for name, value in changes.items()}
    try:
        await change(
            visit,
            "user.set",
            lambda tx: people.set_user(tx, user.number, stored),
            {"number": user.number, **changes},
        )
    except REFUSALS as error:
        places = {"NotKnown": "company", "AlreadyKnown": "email"}
        typed.refuse(error, places.get(type(error).__name__, WHOLE))
        return await _user(visit, user, typed)
    is_own_end = user.number == visit.signed_in.user_id and "is_admin" in changes
    path = "/" if is_own_end else visit.request.url.path
    return visit.to(path, said=f"{given['name']} is changed.")


async def ask_link(visit: Visit) -> Response:
    """Ask whether to make a link."""
    return ask(visit, _link_question(await one_user(visit)))


def _link_question(user: UserLine) -> Question:
    days = LINK_S[Purpose.RESET] // _DAY_S
    until = "Their password goes on working until then." if user.signs_in else ""
    return Question(
        title=f"Make a link with which {called(user)} chooses a password",
        text=(
            f"Whoever has the link can choose the password: hand it to {called(user)} alone, by a"
            f" way you trust. It works once, for {days} days. {until}".strip()
        ),
        button="Make the link",
        back=f"/admin/users/{user.number}",
        crumbs=(_LIST, (f"/admin/users/{user.number}", called(user))),
        is_danger=False,
    )


async def link(visit: Visit) -> Response:
    """Make a link with which a user chooses a password, and show it this once."""
    user, token = await one_user(visit), new_token(secrets.token_bytes)
    try:
        await change(
            visit,
            LINKED,
            lambda tx: _linked(tx, visit, user.number, token),
            {"number": user.number},
        )
    except REFUSALS as error:
        return ask(visit, _link_question(user), Typed({}, {WHOLE: sentence(error)}))
    return await _shown_link(visit, user.number, token, is_new=False)


async def _shown_link(visit: Visit, number: int, token: str, *, is_new: bool) -> Response:
    found = await visit.held.database.read(lambda rows: people.users(rows, number))
    return render(
        visit,
        "admin/user_link.html",
        user=found[0],
        address=f"{visit.request.base_url}link?token={token}",
        days=LINK_S[Purpose.RESET] // _DAY_S,
        is_new=is_new,
    )


async def ask_second_step(visit: Visit) -> Response:
    """Ask whether to ask a user for no code any more."""
    user = await one_user(visit)
    path = f"/admin/users/{user.number}"
    question = Question(
        title=f"Turn the second step of {called(user)} off",
        text="They sign in with their password alone, as when they have lost what gives the codes.",
        also="Be sure that it is they who ask for it.",
        button="Turn it off",
        back=path,
        crumbs=(_LIST, (path, called(user))),
    )
    return ask(visit, question)


async def end_second_step(visit: Visit) -> Response:
    """Ask a user for no code any more."""
    user = await one_user(visit)
    await change(
        visit,
        "user.set",
        lambda tx: credentials.set_second_step(tx, user.number, "", 0),
        {"number": user.number, "second_step": False},
    )
    said = f"{called(user)} signs in without a second step."
    return visit.to(f"/admin/users/{user.number}", said=said)


async def ask_removal(visit: Visit) -> Response:
    """Ask whether a user may go."""
    return ask(visit, _removal(await one_user(visit)))


def _removal(user: UserLine) -> Question:
    return Question(
        title=f"Remove {called(user)}",
        text=(
            "They are signed out at once, and what they may see and authorised is forgotten."
            " Systems and measurements stay; so do applications that they registered."
        ),
        also="This cannot be undone.",
        button="Remove this user",
        back=f"/admin/users/{user.number}",
        crumbs=(_LIST, (f"/admin/users/{user.number}", called(user))),
    )


async def remove(visit: Visit) -> Response:
    """Remove a user."""
    user = await one_user(visit)
    try:
        await change(
            visit,
            "user.remove",
            lambda tx: people.remove_user(tx, user.number),
            {"number": user.number, "name": user.name},
        )
    except REFUSALS as error:
        return ask(visit, _removal(user), Typed({}, {WHOLE: sentence(error)}))
    if user.number == visit.signed_in.user_id:
        return visit.to("/", said="Your account is removed.")
    return visit.to("/admin/users", said=f"{called(user)} is removed.")


def called(user: UserLine) -> str:
    """Return how to call a user."""
    return user.name or user.email or f"user {user.number}"


PAGES: Final = (
    Page("/admin/users", listed, needs=Needs.ADMIN),
    Page("/admin/users/new", new, add, needs=Needs.ADMIN),
    Page("/admin/users/{number:int}", shown, save, needs=Needs.ADMIN),
    Page("/admin/users/{number:int}/link", ask_link, link, needs=Needs.ADMIN),
    Page(
        "/admin/users/{number:int}/second-step",
        ask_second_step,
        end_second_step,
        needs=Needs.ADMIN,
    ),
    Page("/admin/users/{number:int}/remove", ask_removal, remove, needs=Needs.ADMIN),
)
