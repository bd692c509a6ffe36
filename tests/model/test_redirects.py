"""Which redirect addresses may be registered, and where they lead."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import BadInput
from relight.model.redirects import (
    ADDRESSES_MAX,
    form_target,
    redirect_address,
    redirect_addresses,
    with_user_id,
)

CODE = "4d7a45774e6a41320a"


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/done",
        "http://192.168.1.20:8123/auth?next=%2F",
        "http://localhost:3000",
        "https://[2001:db8::1]:8443/done",
        "myapp:authorised",
        "org.example.app://authorised/back?from=relight",
    ],
)
def test_a_page_or_an_apps_link_may_be_registered(address: str) -> None:
    assert address == redirect_address(f"  {address} ")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "absolute"),
        ("/done", "absolute"),
        ("//example.org/done", "absolute"),
        ("example.org", "absolute"),
        ("https:", "absolute"),
        ("https:done", "no host"),
        ("https:///done", "no host"),
        ("https://:443/", "no host"),
        ("https://example.org:port/", "port"),
        ("https://example.org:99999/", "port"),
        ("https://[::1/", "host"),
        ("https://example.org/a b", "absolute"),
        ("https://example.org/\ndone", "absolute"),
        ("https://example.org\\@evil.org/", "absolute"),
        ("https://exämple.org/", "absolute"),
        ('https://example.org/"><script>', "absolute"),
        ("https://example.org/done#there", "fragment"),
        ("https://ann:secret@example.org/", "password"),
        ("https://example.org@evil.org/", "password"),
        ("https://exa%6Dple.org/", "no host"),
        ("https://example.org/?user_id=1", "user_id"),
        ("https://example.org/?a=b&user_id", "user_id"),
        ("javascript:alert(1)", "javascript"),
        ("JavaScript:alert(1)", "JavaScript"),
        ("data:text/html,hello", "data"),
        ("vbscript:x", "vbscript"),
        ("file:///etc/passwd", "file"),
        ("blob:https://example.org/1", "blob"),
        (f"https://example.org/{'a' * 500}", "longer"),
    ],
)
def test_what_leads_elsewhere_is_refused(address: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        redirect_address(address)


def test_addresses_come_one_a_line_and_each_once() -> None:
    text = "\nhttps://example.org/a\r\n  myapp:b\n\nhttps://example.org/a\n"

    assert ("https://example.org/a", "myapp:b") == redirect_addresses(text)


def test_an_application_has_only_so_many_addresses() -> None:
    lines = "\n".join(f"myapp:{number}" for number in range(ADDRESSES_MAX + 1))

    with pytest.raises(BadInput, match=str(ADDRESSES_MAX)):
        redirect_addresses(lines)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://example.org", "https://example.org?user_id="),
        ("https://example.org/done", "https://example.org/done?user_id="),
        ("https://example.org/done?", "https://example.org/done?user_id="),
        ("https://example.org/done?a=b", "https://example.org/done?a=b&user_id="),
        ("https://example.org/done?a=b&", "https://example.org/done?a=b&user_id="),
        ("myapp:done", "myapp:done?user_id="),
    ],
)
def test_the_user_id_is_appended_to_the_query(address: str, expected: str) -> None:
    assert f"{expected}{CODE}" == with_user_id(address, CODE)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "1", "%26", "x%3Dy"]))))
def test_an_addresss_own_query_is_kept_before_the_user_id(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    address = redirect_address(f"https://example.org/done?{query}")

    whole = parse_qsl(urlsplit(with_user_id(address, CODE)).query, keep_blank_values=True)

    assert [*parse_qsl(query, keep_blank_values=True), ("user_id", CODE)] == whole


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("https://example.org:8443/done?a", "https://example.org:8443"),
        ("http://192.168.1.20/", "http://192.168.1.20"),
        ("https://[::1]:8443/", "https:"),
        ("myapp://done", "myapp:"),
        ("myapp:done", "myapp:"),
    ],
)
def test_a_forms_target_is_an_origin_or_a_scheme(address: str, target: str) -> None:
    assert target == form_target(address)
