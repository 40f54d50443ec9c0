"""Positions: WeChat tells them in GCJ-02, the shifted grid of Chinese maps; cases keep WGS 84.

The shift is public only as an approximation; turned back step by step it fits to well under a metre.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from math import cos, pi, sin, sqrt

from bot.cases.coordinates import place_told

# The ellipsoid of Krasovsky 1940: half the long axis in metres, and the square of its eccentricity.
AXIS, ECCENTRICITY = 6378245.0, 0.00669342162296594323
# Outside these degrees the grid is not shifted: south, north, west, east.
BOUNDS = (0.8293, 55.8271, 72.004, 137.8347)
STEPS = 8
# A place is told with province and city; a case of this city needs neither.
PROVINCE_AND_CITY = re.compile(
    r"^(?:[\u4e00-\u9fff]{2,8}?(?:省|自治区))?(?:[\u4e00-\u9fff]{2,6}?市)?(?=[\u4e00-\u9fff])"
)


@dataclass(frozen=True)
class Position:
    """Degrees of latitude and longitude."""

    latitude: float
    longitude: float


def is_position(position: Position) -> bool:
    """Whether the degrees can be."""
    return abs(position.latitude) <= 90 and abs(position.longitude) <= 180


def to_gcj02(position: Position) -> Position:
    """A WGS 84 position on the shifted grid."""
    south, north, west, east = BOUNDS
    if not (south <= position.latitude <= north and west <= position.longitude <= east):
        return position
    x, y = position.longitude - 105.0, position.latitude - 35.0
    ripples = 20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)
    up = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    up += (ripples + 20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    up += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    right = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    right += (ripples + 20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    right += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    radians = position.latitude / 180.0 * pi
    bulge = 1.0 - ECCENTRICITY * sin(radians) ** 2
    up_degrees = up * 180.0 / (AXIS * (1.0 - ECCENTRICITY) / (bulge * sqrt(bulge)) * pi)
    right_degrees = right * 180.0 / (AXIS / sqrt(bulge) * cos(radians) * pi)
    return Position(position.latitude + up_degrees, position.longitude + right_degrees)


def to_wgs84(position: Position) -> Position:
    """The WGS 84 position of one on the shifted grid."""
    guess = position
    for _ in range(STEPS):
        shifted = to_gcj02(guess)
        guess = Position(
            guess.latitude + position.latitude - shifted.latitude,
            guess.longitude + position.longitude - shifted.longitude,
        )
    return guess


def place_sent(label: str, latitude: object, longitude: object) -> str:
    """The words of a place that was sent, with its coordinates in WGS 84 where it has any; empty for neither."""
    name = PROVINCE_AND_CITY.sub("", label, count=1)
    try:
        told = Position(float(str(latitude)), float(str(longitude)))
    except ValueError:
        told = Position(math.nan, math.nan)
    if not is_position(told):
        return name
    position = to_wgs84(told)
    return place_told(name, position.latitude, position.longitude)
