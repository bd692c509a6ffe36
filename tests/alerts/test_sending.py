"""What goes out by webhook and e-mail, and what is told when it does not."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from relight.alerts import sending
from relight.config import MailSecurity, Telling
from relight.errors import NotSent
from tests.alerts.listening import listening


def hook(port: int, **more: Any) -> Telling:
    return Telling(alert_webhook=f"http://127.0.0.1:{port}/hidden", **more)


def letters(port: int, **more: Any) -> Telling:
    return Telling(
        alert_email_from="relight@example.org",
        smtp_host="127.0.0.1",
        smtp_port=port,
        smtp_security=MailSecurity.NONE,
        **more,
    )


async def test_what_is_posted_is_signed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("between us\n", "utf-8")
    async with listening("http") as here:
        await sending.post(
            hook(here.port, alert_webhook_secret_file=tmp_path / "secret"), b'{"alerts":[]}'
        )

    (post,) = here.posts
    signed = hmac.new(b"between us", post.body, hashlib.sha256).hexdigest()
    assert b'{"alerts":[]}' == post.body
    assert f"sha256={signed}" == post.headers["x-relight-signature"]
    assert "application/json" == post.headers["content-type"]


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_webhook_that_does_not_take_it_is_told_without_its_address(status: int) -> None:
    async with listening("http") as here:
        here.status, here.location = status, f"http://127.0.0.1:{here.port}/elsewhere"
        with pytest.raises(NotSent, match=str(status)) as told:
            await sending.post(hook(here.port), b"{}")

    assert 1 == len(here.posts)
    assert "hidden" not in str(told.value)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://127.0.0.1:1/x", "http://[", ""])
async def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(NotSent, match="webhook"):
        await sending.post(Telling(alert_webhook=address), b"{}")


async def test_an_e_mail_arrives(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n", "utf-8")
    async with listening("smtp") as here:
        telling = letters(here.port, smtp_user="r", smtp_password_file=tmp_path / "password")
        await sending.mail(telling, "ann@example.org", "Roof: 5\u202f% less", "Grün\n")

    ((to, mail),) = here.mails
    assert ("ann@example.org", "ann@example.org") == (to, mail["to"])
    assert ("relight@example.org", "Roof: 5\u202f% less") == (mail["from"], mail["subject"])
    assert "Grün\r\n" == mail.get_content().replace("\r\n", "\n").replace("\n", "\r\n")
    assert "auto-generated" == mail["auto-submitted"]
    assert 1 == len(here.signed_in)


async def test_a_mail_server_that_refuses_is_told_without_the_password() -> None:
    async with listening("smtp") as here:
        here.refuses = True
        telling = letters(here.port, smtp_user="r", smtp_password="hunter2")
        with pytest.raises(NotSent, match="does not take the user") as told:
            await sending.mail(telling, "ann@example.org", "s", "t")
        with pytest.raises(NotSent, match="e-mail"):
            await sending.mail(letters(here.port), "ann@example.org", "s", "t")

    assert "hunter2" not in f"{told.value}{telling}"
    assert [] == here.mails


@pytest.mark.parametrize("security", [MailSecurity.TLS, MailSecurity.STARTTLS])
async def test_nothing_goes_out_in_the_clear_where_it_must_not(security: MailSecurity) -> None:
    async with listening("smtp") as here:
        telling = Telling(
            alert_email_from="r@example.org",
            smtp_host="127.0.0.1",
            smtp_port=here.port,
            smtp_security=security,
            smtp_user="r",
            smtp_password="hunter2",
        )
        with pytest.raises(NotSent):
            await sending.mail(telling, "ann@example.org", "s", "t")

    assert [] == here.mails
    assert [] == here.signed_in


@pytest.mark.parametrize("subject", ["two\nlines", "a\r\nBcc: all@example.org"])
async def test_no_header_is_smuggled_in(subject: str) -> None:
    async with listening("smtp") as here:
        with pytest.raises(NotSent):
            await sending.mail(letters(here.port), "ann@example.org", subject, "t")

    assert [] == here.mails
