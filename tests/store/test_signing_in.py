"""Credentials, sessions, links, failures: what of them is kept, and what of several at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import argon2
import pyotp
import pytest

from relight.errors import AlreadyKnown, BadInput, DataUnavailable
from relight.model.people import (
    BY_ADDRESS,
    BY_EMAIL,
    BY_PAIR,
    SESSION_IDLE_S,
    SESSION_TOUCH_S,
    SESSIONS_MAX,
    Purpose,
    token_digest,
)
from relight.store import administration_people as people
from relight.store import (
    credentials,
    links,
    passwords,
    second_step,
    server_secret,
    sessions,
    sign_ins,
)
from relight.store.administration import NewUser
from relight.store.links import NewLink
from relight.store.passwords import CHEAP, Passwords
from tests.store.administering import NOON_AT, add_system, add_user, refused

if TYPE_CHECKING:
    from relight.store.database import Database, Row, Transaction

EMAIL = "ann@example.org"
TRIED = sign_ins.of_sign_in(EMAIL, "192.0.2.7")
#: The same, but for what is counted of the place whoever is tried.
ONE_PAIR = [one for one in TRIED if one.throttle is not BY_ADDRESS]


async def ann(store: Database) -> int:
    """Add a user who signs in."""
    number = await add_user(store, email=EMAIL)
    await store.write(lambda tx: credentials.set_password(tx, number, "hash", NOON_AT))
    return number


async def begin(store: Database, user_id: int, token: str, at: int = NOON_AT) -> None:
    await store.write(
        lambda tx: sessions.begin(tx, user_id, token_digest(token), at, agent="", address="")
    )


async def rows(store: Database, sql: str) -> list[Row]:
    return [tuple(row) for row in await store.read(lambda rows: rows.all(sql))]


async def test_a_burst_of_attempts_is_counted_whole(store: Database) -> None:
    waits = await asyncio.gather(
        *[store.write(lambda tx: sign_ins.tried(tx, TRIED, NOON_AT)) for _ in range(12)]
    )

    assert BY_PAIR.free == waits.count(0)


async def test_failures_are_forgotten_and_taken_back(store: Database) -> None:
    for _ in range(BY_PAIR.free):
        await store.write(lambda tx: sign_ins.tried(tx, TRIED, NOON_AT))
    later = NOON_AT + BY_PAIR.forget_s

    assert 0 != await store.write(lambda tx: sign_ins.tried(tx, TRIED, NOON_AT))
    assert 0 == await store.write(lambda tx: sign_ins.tried(tx, TRIED, later))
    assert [(1,)] * 3 == await rows(store, "SELECT failures FROM sign_in_failure")
    await store.write(lambda tx: sign_ins.worked(tx, TRIED))
    assert [(0,)] == await rows(store, "SELECT failures FROM sign_in_failure")


async def test_one_place_alone_does_not_lock_anybody_out_elsewhere(store: Database) -> None:
    at = NOON_AT
    for _ in range(BY_EMAIL.free + 1):
        while wait_s := await store.write(lambda tx: sign_ins.tried(tx, ONE_PAIR, at)):  # noqa: B023
            at += wait_s

    elsewhere = sign_ins.of_sign_in(EMAIL, "198.51.100.9")
    assert 0 == await store.write(lambda tx: sign_ins.tried(tx, elsewhere, at))


async def test_many_places_together_have_to_wait(store: Database) -> None:
    places = [f"198.51.100.{n}" for n in range(BY_EMAIL.free // BY_PAIR.free)]
    for place in places:
        for _ in range(BY_PAIR.free):
            subjects = sign_ins.of_sign_in(EMAIL, place)
            await store.write(lambda tx: sign_ins.tried(tx, subjects, NOON_AT))  # noqa: B023

    assert BY_EMAIL.wait_s == await store.read(lambda rows: sign_ins.wait_s(rows, TRIED, NOON_AT))


async def test_whoever_has_to_wait_is_told_without_a_trace(store: Database) -> None:
    for _ in range(BY_ADDRESS.free):
        await store.write(lambda tx: sign_ins.tried(tx, TRIED[1:2], NOON_AT))
    before = await rows(store, "SELECT subject, failures, last_at FROM sign_in_failure")

    another = sign_ins.of_sign_in("bob@example.org", "192.0.2.7")
    wait_s = await store.read(lambda rows: sign_ins.wait_s(rows, another, NOON_AT))

    assert BY_ADDRESS.wait_s == wait_s
    assert before == await rows(store, "SELECT subject, failures, last_at FROM sign_in_failure")


async def test_that_a_session_is_used_is_seldom_written(store: Database) -> None:
    number = await ann(store)
    await begin(store, number, "cookie")

    for at in (NOON_AT + 1, NOON_AT + SESSION_TOUCH_S - 1, NOON_AT + SESSION_TOUCH_S):
        found = await sessions.kept(store, token_digest("cookie"), at)
        assert found is not None
        assert number == found.user_id

    seen_at = NOON_AT + SESSION_TOUCH_S
    expected = [(seen_at, seen_at + SESSION_IDLE_S)]
    assert expected == await rows(store, "SELECT seen_at, expires_at FROM session")
    assert None is await sessions.kept(store, token_digest("cookie"), seen_at + SESSION_IDLE_S)
    assert None is await sessions.kept(store, token_digest("another"), seen_at)


async def test_of_too_many_sessions_the_idlest_ends(store: Database) -> None:
    number = await ann(store)
    for n in range(SESSIONS_MAX + 1):
        await begin(store, number, f"cookie {n}", NOON_AT + n)

    kept = await store.read(lambda rows: sessions.sessions(rows, number, NOON_AT + SESSIONS_MAX))

    assert SESSIONS_MAX == len(kept)
    assert token_digest("cookie 0") not in {one.digest for one in kept}


async def test_another_password_ends_sessions_and_links(store: Database) -> None:
    number = await ann(store)
    for token in ("this", "other"):
        await begin(store, number, token)
    await store.write(
        lambda tx: credentials.add_reset_link(tx, number, token_digest("link"), NOON_AT)
    )

    await store.write(
        lambda tx: credentials.set_password(tx, number, "h", NOON_AT, but=token_digest("this"))
    )

    kept = await store.read(lambda rows: sessions.sessions(rows, number, NOON_AT))
    assert [token_digest("this")] == [one.digest for one in kept]
    assert [] == await rows(store, "SELECT 1 FROM link")


@pytest.mark.parametrize("what", ["nothing", "password", "second step", "user"])
async def test_what_was_proved_holds_until_it_is_changed(store: Database, what: str) -> None:
    number, other = await ann(store), await add_user(store, email="b@example.org", is_admin=True)
    await store.write(lambda tx: credentials.set_password(tx, other, "hash", NOON_AT))
    known = await store.read(lambda rows: credentials.of_user(rows, number))
    assert known is not None

    async def change(tx: Transaction) -> None:
        match what:
            case "password":
                await credentials.set_password(tx, number, "another", NOON_AT)
            case "second step":
                await credentials.set_second_step(tx, number, "S", 0)
            case "user":
                await people.remove_user(tx, number)

    await store.write(change)

    holds = await store.write(lambda tx: credentials.is_still(tx, known))
    assert (what == "nothing") == holds


async def test_two_users_do_not_share_an_address_to_sign_in_with(store: Database) -> None:
    await ann(store)
    other = await add_user(store, email="ANN@example.org")

    await refused(
        store,
        AlreadyKnown,
        "somebody else",
        lambda tx: credentials.set_password(tx, other, "hash", NOON_AT),
    )


async def test_the_address_that_one_signs_in_with_follows_the_user(store: Database) -> None:
    number = await ann(store)

    await store.write(lambda tx: people.set_user(tx, number, {"email": "Anna@example.org"}))

    found = await store.read(lambda rows: credentials.of_email(rows, "anna@example.org"))
    assert found is not None
    assert number == found.user_id
    await refused(
        store, BadInput, "signs in with it", lambda tx: people.set_user(tx, number, {"email": ""})
    )


async def test_a_removed_user_cannot_come_back(store: Database) -> None:
    number, system_id = await ann(store), await add_system(store)
    await begin(store, number, "cookie")
    offer = NewLink(purpose=Purpose.TRANSFER, system_id=system_id, made_by=number)
    await store.write(lambda tx: links.add_link(tx, offer, token_digest("link"), NOON_AT))

    await store.write(lambda tx: people.remove_user(tx, number))

    for table in ("credential", "session", "link"):
        assert [] == await rows(store, f"SELECT 1 FROM {table}")


async def test_a_link_is_used_by_one_of_several(store: Database) -> None:
    offer = NewLink(purpose=Purpose.INVITE, system_id=await add_system(store))
    digest = token_digest("link")
    await store.write(lambda tx: links.add_link(tx, offer, digest, NOON_AT))

    found = await asyncio.gather(
        *[store.write(lambda tx: links.used(tx, digest, NOON_AT)) for _ in range(5)]
    )

    assert 1 == len([one for one in found if one is not None])


async def test_one_of_several_becomes_the_first_administrator(store: Database) -> None:
    async def start(number: int) -> int:
        new = NewUser(name="A", email=f"a{number}@example.org", is_admin=True)
        return await store.write(
            lambda tx: credentials.add_first_administrator(tx, new, "hash", NOON_AT)
        )

    found = await asyncio.gather(*[start(n) for n in range(4)], return_exceptions=True)

    assert 1 == len([one for one in found if isinstance(one, int)])
    assert None is await credentials.first_code(store)


async def test_the_last_administrator_is_the_last(store: Database) -> None:
    first, second = await ann(store), await add_user(store, email="b@example.org", is_admin=True)
    await store.write(lambda tx: people.set_user(tx, first, {"is_admin": 1}))

    await refused(store, BadInput, "last administrator", lambda tx: people.remove_user(tx, first))
    await store.write(lambda tx: credentials.set_password(tx, second, "hash", NOON_AT))
    await store.write(lambda tx: people.remove_user(tx, first))
    await refused(
        store,
        BadInput,
        "last administrator",
        lambda tx: people.set_user(tx, second, {"is_admin": 0}),
    )


async def test_every_process_has_the_same_secret(store: Database) -> None:
    found = await asyncio.gather(*[store.write(server_secret.of_installation) for _ in range(4)])

    assert (1, 32) == (len(set(found)), len(found[0]))


async def test_a_hash_is_kept_anew_when_its_cost_changes() -> None:
    old = Passwords(replace(CHEAP, time_cost=2)).hash_now("a long and quiet winter")
    now = Passwords(CHEAP)

    checked = await now.checked("a long and quiet winter", old)

    assert checked.is_right
    assert checked.new_hash is not None
    assert passwords.Checked(is_right=True) == await now.checked(
        "a long and quiet winter", checked.new_hash
    )
    assert passwords.Checked(is_right=False) == await now.checked("another", old)
    assert passwords.Checked(is_right=False) == await now.checked("a" * 300, old)


async def test_nobody_has_no_password_and_costs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[argon2.Parameters] = []
    verify = argon2.PasswordHasher.verify

    def seen(hasher: argon2.PasswordHasher, kept: str, given: str) -> bool:
        compared.append(argon2.extract_parameters(kept))
        return verify(hasher, kept, given)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", seen)

    assert passwords.Checked(is_right=False) == await Passwords(CHEAP).checked("any", "")
    assert [CHEAP] == compared


async def test_a_flood_of_passwords_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAITING_MAX", 3)
    kept = Passwords(CHEAP)

    found = await asyncio.gather(
        *[kept.checked("any", "") for _ in range(5)], return_exceptions=True
    )

    assert 2 == len([one for one in found if isinstance(one, DataUnavailable)])


def test_a_code_is_taken_one_step_early_or_late_and_never_twice() -> None:
    secret, now = second_step.new_secret(), 1_700_000_000
    step = now // second_step.STEP_S
    codes = {offset: pyotp.TOTP(secret).generate_otp(step + offset) for offset in range(-2, 3)}

    found = {offset: second_step.step_of(secret, code, now) for offset, code in codes.items()}

    assert {-2: None, -1: step - 1, 0: step, 1: step + 1, 2: None} == found
    assert None is second_step.step_of(secret, codes[0], now, after=step)
    spaced = f"{codes[0][:3]} {codes[0][3:]}"
    assert step == second_step.step_of(secret, spaced, now, after=step - 1)
    assert None is second_step.step_of(secret, "１２３４５６", now)
