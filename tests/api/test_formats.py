"""Instants and days in the three forms of `datetime_format`."""

from __future__ import annotations

import pytest

from relight.api.formats import Format, day, instant, instants, report_date
from relight.model.clock import day_of_date, zone
from relight.model.timetext import parse_date

LOS_ANGELES = zone("America/Los_Angeles")
SAO_PAULO = zone("America/Sao_Paulo")
AT = 1_642_778_400
TEXT = "2022-01-21T07:20:00-08:00"


@pytest.mark.parametrize(
    ("form", "expected"), [(Format.DEFAULT, AT), (Format.EPOCH, AT), (Format.ISO8601, TEXT)]
)
def test_an_instant_takes_the_asked_form(form: Format, expected: int | str):
    assert expected == instant(form, LOS_ANGELES, AT)
    assert [expected] == list(instants(form, LOS_ANGELES, [AT]))


@pytest.mark.parametrize(
    ("form", "expected"), [(Format.DEFAULT, TEXT), (Format.EPOCH, AT), (Format.ISO8601, TEXT)]
)
def test_an_inverters_last_report_is_text_by_default(form: Format, expected: int | str):
    assert expected == report_date(form, LOS_ANGELES, AT)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (Format.DEFAULT, "2017-10-15"),
        (Format.EPOCH, 1_508_036_400),
        (Format.ISO8601, "2017-10-15T01:00:00-02:00"),
    ],
)
def test_a_day_takes_the_asked_form_from_its_first_instant(form: Format, expected: int | str):
    assert expected == day(form, SAO_PAULO, day_of_date(parse_date("2017-10-15")))


@pytest.mark.parametrize("form", list(Format))
def test_null_stays_null(form: Format):
    assert instant(form, LOS_ANGELES, None) is None
    assert day(form, LOS_ANGELES, None) is None
    assert report_date(form, LOS_ANGELES, None) is None
