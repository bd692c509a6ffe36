"""The bodies of refusals, to the letter."""

from __future__ import annotations

import pytest

from relight import errors
from relight.api.formats import Format
from relight.api.refusals import refusal_body
from relight.model.clock import day_of_date, zone
from relight.model.timetext import parse_date

LOS_ANGELES = zone("America/Los_Angeles")


def body(error: errors.RequestError, form: Format = Format.DEFAULT) -> str:
    return refusal_body(error, form).decode()


def day(text: str) -> int:
    return day_of_date(parse_date(text))


def bad_instants(first_at: int | None) -> errors.BadInstants:
    return errors.BadInstants(
        zone=LOS_ANGELES,
        start_at=1_642_778_400,
        end_at=1_642_778_700,
        first_interval_at=first_at,
        last_interval_at=first_at,
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            errors.NotPermitted(),
            '{"reason":"401","message":["Not authorized to access requested resource."]}',
        ),
        (errors.NotFound(), '{"reason":"404","message":["Resource not found."]}'),
        (
            errors.SystemNotFound("0"),
            """{"reason":"404","message":["Couldn't find Site with 'id'=0"]}""",
        ),
        (
            errors.SystemNotFound("9" * 300),
            """{"reason":"404","message":["Couldn't find Site with 'id'=%s"]}""" % ("9" * 300),
        ),
        (
            errors.EnvoyNotFound(),
            '{"reason":"404","errorMessages":["Envoy not found with this serial number"]}',
        ),
        (errors.MethodNotAllowed(), '{"reason":"405","message":["Method not allowed"]}'),
        (
            errors.QuotaSpent(
                "Watt",
                "minute",
                period_start_at=1_401_742_440,
                period_end_at=1_401_742_500,
                limit=10,
            ),
            (
                '{"reason":"409","message":["Usage limit exceeded for plan Watt"],'
                '"period":"minute","period_start":1401742440,"period_end":1401742500,"limit":10}'
            ),
        ),
        (
            errors.BadParameter("The parameter next is not one."),
            '{"reason":"422","message":"The parameter next is not one."}',
        ),
        (
            errors.UnreadableDate("20220-1-3"),
            '{"reason":"Failed to parse date 20220-1-3"}',
        ),
        (errors.FutureDate(), '{"reason":"Requested date is in the future"}'),
        (
            errors.SiteNotFound("-1"),
            """{"reason":"422","message":"Couldn't find Site with 'id'=-1"}""",
        ),
        (
            errors.MissingParameter("Provide envoy serial number"),
            '{"reason":"422","errorMessages":["Provide envoy serial number"]}',
        ),
        (
            errors.MissingParameter("Envoy serial number or Site id mandatory"),
            '{"reason":"422","errorMessages":["Envoy serial number or Site id mandatory"]}',
        ),
        (
            errors.TooBusy(),
            (
                '{"errorCode":7,"errorMessages":["Too many concurrent requests."],"reason":"503",'
                '"message":["Too many concurrent requests."]}'
            ),
        ),
        (
            errors.DataUnavailable(),
            '{"errorCode":7,"errorMessages":["Data temporarily unavailable."]}',
        ),
        (errors.RequestError(), '{"errorCode":1,"errorMessages":["Internal error."]}'),
    ],
)
def test_a_refusal_has_its_body(error: errors.RequestError, expected: str):
    assert expected == body(error)
    assert expected == body(error, Format.ISO8601)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            Format.DEFAULT,
            (
                '{"reason":"Requested date range is invalid for this system","start_at":1642778400,'
                '"end_at":1642778700,"first_interval":1500000000,"last_interval":1500000000}'
            ),
        ),
        (
            Format.EPOCH,
            (
                '{"reason":"Requested date range is invalid for this system","start_at":1642778400,'
                '"end_at":1642778700,"first_interval":1500000000,"last_interval":1500000000}'
            ),
        ),
        (
            Format.ISO8601,
            (
                '{"reason":"Requested date range is invalid for this system",'
                '"start_at":"2022-01-21T07:20:00-08:00","end_at":"2022-01-21T07:25:00-08:00",'
                '"first_interval":"2017-07-13T19:40:00-07:00",'
                '"last_interval":"2017-07-13T19:40:00-07:00"}'
            ),
        ),
    ],
)
def test_a_range_of_instants_is_shown_in_the_asked_form(form: Format, expected: str):
    assert expected == body(bad_instants(1_500_000_000), form)


@pytest.mark.parametrize("form", [Format.DEFAULT, Format.ISO8601])
def test_devices_that_never_reported_have_no_first_and_last_interval(form: Format):
    assert body(bad_instants(None), form).endswith('"first_interval":null,"last_interval":null}')


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (Format.DEFAULT, '"start":"2022-01-21","end":"2022-01-20"}'),
        (Format.EPOCH, '"start":1642752000,"end":1642665600}'),
        (
            Format.ISO8601,
            '"start":"2022-01-21T00:00:00-08:00","end":"2022-01-20T00:00:00-08:00"}',
        ),
    ],
)
def test_a_range_of_days_is_shown_in_the_asked_form(form: Format, expected: str):
    error = errors.BadDays(zone=LOS_ANGELES, start_day=day("2022-01-21"), end_day=day("2022-01-20"))

    assert '{"reason":"Requested date range is invalid for this system",' + expected == body(
        error, form
    )


def test_what_is_repeated_of_a_callers_text_ends_somewhere_and_can_be_written():
    written = body(errors.UnreadableDate("\ud800" + "x" * 100_000))

    assert '{"reason":"Failed to parse date ?x' == written[:34]
    assert len(written) < 1_100
