"""The one place where a refused request becomes a v2 body. Keys are in the order of the wire.

Source: behaviour, Transport, Who calls, Quotas, Times, Endpoints (the 404s, 422s and 503s).
"""

from __future__ import annotations

from typing import Final, TypeAlias

from relight import errors, wire
from relight.api.formats import Format, day, instant

Body: TypeAlias = dict[str, object]

#: What is repeated to a caller of a text that they sent. [characters]
ECHO_MAX: Final = 1_000
#: The body of a defect, whose cause only the log knows.
DEFECT: Final = b'{"errorCode":1,"errorMessages":["Internal error."]}'

_INVALID_RANGE: Final = "Requested date range is invalid for this system"
_TOO_BUSY: Final = "Too many concurrent requests."
_UNAVAILABLE: Final = 7


def refusal_body(error: errors.RequestError, form: Format = Format.DEFAULT) -> bytes:
    """Return the JSON of *error*; instants and days in it take the asked form."""
    if isinstance(error, errors.BadParameter):
        return wire.encode(_unprocessable(error, form))
    if isinstance(error, errors.NotFound):
        return wire.encode(_not_found(error))
    match error:
        case errors.NotPermitted():
            body = _listed(error, "Not authorized to access requested resource.")
        case errors.MethodNotAllowed():
            body = _listed(error, "Method not allowed")
        case errors.NotOffered():
            body = _listed(error, str(error))
        case errors.QuotaSpent():
            body = _quota_spent(error)
        case errors.TooBusy():
            body = _trouble(_TOO_BUSY) | _listed(error, _TOO_BUSY)
        case errors.DataUnavailable():
            body = _trouble("Data temporarily unavailable.")
        case _:
            return DEFECT
    return wire.encode(body)


def _not_found(error: errors.NotFound) -> Body:
    match error:
        case errors.SystemNotFound():
            return _listed(error, _no_site(error.asked))
        case errors.EnvoyNotFound():
            return _complaint(error, "Envoy not found with this serial number")
        case _:
            return _listed(error, "Resource not found.")


def _unprocessable(error: errors.BadParameter, form: Format) -> Body:
    match error:
        case errors.UnreadableDate():
            return {"reason": f"Failed to parse date {_echo(error.text)}"}
        case errors.FutureDate():
            return {"reason": "Requested date is in the future"}
        case errors.BadInstants() | errors.BadDays():
            return {"reason": _INVALID_RANGE, **_range(error, form)}
        case errors.SiteNotFound():
            return {"reason": "422", "message": _no_site(error.asked)}
        case errors.MissingParameter():
            return _complaint(error, str(error))
        case _:
            return {"reason": "422", "message": _echo(str(error))}


def _range(error: errors.BadInstants | errors.BadDays, form: Format) -> Body:
    if isinstance(error, errors.BadDays):
        return {
            "start": day(form, error.zone, error.start_day),
            "end": day(form, error.zone, error.end_day),
        }
    return {
        "start_at": instant(form, error.zone, error.start_at),
        "end_at": instant(form, error.zone, error.end_at),
        "first_interval": instant(form, error.zone, error.first_interval_at),
        "last_interval": instant(form, error.zone, error.last_interval_at),
    }


def _quota_spent(error: errors.QuotaSpent) -> Body:
    return _listed(error, f"Usage limit exceeded for plan {error.plan}") | {
        "period": error.period,
        "period_start": error.period_start_at,
        "period_end": error.period_end_at,
        "limit": error.limit,
    }


def _listed(error: errors.RequestError, message: str) -> Body:
    return {"reason": str(error.status), "message": [message]}


def _complaint(error: errors.RequestError, message: str) -> Body:
    return {"reason": str(error.status), "errorMessages": [message]}


def _trouble(message: str) -> Body:
    return {"errorCode": _UNAVAILABLE, "errorMessages": [message]}


def _no_site(asked: str) -> str:
    return f"Couldn't find Site with 'id'={_echo(asked)}"


def _echo(text: str) -> str:
    """Return what may be repeated of *text*: not endless, and always encodable."""
    return text[:ECHO_MAX].encode("utf-8", "replace").decode("utf-8")
