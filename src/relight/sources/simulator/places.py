"""Where simulated systems stand: real towns with the climate that the simulator needs of them.

Pure data; touches nothing. The climates are rough monthly figures, good enough for a picture of
a year; they are not meteorological records.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A town, its grid and its climate."""

    city: str
    postal_code: str
    state: str
    country: str
    timezone: str
    latitude: float  #: [degrees north]
    longitude: float  #: [degrees east]
    altitude_m: float
    phases: int  #: lines of a house's connection: what a meter has channels for
    clearness: tuple[float, ...]  #: mean share of clear-sky radiation, January to December
    air_c: float  #: mean air temperature of the year
    season_c: float  #: half of what the warmest month differs from the coldest
    daily_c: float  #: half of what the afternoon differs from the early morning
    warmest_day: int  #: day of the year around which it is warmest


_CALIFORNIA = (0.72, 0.74, 0.79, 0.84, 0.83, 0.84, 0.91, 0.91, 0.88, 0.84, 0.79, 0.73)
_ROCKIES = (0.74, 0.74, 0.74, 0.73, 0.74, 0.80, 0.81, 0.80, 0.82, 0.81, 0.76, 0.73)
_ATLANTIC = (0.61, 0.63, 0.65, 0.67, 0.69, 0.73, 0.74, 0.73, 0.72, 0.70, 0.62, 0.59)
_PRUSSIA = (0.42, 0.51, 0.61, 0.73, 0.76, 0.75, 0.75, 0.75, 0.69, 0.58, 0.44, 0.38)
_PACIFIC = (0.72, 0.71, 0.73, 0.76, 0.74, 0.73, 0.78, 0.82, 0.82, 0.78, 0.74, 0.73)
_BENGAL = (0.76, 0.79, 0.80, 0.78, 0.73, 0.53, 0.46, 0.48, 0.54, 0.69, 0.77, 0.76)
_GULF = (0.86, 0.86, 0.84, 0.78, 0.70, 0.67, 0.69, 0.73, 0.78, 0.82, 0.83, 0.84)

LOS_ANGELES = Place(
    city="Los Angeles",
    postal_code="90027",
    state="CA",
    country="US",
    timezone="America/Los_Angeles",
    latitude=34.10,
    longitude=-118.29,
    altitude_m=120,
    phases=2,
    clearness=_CALIFORNIA,
    air_c=18.5,
    season_c=5.0,
    daily_c=5.0,
    warmest_day=225,
)
PETALUMA = Place(
    city="Petaluma",
    postal_code="94954",
    state="CA",
    country="US",
    timezone="America/Los_Angeles",
    latitude=38.24,
    longitude=-122.62,
    altitude_m=10,
    phases=2,
    clearness=_CALIFORNIA,
    air_c=14.5,
    season_c=5.5,
    daily_c=7.0,
    warmest_day=215,
)
DENVER = Place(
    city="Denver",
    postal_code="80205",
    state="CO",
    country="US",
    timezone="America/Denver",
    latitude=39.75,
    longitude=-104.97,
    altitude_m=1600,
    phases=2,
    clearness=_ROCKIES,
    air_c=10.5,
    season_c=12.0,
    daily_c=7.5,
    warmest_day=205,
)
BOULDER = Place(
    city="Boulder",
    postal_code="80302",
    state="CO",
    country="US",
    timezone="America/Denver",
    latitude=40.02,
    longitude=-105.27,
    altitude_m=1655,
    phases=2,
    clearness=_ROCKIES,
    air_c=10.0,
    season_c=12.0,
    daily_c=7.5,
    warmest_day=205,
)
NEW_YORK = Place(
    city="Brooklyn",
    postal_code="11215",
    state="NY",
    country="US",
    timezone="America/New_York",
    latitude=40.66,
    longitude=-73.98,
    altitude_m=20,
    phases=2,
    clearness=_ATLANTIC,
    air_c=13.0,
    season_c=12.5,
    daily_c=4.5,
    warmest_day=207,
)
BOSTON = Place(
    city="Boston",
    postal_code="02130",
    state="MA",
    country="US",
    timezone="America/New_York",
    latitude=42.31,
    longitude=-71.11,
    altitude_m=20,
    phases=2,
    clearness=_ATLANTIC,
    air_c=11.0,
    season_c=12.5,
    daily_c=4.5,
    warmest_day=207,
)
BERLIN = Place(
    city="Berlin",
    postal_code="13187",
    state="BE",
    country="DE",
    timezone="Europe/Berlin",
    latitude=52.57,
    longitude=13.40,
    altitude_m=50,
    phases=3,
    clearness=_PRUSSIA,
    air_c=10.0,
    season_c=9.8,
    daily_c=4.5,
    warmest_day=205,
)
LEIPZIG = Place(
    city="Leipzig",
    postal_code="04229",
    state="SN",
    country="DE",
    timezone="Europe/Berlin",
    latitude=51.32,
    longitude=12.33,
    altitude_m=115,
    phases=3,
    clearness=_PRUSSIA,
    air_c=10.2,
    season_c=9.8,
    daily_c=4.5,
    warmest_day=205,
)
SYDNEY = Place(
    city="Sydney",
    postal_code="2042",
    state="NSW",
    country="AU",
    timezone="Australia/Sydney",
    latitude=-33.90,
    longitude=151.18,
    altitude_m=30,
    phases=1,
    clearness=_PACIFIC,
    air_c=18.3,
    season_c=5.5,
    daily_c=4.5,
    warmest_day=25,
)
KOLKATA = Place(
    city="Kolkata",
    postal_code="700029",
    state="WB",
    country="IN",
    timezone="Asia/Kolkata",
    latitude=22.52,
    longitude=88.37,
    altitude_m=9,
    phases=1,
    clearness=_BENGAL,
    air_c=26.8,
    season_c=5.0,
    daily_c=4.5,
    warmest_day=140,
)
ADELAIDE = Place(
    city="Adelaide",
    postal_code="5061",
    state="SA",
    country="AU",
    timezone="Australia/Adelaide",
    latitude=-34.95,
    longitude=138.60,
    altitude_m=50,
    phases=1,
    clearness=_GULF,
    air_c=17.3,
    season_c=6.5,
    daily_c=5.5,
    warmest_day=25,
)

#: The towns of each timezone, in the order in which a fleet goes round.
ROUND: tuple[tuple[Place, ...], ...] = (
    (LOS_ANGELES, PETALUMA),
    (DENVER, BOULDER),
    (NEW_YORK, BOSTON),
    (BERLIN, LEIPZIG),
    (SYDNEY,),
    (KOLKATA,),
    (ADELAIDE,),
)
