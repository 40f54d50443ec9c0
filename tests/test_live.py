"""Live city data: formats, the feed's cache and limits against a real local server, and the conversations."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn

from bot.assistant import Assistant
from bot.build import assistant_of
from bot.errors import LiveError, LiveGarbled, LiveNoData, LiveRefused, LiveUnreachable, SettingsError
from bot.live import BUDGET, Ask, LiveFound, LiveOutcome, LiveReport
from bot.messages import SenderId, UserMessage
from bot.nlu.days import days_told
from bot.settings import Settings
from bot.training import Models
from connectors.live import rehearsal as stage
from connectors.live.amap import AmapRoads, AmapWeather
from connectors.live.connect import live_desk
from connectors.live.feed import FAILURES_TO_OPEN, OPEN_FOR, LiveFeed
from connectors.live.open_meteo import OpenMeteo
from connectors.live.rehearsal import Fault, Rehearsal, create_rehearsal
from connectors.live.wire import Format
from knowledge.catalogue import Text, read_catalogue
from knowledge.live import LOOKED_UP, LiveKind, live_kinds, live_terms, read_spots
from tests.waiting import wait

SPOTS = read_spots("shenzhen")
CITY, NANSHAN, DAPENG = SPOTS["深圳市"], SPOTS["南山区"], SPOTS["大鹏新区"]
WEATHER, ROADS = LiveKind.WEATHER, LiveKind.ROADS
BEIHUAN = Text("北环大道", "Beihuan Avenue")
# Longer than any machine's noise: who waits for it to the end is told from who does not.
FOR_EVER = 600.0
KEY = "0123456789abcdef0123456789abcdef"
AMAP = AmapWeather("http://amap", KEY, CITY)
AMAP_ROADS = AmapRoads("http://amap", KEY, CITY)
METEO = OpenMeteo("http://meteo", "http://air", "Asia/Shanghai")


class Local:
    """The rehearsal server on a port of its own."""

    def __init__(self) -> None:
        self.stage = Rehearsal()
        config = uvicorn.Config(create_rehearsal(self.stage), port=0, log_level="critical", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(timeout=15)


@pytest.fixture(scope="module")
def running() -> Iterator[Local]:
    server = Local()
    yield server
    server.stop()


@pytest.fixture
def local(running: Local, noon: datetime) -> Iterator[Local]:
    """The server with no fault, no key, at noon of the test day."""
    running.stage.fault, running.stage.key, running.stage.clock = Fault.NONE, "", lambda: noon
    running.stage.asked.clear()
    running.stage.hurried.clear()
    yield running
    running.stage.hurried.set()


@pytest.fixture
def feed() -> Iterator[Callable[..., LiveFeed]]:
    """Makes feeds with a pool and a client that are closed in the end."""
    with httpx.Client() as client, ThreadPoolExecutor(4) as pool:
        yield lambda form, seconds=60.0: LiveFeed("test", form, client, pool, seconds)


def live_settings(settings: Settings, url: str, **values: Any) -> Settings:
    own = {"amap_url": url, "open_meteo_url": url, "open_meteo_air_url": url, "amap_key": KEY}
    made = Settings(**{**settings.model_dump(), **own, **values}, _env_file=None)
    # More than the settings allow: a source that answers does so in time on any machine.
    return made.model_copy(update={"live_seconds": FOR_EVER})


@pytest.fixture
def engine(models: Models) -> Iterator[Callable[[Settings], Assistant]]:
    """Makes assistants whose live sources are closed in the end."""
    made: list[Assistant] = []

    def make(settings: Settings) -> Assistant:
        made.append(assistant_of(models, settings, live_desk(settings)))
        return made[-1]

    yield make
    for assistant in made:
        assistant.live.close()


@pytest.fixture
def speak(
    engine: Callable[[Settings], Assistant],
    settings: Settings,
    local: Local,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Callable[..., Any]]:
    """Makes a talker to an assistant whose live sources are on the local server and whose clock stands at noon."""

    monkeypatch.setattr("bot.assistant.LIVE_BUDGET", FOR_EVER)

    def make(**values: Any) -> Callable[[str], dict[str, Any]]:
        assistant = engine(live_settings(settings, local.url, **values))
        assistant.clock = lambda: noon

        def say(text: str) -> dict[str, Any]:
            answer = assistant.handle(UserMessage(SenderId("citizen"), text))
            turn: dict[str, Any] = dict(answer[-1]["custom"]["turn"])
            return {**turn, "text": "\n".join(bubble["text"] for bubble in answer)}

        return say

    return make


def values(report: LiveReport) -> dict[tuple[str, str], Any]:
    """Readings by name and day, in English."""
    return {
        (one.name, one.day.isoformat() if one.day else ""): (
            one.value.en if isinstance(one.value, Text) else f"{one.value:g}{one.unit}"
        )
        for one in report.readings
    }


def refused(code: str) -> dict[str, str]:
    return {"status": "0", "info": "…", "infocode": code}


# The tables.


def test_live_services_are_of_the_catalogue_and_every_place_has_its_words() -> None:
    catalogue = read_catalogue()
    assert {"C20", "C11", "E12"} == set(live_kinds())
    assert set(live_kinds()) <= {service.code for service in catalogue}
    assert len(SPOTS) == 12
    assert CITY is next(iter(SPOTS.values()))
    assert all(21 < spot.latitude < 24 and 113 < spot.longitude < 116 for spot in SPOTS.values())
    assert set(live_terms("wind")) == {"北", "东北", "东", "东南", "南", "西南", "西", "西北"}
    assert read_spots("elsewhere") == {}


def test_days_told(noon: datetime) -> None:
    saturday = noon.date()
    days = {
        "今天": (0,), "tomorrow": (1,), "后天": (2,), "周末": (0, 1), "on monday": (2,), "周六": (0,), "天气": (),
    }  # fmt: skip
    for text, ahead in days.items():
        assert days_told(text, saturday) == tuple(saturday + timedelta(days=number) for number in ahead), text
    assert days_told("weekend", saturday + timedelta(days=1)) == (saturday + timedelta(days=1),)


# AMap's format.


def test_amap_requests() -> None:
    base, forecast = AMAP.requests(Ask(WEATHER, NANSHAN))
    assert base.url == "http://amap/v3/weather/weatherInfo"
    assert dict(base.params) == {"key": KEY, "city": "440305", "extensions": "base"}
    assert dict(forecast.params)["extensions"] == "all"
    assert dict(AMAP.requests(Ask(WEATHER, DAPENG))[0].params)["city"] == "440300"
    (road,) = AMAP_ROADS.requests(Ask(ROADS, CITY, BEIHUAN))
    assert road.url.endswith("/v3/traffic/status/road")
    assert dict(road.params)["name"] == "北环大道" and dict(road.params)["adcode"] == "440300"
    (circle,) = AMAP_ROADS.requests(Ask(ROADS, NANSHAN))
    assert dict(circle.params)["location"] == "113.930000,22.530000" and int(dict(circle.params)["radius"]) <= 5000
    assert KEY not in repr((base, AMAP, AMAP_ROADS))


AMAP_BASE = {
    "status": "1", "count": "1", "info": "OK", "infocode": "10000",
    "lives": [{"province": "广东", "city": "南山区", "adcode": "440305", "weather": "雷阵雨", "temperature": "27",
               "winddirection": "西南", "windpower": "≤3", "humidity": "81", "reporttime": "2026-11-21 11:32:07",
               "temperature_float": "27.0", "humidity_float": "81.0"}],
}  # fmt: skip
AMAP_ALL = {
    "status": "1", "count": "1", "info": "OK", "infocode": "10000",
    "forecasts": [{"city": "南山区", "adcode": "440305", "province": "广东", "reporttime": "2026-11-21 11:00:00",
                   "casts": [{"date": day, "week": "1", "dayweather": "中雨-大雨", "nightweather": "没见过的天气",
                              "daytemp": "25", "nighttemp": "19", "daywind": "南", "nightwind": "南", "daypower": "1-3",
                              "nightpower": "1-3"} for day in ("2026-11-20", "2026-11-21", "2026-11-22")]}],
}  # fmt: skip


def test_amap_weather_is_read(noon: datetime) -> None:
    report = AMAP.parse([AMAP_BASE, AMAP_ALL], Ask(WEATHER, NANSHAN), noon)
    told = values(report)
    assert report.place.zh == "南山区" and report.at.isoformat() == "2026-11-21T11:32:07+08:00"
    assert told["condition", ""] == "thundershowers" and told["temperature", ""] == "27°C"
    assert told["wind", ""] == "southwest wind" and told["wind_force", ""] == "≤3" and told["humidity", ""] == "81%"
    assert told["condition_day", "2026-11-22"] == "moderate to heavy rain"
    assert told["condition_night", "2026-11-22"] == "没见过的天气"
    assert (told["low", "2026-11-22"], told["high", "2026-11-22"]) == ("19°C", "25°C")
    assert not [one for one in report.readings if one.day is not None and one.day < noon.date()]


def test_amap_roads_are_read(noon: datetime) -> None:
    evaluation = {"expedite": "88.50%", "congested": "8.00%", "blocked": "3.50%", "unknown": "0.00%", "status": "2"}
    info = {"description": "北环大道：双向缓行。", "evaluation": {**evaluation, "description": "轻度拥堵"}}
    body = {"status": "1", "info": "OK", "infocode": "10000", "trafficinfo": info}
    report = AMAP_ROADS.parse([body], Ask(ROADS, CITY, BEIHUAN), noon)
    told = values(report)
    assert told["road_state", ""] == "slow" and told["road_clear", ""] == "88.5%" and told["road_blocked", ""] == "3.5%"
    assert report.at == noon and not report.published
    for nothing in ({"description": [], "evaluation": []}, {"evaluation": {**evaluation, "status": "0"}}, [], None):
        with pytest.raises(LiveNoData):
            AMAP_ROADS.parse([{**body, "trafficinfo": nothing}], Ask(ROADS, CITY, BEIHUAN), noon)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (refused("10001"), LiveRefused),
        (refused("10003"), LiveRefused),
        (refused("10012"), LiveRefused),
        (refused("10016"), LiveUnreachable),
        (refused("300003"), LiveUnreachable),
        (refused("20000"), LiveNoData),
        ({"status": "1", "infocode": "10000", "lives": []}, LiveNoData),
        ({"status": "1", "infocode": "10000", "lives": [{**AMAP_BASE["lives"][0], "adcode": "110101"}]}, LiveGarbled),
        ({"status": "1", "infocode": "10000", "lives": [{**AMAP_BASE["lives"][0], "temperature": "NaN"}]}, LiveGarbled),
        ({"status": "1", "infocode": "10000", "lives": [{**AMAP_BASE["lives"][0], "humidity": "810"}]}, LiveGarbled),
        ("<html>", LiveGarbled),
        (None, LiveGarbled),
        ([1], LiveGarbled),
    ],
)  # fmt: skip
def test_amap_refusals_and_garbage(body: Any, error: type[LiveError], noon: datetime) -> None:
    with pytest.raises(error):
        AMAP.parse([body, AMAP_ALL], Ask(WEATHER, NANSHAN), noon)


# Open-Meteo's format.

METEO_BODY = {
    "latitude": 22.5, "longitude": 113.875, "generationtime_ms": 0.09, "utc_offset_seconds": 28800,
    "timezone": "Asia/Shanghai", "timezone_abbreviation": "GMT+8", "elevation": 9.0,
    "current": {"time": "2026-11-21T11:45", "interval": 900, "temperature_2m": 23.4, "apparent_temperature": 24.0,
                "relative_humidity_2m": 71, "weather_code": 61, "wind_speed_10m": 11.2, "wind_direction_10m": 350},
    "daily": {"time": ["2026-11-21", "2026-11-22", "2026-11-23"], "weather_code": [61, 95, None],
              "temperature_2m_min": [18.2, 17.0, 16.0], "temperature_2m_max": [25.1, 22.3, 21.0],
              "precipitation_probability_max": [80, None, 5]},
}  # fmt: skip


def test_open_meteo_requests_and_reading(noon: datetime) -> None:
    ask = Ask(WEATHER, NANSHAN)
    forecast, air = METEO.requests(ask)
    assert forecast.url == "http://meteo/v1/forecast" and air.url == "http://air/v1/air-quality" and air.optional
    asked = dict(forecast.params)
    assert (asked["latitude"], asked["longitude"], asked["timezone"]) == ("22.53", "113.93", "Asia/Shanghai")
    report = METEO.parse([METEO_BODY, {"current": {"pm2_5": 14.2, "us_aqi": 55}}], ask, noon)
    told = values(report)
    assert report.at.isoformat() == "2026-11-21T11:45:00+08:00"
    assert told["condition", ""] == "light rain" and told["temperature", ""] == "23.4°C"
    assert told["wind", ""] == "north wind" and told["us_aqi", ""] == "55"
    assert told["condition", "2026-11-22"] == "thunderstorm" and told["rain_chance", "2026-11-21"] == "80%"
    assert ("rain_chance", "2026-11-22") not in told and ("condition", "2026-11-23") not in told
    for odd in (None, {"error": True}, {"current": {"pm2_5": "x"}}, []):
        assert ("us_aqi", "") not in values(METEO.parse([METEO_BODY, odd], ask, noon))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"error": True, "reason": "Daily API request limit exceeded."}, LiveRefused),
        ({"latitude": 51.5, "longitude": -0.12}, LiveGarbled),
        ({"current": {**METEO_BODY["current"], "temperature_2m": 999}}, LiveGarbled),
        ({"current": {**METEO_BODY["current"], "temperature_2m": float("nan")}}, LiveGarbled),
        ({"current": None}, TypeError),
        ({"daily": {}}, KeyError),
    ],
)  # fmt: skip
def test_open_meteo_refusals_and_garbage(change: dict[str, Any], error: type[Exception], noon: datetime) -> None:
    with pytest.raises(error):
        METEO.parse([{**METEO_BODY, **change}, None], Ask(WEATHER, NANSHAN), noon)


# The feed against the local server.


def forms(url: str) -> tuple[Format, Format, Format]:
    return AmapWeather(url, KEY, CITY), AmapRoads(url, KEY, CITY), OpenMeteo(url, url, "Asia/Shanghai")


def asks() -> tuple[Ask, Ask, Ask]:
    return Ask(WEATHER, NANSHAN), Ask(ROADS, CITY, BEIHUAN), Ask(WEATHER, NANSHAN)


def look(feed: LiveFeed, ask: Ask, now: datetime, seconds: float = 60.0) -> LiveFound:
    return feed.look(ask, now, seconds)


def test_fresh_cached_and_asked_again(local: Local, feed: Callable[..., LiveFeed], noon: datetime) -> None:
    for form, ask, requests in zip(forms(local.url), asks(), (2, 1, 2), strict=True):
        local.stage.asked.clear()
        one = feed(form)
        assert look(one, ask, noon).outcome is LiveOutcome.FRESH
        assert look(one, ask, noon + form.fresh_for - timedelta(seconds=1)).outcome is LiveOutcome.FRESH
        assert len(local.stage.asked) == requests
        assert look(one, ask, noon + form.fresh_for).outcome is LiveOutcome.FRESH
        assert len(local.stage.asked) == 2 * requests


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in (Fault.NONE, Fault.SLOW, Fault.DRIP)])
def test_every_fault_is_told_and_an_old_answer_bridges_it(
    fault: Fault, local: Local, feed: Callable[..., LiveFeed], noon: datetime
) -> None:
    for form, ask in zip(forms(local.url), asks(), strict=True):
        local.stage.fault = fault
        assert look(feed(form), ask, noon).outcome is LiveOutcome.UNAVAILABLE
        one = feed(form)
        local.stage.fault = Fault.NONE
        assert look(one, ask, noon).outcome is LiveOutcome.FRESH
        local.stage.fault = fault
        later = look(one, ask, noon + form.fresh_for)
        assert later.outcome is LiveOutcome.STALE and later.report is not None and later.report.at <= noon
        assert look(one, ask, noon + form.stale_for).outcome is LiveOutcome.UNAVAILABLE


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.DRIP])
def test_a_slow_source_never_holds_the_asker(
    fault: Fault, local: Local, feed: Callable[..., LiveFeed], noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "SLOW_SECONDS", FOR_EVER)
    monkeypatch.setattr(stage, "DRIPS", int(FOR_EVER / stage.DRIP_SECONDS))
    local.stage.fault = fault
    begun = time.monotonic()
    assert look(feed(forms(local.url)[2], seconds=0.6), Ask(WEATHER, NANSHAN), noon).outcome is LiveOutcome.UNAVAILABLE
    assert time.monotonic() - begun < FOR_EVER / 10


def test_nobody_there(feed: Callable[..., LiveFeed], noon: datetime) -> None:
    for form, ask in zip(forms("http://127.0.0.1:9"), asks(), strict=True):
        assert look(feed(form), ask, noon).outcome is LiveOutcome.UNAVAILABLE


def test_many_askers_make_one_flight(local: Local, feed: Callable[..., LiveFeed], noon: datetime) -> None:
    one = feed(forms(local.url)[1])
    with ThreadPoolExecutor(20) as crowd:
        found = list(crowd.map(lambda _: look(one, Ask(ROADS, CITY, BEIHUAN), noon), range(20)))
    assert {each.outcome for each in found} == {LiveOutcome.FRESH}
    assert len(local.stage.asked) == 1


def test_the_breaker_opens_and_closes(local: Local, feed: Callable[..., LiveFeed], noon: datetime) -> None:
    local.stage.fault = Fault.DOWN
    one, ask = feed(forms(local.url)[1]), Ask(ROADS, CITY, BEIHUAN)
    for _ in range(FAILURES_TO_OPEN + 5):
        assert look(one, ask, noon).outcome is LiveOutcome.UNAVAILABLE
    assert len(local.stage.asked) == FAILURES_TO_OPEN
    local.stage.fault = Fault.NONE
    assert look(one, ask, noon + OPEN_FOR / 2).outcome is LiveOutcome.UNAVAILABLE
    assert look(one, ask, noon + OPEN_FOR).outcome is LiveOutcome.FRESH


def test_a_server_that_ends_tells_who_still_waits(
    local: Local, noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    """A look-up waits for the only thread when the pool is shut down: nobody's turn breaks by that."""
    held, ask = threading.Event(), Ask(ROADS, CITY, BEIHUAN)
    with httpx.Client() as client, ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as asking:
        one = LiveFeed("test", forms(local.url)[1], client, pool, FOR_EVER)
        pool.submit(held.wait, FOR_EVER)
        assert look(one, ask, noon, 0).outcome is LiveOutcome.UNAVAILABLE
        waiting = asking.submit(look, one, ask, noon, FOR_EVER)
        pool.shutdown(wait=False, cancel_futures=True)
        assert waiting.result(FOR_EVER).outcome is LiveOutcome.UNAVAILABLE
        assert look(one, ask, noon).outcome is LiveOutcome.UNAVAILABLE
        held.set()
    assert not local.stage.asked and not caplog.records


def test_an_unknown_road_is_no_failure(local: Local, feed: Callable[..., LiveFeed], noon: datetime) -> None:
    one = feed(forms(local.url)[1])
    for number in range(FAILURES_TO_OPEN + 1):
        road = Text(f"没有的路{number}", "no such road")
        assert look(one, Ask(ROADS, CITY, road), noon).outcome is LiveOutcome.NO_DATA
    assert look(one, Ask(ROADS, CITY, BEIHUAN), noon).outcome is LiveOutcome.FRESH


def test_the_key_is_nowhere_to_read(
    local: Local, settings: Settings, noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    own = live_settings(settings, local.url, live_weather="amap", live_roads="amap")
    desk = live_desk(own)
    local.stage.key = "another key"
    found = desk.sources[WEATHER].look(Ask(WEATHER, CITY), noon, FOR_EVER)
    assert found.outcome is LiveOutcome.UNAVAILABLE
    assert any(KEY in path for path in local.stage.asked)
    desk.close()
    assert "LiveRefused" in caplog.text and "10001" in caplog.text
    for text in (caplog.text, repr(own), repr(found), repr(desk)):
        assert KEY not in text


def test_settings(settings: Settings) -> None:
    assert not live_desk(settings).sources
    with pytest.raises(SettingsError):
        live_desk(live_settings(settings, "http://x", amap_key="", live_roads="amap"))
    assert not live_desk(live_settings(settings, "http://x", live_weather="open-meteo", city="shanghai")).sources


# Conversations.


def test_weather_in_chinese(speak: Callable[..., Any], local: Local) -> None:
    say = speak(live_weather="amap")
    turn = say("深圳今天天气怎么样")
    assert (turn["outcome"], turn["services"][0]["code"], turn["language"]) == ("answered", "C20", "zh")
    for told in ("深圳市", "多云", "22°C", "2026-11-21 12:00"):
        assert told in turn["text"]
    source = turn["sources"][0]
    assert source["url"].startswith("https://lbs.amap.com/") and source["observed_at"] == "2026-11-21T12:00:00+08:00"
    turn = say("南山呢")
    assert "南山区" in turn["text"] and KEY not in str(turn)
    turn = say("那明天呢")
    assert "南山区" in turn["text"] and "2026-11-22" in turn["text"] and "现在" not in turn["text"]
    assert not any("traffic" in path for path in local.stage.asked)


def test_weather_in_english(speak: Callable[..., Any]) -> None:
    say = speak(live_weather="open-meteo")
    turn = say("will it rain in Nanshan tomorrow")
    assert (turn["outcome"], turn["services"][0]["code"], turn["language"]) == ("answered", "C20", "en")
    for told in ("Nanshan", "2026-11-22", "85%", "Open-Meteo"):
        assert told in turn["text"]
    assert "Now:" in say("what about Longgang?")["text"]


def test_a_place_without_figures_of_its_own(speak: Callable[..., Any]) -> None:
    turn = speak(live_weather="amap")("大鹏新区今天天气")
    assert "大鹏新区" in turn["text"] and "以下是深圳市的" in turn["text"]
    turn = speak(live_weather="amap")("what's the weather in Smallville")
    assert "°C" not in turn["text"] or "no separate figures for Smallville" in turn["text"]
    assert "no separate" not in speak(live_weather="amap")("weather in Shenzhen today")["text"]


def test_warnings_are_the_authorities(speak: Callable[..., Any]) -> None:
    turn = speak(live_weather="amap")("明天台风吗")
    assert turn["outcome"] == "answered" and "预警" in turn["text"] and "12121" in turn["text"]


def test_roads(speak: Callable[..., Any]) -> None:
    say = speak(live_roads="amap")
    turn = say("北环大道堵不堵")
    assert (turn["outcome"], turn["services"][0]["code"]) == ("answered", "C20")
    for told in ("北环大道", "拥堵", "61.2%", "12:00"):
        assert told in turn["text"]
    turn = say("is Binhai Avenue jammed")
    assert "Binhai Avenue" in turn["text"] and "flowing freely" in turn["text"] and turn["language"] == "en"
    assert "没有南新路" in say("南新路堵不堵")["text"]
    assert "哪条路" in say("路上堵吗")["text"]


@pytest.mark.parametrize(
    "text",
    ["weather in London", "北京天气", "北京天气未来几天怎么样", "what's the weather in Tokyo today", "广州明天下雨吗"],
)
def test_other_places_are_not_told_of_shenzhen(text: str, speak: Callable[..., Any], local: Local) -> None:
    turn = speak(live_weather="amap", live_roads="amap")(text)
    assert turn["outcome"] == "out_of_scope" and "°C" not in turn["text"]
    assert not local.stage.asked


def test_another_place_asked_after_shenzhen(speak: Callable[..., Any]) -> None:
    say = speak(live_weather="amap")
    say("深圳天气")
    turn = say("北京呢")
    assert "°C" not in turn["text"]


def test_another_city_is_not_given_shenzhen(models: Models, settings: Settings, local: Local) -> None:
    desk = live_desk(live_settings(settings, local.url, live_weather="amap", city="shanghai"))
    assert desk.city is None and not desk.sources
    assistant = assistant_of(models, settings, desk)
    for text in ("今天天气怎么样", "查我的违章"):
        answer = assistant.handle(UserMessage(SenderId("citizen"), text))
        assert "°C" not in answer[-1]["text"] and "个人的违法记录" not in answer[-1]["text"]
    assert not local.stage.asked


def test_failure_is_told_with_where_to_look(speak: Callable[..., Any], local: Local) -> None:
    local.stage.fault = Fault.DOWN
    say = speak(live_weather="open-meteo")
    turn = say("深圳天气")
    assert turn["outcome"] == "answered" and "取不到深圳市" in turn["text"] and "12121" in turn["text"]
    local.stage.fault = Fault.REFUSED
    assert "cannot reach" in say("weather in Futian today")["text"]


def test_an_old_answer_tells_its_age(
    engine: Callable[[Settings], Assistant],
    settings: Settings,
    local: Local,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.assistant.LIVE_BUDGET", FOR_EVER)
    assistant = engine(live_settings(settings, local.url, live_weather="amap"))
    for minutes, fault, told in ((0, Fault.NONE, "22°C"), (45, Fault.DOWN, "约45分钟前")):
        local.stage.fault = fault
        assistant.clock = lambda minutes=minutes: noon + timedelta(minutes=minutes)  # type: ignore[misc]
        answer = assistant.handle(UserMessage(SenderId("citizen"), "深圳天气"))
        assert told in answer[-1]["text"] and "22°C" in answer[-1]["text"]


@pytest.fixture
def slow(
    engine: Callable[[Settings], Assistant],
    settings: Settings,
    local: Local,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> Assistant:
    """An assistant whose source of the weather does not answer."""
    monkeypatch.setattr(stage, "SLOW_SECONDS", FOR_EVER)
    local.stage.fault = Fault.SLOW
    folder = settings.data_dir / "slow.sqlite3"
    own = live_settings(settings, local.url, live_weather="amap", database_url=f"sqlite:///{folder}")
    assistant = engine(own)
    assistant.clock = lambda: noon
    return assistant


def test_a_slow_source_holds_up_nobody_else(slow: Assistant, local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one citizen waits for the weather, others are answered: no database lock is held meanwhile."""
    monkeypatch.setattr("bot.assistant.LIVE_BUDGET", FOR_EVER)
    with ThreadPoolExecutor(1) as waiting:
        answer = waiting.submit(slow.handle, UserMessage(SenderId("waiting"), "深圳天气"))
        try:
            assert wait(lambda: bool(local.stage.asked))
            other = slow.handle(UserMessage(SenderId("other"), "你好"))
            assert other[-1]["custom"]["turn"]["outcome"] == "smalltalk" and not answer.done()
        finally:
            local.stage.hurried.set()
        assert "°C" in answer.result()[-1]["text"]


def test_nobody_waits_for_a_slow_source_to_the_end(slow: Assistant) -> None:
    begun = time.monotonic()
    answer = slow.handle(UserMessage(SenderId("waiting"), "深圳天气"))
    assert BUDGET <= time.monotonic() - begun < FOR_EVER / 10 and "取不到深圳市" in answer[-1]["text"]


def test_offences_and_registration_never_ask_for_papers(speak: Callable[..., Any]) -> None:
    say = speak()
    turn = say("查我的违章")
    assert turn["services"][0]["code"] == "C11" and "请不要在这里发送" in turn["text"] and "12123" in turn["text"]
    assert "do not send" in say("check my traffic tickets")["text"]
    turn = say("我想挂号")
    assert turn["services"][0]["code"] == "E12" and "号源" in turn["text"] and "健康160" in turn["text"]


def test_nothing_configured(talk: Callable[..., dict[str, Any]]) -> None:
    for text, told in (("深圳天气", "还没有接入"), ("is Binhai Avenue jammed", "not connected")):
        turn = talk(text, text)
        assert turn["outcome"] == "answered" and told in turn["text"] and "12121" in turn["text"]
        assert "°C" not in turn["text"]


def test_every_reading_has_its_wording(assistant: Assistant) -> None:
    looked_up = {kind for kinds in live_kinds().values() for kind in kinds if kind in LOOKED_UP}
    for name in ("topic", "head"):
        assert {f"utter_live_{name}_{kind}" for kind in looked_up} <= set(assistant.domain.responses)
    names = set()
    noon = datetime.fromisoformat("2026-11-21T12:00+08:00")
    for body in (METEO.parse([METEO_BODY, {"current": {"pm2_5": 1, "us_aqi": 1}}], Ask(WEATHER, NANSHAN), noon),
                 AMAP.parse([AMAP_BASE, AMAP_ALL], Ask(WEATHER, NANSHAN), noon)):  # fmt: skip
        names |= {one.name for one in body.readings}
    names |= {"road_state", "road_clear", "road_slow", "road_blocked", "road_words"}
    assert {f"utter_live_{name}" for name in names} <= set(assistant.domain.responses)
