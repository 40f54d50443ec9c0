"""A stand-in for the live sources: a small server that speaks AMap's and Open-Meteo's formats with invented values.

For tests, and for people who try live answers without a key. A switch makes it slow, broken, refusing or garbled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

ZONE = ZoneInfo("Asia/Shanghai")
ANY_KEY = ""
SLOW_SECONDS = 6.0
DRIP_SECONDS = 0.4
DRIPS = 20
ROADS = {
    "北环大道": ("3", "61.20%", "25.50%", "13.30%", "北环大道：新洲立交附近自西向东拥堵，反向缓行。"),
    "滨海大道": ("1", "97.00%", "3.00%", "0.00%", "滨海大道：双向畅通。"),
}
ELSEWHERE = ("2", "80.00%", "15.00%", "5.00%", "周边道路：局部缓行。")
DAYS = (("多云", "小雨", 24, 17), ("中雨", "阵雨", 20, 15), ("阴", "多云", 22, 16), ("晴", "晴", 25, 16))
CODES = (2, 63, 3, 0, 1, 80, 95)


class Fault(StrEnum):
    """How every answer goes wrong."""

    NONE = "none"
    SLOW = "slow"
    DRIP = "drip"
    DOWN = "down"
    REFUSED = "refused"
    GARBAGE = "garbage"
    ODD = "odd"
    HUGE = "huge"
    MOVED = "moved"


@dataclass
class Rehearsal:
    """The switch, the key that is accepted (any when empty), and the paths asked so far; `hurried` ends slowness."""

    fault: Fault = Fault.NONE
    key: str = ANY_KEY
    asked: list[str] = field(default_factory=list)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(ZONE))
    hurried: threading.Event = field(default_factory=threading.Event)


def create_rehearsal(rehearsal: Rehearsal) -> FastAPI:
    """The server."""
    app = FastAPI(title="Rehearsal of live sources", docs_url=None, redoc_url=None)

    def respond(request: Request, body: Callable[[datetime], dict[str, Any]]) -> Response:
        rehearsal.asked.append(f"{request.url.path}?{request.url.query}")
        faulty = _faulty(request.url.path, rehearsal)
        if faulty is not None:
            return faulty
        amap = request.url.path.startswith("/v3/")
        if amap and (not request.query_params.get("key") or rehearsal.key not in ("", request.query_params["key"])):
            return JSONResponse({"status": "0", "info": "INVALID_USER_KEY", "infocode": "10001"})
        return JSONResponse(body(rehearsal.clock()))

    @app.get("/v3/weather/weatherInfo")
    def weather(request: Request, city: str, extensions: str = "base") -> Response:
        return respond(request, lambda now: _amap_weather(city, extensions, now))

    @app.get("/v3/traffic/status/road")
    def road(request: Request, name: str, adcode: str) -> Response:
        return respond(request, lambda now: _amap_roads(ROADS.get(name)))

    @app.get("/v3/traffic/status/circle")
    def circle(request: Request, location: str, radius: int) -> Response:
        return respond(request, lambda now: _amap_roads(ELSEWHERE))

    @app.get("/v1/forecast")
    def forecast(request: Request, latitude: float, longitude: float, forecast_days: int = 7) -> Response:
        return respond(request, lambda now: _forecast(latitude, longitude, forecast_days, now))

    @app.get("/v1/air-quality")
    def air(request: Request, latitude: float, longitude: float) -> Response:
        return respond(request, lambda now: _air(latitude, longitude, now))

    return app


def _faulty(path: str, rehearsal: Rehearsal) -> Response | None:
    if rehearsal.fault is Fault.SLOW:
        rehearsal.hurried.wait(SLOW_SECONDS)
    return _faults(path, rehearsal.hurried).get(rehearsal.fault, lambda: None)()


def _faults(path: str, hurried: threading.Event) -> dict[Fault, Callable[[], Response]]:
    return {
        Fault.DRIP: lambda: StreamingResponse(_drip(hurried), media_type="application/json"),
        Fault.DOWN: lambda: PlainTextResponse("Internal Server Error", 500),
        Fault.REFUSED: lambda: _refusal(path),
        Fault.GARBAGE: lambda: PlainTextResponse("<html>captive portal</html>"),
        Fault.ODD: lambda: JSONResponse({"status": "1", "lives": [{"adcode": 7}], "current": None, "latitude": "x"}),
        Fault.HUGE: lambda: PlainTextResponse("[" * 600_000),
        Fault.MOVED: lambda: Response(status_code=302, headers={"location": "http://127.0.0.1:9/"}),
    }


def _refusal(path: str) -> Response:
    if path.startswith("/v1/"):
        reason = "Minutely API request limit exceeded. Please try again in one minute."
        return JSONResponse({"error": True, "reason": reason}, 429)
    return JSONResponse({"status": "0", "info": "DAILY_QUERY_OVER_LIMIT", "infocode": "10003"})


def _drip(hurried: threading.Event) -> Iterator[bytes]:
    for _ in range(DRIPS):
        yield b" "
        if hurried.wait(DRIP_SECONDS):
            return


def _amap(**content: Any) -> dict[str, Any]:
    return {"status": "1", "count": "1", "info": "OK", "infocode": "10000", **content}


def _amap_weather(city: str, extensions: str, now: datetime) -> dict[str, Any]:
    where = {"province": "广东", "city": city, "adcode": city, "reporttime": f"{now:%Y-%m-%d %H:%M:%S}"}
    if extensions == "base":
        live = {"weather": "多云", "temperature": "22", "winddirection": "东北", "windpower": "≤3", "humidity": "65"}
        return _amap(lives=[{**where, **live, "temperature_float": "22.0", "humidity_float": "65.0"}])
    casts = [
        {
            "date": f"{now + timedelta(days=number):%Y-%m-%d}",
            "week": str((now + timedelta(days=number)).isoweekday()),
            "dayweather": by_day,
            "nightweather": by_night,
            "daytemp": str(high),
            "nighttemp": str(low),
            "daywind": "东北",
            "nightwind": "东北",
            "daypower": "1-3",
            "nightpower": "1-3",
        }
        for number, (by_day, by_night, high, low) in enumerate(DAYS)
    ]
    return _amap(forecasts=[{**where, "casts": casts}])


def _amap_roads(road: tuple[str, ...] | None) -> dict[str, Any]:
    if road is None:
        return _amap(trafficinfo={"description": [], "evaluation": []})
    status, clear, slow, blocked, words = road
    shares = {"expedite": clear, "congested": slow, "blocked": blocked, "unknown": "0.00%"}
    return _amap(trafficinfo={"description": words, "evaluation": {**shares, "status": status, "description": []}})


def _grid(latitude: float, longitude: float) -> dict[str, Any]:
    return {
        "latitude": round(latitude * 8) / 8,
        "longitude": round(longitude * 8) / 8,
        "generationtime_ms": 0.1,
        "utc_offset_seconds": 28800,
        "timezone": "Asia/Shanghai",
        "timezone_abbreviation": "GMT+8",
        "elevation": 12.0,
    }


def _forecast(latitude: float, longitude: float, days: int, now: datetime) -> dict[str, Any]:
    dates = [f"{now + timedelta(days=number):%Y-%m-%d}" for number in range(days)]
    current = {
        "time": f"{now:%Y-%m-%dT%H:%M}",
        "interval": 900,
        "temperature_2m": 21.4,
        "apparent_temperature": 21.9,
        "relative_humidity_2m": 68,
        "weather_code": 2,
        "wind_speed_10m": 9.7,
        "wind_direction_10m": 47,
    }
    daily = {
        "time": dates,
        "weather_code": [CODES[number % len(CODES)] for number in range(days)],
        "temperature_2m_min": [16.5 + number % 3 for number in range(days)],
        "temperature_2m_max": [23.5 + number % 3 for number in range(days)],
        "precipitation_probability_max": [10, 85, 30, 0, None, 60, 90][:days],
    }
    return {**_grid(latitude, longitude), "current": current, "daily": daily}


def _air(latitude: float, longitude: float, now: datetime) -> dict[str, Any]:
    return {**_grid(latitude, longitude), "current": {"time": f"{now:%Y-%m-%dT%H:00}", "pm2_5": 18.6, "us_aqi": 62}}
