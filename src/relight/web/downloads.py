"""What is seen, to take along: as CSV, and as Parquet where that can be written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.responses import StreamingResponse

from relight.errors import NotFound
from relight.model.clock import date_of_day
from relight.web import energy, tables
from relight.web.visit import Page, Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.responses import Response

    from relight.web.tables import Column
    from relight.web.visit import Visit

#: The view of a heat map; the others are those of `model.periods.View`.
HEAT_VIEW: Final = "heat"
_INSTALL: Final = "This server cannot write Parquet: pip install 'relight[parquet]' adds that."
_NOT_ACCEPTABLE: Final = 406


async def csv(visit: Visit) -> Response:
    """Answer `/systems/ID/download.csv`."""
    name, columns = await _columns(visit)
    return _file(
        lambda: tables.csv_text(columns).encode(), f"{name}.csv", "text/csv; charset=utf-8"
    )


async def parquet(visit: Visit) -> Response:
    """Answer `/systems/ID/download.parquet`."""
    if not tables.has_parquet():
        raise Refused(_NOT_ACCEPTABLE, _INSTALL)
    name, columns = await _columns(visit)
    kind = "application/vnd.apache.parquet"
    return _file(lambda: tables.parquet_bytes(columns), f"{name}.parquet", kind)


async def _columns(visit: Visit) -> tuple[str, list[Column]]:
    """Return the name of a file without its ending, and what is in it."""
    number = energy.system_id(visit)
    if visit.asked("view") == HEAT_VIEW:
        year = await energy.heat_scene(visit)
        when = date_of_day(year.year.first_day).year
        return f"relight-{number}-{when}-quarter-hours", tables.of_heat(year)
    by = visit.asked("by")
    if by not in {"", "hour"}:
        raise NotFound(visit.request.url.path)
    scene = await energy.scene(visit, energy.asked(visit))
    name = f"relight-{number}-{scene.view.value}-{date_of_day(scene.days.first_day)}"
    suffix = "-hours" if by else ""
    return name + suffix, tables.of_scene(scene, by_hour=bool(by))


def _file(made: Callable[[], bytes], name: str, media_type: str) -> Response:
    """Return a file that is made in a thread while it is sent: the first may take seconds."""

    async def body() -> AsyncIterator[bytes]:
        yield await asyncio.to_thread(made)

    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(body(), headers=headers, media_type=media_type)


PAGES: Final = (
    Page("/systems/{system_id:int}/download.csv", csv),
    Page("/systems/{system_id:int}/download.parquet", parquet),
)
