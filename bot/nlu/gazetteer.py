"""Names of places and units, in both languages, from the lookup files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from knowledge.catalogue import Text
from knowledge.city import City, catalogue_of
from knowledge.normal import LOOKUPS, normalise

ROAD_FILE = LOOKUPS / "road_districts.csv"


@dataclass(frozen=True)
class Name:
    """One written form; `value` is the Chinese canonical name, `district` where it lies if known."""

    form: str
    label: str
    value: str
    district: str | None = None


def _english_forms(name: str, *tails: str) -> Iterator[str]:
    plain = name.lower()
    for form in {plain, plain.replace("'", ""), plain.replace("'", " ")}:
        yield form
        for tail in tails:
            yield f"{form} {tail}"


def _rows(city: City, name: str) -> list[dict[str, str]]:
    path = city.lookup(name)
    if path is None:
        return []
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _subdistricts(city: City) -> Iterator[Name]:
    rows = _rows(city, "subdistricts.csv")
    districts = {row["district_zh"]: row["district_en"] for row in rows}
    for zh, en in districts.items():
        short = zh.removesuffix("新区").removesuffix("区").removesuffix("特别合作")
        short_en = en.split(" ")[0]
        for form in {zh, short, short + "区", short + "新区"}:
            yield Name(form, "district", zh, zh)
        for form in _english_forms(short_en, "district", "new district", "qu"):
            yield Name(form, "district", zh, zh)
    shorts = {zh.removesuffix("新区").removesuffix("区") for zh in districts}
    for row in rows:
        zh, district = row["subdistrict_zh"], row["district_zh"]
        value = zh if zh.endswith("街道") else zh + "街道"
        english = list(_english_forms(row["subdistrict_en"], "subdistrict", "sub-district", "street office"))
        bare = zh not in shorts
        for form in (zh + "街道", zh + "街道办", zh + "街办", *((zh,) if bare else ())):
            yield Name(form, "subdistrict", value, district)
        for form in english:
            if bare or " s" in form:
                yield Name(form, "subdistrict", value, district)


def _places(city: City) -> Iterator[Name]:
    for row in _rows(city, "places.csv"):
        district = row["district_zh"] or None
        yield Name(row["name_zh"], row["kind"], row["name_zh"], district)
        for form in _english_forms(row["name_en"]):
            yield Name(form, row["kind"], row["name_zh"], district)
        if row["kind"] == "road":
            yield Name(_short_road(row["name_en"].lower()), "road", row["name_zh"], district)


def _short_road(name: str) -> str:
    return name.replace(" avenue", " ave").replace(" road", " rd").replace(" street", " st")


def _agencies(agencies: Mapping[str, Text]) -> Iterator[Name]:
    for key, name in agencies.items():
        if key in ("ANY", "STREET", "HOSPITAL"):
            continue
        value, zh = name.in_language("zh"), name.zh
        forms = {zh, zh.removeprefix("市"), zh.removeprefix("市").removesuffix("局") + "局"} if zh else set()
        for form in (*forms, *((name.en.lower(),) if name.en else ())):
            yield Name(form, "agency", value)


@lru_cache(maxsize=4)
def names(city: City) -> tuple[Name, ...]:
    """Every name of a city once, the first label winning when a form means two things."""
    found: dict[str, Name] = {}
    for name in (*_subdistricts(city), *_places(city), *_agencies(catalogue_of(city).agencies)):
        form = normalise(name.form).text
        found.setdefault(form, Name(form, name.label, name.value, name.district))
    return tuple(found.values())


@lru_cache(maxsize=4)
def road_districts(city: City | None) -> Mapping[str, str]:
    """The district of roads that lie in one; of the home city, no other has such a table."""
    if city is not None and not city.home:
        return {}
    with ROAD_FILE.open(encoding="utf-8", newline="") as rows:
        return {row["road_zh"]: row["district_zh"] for row in csv.DictReader(rows)}


@lru_cache(maxsize=4)
def by_form(city: City) -> dict[str, Name]:
    """Names by their normal form."""
    return {name.form: name for name in names(city)}
