"""Who suggests: a language, the wording, the catalogue, and the words being answered."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain import Domain
from bot.nlu.parse import Parse
from knowledge.catalogue import FACT_FIELDS, Catalogue, Service, Source
from knowledge.facts import FactFinder


@dataclass(frozen=True)
class Voice:
    """Words in one language."""

    domain: Domain
    catalogue: Catalogue
    language: str

    def text(self, response: str, **values: object) -> str:
        """The text of a response."""
        return self.domain.text(response, self.language, **values)

    def listed(self, items: list[str] | tuple[str, ...]) -> str:
        """Several items read out as one list."""
        return self.text("utter_list_separator").join(items)


@dataclass(frozen=True)
class AnsweringVoice(Voice):
    """Words in one language that answer what was asked."""

    parse: Parse
    facts: FactFinder


@dataclass(frozen=True)
class SourceLine:
    """Where a suggestion comes from: a field of a catalogue item with its page, or a field of the form."""

    field: str
    title: str
    url: str | None = None
    checked_on: str | None = None
    code: str | None = None
    confirmed: bool = True


def source_line(voice: Voice, service: Service, field: str) -> SourceLine:
    """The page that a field of a service was read on; the catalogue itself where none is known."""
    fact = service.fact(field) if field in FACT_FIELDS else None
    keys = list(fact.sources) if fact else [service.record.source] if service.record else []
    certain = fact is not None and fact.certain
    if not keys:
        keys = [key for _, other in service.facts() for key in other.sources]
    source: Source | None = voice.catalogue.sources[keys[0]] if keys else None
    if source is None:
        name = service.name.in_language(voice.language)
        return SourceLine(field, voice.text("utter_assist_catalogue", name=name), code=service.code, confirmed=False)
    title = source.title.in_language(voice.language)
    return SourceLine(field, title, source.url, source.checked_on, service.code, certain)
