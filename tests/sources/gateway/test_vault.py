"""Tokens and passwords: for their owner's eyes, and only there."""

import base64
from pathlib import Path

import pytest

from relight.errors import BadInput, SetupError
from relight.sources.gateway import vault
from relight.sources.gateway.vault import Secret
from tests.sources.gateway import served

NOW = 1_800_000_000
DAY_S = 86_400
TOO_DEEP = "a." + base64.urlsafe_b64encode(b'{"x":' + b"[" * 5_000).decode() + ".c"


def test_a_secret_is_kept_in_a_file_that_only_its_owner_reads(tmp_path: Path):
    secret = Secret("a.b.c", "open sesame")

    vault.keep(tmp_path / "secrets", "122344000001", secret)

    (path,) = (tmp_path / "secrets").iterdir()
    assert secret == vault.find(tmp_path / "secrets", "122344000001")
    assert 0o600 == path.stat().st_mode & 0o777
    assert "sesame" not in repr(secret)


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path):
    vault.keep(tmp_path, "122344000001", Secret("a.b.c"))
    next(tmp_path.iterdir()).chmod(0o644)

    with pytest.raises(SetupError, match="chmod 600"):
        vault.find(tmp_path, "122344000001")


def test_what_is_forgotten_or_never_was_is_empty(tmp_path: Path):
    vault.keep(tmp_path, "122344000001", Secret("a.b.c"))

    vault.forget(tmp_path, "122344000001")

    assert Secret() == vault.find(tmp_path, "122344000001")


@pytest.mark.parametrize("serial", ["../x", "", "a/b"])
def test_no_path_comes_of_a_serial_number(tmp_path: Path, serial: str):
    with pytest.raises(BadInput, match="serial"):
        vault.find(tmp_path, serial)


@pytest.mark.parametrize("text", ["", "one", "a.b", "a.b.c.d", "." * 9_000])
def test_what_is_no_token_is_refused(text: str):
    with pytest.raises(BadInput, match="token"):
        vault.token_of(text)


@pytest.mark.parametrize(
    ("days", "said"),
    [(31, None), (29, "expires in 29 days"), (0, "has expired"), (-5, "has expired")],
)
def test_a_token_is_warned_of_thirty_days_ahead(days: int, said: str | None):
    line = vault.warning("1", served.token(NOW + days * DAY_S), NOW)

    assert line is None if said is None else said in str(line)


@pytest.mark.parametrize("token", ["", "a.b.c", "a.!!.c", "a.e30.c", "a._w.c", TOO_DEEP])
def test_a_token_that_does_not_say_when_it_ends_is_not_warned_of(token: str):
    assert vault.warning("1", token, NOW) is None
