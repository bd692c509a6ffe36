"""The settings of an installation: each has a default and one line of help. A leaf.

Read once at the start, from the command line and the environment, then passed on; a parent hands
them to its worker processes as JSON text in one variable of their environment.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, NamedTuple, Self, TypeAlias, get_origin, get_type_hints

import msgspec
from msgspec import Meta, ValidationError

from relight.errors import SetupError

#: The variable in which a worker process finds its parent's `Config.to_json()`.
WORKER_VARIABLE: Final = "RELIGHT_WORKER_CONFIG"

_HOUR_S: Final = 3_600
_MEBIBYTE: Final = 1 << 20

_Text: TypeAlias = Annotated[str, Meta(min_length=1)]
_Positive: TypeAlias = Annotated[int, Meta(ge=1)]
_Duration: TypeAlias = Annotated[int, Meta(ge=0, le=366 * 24 * _HOUR_S)]
_Port: TypeAlias = Annotated[int, Meta(ge=0, le=65_535)]
_Workers: TypeAlias = Annotated[int, Meta(ge=1, le=64)]


class LogFormat(StrEnum):
    """How a line of the log is written."""

    TEXT = "text"
    JSON = "json"


class MailSecurity(StrEnum):
    """How a mail server is spoken to."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Setting(NamedTuple):
    """One setting, as the documentation and `--help` show it."""

    name: str
    variable: str  #: of the environment
    default: object
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a device counts as silent and when a day is closed; all in seconds."""

    close_after_s: Annotated[
        _Duration, Meta(description="a site's day is packed this long after its end")
    ] = 6 * _HOUR_S
    comm_after_s: Annotated[
        _Duration, Meta(description="an envoy silent for longer makes the status comm")
    ] = 24 * _HOUR_S
    silent_after_s: Annotated[
        _Duration,
        Meta(description="a device silent for longer, while its envoy reports, is a fault"),
    ] = 24 * _HOUR_S
    storage_idle_after_s: Annotated[
        _Duration, Meta(description="a battery whose charge stood still for longer is idle")
    ] = 72 * _HOUR_S
    power_stale_after_s: Annotated[
        _Duration, Meta(description="a report that ended longer ago adds no current power")
    ] = 30 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of what one request may bring, take or wait for."""

    body_bytes_max: Annotated[
        _Positive, Meta(description="bytes of one ingestion request, as sent")
    ] = 8 * _MEBIBYTE
    text_bytes_max: Annotated[
        _Positive, Meta(description="bytes of one ingestion request, unpacked")
    ] = 32 * _MEBIBYTE
    report_rows_max: Annotated[_Positive, Meta(description="rows of one report")] = 100_000
    reports_max: Annotated[_Positive, Meta(description="reports of one ingestion request")] = 10_000
    url_bytes_max: Annotated[_Positive, Meta(description="bytes of a request's path and query")] = (
        16_384
    )
    body_wait_s: Annotated[
        _Positive, Meta(description="seconds until an ingestion request must have arrived")
    ] = 60
    read_wait_s: Annotated[
        _Positive, Meta(description="seconds until the store must have answered a read")
    ] = 10
    write_wait_s: Annotated[
        _Positive, Meta(description="seconds until the store must have taken a write")
    ] = 30
    stop_wait_s: Annotated[
        _Positive, Meta(description="seconds that calls under way get when the server stops")
    ] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """How gateways are asked, and how long what they answered is kept."""

    poll_s: Annotated[
        _Positive, Meta(description="seconds between two readings of counters and meters")
    ] = 60
    estimate_s: Annotated[
        _Positive,
        Meta(description="seconds between two readings where a gateway tells powers alone"),
    ] = 5 * 60
    inventory_s: Annotated[
        _Positive, Meta(description="seconds between two readings of a gateway's devices")
    ] = _HOUR_S
    gateway_wait_s: Annotated[
        _Positive, Meta(description="seconds until a gateway must have answered one request")
    ] = 45
    gateway_bytes_max: Annotated[
        _Positive, Meta(description="bytes of one answer of a gateway")
    ] = 8 * _MEBIBYTE
    backoff_s_min: Annotated[
        _Positive, Meta(description="seconds until a gateway that failed is asked again, at first")
    ] = 30
    backoff_s_max: Annotated[
        _Positive, Meta(description="the same, at most; it doubles with every failure")
    ] = 15 * 60
    quiet_from_s: Annotated[
        _Duration,
        Meta(
            description="seconds after local midnight at which gateways stop answering for a while"
        ),
    ] = 23 * _HOUR_S
    quiet_s: Annotated[
        _Duration, Meta(description="seconds that they are left alone from then on")
    ] = 10 * 60
    retire_after_s: Annotated[
        _Duration,
        Meta(description="a device that a gateway has not listed for longer is retired"),
    ] = 7 * 24 * _HOUR_S
    spool_days: Annotated[
        _Positive, Meta(description="days for which a gateway's answers are kept as read")
    ] = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Who is told how an installation does."""

    metrics_from: Annotated[
        str,
        Meta(
            description="addresses or networks that may read /metrics, with commas between;"
            " empty: nobody without a token"
        ),
    ] = ""
    metrics_token_file: Annotated[
        Path | None,
        Meta(description="a file that holds the token with which anybody may read /metrics"),
    ] = None
    # Not shown by repr: each may hold a secret.
    alert_webhook: Annotated[
        _Text | None, Meta(description="the address (http, https) to which alerts are posted")
    ] = field(default=None, repr=False)
    alert_webhook_secret_file: Annotated[
        Path | None, Meta(description="a file whose content signs what is posted (HMAC-SHA-256)")
    ] = None
    alert_email_to: Annotated[
        str, Meta(description="e-mail addresses that get every alert, with commas between")
    ] = ""
    alert_email_from: Annotated[
        _Text | None, Meta(description="the sender of alerts; without one no e-mail is sent")
    ] = None
    alert_wait_s: Annotated[
        _Duration, Meta(description="what is wrong, or over, is told once it has been for so long")
    ] = 30 * 60
    smtp_host: Annotated[_Text, Meta(description="the mail server")] = "localhost"
    smtp_port: Annotated[_Port, Meta(description="the mail server's port")] = 587
    smtp_security: Annotated[
        MailSecurity, Meta(description="starttls, tls from the first byte on, or none")
    ] = MailSecurity.STARTTLS
    smtp_user: Annotated[
        _Text | None, Meta(description="who signs in to the mail server; empty: nobody")
    ] = None
    smtp_password: Annotated[_Text | None, Meta(description="the password of that user")] = field(
        default=None, repr=False
    )
    smtp_password_file: Annotated[
        Path | None, Meta(description="a file that holds the password instead")
    ] = None
    public_url: Annotated[
        str, Meta(description="where people find the pages, as https://solar.example.org")
    ] = ""

    @property
    def mailed(self) -> list[str]:
        """Return the addresses that get every alert."""
        return _listed(self.alert_email_to)

    @property
    def tells_alerts(self) -> bool:
        """Tell whether there is any way to tell of alerts."""
        return self.alert_webhook is not None or self.alert_email_from is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of one installation."""

    data_dir: Annotated[
        Path, Meta(description="the folder that holds the store and the counters")
    ] = Path("relight-data")
    # Not shown by repr: it may hold a password.
    database_url: Annotated[
        _Text | None,
        Meta(description="the store: postgresql://… or sqlite:///FILE; empty: in the data folder"),
    ] = field(default=None, repr=False)
    host: Annotated[_Text, Meta(description="the address to listen on")] = "127.0.0.1"
    port: Annotated[_Port, Meta(description="the port to listen on")] = 8067
    workers: Annotated[_Workers, Meta(description="worker processes")] = 1
    clock_offset_s: Annotated[
        int, Meta(description="seconds by which this installation's clock is ahead of real time")
    ] = 0
    tls_cert: Annotated[
        Path | None, Meta(description="a certificate file (PEM); with it HTTPS is served")
    ] = None
    tls_key: Annotated[Path | None, Meta(description="the certificate's private key (PEM)")] = None
    trusted_proxies: Annotated[
        str,
        Meta(
            description="addresses or networks of reverse proxies, with commas between: their"
            " X-Forwarded-For and X-Forwarded-Proto are believed; empty: nobody's"
        ),
    ] = ""
    native_reports: Annotated[
        bool,
        Meta(description="take reports of known legacy gateways without a report key"),
    ] = False
    log_format: Annotated[
        LogFormat, Meta(description="how the log is written: text, or json, an object a line")
    ] = LogFormat.TEXT
    rules: Rules = field(default_factory=Rules)
    limits: Limits = field(default_factory=Limits)
    collecting: Collecting = field(default_factory=Collecting)
    telling: Telling = field(default_factory=Telling)

    @classmethod
    def read(cls, environ: Mapping[str, str], given: Mapping[str, object]) -> Self:
        """Return the settings: what is *given* by name, else the environment's, else the default.

        A given None, and a variable that is empty, count as not there. Raises SetupError.
        """
        values = {
            **_found(cls, environ, given),
            "rules": _found(Rules, environ, given),
            "limits": _found(Limits, environ, given),
            "collecting": _found(Collecting, environ, given),
            "telling": _found(Telling, environ, given),
        }
        try:
            config = msgspec.convert(values, cls, strict=False, dec_hook=_decode)
        except ValidationError as error:
            raise SetupError(f"a setting cannot be used: {error}") from error
        if (config.tls_cert is None) != (config.tls_key is None):
            raise SetupError("a TLS certificate and its key are given together or not at all")
        for proxy in config.proxies:
            _check_network("trusted_proxies", proxy)
        for reader in config.metrics_readers:
            _check_network("metrics_from", reader)
        return config

    @property
    def store_url(self) -> str:
        """Return the store's URL; without one it is an SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'relight.sqlite3'}"

    @property
    def proxies(self) -> list[str]:
        """Return the addresses and networks of the trusted proxies."""
        return _listed(self.trusted_proxies)

    @property
    def metrics_readers(self) -> list[str]:
        """Return the addresses and networks that may read the metrics."""
        return _listed(self.telling.metrics_from)

    @property
    def quota_path(self) -> Path:
        """Return the file of the call counters that this host's workers share."""
        return self.data_dir / "quota.counters"

    @property
    def metrics_path(self) -> Path:
        """Return the file of the numbers that this host's processes count together."""
        return self.data_dir / "metrics.counters"

    @property
    def spool_path(self) -> Path:
        """Return the folder of what gateways answered, a folder a gateway."""
        return self.data_dir / "spool"

    @property
    def secrets_path(self) -> Path:
        """Return the folder of gateways' tokens and passwords."""
        return self.data_dir / "secrets"

    @property
    def parts_path(self) -> Path:
        """Return the file in which models and stock numbers of parts may be added."""
        return self.data_dir / "parts.toml"

    def to_json(self) -> str:
        """Return all settings as JSON text for `from_json`."""
        return msgspec.json.encode(self, enc_hook=str).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the settings that `to_json` wrote. Raises SetupError."""
        try:
            return msgspec.json.decode(text, type=cls, dec_hook=_decode)
        except msgspec.MsgspecError as error:
            raise SetupError(f"the settings handed to a worker cannot be read: {error}") from error


def settings() -> list[Setting]:
    """Return every setting, in the order of their definition."""
    return [
        Setting(name, _variable(name), getattr(defaults, name), help_line)
        for defaults in (Config(), Rules(), Limits(), Collecting(), Telling())
        for name, help_line in _help_lines(type(defaults)).items()
    ]


def _help_lines(kind: type) -> dict[str, str]:
    """Return each setting of a record with its line of help; the records within are none."""
    return {
        name: hint.__metadata__[-1].description
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if get_origin(hint) is Annotated
    }


def _found(
    kind: type, environ: Mapping[str, str], given: Mapping[str, object]
) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in _help_lines(kind):
        value = given.get(name)
        if value is None:
            value = environ.get(_variable(name)) or None
        if value is not None:
            found[name] = value
    return found


def _variable(name: str) -> str:
    return "RELIGHT_" + name.upper()


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _check_network(name: str, text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        reason = f"{name}: {text!r} is no address and no network: {error}"
        raise SetupError(reason) from error


def _decode(kind: type, value: object) -> object:
    """Read what msgspec leaves to us: only paths."""
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise TypeError(f"{value!r} is no {kind.__name__}")  # msgspec adds where it stands
