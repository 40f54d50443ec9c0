"""The catalogue of services and hotline items: types, reader and schema check."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, NewType, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from knowledge.yaml_file import ContentError, read_yaml

CATALOGUE = Path(__file__).resolve().parent
ServiceCode = NewType("ServiceCode", str)
ITEMS_FILE = "items.jsonl"
LANGUAGES = ("zh", "en")
LEAST_ALIASES = 3
OPTIONAL_TEXTS = ("agency_note", "must_capture")
FACT_FIELDS = ("eligibility", "materials", "steps", "channels", "time_limit", "fee", "phone")
_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=True)
T = TypeVar("T")
NonEmpty = Annotated[str, Field(min_length=1)]


class Kind(StrEnum):
    """Whether a person applies for it or complains about it."""

    SERVICE = "service"
    DEMAND = "demand"


class Audience(StrEnum):
    """Who can use a service."""

    RESIDENT = "resident"
    NON_HUKOU = "non_hukou"
    HK_MO_TW = "hk_mo_tw"
    FOREIGNER = "foreigner"
    COMPANY = "company"
    ORGANISATION = "organisation"


class Confidence(StrEnum):
    """How far a fact can be trusted; only `official` is told as certain."""

    OFFICIAL = "official"
    MIRROR = "mirror"
    SECONDARY = "secondary"
    UNSOURCED = "unsourced"


@dataclass(frozen=True)
class Text:
    """One text in both languages; an imported one may have one of them only, the other being empty."""

    __pydantic_config__ = _STRICT
    zh: str = ""
    en: str = ""

    def __post_init__(self) -> None:
        if not (self.zh or self.en):
            raise ValueError("a text in neither language")

    def in_language(self, language: str) -> str:
        """The Chinese text for `zh`, else the English one; the other where that is not known."""
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)

    def known_in(self, language: str) -> bool:
        """Whether it was written in the language."""
        return bool(self.zh if language == "zh" else self.en)


@dataclass(frozen=True)
class Fact:
    """What is known of one field, how sure it is and where it was read."""

    __pydantic_config__ = _STRICT
    confidence: Confidence
    sources: list[NonEmpty]
    items: Annotated[list[Text], Field(min_length=1)]

    @property
    def certain(self) -> bool:
        """Whether it may be told without asking to confirm."""
        return self.confidence is Confidence.OFFICIAL


@dataclass(frozen=True)
class Aliases:
    """Other names people use; `yue` is Cantonese wording."""

    __pydantic_config__ = _STRICT
    zh: list[NonEmpty] = field(default_factory=list)
    en: list[NonEmpty] = field(default_factory=list)
    yue: list[NonEmpty] = field(default_factory=list)

    def all(self) -> tuple[str, ...]:
        """Every alias of every language."""
        return (*self.zh, *self.yue, *self.en)


@dataclass(frozen=True)
class Record:
    """Where an imported item stands in the list it came from; such an item may be sparse and in one language.

    `local_codes` are the list's own codes by field name, `details` what the list tells beyond our fields.
    """

    __pydantic_config__ = _STRICT
    source: NonEmpty
    local_codes: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    """One catalogue item; the fields are told in README.md beside this file."""

    __pydantic_config__ = _STRICT
    code: Annotated[ServiceCode, Field(pattern=r"^[A-Z]\d{2,4}$")]
    kind: Kind
    group: NonEmpty
    name: Text
    everyday_name: Text
    aliases: Aliases
    description: Text | None
    audience: list[Audience]
    agency: NonEmpty
    life_events: list[NonEmpty]
    related: list[ServiceCode]
    agency_note: Text | None = None
    eligibility: Fact | None = None
    materials: Fact | None = None
    steps: Fact | None = None
    channels: Fact | None = None
    time_limit: Fact | None = None
    fee: Fact | None = None
    phone: Fact | None = None
    must_capture: Text | None = None
    category: str | None = None
    record: Record | None = None

    def fact(self, name: str) -> Fact | None:
        """The fact of one of FACT_FIELDS, None when it is not known."""
        fact: Fact | None = getattr(self, name)
        return fact

    def facts(self) -> Iterator[tuple[str, Fact]]:
        """The known facts in the order of FACT_FIELDS."""
        for name in FACT_FIELDS:
            if (fact := self.fact(name)) is not None:
                yield name, fact

    def texts(self) -> Iterator[tuple[str, Text | None]]:
        """Every text in two languages with its field; None where a field that our own items need is missing."""
        yield from (("name", self.name), ("everyday_name", self.everyday_name), ("description", self.description))
        yield from ((name, text) for name in OPTIONAL_TEXTS if (text := getattr(self, name)) is not None)
        yield from ((name, item) for name, fact in self.facts() for item in fact.items)


def items_naming(service: Service, district: str) -> Iterator[Text]:
    """The ways to apply and the numbers of a service that name a district, as "南山区", "南山" or "Nanshan"."""
    short = district.removesuffix("区").removesuffix("新").removesuffix(" District").lower()
    for fact in (service.channels, service.phone):
        for item in fact.items if fact is not None else ():
            if short in item.zh.lower() or short in item.en.lower():
                yield item


@dataclass(frozen=True)
class Source:
    """Where a fact was read; a link is given only for official pages. `observed_at` (ISO) is for live data only."""

    __pydantic_config__ = _STRICT
    title: Text
    checked_on: NonEmpty
    url: str | None = None
    observed_at: str | None = None


@dataclass(frozen=True)
class Catalogue:
    """All services by code, with the tables they refer to."""

    services: Mapping[ServiceCode, Service]
    sources: Mapping[str, Source]
    agencies: Mapping[str, Text]
    groups: Mapping[str, Text]
    life_events: Mapping[str, Text]
    categories: tuple[Text, ...]

    def agency_name(self, service: Service) -> Text:
        """The name of the unit responsible."""
        return self.agencies[service.agency]

    def __getitem__(self, code: str) -> Service:
        return self.services[ServiceCode(code)]

    def __contains__(self, code: object) -> bool:
        return code in self.services

    def __iter__(self) -> Iterator[Service]:
        return iter(self.services.values())

    def __len__(self) -> int:
        return len(self.services)


def read_table(path: Path) -> dict[str, dict[str, str]]:
    """A table file of `key: {zh, en}` rows."""
    table = read_yaml(path)
    if not isinstance(table, dict):
        raise ContentError(path, None, "is no table of keys")
    return table


def _texts(path: Path) -> dict[str, Text]:
    return {key: validated(path, key, TypeAdapter(Text), row) for key, row in read_table(path).items()}


def validated(path: Path, name: str, adapter: TypeAdapter[T], value: Any) -> T:
    """A value of a content file in its type; raises ContentError with every problem."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        problems = (f"{name}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise ContentError(path, None, "; ".join(problems)) from None


@lru_cache(maxsize=1)
def _service_adapter() -> TypeAdapter[Service]:
    return TypeAdapter(Service)


def read_service(path: Path) -> Service:
    """One service file; every error names file, code and field."""
    return validated(path, path.stem, _service_adapter(), read_yaml(path))


def _imported(path: Path) -> Iterator[Service]:
    """The items of an import, one JSON object a line."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield _service_adapter().validate_json(line)
            except ValidationError as error:
                raise ContentError(path, number, str(error.errors()[0]["msg"])) from None


@lru_cache(maxsize=4)
def read_catalogue(folder: Path = CATALOGUE) -> Catalogue:
    """The whole catalogue of a folder; raises ContentError with every problem found, one a line."""
    services = {service.code: service for service in _imported(folder / ITEMS_FILE)}
    problems: list[str] = []
    for path in sorted((folder / "services").glob("*.yml")):
        try:
            service = read_service(path)
            services[service.code] = service
        except ContentError as error:
            problems.append(str(error))
    source = TypeAdapter(Source)
    sources = folder / "sources.yml"
    catalogue = Catalogue(
        services,
        {key: validated(sources, key, source, row) for key, row in read_table(sources).items()},
        _texts(folder / "agencies.yml"),
        _texts(folder / "groups.yml"),
        _texts(folder / "life_events.yml"),
        read_categories(folder / "taxonomy.yml"),
    )
    problems += [problem for one in catalogue for problem in problems_of(one, catalogue)]
    if problems:
        raise ContentError(folder / "services", None, "\n".join(problems))
    return catalogue


def read_categories(path: Path) -> tuple[Text, ...]:
    """The first-level categories of demands; those of the country's best-known list where a city has none."""
    rows = read_yaml(path if path.exists() else CATALOGUE / "taxonomy.yml")
    return tuple(Text(row["zh"], row["en"]) for row in rows)


def _own_problems(service: Service) -> Iterator[str]:
    """What an item of our own lacks that an imported one may lack."""
    for name, text in service.texts():
        for language in LANGUAGES:
            if text is None or not text.known_in(language):
                yield f"{name}.{language}: is missing"
    for language, aliases in (("zh", service.aliases.zh), ("en", service.aliases.en)):
        if len(aliases) < LEAST_ALIASES:
            yield f"aliases.{language}: fewer than {LEAST_ALIASES}"


def problems_of(service: Service, catalogue: Catalogue) -> Iterator[str]:
    """What is wrong with a service beyond its shape, as `<code>.yml: <code>: <field>: <problem>`."""
    at = f"{service.code}.yml: {service.code}"
    references: list[tuple[str, str, Container[str]]] = [
        ("group", service.group, catalogue.groups),
        ("agency", service.agency, catalogue.agencies),
        *(("life_events", event, catalogue.life_events) for event in service.life_events),
        *(("related", code, catalogue.services) for code in service.related),
    ]
    for field_name, key, table in references:
        if key not in table:
            yield f"{at}: {field_name}: {key!r} is not known"
    if service.code in service.related:
        yield f"{at}: related: names itself"
    if service.record is None:
        yield from (f"{at}: {problem}" for problem in _own_problems(service))
    elif service.record.source not in catalogue.sources:
        yield f"{at}: record.source: {service.record.source!r} is not in sources.yml"
    for field_name, fact in service.facts():
        for source in fact.sources:
            if source not in catalogue.sources:
                yield f"{at}: {field_name}.sources: {source!r} is not in sources.yml"
        if fact.confidence is Confidence.OFFICIAL and not fact.sources:
            yield f"{at}: {field_name}.confidence: official needs a source"
    if service.kind is Kind.DEMAND:
        known = {category.zh for category in catalogue.categories} | ({None} if service.record else set())
        if service.category not in known:
            yield f"{at}: category: {service.category!r} is no first-level category"
        if service.must_capture is None and service.record is None:
            yield f"{at}: must_capture: a demand needs it"
    elif service.category is not None:
        yield f"{at}: category: only a demand has one"
