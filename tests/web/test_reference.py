"""The reference of the API as a page: all that the description says is on it, for anybody."""

from __future__ import annotations

import html
import json
import re

from relight.api.app import OF_CALLER, OF_SYSTEM
from relight.model.access import user_code
from relight.web.description import description
from relight.web.highlighting import LINE_CHARS_MAX, highlighted
from tests.web.browsing import OWNER, Site, forms


def plain(page: str) -> str:
    """Return the text of a page without its elements."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


async def test_anybody_finds_every_endpoint_with_its_parameters_and_answers(site: Site) -> None:
    answer = await site.get("/api/v2")

    text = plain(answer.text)
    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert len(OF_CALLER) + len(OF_SYSTEM) == len(description().endpoints)
    for endpoint in description().endpoints:
        assert f"GET {endpoint.path}" in text
        assert all(f"{one.name} " in text for one in endpoint.parameters if not one.is_shared)
        assert plain(highlighted(endpoint.example.value)) in text
    assert all(
        f"{error.status} {error.text.replace('`', '')}" in text for error in description().errors
    )


async def test_every_endpoint_has_a_form_that_leads_to_it(site: Site) -> None:
    await site.add_system(72)
    await site.sign_in(OWNER)

    found = {form.action: dict(form.fields) for form in forms(await site.get("/api/v2"))}

    for endpoint in description().endpoints:
        fields = found[endpoint.path.replace("{system_id}", "72")]
        assert user_code(OWNER) == fields.pop("user_id")
        assert {"key"} <= fields.keys()


async def test_only_the_reference_itself_is_a_page(site: Site) -> None:
    slash = await site.get("/api/v2/")
    document = await site.get("/api/v2/openapi.json")
    unknown = await site.get("/api/v2/reference")

    assert (303, "/api/v2") == (slash.status_code, slash.headers["location"])
    assert "3.1.0" == document.json()["openapi"]
    assert (404, "404") == (unknown.status_code, unknown.json()["reason"])


def test_json_is_broken_where_a_line_would_be_long_and_stays_the_same() -> None:
    value = {"a": [{"n": n, "x": None, "y": True, "z": -1.5} for n in range(9)], "t": "<b>&\"'é"}

    text = plain(highlighted(value))

    assert value == json.loads(text)
    assert '\n    {"n": 8, "x": null, "y": true, "z": -1.5}\n' in text
    assert LINE_CHARS_MAX >= max(len(line) for line in text.splitlines())
    assert "<b>" not in highlighted(value)
