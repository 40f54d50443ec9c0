"""Life events as guided paths: which services follow one another, and why in that order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NewType

from pydantic import ConfigDict, Field, TypeAdapter

from knowledge.catalogue import CATALOGUE, Audience, Catalogue, ServiceCode, Text, validated
from knowledge.city import City, catalogue_of
from knowledge.yaml_file import ContentError, read_with_lines

FILE_NAME = "paths.yml"
PATH_FILE = CATALOGUE / FILE_NAME
LANGUAGES = ("zh", "en")
PathKey = NewType("PathKey", str)
_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=True)


@dataclass(frozen=True)
class Step:
    """One service of a path: why it comes here, and for whom only, where it is not for all."""

    __pydantic_config__ = _STRICT
    code: ServiceCode
    note: Text
    when: Text | None = None


@dataclass(frozen=True)
class LifePath:
    """The services of one life event in order; an empty audience is everybody."""

    __pydantic_config__ = _STRICT
    name: Text
    lead: Text
    steps: Annotated[list[Step], Field(min_length=2)]
    audience: list[Audience] = field(default_factory=list)
    life_events: list[str] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        """The codes of the steps in order."""
        return [step.code for step in self.steps]

    def texts(self) -> Iterator[tuple[str, Text]]:
        """Every text in two languages with its field."""
        yield from (("name", self.name), ("lead", self.lead))
        for number, step in enumerate(self.steps, start=1):
            yield f"steps.{number}.note", step.note
            if step.when is not None:
                yield f"steps.{number}.when", step.when

    def is_for(self, audience: Audience | None) -> bool:
        """Whether a person of an audience is meant; True where either side leaves it open."""
        return audience is None or not self.audience or audience in self.audience


def read_paths(catalogue: Catalogue, path: Path = PATH_FILE) -> Mapping[PathKey, LifePath]:
    """All paths by key; raises ContentError with file, line, key and field of what is wrong."""
    content, lines = read_with_lines(path)
    if not isinstance(content, dict):
        raise ContentError(path, 1, "is no table of paths")
    adapter = TypeAdapter(LifePath)
    paths = {PathKey(key): validated(path, key, adapter, row) for key, row in content.items()}
    for key, one in paths.items():
        if (problem := next(_problems(one, catalogue), None)) is not None:
            raise ContentError(path, lines[(key,)], f"{key}: {problem}")
    return paths


def paths_of(city: City) -> Mapping[PathKey, LifePath]:
    """The paths of a city, none where it has no file of them."""
    files = [folder / FILE_NAME for folder in city.folders if (folder / FILE_NAME).exists()]
    return read_paths(catalogue_of(city), files[-1]) if files else {}


def _problems(one: LifePath, catalogue: Catalogue) -> Iterator[str]:
    for name, text in one.texts():
        for language in LANGUAGES:
            if not text.known_in(language):
                yield f"{name}.{language}: is missing"
    for number, code in enumerate(one.codes, start=1):
        if code not in catalogue:
            yield f"steps.{number}: {code!r} is not in the catalogue"
        if one.codes.index(code) != number - 1:
            yield f"steps.{number}: {code!r} stands twice"
    for event in one.life_events:
        if event not in catalogue.life_events:
            yield f"life_events: {event!r} is not known"
