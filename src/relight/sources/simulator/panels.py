"""What the panels of a system give: from the sky to the joules of every inverter.

Needs numpy and pvlib. Pure: the joules of a day depend on the seed, the system and that day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pvlib

from relight.sources.simulator.sky import STEP_S, Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relight.sources.simulator.sky import Sky, Weather
    from relight.sources.simulator.system import Plane, SimulatedSystem

#: More slots than any day has light, and some before them for the clouds to drift in.
_CLOUD_SLOTS = 264
_CLOUD_WARM_UP = 24
#: How much of a cloud is still there five minutes later.
_CLOUD_MEMORY = 0.93
#: Half the width of an inverter's own noise.
_NOISE = 0.025
#: Share of the power that a panel loses for each degree above 25. [1/K]
_LOSS_PER_K = -0.0035
_ALBEDO = 0.2
_WIND_M_S = 2.0
#: Efficiency of an inverter at its rated power.
_EFFICIENCY = 0.97


@dataclass(frozen=True, slots=True)
class Drawn:
    """The chance in a stretch of days: clouds by day, noise by inverter and slot."""

    clouds: Floats  #: white noise, one row a day
    noise: npt.NDArray[np.float32]  #: within 0 and 1, one row an inverter, one column a slot
    late: list[list[int]]  #: slots that each inverter misses at dawn, one list a day
    early: list[list[int]]  #: the same at dusk


def draw(draws: Sequence[np.random.Generator], slots: Sequence[int], inverters: int) -> Drawn:
    """Take from each day's generator what its *slots* need, always in the same order."""
    clouds = np.empty((len(draws), _CLOUD_SLOTS))
    noise = np.empty((inverters, sum(slots)), dtype=np.float32)
    late, early, begin = [], [], 0
    for day, (one, count) in enumerate(zip(draws, slots, strict=True)):
        clouds[day] = one.standard_normal(_CLOUD_SLOTS)
        misses = one.integers(0, 3, size=(2, inverters)) // 2
        late.append(misses[0].tolist())
        early.append(misses[1].tolist())
        noise[:, begin : begin + count] = one.random((inverters, count), dtype=np.float32)
        begin += count
    return Drawn(clouds, noise, late, early)


def joules(
    system: SimulatedSystem, sky: Sky, weather: Weather, days: slice, *, drawn: Drawn
) -> Ints:
    """Return what each inverter makes in each slot of *days*: one row an inverter. [J]"""
    inverters = system.inverters
    slots = slice(sky.bounds[days.start], sky.bounds[days.stop])
    per_day = np.diff(sky.bounds[days.start : days.stop + 1])
    ghi = _through_clouds(weather.clearness[days], drawn.clouds, per_day) * sky.clear[slots]
    air_c = sky.air_c[slots] + np.repeat(weather.warmer_c[days], per_day)
    light = pvlib.irradiance.erbs(ghi, sky.zenith[slots], sky.day_of_year[slots])
    shares = np.stack(
        [
            _dc_share(plane, sky, slots, ghi=ghi, dni=light["dni"], dhi=light["dhi"], air_c=air_c)
            for plane in system.planes
        ]
    )
    panels_w = np.array([one.panel_w for one in inverters])[:, np.newaxis]
    dc_w = drawn.noise * (2 * _NOISE) + (1 - _NOISE)
    dc_w = dc_w * panels_w
    dc_w *= shares[[one.plane for one in inverters]]
    rated_w = np.array([float(one.rated_power_w) for one in inverters])[:, np.newaxis]
    ac_w = pvlib.inverter.pvwatts(dc_w, rated_w / _EFFICIENCY, _EFFICIENCY)
    ac_w *= STEP_S
    whole: Ints = np.rint(ac_w, out=ac_w).astype(np.int64)
    return whole


def _through_clouds(clearness: Floats, white: Floats, per_day: npt.NDArray[np.intp]) -> Floats:
    """Return the share of clear-sky radiation in each slot: clouds drift, AR(1) within a day."""
    step = np.sqrt(1 - _CLOUD_MEMORY**2)
    drift = np.empty_like(white)
    drift[:, 0] = white[:, 0]
    for slot in range(1, white.shape[1]):
        drift[:, slot] = _CLOUD_MEMORY * drift[:, slot - 1] + step * white[:, slot]
    # Neither a blue nor a grey sky changes much; one in between does.
    swing = 1.3 * clearness * (1 - clearness)
    share = np.clip(clearness[:, np.newaxis] + swing[:, np.newaxis] * drift, 0.06, 1.04)
    share = share[:, _CLOUD_WARM_UP:]
    lit = np.arange(share.shape[1]) < per_day[:, np.newaxis]
    picked: Floats = share[lit]
    return picked


def _dc_share(
    plane: Plane,
    sky: Sky,
    slots: slice,
    *,
    ghi: Floats,
    dni: Floats,
    dhi: Floats,
    air_c: Floats,
) -> Floats:
    """Return the DC output of a panel on *plane*, as a share of its rating."""
    zenith, azimuth = sky.zenith[slots], sky.azimuth[slots]
    facing = pvlib.irradiance.aoi_projection(plane.tilt, plane.azimuth, zenith, azimuth)
    beam = dni * np.maximum(facing, 0)
    diffuse = pvlib.irradiance.haydavies(
        plane.tilt, plane.azimuth, dhi, dni, sky.dni_extra[slots], zenith, azimuth
    )
    ground = pvlib.irradiance.get_ground_diffuse(plane.tilt, ghi, _ALBEDO)
    poa = beam + diffuse + ground
    cell_c = pvlib.temperature.pvsyst_cell(poa, air_c, _WIND_M_S)
    share: Floats = pvlib.pvsystem.pvwatts_dc(poa, cell_c, 1.0, _LOSS_PER_K)
    return share
