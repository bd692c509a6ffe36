"""A webhook and a mail server, spoken to in a thread: what is sent, and what they say of it.

Neither an address of a webhook nor a password is ever in an error or a log.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import smtplib
import ssl
import threading
import urllib.request
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.error import HTTPError

from relight.config import MailSecurity
from relight.errors import NotSent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from relight.config import Telling

#: How long a server may take with each step. [s]
WAIT_S: Final = 15
_SECRET_BYTES_MAX: Final = 4_096
_SCHEMES: Final = ("http://", "https://")
_OK: Final = range(200, 300)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows nowhere: a message goes where the operator said."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Return nothing."""


async def post(telling: Telling, body: bytes) -> None:
    """Post *body* to the webhook. Raises NotSent."""
    await _in_thread(lambda: _post(telling, body))


async def mail(telling: Telling, to: str, subject: str, text: str) -> None:
    """Send an e-mail. Raises NotSent."""
    await _in_thread(lambda: _mail(telling, to, subject, text))


async def _in_thread(work: Callable[[], None]) -> None:
    """Do *work* in a thread that keeps no process from ending, however long a server takes."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: Exception | None = None
        try:
            work()
        except Exception as raised:  # noqa: BLE001 - handed to whoever waits
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=run, name="telling", daemon=True).start()
    await done


def _post(telling: Telling, body: bytes) -> None:
    address = telling.alert_webhook or ""
    if not address.startswith(_SCHEMES):
        raise NotSent("webhook: its address is neither http:// nor https://")
    headers = {"Content-Type": "application/json", "User-Agent": "relight"}
    if telling.alert_webhook_secret_file is not None:
        secret = _read(telling.alert_webhook_secret_file)
        signed = hmac.new(secret, body, hashlib.sha256).hexdigest()
        headers["X-Relight-Signature"] = f"sha256={signed}"
    try:
        request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310 - http
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=WAIT_S) as answer:
            status = answer.status
    except HTTPError as error:  # an answer of 300 or more
        with error:
            raise NotSent(f"webhook: {error.code}") from None
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror
        raise NotSent(f"webhook: {reason}") from None
    except (HTTPException, ValueError) as error:
        raise NotSent(f"webhook: {type(error).__name__}") from None
    if status not in _OK:
        raise NotSent(f"webhook: {status}")


def _mail(telling: Telling, to: str, subject: str, text: str) -> None:
    try:
        message = EmailMessage()
        message["From"], message["To"] = telling.alert_email_from or "", to
        message["Subject"] = subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="relight")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        with _connected(telling) as server:
            if telling.smtp_user is not None:
                server.login(telling.smtp_user, _password(telling))
            server.send_message(message)
    except smtplib.SMTPAuthenticationError:
        raise NotSent("e-mail: the mail server does not take the user and the password") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"e-mail: the mail server says {error.smtp_code}") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise NotSent(f"e-mail: {reason}") from None


def _connected(telling: Telling) -> smtplib.SMTP:
    host, port = telling.smtp_host, telling.smtp_port
    context = ssl.create_default_context()
    if telling.smtp_security is MailSecurity.TLS:
        return smtplib.SMTP_SSL(host, port, timeout=WAIT_S, context=context)
    server = smtplib.SMTP(host, port, timeout=WAIT_S)
    if telling.smtp_security is MailSecurity.STARTTLS:
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _password(telling: Telling) -> str:
    if telling.smtp_password_file is not None:
        return _read(telling.smtp_password_file).decode()
    return telling.smtp_password or ""


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_SECRET_BYTES_MAX).strip()
    except OSError as error:
        raise NotSent(f"{path} cannot be read: {error.strerror}") from None
