"""The engine behind the agent's desk: segments in, advice out, no state but the call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.assist.call import Call, Listener
from bot.assist.draft import Draft, draft_of
from bot.assist.matter import MatterReader
from bot.assist.reading import Reader
from bot.assist.suggestions import Suggestion, SuggestionKind, suggestions
from bot.assist.summary import in_chinese, summary
from bot.assist.transcript import Segment
from bot.assist.voice import Voice
from bot.cases.analysis import DemandAnalyst
from bot.domain import Domain
from bot.nlu.parse import Understanding
from knowledge.catalogue import Catalogue
from knowledge.facts import FactFinder
from knowledge.retriever import Retriever


@dataclass(frozen=True)
class Rendering:
    """A call in another language in Chinese, told from its fields, beside what was said."""

    text: str
    original: str


@dataclass(frozen=True)
class Advice:
    """All that is told the agent after a segment; `drafts` are of the matters in order, the last spoken of now."""

    language: str
    suggestions: tuple[Suggestion, ...]
    drafts: tuple[Draft, ...]
    summary: str
    next_question: Suggestion | None
    rendering: Rendering | None

    @property
    def draft(self) -> Draft:
        """The form of what is spoken of now."""
        return self.drafts[-1]


class Assistance:
    """Listens to calls and advises; as many calls at once as there are."""

    def __init__(
        self,
        domain: Domain,
        catalogue: Catalogue,
        understanding: Understanding,
        retriever: Retriever,
        analyst: DemandAnalyst,
        facts: FactFinder,
    ) -> None:
        self._domain, self._catalogue, self._facts, self._city = domain, catalogue, facts, analyst.city
        reader = Reader(understanding, retriever, analyst.city)
        self._listener = Listener(reader, MatterReader(reader, analyst, catalogue), catalogue)

    def listen(self, segments: Iterable[Segment], call: Call | None = None) -> Call:
        """The call after more finished segments; `call` is the one before, a new one by default."""
        return self._listener.listen(segments, call)

    def advise(self, call: Call, language: str | None = None) -> Advice:
        """The advice for a call in a language, the caller's by default."""
        voice = Voice(self._domain, self._catalogue, language or call.language)
        told = call.told() or ((call.matters[-1], call.forms[-1]),)
        drafts = tuple(draft_of(call, matter, form, self._catalogue, self._city) for matter, form in told)
        found = suggestions(call, drafts[-1], voice, self._facts, self._city)
        heard = drafts if call.told() else ()
        rendering = None
        if call.language != "zh" and heard:
            rendering = Rendering(in_chinese(call, heard, voice, self._city), "\n".join(m.text for m, _ in told))
        return Advice(
            voice.language,
            found,
            drafts,
            summary(call, heard, voice, self._city),
            next((one for one in found if one.kind is SuggestionKind.QUESTION), None),
            rendering,
        )
