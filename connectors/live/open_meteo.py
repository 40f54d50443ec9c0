"""Open-Meteo: `/v1/forecast` and, beside it, `/v1/air-quality`. No key; a refusal is `{"error": true, "reason": …}`.

Local times without offset beside `utc_offset_seconds`; daily values are lists in step with `daily.time`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from bot.errors import LiveGarbled, LiveRefused
from bot.live import Ask, LiveReport, Reading
from connectors.live.wire import Request, number, word
from knowledge.catalogue import Text
from knowledge.live import live_source, live_terms

CURRENT = (
    "temperature_2m",
    "apparent_temperature",
    "relative_humidity_2m",
    "weather_code",
    "wind_speed_10m",
    "wind_direction_10m",
)
DAILY = ("weather_code", "temperature_2m_min", "temperature_2m_max", "precipitation_probability_max")
AIR = ("pm2_5", "us_aqi")
DAYS = 7
SECTORS = ("北", "东北", "东", "东南", "南", "西南", "西", "西北")
# A grid point of the models lies at most this far (degrees) from the place asked for.
MAX_OFFSET = 0.5


@dataclass(frozen=True)
class OpenMeteo:
    """Present weather, air and a week's forecast by coordinates."""

    url: str
    air_url: str
    timezone: str
    fresh_for: timedelta = timedelta(minutes=10)
    stale_for: timedelta = timedelta(hours=6)

    def requests(self, ask: Ask) -> tuple[Request, ...]:
        """The forecast, and the air quality, which may be missing."""
        where = (
            ("latitude", f"{ask.spot.latitude:.2f}"),
            ("longitude", f"{ask.spot.longitude:.2f}"),
            ("timezone", self.timezone),
        )
        wanted = (("current", ",".join(CURRENT)), ("daily", ",".join(DAILY)), ("forecast_days", str(DAYS)))
        air = Request(f"{self.air_url}/v1/air-quality", (*where, ("current", ",".join(AIR))), optional=True)
        return (Request(f"{self.url}/v1/forecast", (*where, *wanted)), air)

    def parse(self, bodies: Sequence[Any], ask: Ask, now: datetime) -> LiveReport:
        """The readings of the forecast and, where they came, of the air."""
        forecast, air = bodies
        body = _accepted(forecast)
        if abs(number(body["latitude"], -90, 90) - ask.spot.latitude) > MAX_OFFSET:
            raise LiveGarbled("the weather of another place")
        if abs(number(body["longitude"], -180, 180) - ask.spot.longitude) > MAX_OFFSET:
            raise LiveGarbled("the weather of another place")
        offset = timezone(timedelta(seconds=number(body["utc_offset_seconds"], -50400, 50400)))
        at = datetime.fromisoformat(word(body["current"]["time"])).replace(tzinfo=offset)
        readings = (*_present(body["current"]), *_air(air), *_days(body["daily"], now.date()))
        title, page = live_source("open_meteo")
        return LiveReport(ask.kind, ask.spot.name, readings, title, page, at)


def _accepted(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise LiveGarbled("no Open-Meteo answer")
    if body.get("error"):
        raise LiveRefused("Open-Meteo refused")
    return body


def _present(current: Mapping[str, Any]) -> Iterator[Reading]:
    if (sky := _sky(current["weather_code"])) is not None:
        yield Reading("condition", sky)
    yield Reading("temperature", number(current["temperature_2m"], -60, 60), "°C")
    yield Reading("feels", number(current["apparent_temperature"], -80, 80), "°C")
    yield Reading("humidity", number(current["relative_humidity_2m"], 0, 100), "%")
    degrees = number(current["wind_direction_10m"], 0, 360)
    yield Reading("wind", live_terms("wind")[SECTORS[round(degrees / 45) % 8]])
    yield Reading("wind_speed", number(current["wind_speed_10m"], 0, 400), "km/h")


def _air(body: Any) -> Iterator[Reading]:
    """Fine dust and the US index; nothing when the air answer failed or is odd."""
    current = body.get("current") if isinstance(body, dict) else None
    if not isinstance(current, dict):
        return
    try:
        dust, index = number(current.get("pm2_5"), 0, 2000), number(current.get("us_aqi"), 0, 1000)
    except LiveGarbled:
        return
    yield Reading("pm25", dust, "µg/m³")
    yield Reading("us_aqi", index)


def _days(daily: Mapping[str, Any], today: date) -> Iterator[Reading]:
    for place, told in enumerate(daily["time"]):
        day = date.fromisoformat(word(told))
        if day < today:
            continue
        if (sky := _sky(daily["weather_code"][place])) is not None:
            yield Reading("condition", sky, day=day)
        yield Reading("low", number(daily["temperature_2m_min"][place], -60, 60), "°C", day)
        yield Reading("high", number(daily["temperature_2m_max"][place], -60, 60), "°C", day)
        if (chance := daily["precipitation_probability_max"][place]) is not None:
            yield Reading("rain_chance", number(chance, 0, 100), "%", day)


def _sky(code: Any) -> Text | None:
    """The words of a WMO code; None for one that is missing or not in the table."""
    return None if code is None else live_terms("wmo").get(f"{number(code, 0, 99):g}")
