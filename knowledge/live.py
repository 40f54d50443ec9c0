"""Live city data as the content files tell it: which service has which kind, the places, the words of the sources."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from knowledge.catalogue import Text
from knowledge.yaml_file import read_yaml

FOLDER = Path(__file__).resolve().parent
TABLE = FOLDER / "live.yml"


class LiveKind(StrEnum):
    """What is asked live; only the first two are looked up, the others lead to the service's own channels."""

    WEATHER = "weather"
    ROADS = "roads"
    OFFENCES = "offences"
    REGISTRATION = "registration"


LOOKED_UP = (LiveKind.WEATHER, LiveKind.ROADS)


@dataclass(frozen=True)
class Spot:
    """A place that live sources know; degrees of WGS 84 (approximate centre), `adcode` empty when it has none."""

    name: Text
    adcode: str
    latitude: float
    longitude: float


@lru_cache(maxsize=1)
def live_kinds() -> Mapping[str, tuple[LiveKind, ...]]:
    """The kinds of live data by service code."""
    return {code: tuple(map(LiveKind, kinds)) for code, kinds in read_yaml(TABLE)["services"].items()}


@lru_cache(maxsize=8)
def live_source(key: str) -> tuple[Text, str]:
    """The title and the page of a source."""
    row = read_yaml(TABLE)["sources"][key]
    return Text(row["title"]["zh"], row["title"]["en"]), row["url"]


@lru_cache(maxsize=8)
def read_spots(city: str) -> Mapping[str, Spot]:
    """The places of a city by Chinese name, the whole city first; empty for a city that has no rows."""
    with (FOLDER / "live_places.csv").open(encoding="utf-8", newline="") as rows:
        return {
            row["zh"]: Spot(Text(row["zh"], row["en"]), row["adcode"], float(row["latitude"]), float(row["longitude"]))
            for row in csv.DictReader(rows)
            if row["city"] == city
        }


@lru_cache(maxsize=8)
def live_terms(table: str) -> Mapping[str, Text]:
    """The words of one table (`wmo`, `amap`, `wind`, `road`) by the source's key."""
    with (FOLDER / "live_terms.csv").open(encoding="utf-8", newline="") as rows:
        return {row["key"]: Text(row["zh"], row["en"]) for row in csv.DictReader(rows) if row["table"] == table}
