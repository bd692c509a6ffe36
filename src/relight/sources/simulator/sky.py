"""The sky over a place: where the sun stands, what it would give, what the weather leaves of it.

Needs numpy and pvlib. Everything is computed in whole blocks of days that begin at fixed day
numbers, so that a day comes out the same to the last bit, whatever else was asked for with it.
"""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

from relight.model.clock import date_of_day, day_start_at, zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relight.sources.simulator.places import Place

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Days of a block; block n begins with day n * BLOCK_DAYS.
BLOCK_DAYS = 32
#: Length of an interval of an inverter. [s]
STEP_S = 300
#: An inverter is awake while the sun is above this elevation; it gives nothing below 0. [degrees]
_AWAKE_ELEVATION = -0.9
_DAY_S = 86_400
_YEAR_DAYS = 365.25
#: Blocks kept: a history of 400 days in some dozen towns.
_BLOCKS = 192


@dataclass(frozen=True, slots=True)
class Sky:
    """The slots of BLOCK_DAYS local days in which inverters are awake, one after the other.

    Slot arrays have one entry a slot, oldest first; day d has the slots bounds[d]:bounds[d + 1].
    """

    first_day: int
    starts_at: list[int]  #: first instant of each day, and of the day after the block
    bounds: list[int]
    end_at: Ints  #: of each slot
    zenith: Floats  #: [degrees]
    azimuth: Floats  #: [degrees]
    dni_extra: Floats  #: outside the atmosphere [W/m2]
    day_of_year: Floats
    clear: Floats  #: horizontal radiation without clouds [W/m2]
    air_c: Floats  #: what is usual at that time of day and year


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather of the days of a block, one entry a day."""

    clearness: Floats  #: mean share of clear-sky radiation
    warmer_c: Floats  #: than usual


def generator(*about: object) -> np.random.Generator:
    """Return random numbers that depend on *about* alone."""
    digest = blake2b(repr(about).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


@lru_cache(maxsize=_BLOCKS)
def sky(place: Place, block: int) -> Sky:
    """Return the sky of a block of days over *place*."""
    first_day = block * BLOCK_DAYS
    site = zone(place.timezone)
    starts_at = [day_start_at(site, first_day + day) for day in range(BLOCK_DAYS + 1)]
    end_at = np.concatenate(
        [
            _around_noon(place, first_day + day, starts_at[day : day + 2])
            for day in range(BLOCK_DAYS)
        ]
    )
    middle_at = end_at - STEP_S // 2
    times = pd.DatetimeIndex(middle_at.astype("datetime64[s]"), tz="UTC")
    with _ignoring_deprecations():
        sun = pvlib.solarposition.ephemeris(times, place.latitude, place.longitude)
    awake = sun["elevation"].to_numpy() > _AWAKE_ELEVATION
    end_at, middle_at, times = end_at[awake], middle_at[awake], times[awake]
    zenith = 90.0 - sun["apparent_elevation"].to_numpy()[awake]
    day_of_year = times.day_of_year.to_numpy().astype(np.float64)
    dni_extra = np.asarray(pvlib.irradiance.get_extra_radiation(day_of_year))
    return Sky(
        first_day=first_day,
        starts_at=starts_at,
        bounds=np.searchsorted(end_at, starts_at, side="right").tolist(),
        end_at=end_at,
        zenith=zenith,
        azimuth=sun["azimuth"].to_numpy()[awake],
        dni_extra=dni_extra,
        day_of_year=day_of_year,
        clear=_clear(place, zenith, day_of_year, dni_extra),
        air_c=air_c(place, middle_at),
    )


def air_c(place: Place, at: Ints) -> Floats:
    """Return the usual air temperature at instants: coldest at dawn, warmest after noon. [°C]"""
    solar_hour = at / 3600 + place.longitude / 15
    day_of_year = (at / _DAY_S) % _YEAR_DAYS  # 1970 began with a year: good to a day or two
    season = np.cos(2 * np.pi * (day_of_year - place.warmest_day) / _YEAR_DAYS)
    time_of_day = np.cos(2 * np.pi * (solar_hour - 15) / 24)
    usual: Floats = place.air_c + place.season_c * season + place.daily_c * time_of_day
    return usual


@lru_cache(maxsize=_BLOCKS)
def weather(place: Place, seed: int, block: int) -> Weather:
    """Return the weather of a block of days: neighbours share their clouds."""
    first_day = block * BLOCK_DAYS
    clearness = np.empty(BLOCK_DAYS)
    warmer_c = np.empty(BLOCK_DAYS)
    for day in range(BLOCK_DAYS):
        draws = generator(seed, place.city, first_day + day)
        mean = place.clearness[date_of_day(first_day + day).month - 1]
        # A wide distribution: mostly bright or mostly dull days, seldom the mean itself.
        clearness[day] = draws.beta(2.6 * mean, 2.6 * (1 - mean))
        warmer_c[day] = 2.5 * draws.standard_normal()
    return Weather(clearness, warmer_c)


def _around_noon(place: Place, day: int, bounds_at: list[int]) -> Ints:
    """Return the ends of the slots of a day that may be light, with half an hour to spare."""
    number = date_of_day(day).timetuple().tm_yday
    declination = math.radians(23.44) * math.sin(2 * math.pi * (284 + number) / _YEAR_DAYS)
    latitude = math.radians(place.latitude)
    cosine = (math.sin(math.radians(-3)) - math.sin(latitude) * math.sin(declination)) / (
        math.cos(latitude) * math.cos(declination)
    )
    half_s = math.degrees(math.acos(max(-1.0, min(1.0, cosine)))) * 240 + 1800
    # The day's middle is within 15 hours of local noon everywhere; its own noon is the nearest.
    middle_at = sum(bounds_at) / 2
    noon_at = (0.5 - place.longitude / 360) * _DAY_S
    noon_at += round((middle_at - noon_at) / _DAY_S) * _DAY_S
    first = max(bounds_at[0], int(noon_at - half_s)) // STEP_S + 1
    last = min(bounds_at[1], int(noon_at + half_s)) // STEP_S
    return np.arange(first, last + 1, dtype=np.int64) * STEP_S


def _clear(place: Place, zenith: Floats, day_of_year: Floats, dni_extra: Floats) -> Floats:
    """Return the horizontal radiation under a cloudless sky. [W/m2]"""
    # Below the horizon there is no air mass: pvlib answers nan, and 0 for the light.
    relative = pvlib.atmosphere.get_relative_airmass(zenith)
    airmass = pvlib.atmosphere.get_absolute_airmass(
        relative, pvlib.atmosphere.alt2pres(place.altitude_m)
    )
    turbidity = np.interp(day_of_year, *_turbidity(place))
    with np.errstate(divide="ignore", invalid="ignore"):
        clear = pvlib.clearsky.ineichen(zenith, airmass, turbidity, place.altitude_m, dni_extra)
    ghi: Floats = clear["ghi"]
    return ghi


@lru_cache(maxsize=64)
def _turbidity(place: Place) -> tuple[Floats, Floats]:
    """Return the days of a year and the Linke turbidity on each, from pvlib's monthly maps."""
    days = pd.date_range("2023-01-01", "2023-12-31", freq="D", tz="UTC")
    with _ignoring_deprecations():
        table = pvlib.clearsky.lookup_linke_turbidity(days, place.latitude, place.longitude)
    return days.day_of_year.to_numpy().astype(np.float64), table.to_numpy()


@contextmanager
def _ignoring_deprecations() -> Iterator[None]:
    """Let pvlib use what its next release may not find in pandas any more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
