"""Report keys as an administrator handles them: who may report for which systems.

A key is shown in the answer that makes it and never again; only its digest is kept.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from relight.errors import BadInput, NotKnown
from relight.model import fields
from relight.model.access import key_digest, new_report_key
from relight.model.fields import DIGITS_MAX
from relight.store import administration, administration_keys
from relight.store import administration_lists as lists
from relight.store.administration import SYSTEM_ID_MAX, NewReportKey
from relight.web import turning
from relight.web.asking import Question, ask
from relight.web.changing import change
from relight.web.ids import id_of
from relight.web.render import render
from relight.web.typed import REFUSALS, WHOLE, Typed, sentence
from relight.web.visit import Needs, Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from relight.store.administration_keys import ReportKeyLine
    from relight.web.visit import Visit

#: Systems that are given at once.
SYSTEMS_MAX: Final = 1_000
_BETWEEN: Final = re.compile(r"[\s,;]+")
_NEW: Final = ("name", "systems")
_PATH: Final = "/admin/report-keys"
_LIST: Final = (_PATH, "Report keys")


async def listed(visit: Visit) -> Response:
    """Answer `/admin/report-keys`."""
    search, turn = visit.asked("q"), turning.turned(visit, turning.number, bytes.fromhex)
    part = await visit.held.database.read(
        lambda rows: lists.report_keys(rows, turn, search=search), is_long=True
    )
    return render(
        visit,
        "admin/report_keys.html",
        keys=part.lines,
        ways=turning.ways(visit, part),
        search=search,
    )


async def new(visit: Visit) -> Response:
    """Show the form of a new key."""
    typed = Typed({"systems": visit.asked("systems")})
    return render(visit, "admin/report_key_new.html", typed=typed)


async def add(visit: Visit) -> Response:
    """Add a key and show it, this once."""
    typed = Typed.of(visit.posted, _NEW)
    new = NewReportKey(
        name=typed.take("name", lambda text: fields.text("name", text), ""),
        key=new_report_key(secrets.token_bytes),
        system_ids=typed.take("systems", _systems, ()),
    )
    fingerprint = administration_keys.fingerprint(key_digest(new.key))
    if not typed.errors:
        try:
            await change(
                visit,
                "key.add",
                lambda tx: administration.add_report_key(tx, new, visit.now),
                {"name": new.name, "fingerprint": fingerprint, "systems": new.system_ids},
            )
        except REFUSALS as error:
            typed.refuse(error, "systems")
        else:
            return _once(visit, new.name, new.key, is_new=True)
    return render(visit, "admin/report_key_new.html", status=typed.status, typed=typed)


def _once(visit: Visit, name: str, key: str, *, is_new: bool) -> Response:
    fingerprint = administration_keys.fingerprint(key_digest(key))
    return render(
        visit,
        "admin/report_key_once.html",
        name=name,
        key=key,
        fingerprint=fingerprint,
        is_new=is_new,
    )


def _systems(text: str) -> tuple[int, ...]:
    """Return ids of systems, given with blanks or commas between them."""
    words = [word for word in _BETWEEN.split(text) if word]
    if not words:
        raise BadInput("systems", "is empty: a key reports for one system at least")
    if len(words) > SYSTEMS_MAX:
        raise BadInput("systems", f"has more than {SYSTEMS_MAX} systems")
    found = []
    for word in words:
        if not (word.isascii() and word.isdecimal()):
            raise BadInput("systems", f"{word[:32]!r} is no system's ID")
        found.append(fields.number("systems", int(word[:DIGITS_MAX]), most=SYSTEM_ID_MAX))
    return tuple(dict.fromkeys(found))


async def shown(visit: Visit) -> Response:
    """Answer `/admin/report-keys/FINGERPRINT`."""
    key = await _key(visit)
    return await _page(visit, key, Typed({"name": key.name}), Typed({}))


async def _key(visit: Visit) -> ReportKeyLine:
    """Return the key that the address names. Raises NotKnown."""
    fingerprint: str = visit.request.path_params["fingerprint"]
    try:
        return await visit.held.database.read(
            lambda rows: administration_keys.report_key(rows, fingerprint)
        )
    except BadInput as error:
        raise NotKnown(str(error)) from error


async def _page(visit: Visit, key: ReportKeyLine, renamed: Typed, added: Typed) -> Response:
    turn = turning.turned(visit, turning.number)
    part = await visit.held.database.read(
        lambda rows: lists.systems_of_key(rows, key.fingerprint, turn)
    )
    return render(
        visit,
        "admin/report_key.html",
        status=max(renamed.status, added.status),
        key=key,
        renamed=renamed,
        added=added,
        systems=part.lines,
        ways=turning.ways(visit, part),
    )


async def save(visit: Visit) -> Response:
    """Change a key's name."""
    key, typed = await _key(visit), Typed.of(visit.posted, ("name",))
    name = typed.take("name", lambda text: fields.text("name", text), "")
    if typed.errors:
        return await _page(visit, key, typed, Typed({}))
    await change(
        visit,
        "key.set",
        lambda tx: administration_keys.set_report_key(
            tx, key.fingerprint, name=name, system_ids=()
        ),
        {"key": key.fingerprint, "name": name},
    )
    return visit.to(f"{_PATH}/{key.fingerprint}", said=f"The key is called {name} now.")


async def add_systems(visit: Visit) -> Response:
    """Let a key report for more systems."""
    key, typed = await _key(visit), Typed.of(visit.posted, ("systems",))
    nothing: tuple[int, ...] = ()
    system_ids = typed.take("systems", _systems, nothing)
    if not typed.errors:
        try:
            await change(
                visit,
                "key.set",
                lambda tx: administration_keys.report_more(tx, key.fingerprint, system_ids),
                {"key": key.fingerprint, "added_systems": system_ids},
            )
        except REFUSALS as error:
            typed.refuse(error, "systems")
    if typed.errors:
        return await _page(visit, key, Typed({"name": key.name}), typed)
    return visit.to(f"{_PATH}/{key.fingerprint}", said="The key reports for more systems.")


async def _back(visit: Visit) -> Response:
    return visit.to(f"{_PATH}/{(await _key(visit)).fingerprint}")


async def ask_system_removal(visit: Visit) -> Response:
    """Ask whether a key shall report for a system no more."""
    return ask(visit, _system_removal(await _key(visit), _system_id(visit)))


def _system_id(visit: Visit) -> int:
    return id_of(str(visit.request.path_params["system_id"]))


def _system_removal(key: ReportKeyLine, system_id: int) -> Question:
    if system_id not in key.systems:
        raise NotKnown(f"report key {key.fingerprint} does not report for system {system_id}")
    path = f"{_PATH}/{key.fingerprint}"
    return Question(
        title=f"Take system {system_id} from {key.name}",
        text="Reports for this system that are sent with the key are refused from now on.",
        button="Take it away",
        back=path,
        crumbs=(_LIST, (path, key.name)),
    )


async def remove_system(visit: Visit) -> Response:
    """Take a system from a key."""
    key, system_id = await _key(visit), _system_id(visit)
    question = _system_removal(key, system_id)
    try:
        await change(
            visit,
            "key.set",
            lambda tx: administration_keys.stop_reporting(tx, key.fingerprint, system_id),
            {"key": key.fingerprint, "removed_systems": [system_id]},
        )
    except REFUSALS as error:
        return ask(visit, question, Typed({}, {WHOLE: sentence(error)}))
    said = f"{key.name} does not report for system {system_id} any more."
    return visit.to(question.back, said=said)


async def ask_key(visit: Visit) -> Response:
    """Ask whether the old key may end."""
    key = await _key(visit)
    path = f"{_PATH}/{key.fingerprint}"
    question = Question(
        title=f"Replace {key.name} by a new key",
        text=(
            "The old key ends at once: whatever reports with it is refused until it has the new"
            " one. Name and systems stay."
        ),
        button="Replace the key",
        back=path,
        crumbs=(_LIST, (path, key.name)),
    )
    return ask(visit, question)


async def rotate(visit: Visit) -> Response:
    """Replace a key by another and show it, this once."""
    key, fresh = await _key(visit), new_report_key(secrets.token_bytes)
    await change(
        visit,
        "key.rotate",
        lambda tx: administration_keys.rotate_report_key(tx, key.fingerprint, fresh),
        {
            "key": key.fingerprint,
            "fingerprint": administration_keys.fingerprint(key_digest(fresh)),
        },
    )
    return _once(visit, key.name, fresh, is_new=False)


async def ask_removal(visit: Visit) -> Response:
    """Ask whether a key may go."""
    key = await _key(visit)
    path = f"{_PATH}/{key.fingerprint}"
    question = Question(
        title=f"Remove {key.name}",
        text="Whatever reports with this key is refused from now on. What it told stays.",
        button="Remove this key",
        back=path,
        crumbs=(_LIST, (path, key.name)),
    )
    return ask(visit, question)


async def remove(visit: Visit) -> Response:
    """Remove a key; it ends at once."""
    key = await _key(visit)
    await change(
        visit,
        "key.remove",
        lambda tx: administration_keys.remove_report_key(tx, key.fingerprint),
        {"key": key.fingerprint, "name": key.name},
    )
    return visit.to(_PATH, said=f"{key.name} is removed.")


_ONE: Final = _PATH + "/{fingerprint}"
PAGES: Final = (
    Page(_PATH, listed, needs=Needs.ADMIN),
    Page(f"{_PATH}/new", new, add, needs=Needs.ADMIN),
    Page(_ONE, shown, save, needs=Needs.ADMIN),
    Page(f"{_ONE}/systems", _back, add_systems, needs=Needs.ADMIN),
    Page(
        _ONE + "/systems/{system_id:int}/remove",
        ask_system_removal,
        remove_system,
        needs=Needs.ADMIN,
    ),
    Page(f"{_ONE}/key", ask_key, rotate, needs=Needs.ADMIN),
    Page(f"{_ONE}/remove", ask_removal, remove, needs=Needs.ADMIN),
)
