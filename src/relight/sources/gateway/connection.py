"""Talking to one gateway: found, signed in to, asked. The library does the transport and TLS.

Errors come as GatewayError in one line without secrets; what the library or a server says is not
passed on, for it may repeat what was sent.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, NamedTuple, Self

import aiohttp
from pyenphase import Envoy
from pyenphase.auth import EnvoyTokenAuth
from pyenphase.exceptions import (
    EnvoyAuthenticationError,
    EnvoyAuthenticationRequired,
    EnvoyError,
)

from relight.config import Collecting
from relight.errors import GatewayError, GatewayRefuses
from relight.sources.gateway import answers
from relight.sources.gateway.answers import Answer
from relight.sources.gateway.payloads import info
from relight.sources.gateway.payloads.info import Info
from relight.sources.gateway.vault import Secret

#: Signing in may take several requests, some of them to the vendor.
SIGN_IN_WAITS: Final = 4
#: Whom gateways before firmware 7 know, with a password that follows from the serial number.
LOCAL_USER: Final = "envoy"


class Access(NamedTuple):
    """Where a gateway is, and as whom it is asked."""

    host: str
    username: str
    secret: Secret


class Connection:
    """One gateway, signed in to once it is entered."""

    def __init__(self, access: Access, rules: Collecting) -> None:
        self.access = access
        self._rules = rules
        timeout = aiohttp.ClientTimeout(total=rules.gateway_wait_s)
        self._envoy = Envoy(access.host, timeout=timeout)
        # Whoever asks knows better when to ask again.
        self._envoy.set_retry_policy(max_attempts=1)
        self.info: Info | None = None
        self.info_text = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._envoy.close()

    async def identify(self) -> Info:
        """Return what the gateway says it is, without signing in. Raises GatewayError."""
        for scheme in ("https", "http"):
            text = await self._public(f"{scheme}://{self.access.host}{answers.INFO}")
            found = None if text is None else info.parse(text)
            if text is not None and found is not None:
                if not info.version(found.firmware):
                    raise GatewayError(f"gateway {self.access.host} does not tell its firmware")
                self.info, self.info_text = found, text
                return found
        raise GatewayError(f"no gateway answers at {self.access.host}")

    async def _public(self, url: str) -> str | None:
        try:
            async with asyncio.timeout(self._rules.gateway_wait_s):
                async with self._envoy.current_client.get(url, allow_redirects=False) as response:
                    return await self._text(response) if response.status == answers.OK else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None

    async def sign_in(self, secret: Secret) -> str:
        """Sign in; return the token that is used, which may be a new one, or nothing.

        Raises GatewayRefuses, or GatewayError where nobody answers.
        """
        host, username = self.access.host, self.access.username
        if self.info is not None and not self.info.wants_token:
            username = username or LOCAL_USER
        try:
            async with asyncio.timeout(SIGN_IN_WAITS * self._rules.gateway_wait_s):
                await self._envoy.setup()
                await self._envoy.authenticate(
                    username or None, secret.password or None, secret.token or None
                )
        except (EnvoyAuthenticationError, EnvoyAuthenticationRequired) as error:
            raise GatewayRefuses(_refusal(host, error)) from None
        except (EnvoyError, aiohttp.ClientError, TimeoutError, OSError, SyntaxError) as error:
            raise GatewayError(f"gateway {host} does not answer: {_kind(error)}") from None
        auth = self._envoy.auth
        return auth.token if isinstance(auth, EnvoyTokenAuth) else ""

    async def ask(self, path: str) -> Answer:
        """Return what the gateway answers at *path*, whatever its status.

        Raises GatewayError where it does not answer in time or says too much.
        """
        try:
            async with asyncio.timeout(self._rules.gateway_wait_s):
                response = await self._envoy.request(path)
                async with response:
                    return Answer(response.status, await self._text(response))
        except EnvoyAuthenticationRequired:
            return Answer(answers.UNAUTHORIZED, "")
        except (EnvoyError, aiohttp.ClientError, TimeoutError, OSError) as error:
            where = f"gateway {self.access.host}, {path}"
            raise GatewayError(f"{where}: {_kind(error)}") from None

    async def _text(self, response: aiohttp.ClientResponse) -> str:
        body = bytearray()
        async for block in response.content.iter_any():
            body += block
            if len(body) > self._rules.gateway_bytes_max:
                raise aiohttp.ClientPayloadError("too long an answer")
        return body.decode("utf-8", errors="replace")


async def signed_in(connection: Connection) -> Secret:
    """Sign in, by the token if there is one, else by the password; return what to keep.

    A token that is refused is replaced where there is a password to get another one with.
    Raises GatewayRefuses, GatewayError.
    """
    secret = connection.access.secret
    try:
        token = await connection.sign_in(secret)
    except GatewayRefuses:
        if not (secret.token and secret.password):
            raise
        token = await connection.sign_in(Secret(password=secret.password))
    return Secret(token, secret.password)


def check_serial(found: Info, serial_number: str) -> None:
    """Raise GatewayError unless the gateway that answers is the one that is meant."""
    if found.serial_number != serial_number:
        raise GatewayError(f"another gateway answers there: {found.serial_number}")


def _kind(error: BaseException) -> str:
    """Say what kind of failure it was, in words without what was sent or received."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect ({error.os_error.strerror or 'no reason given'})"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer is broken off or too long"
    return f"failed ({type(error).__name__})"


def _refusal(host: str, error: Exception) -> str:
    """Say in our own words why signing in failed."""
    said = str(getattr(error, "status", error))
    if "Multi Factor" in said:
        return (
            "the vendor asks for a second factor, so no token can be had with a password: "
            "get one from entrez.enphaseenergy.com and give it with --token-file"
        )
    if "login to Enlighten" in said:
        return "the vendor does not take this username and password"
    if "no cloud credentials" in said or "Could not setup" in said:
        return f"gateway {host} wants a token: give --token-file, or --username and a password"
    if "obtain token" in said:
        return "the vendor gives no token for this gateway with this account"
    return f"gateway {host} does not take the token or the password: it may have expired"
