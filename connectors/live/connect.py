"""The live desk of a city put together from settings; a source nobody named is not there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx

from bot.errors import SettingsError
from bot.live import LiveDesk
from bot.settings import Settings
from connectors.live.amap import AmapRoads, AmapWeather
from connectors.live.feed import LiveFeed
from connectors.live.open_meteo import OpenMeteo
from connectors.live.wire import Format
from knowledge.city import find_city
from knowledge.live import LiveKind, Spot, read_spots

THREADS = 4
# httpx and httpcore write whole addresses, keys included, at INFO and DEBUG.
LOUD = ("httpx", "httpcore")


def _amap(settings: Settings, make: Callable[[str, str, Spot], Format], city: Spot) -> Format:
    key = settings.amap_key.get_secret_value()
    if not key:
        raise SettingsError("CHENGDA_AMAP_KEY is needed for a live source `amap`")
    return make(settings.amap_url.rstrip("/"), key, city)


def _open_meteo(settings: Settings, city: Spot) -> Format:
    urls = (settings.open_meteo_url.rstrip("/"), settings.open_meteo_air_url.rstrip("/"))
    return OpenMeteo(*urls, settings.timezone)


FORMATS: Mapping[tuple[LiveKind, str], Callable[[Settings, Spot], Format]] = {
    (LiveKind.WEATHER, "amap"): lambda settings, city: _amap(settings, AmapWeather, city),
    (LiveKind.WEATHER, "open-meteo"): _open_meteo,
    (LiveKind.ROADS, "amap"): lambda settings, city: _amap(settings, AmapRoads, city),
}


def live_desk(settings: Settings) -> LiveDesk:
    """The desk; with nothing named in the settings, or a city without places, it knows no source."""
    spots = read_spots(find_city(settings.city, settings.data_dir).key)
    named = {LiveKind.WEATHER: settings.live_weather, LiveKind.ROADS: settings.live_roads}
    wanted = {kind: name for kind, name in named.items() if name != "none"}
    if not wanted or not spots:
        return LiveDesk(spots)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    city = next(iter(spots.values()))
    forms = {kind: FORMATS[kind, name](settings, city) for kind, name in wanted.items()}
    client = httpx.Client(timeout=settings.live_seconds)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="live")

    def close() -> None:
        pool.shutdown(cancel_futures=True)
        client.close()

    feeds = {
        kind: LiveFeed(f"{kind}:{wanted[kind]}", form, client, pool, settings.live_seconds)
        for kind, form in forms.items()
    }
    return LiveDesk(spots, feeds, close=close)
