"""A city as data: where its catalogue lies, what it is called, and what wording must not carry over from another city.

Shenzhen is the home city, its files stand in this folder. Other shipped cities stand in `cities/<key>`, imported ones
in `cities/<key>` of the data folder; an import for a shipped city is laid over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from knowledge.catalogue import CATALOGUE, ITEMS_FILE, Catalogue, Kind, Service, ServiceCode, Text, read_catalogue
from knowledge.queries import NLU_DATA, Query, Stranger, read_strangers, read_training_queries
from knowledge.yaml_file import ContentError, read_yaml

HOME = "shenzhen"
CITIES = CATALOGUE / "cities"
CITY_FILE = "city.yml"
ANY_AGENCY = "ANY"
LOOKUPS = NLU_DATA / "lookups"


class CityError(Exception):
    """There is no such city."""


@dataclass(frozen=True)
class Profile:
    """What `city.yml` tells; `words` are names that wording uses, by what they name (`app`, `gas_company`)."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    name: Text
    case_prefix: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    timezone: str = "Asia/Shanghai"
    hotline: str = "12345"
    words: dict[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class City:
    """One city; `folders` hold its catalogue, a later one laid over an earlier one."""

    key: str
    profile: Profile
    folders: tuple[Path, ...]

    @property
    def home(self) -> bool:
        """Whether it is the city that the language data and the wording were written for."""
        return self.key == HOME

    @property
    def names(self) -> tuple[str, ...]:
        """How a canonical text calls the city."""
        return tuple(name.lower() for name in (self.profile.name.zh, self.profile.name.en) if name)

    def lookup(self, name: str) -> Path | None:
        """A list of places of the city, None where it has none."""
        if self.home:
            return LOOKUPS / name
        return next((folder / name for folder in reversed(self.folders) if (folder / name).exists()), None)


def read_profile(path: Path) -> Profile:
    """The profile of a city file; raises ContentError."""
    try:
        return TypeAdapter(Profile).validate_python(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise ContentError(path, None, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


@lru_cache(maxsize=8)
def find_city(name: str = HOME, data_dir: Path | None = None) -> City:
    """A city by its key or by the path of its folder, with what was imported into the data folder; raises CityError."""
    shipped = CATALOGUE if name == HOME else CITIES / name
    imported = data_dir / "cities" / name if data_dir else None
    folders = [one for one in (shipped, imported, Path(name)) if one and (one / CITY_FILE).exists()]
    if not folders:
        raise CityError(f"no city {name!r}: it is neither shipped, nor imported under {data_dir}, nor a folder")
    over = imported if imported and folders[0] not in (imported, Path(name)) else None
    overlay = [over] if over and (over / ITEMS_FILE).exists() else []
    return city_in(Path(name).name, (folders[0], *overlay))


@lru_cache(maxsize=8)
def city_in(key: str, folders: tuple[Path, ...]) -> City:
    """The city of these folders, one object however it was asked for, as all that is made for a city is kept by it."""
    return City(key, read_profile(folders[0] / CITY_FILE), folders)


def shipped_cities() -> tuple[str, ...]:
    """The keys of the cities that come with the product, the home city first."""
    return (HOME, *sorted(path.parent.name for path in CITIES.glob(f"*/{CITY_FILE}")))


def new_catalogue() -> Catalogue:
    """What a city starts from that has nothing yet: no item, and the life events that name no city."""
    home = read_catalogue()
    name = read_profile(CATALOGUE / CITY_FILE).name
    events = {key: text for key, text in home.life_events.items() if name.zh not in text.zh}
    return Catalogue({}, {}, {ANY_AGENCY: home.agencies[ANY_AGENCY]}, {}, events, home.categories)


@lru_cache(maxsize=4)
def catalogue_of(city: City) -> Catalogue:
    """All items of a city; a city beside the home one takes over the hotline items that it has not itself."""
    whole = read_catalogue(city.folders[0])
    for folder in city.folders[1:]:
        whole = _laid_over(read_catalogue(folder), whole)
    return whole if city.home else _with_hotline_items(whole, read_catalogue())


def _laid_over(upper: Catalogue, lower: Catalogue) -> Catalogue:
    return Catalogue(
        {**lower.services, **upper.services},
        {**lower.sources, **upper.sources},
        {**lower.agencies, **upper.agencies},
        {**lower.groups, **upper.groups},
        {**lower.life_events, **upper.life_events},
        lower.categories,
    )


def _with_hotline_items(own: Catalogue, home: Catalogue) -> Catalogue:
    """The city's items and the home city's hotline items: what one complains of is the same, the facts are not."""
    taken = [one for one in home if one.kind is Kind.DEMAND and one.code not in own]
    inherited = {one.code: _without_facts(one, own) for one in taken}
    shared = {key: home.agencies[key] for key in (ANY_AGENCY,)}
    groups = {one.group: home.groups[one.group] for one in taken}
    return replace(
        own,
        services={**own.services, **inherited},
        agencies={**shared, **own.agencies},
        groups={**groups, **own.groups},
    )


def _without_facts(service: Service, own: Catalogue) -> Service:
    """An inherited item: no fact, no note on units, and a unit only where the city names it by the same key."""
    facts: dict[str, None] = {name: None for name, _ in service.facts()}
    agency = service.agency if service.agency in own.agencies else ANY_AGENCY
    related = [code for code in service.related if code.startswith(service.code[0])]
    return replace(service, agency=agency, agency_note=None, life_events=[], related=related, **facts)  # type: ignore[arg-type]


def queries_of(city: City, catalogue: Catalogue) -> tuple[Query, ...]:
    """The training lines of a city, those for inherited hotline items among them."""
    home = read_training_queries()
    if city.home:
        return home
    own = [line for folder in city.folders for line in _lines(folder / "queries")]
    taken = {line.code for line in own}
    inherited = {one.code for one in catalogue if one.kind is Kind.DEMAND and one.record is None} - taken
    return (*own, *(line for line in home if ServiceCode(line.code) in inherited))


def _lines(folder: Path) -> tuple[Query, ...]:
    return read_training_queries(folder) if folder.is_dir() else ()


def strangers_of(city: City) -> tuple[Stranger, ...]:
    """Sentences that no service of the city answers; only the home city has such lists."""
    return read_strangers() if city.home else ()


def wording_of(city: City) -> Mapping[str, str]:
    """What to write in another city for every name of the home city that a response carries, longest first."""
    if city.home:
        return {}
    home, general = read_profile(CATALOGUE / CITY_FILE), read_yaml(CITIES / "any.yml")
    pairs: dict[str, str] = {}
    for key, text in home.words.items():
        own = city.profile.words.get(key) or Text(**general[key])
        pairs |= {text.zh: own.in_language("zh"), text.en: own.in_language("en")}
    name = city.profile.name
    pairs |= {home.name.zh: name.in_language("zh"), home.name.en: name.in_language("en")}
    return dict(sorted(pairs.items(), key=lambda pair: -len(pair[0])))
