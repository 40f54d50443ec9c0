"""AMap (高德) Web Service v3: `weather/weatherInfo`, `traffic/status/road` and `traffic/status/circle`.

Every answer is 200 with `status` "1" or "0"; a refusal names its `infocode`. Values are texts.
The traffic interface tells no time of its own, so the time of our query is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from bot.errors import LiveGarbled, LiveNoData, LiveRefused, LiveUnreachable
from bot.live import Ask, LiveReport, Reading
from connectors.live.wire import Request, number, word
from knowledge.catalogue import Text
from knowledge.live import Spot, live_source, live_terms

OK = "10000"
# Faults of the engine behind the gateway and of its load; every other code is about our key, quota or request.
BREAKDOWNS = ("3", "10015", "10016", "10017", "20003")
# Codes about the words of one question, which say nothing of the next one.
THIS_QUESTION = ("20000", "20011", "20012")
RADIUS_METRES = 3000
ROAD_LEVEL = "5"
SHARES = {"expedite": "road_clear", "congested": "road_slow", "blocked": "road_blocked"}


@dataclass(frozen=True)
class AmapWeather:
    """Present weather and a four-day forecast by district code; a place without one gets the city's."""

    url: str
    key: str = field(repr=False)
    city: Spot
    fresh_for: timedelta = timedelta(minutes=10)
    stale_for: timedelta = timedelta(hours=6)

    def requests(self, ask: Ask) -> tuple[Request, ...]:
        """One request for the present, one for the forecast."""
        where = _measured(ask.spot, self.city).adcode
        return tuple(
            Request(f"{self.url}/v3/weather/weatherInfo", (("key", self.key), ("city", where), ("extensions", what)))
            for what in ("base", "all")
        )

    def parse(self, bodies: Sequence[Any], ask: Ask, now: datetime) -> LiveReport:
        """The readings of both answers; the time is that of the present weather."""
        spot = _measured(ask.spot, self.city)
        live = _of_place(_accepted(bodies[0])["lives"], spot.adcode)
        forecast = _of_place(_accepted(bodies[1])["forecasts"], spot.adcode)
        at = datetime.strptime(word(live["reporttime"]), "%Y-%m-%d %H:%M:%S").replace(tzinfo=now.tzinfo)
        readings = (*_present(live), *(one for cast in forecast["casts"] for one in _day(cast, now.date())))
        title, page = live_source("amap_weather")
        return LiveReport(ask.kind, spot.name, readings, title, page, at)


@dataclass(frozen=True)
class AmapRoads:
    """The state of one road by name, or of the roads around a place."""

    url: str
    key: str = field(repr=False)
    city: Spot
    fresh_for: timedelta = timedelta(minutes=2)
    stale_for: timedelta = timedelta(minutes=30)

    def requests(self, ask: Ask) -> tuple[Request, ...]:
        """One request; a circle is drawn around a place when no road is named."""
        common = (("key", self.key), ("level", ROAD_LEVEL), ("extensions", "base"))
        if ask.road is not None:
            own = (("name", ask.road.zh), ("adcode", self.city.adcode))
            return (Request(f"{self.url}/v3/traffic/status/road", (*common, *own)),)
        centre = f"{ask.spot.longitude:.6f},{ask.spot.latitude:.6f}"
        around = (("location", centre), ("radius", str(RADIUS_METRES)))
        return (Request(f"{self.url}/v3/traffic/status/circle", (*common, *around)),)

    def parse(self, bodies: Sequence[Any], ask: Ask, now: datetime) -> LiveReport:
        """The overall state, the shares of road length, and the source's own words."""
        info = _accepted(bodies[0])["trafficinfo"]
        if not info or not info.get("evaluation"):
            raise LiveNoData("no road of this name")
        evaluation = info["evaluation"]
        state = live_terms("road").get(word(evaluation.get("status", "")))
        if state is None:
            raise LiveNoData("the state of the road is not known")
        readings = [Reading("road_state", state)]
        for name, reading in SHARES.items():
            if evaluation.get(name) not in (None, []):
                readings.append(Reading(reading, number(evaluation[name], 0, 100), "%"))
        if words := word(info.get("description", "")):
            readings.append(Reading("road_words", Text(words, words)))
        title, page = live_source("amap_roads")
        place = ask.road or ask.spot.name
        return LiveReport(ask.kind, place, tuple(readings), title, page, now, published=False)


def _measured(spot: Spot, city: Spot) -> Spot:
    return spot if spot.adcode else city


def _accepted(body: Any) -> Mapping[str, Any]:
    """The body of a request that was answered; raises a LiveError by its code."""
    if not isinstance(body, dict) or str(body.get("status")) not in ("0", "1"):
        raise LiveGarbled("no AMap answer")
    code = "".join(char for char in str(body.get("infocode", "")) if char.isdigit())[:5]
    if str(body["status"]) == "1" and code in ("", OK):
        return body
    if code.startswith(BREAKDOWNS):
        raise LiveUnreachable(f"AMap code {code}")
    if code.startswith(THIS_QUESTION):
        raise LiveNoData(f"AMap code {code}")
    raise LiveRefused(f"AMap code {code}")


def _of_place(rows: Any, adcode: str) -> Mapping[str, Any]:
    """The row of the place asked for, so that no other place's weather is told."""
    if not rows:
        raise LiveNoData("no weather of this place")
    for row in rows:
        if row["adcode"] == adcode:
            found: Mapping[str, Any] = row
            return found
    raise LiveGarbled("the weather of another place")


def _present(live: Mapping[str, Any]) -> Iterator[Reading]:
    yield Reading("condition", _sky(live["weather"]))
    yield Reading("temperature", number(live["temperature"], -60, 60), "°C")
    yield Reading("humidity", number(live["humidity"], 0, 100), "%")
    if (wind := live_terms("wind").get(word(live["winddirection"]))) is not None:
        force = word(live["windpower"])
        yield Reading("wind", wind)
        yield Reading("wind_force", Text(force, force))


def _day(cast: Mapping[str, Any], today: date) -> Iterator[Reading]:
    day = date.fromisoformat(word(cast["date"]))
    if day < today:
        return
    yield Reading("condition_day", _sky(cast["dayweather"]), day=day)
    yield Reading("condition_night", _sky(cast["nightweather"]), day=day)
    temperatures = sorted(number(cast[name], -60, 60) for name in ("daytemp", "nighttemp"))
    for name, value in zip(("low", "high"), temperatures, strict=True):
        yield Reading(name, value, "°C", day)


def _sky(value: Any) -> Text:
    """AMap's word for the weather in both languages; one that the table lacks stays as it is."""
    told = word(value)
    if not told:
        raise LiveGarbled("no word for the weather")
    return live_terms("amap").get(told, Text(told, told))
