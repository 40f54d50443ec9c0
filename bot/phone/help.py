"""The help of one call as it changes: what is offered, taken back and filled in after more was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.assist.assistance import Advice
from bot.assist.call import Call
from bot.assist.suggestions import Suggestion, SuggestionKind
from bot.assist.transcript import Segment as Heard
from bot.assist.transcript import Speaker as Who
from bot.phone.segment import Segment, Speaker

# Seconds between two changes of what is offered in one kind, so that an agent can read.
SETTLE = 2.0
# A suggestion is told again when its confidence moved by this much.
MOVED = 0.1


class Adviser(Protocol):
    """What a call needs of the engine; `bot.assist.assistance.Assistance` is one."""

    def listen(self, segments: Sequence[Heard], call: Call | None = None) -> Call:
        """The call after more finished segments."""
        ...

    def advise(self, call: Call, language: str | None = None) -> Advice:
        """The advice for a call."""
        ...


KINDS: Mapping[SuggestionKind, str] = {
    SuggestionKind.REPLY: "faq",
    SuggestionKind.SERVICE: "article",
    SuggestionKind.QUESTION: "next_question",
}
ALERT, SAFETY = "alert", "safety"


def kind_of(suggestion: Suggestion) -> str:
    """The kind on the wire: danger is an alert whatever it says."""
    return ALERT if suggestion.source.field == SAFETY else KINDS[suggestion.kind]


class CallHelp:
    """Follows one call; not for two threads at once."""

    def __init__(self, adviser: Adviser, language: str | None = None) -> None:
        """`language` is the one the agent reads, the caller's by default."""
        self._adviser, self._language = adviser, language
        self._call = Call()
        self.advice: Advice | None = None

    def take(self, segments: Sequence[Segment]) -> Advice:
        """The advice after more final segments."""
        self._call = self._adviser.listen([_heard(one) for one in segments], self._call)
        self.advice = self._adviser.advise(self._call, self._language)
        return self.advice

    def peek(self, segment: Segment) -> Advice:
        """The advice if a segment that may still change were final; nothing of it is kept."""
        return self._adviser.advise(self._adviser.listen([_heard(segment)], self._call), self._language)

    @property
    def language(self) -> str | None:
        """The caller's language, None while nothing was said."""
        return self._call.language if self._call.spoken else None

    def evidence(self, at: int) -> str:
        """The id of the segment at a place; empty for one that may still change."""
        return self._call.segments[at].id if at < len(self._call.segments) else ""


def _heard(segment: Segment) -> Heard:
    return Heard(segment.id, Who.CALLER if segment.speaker is Speaker.CALLER else Who.AGENT, segment.text)


@dataclass(frozen=True)
class Offer:
    """A suggestion that the agent sees under an id."""

    id: str
    suggestion: Suggestion

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same one."""
        return key_of(self.suggestion)


def key_of(suggestion: Suggestion) -> tuple[object, ...]:
    """What makes two suggestions the same."""
    return (kind_of(suggestion), suggestion.code, suggestion.slot, suggestion.text)


@dataclass(frozen=True)
class Change:
    """What to tell the agent: offers, new or surer than before, and the ids of those taken back."""

    offers: tuple[Offer, ...] = ()
    retracted: tuple[str, ...] = ()


@dataclass
class Board:
    """What the agent sees now; pure but for its own state, the time is an argument."""

    shown: dict[str, list[Offer]] = field(default_factory=dict)
    wanted: dict[str, list[Suggestion]] = field(default_factory=dict)
    changed_at: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def want(self, suggestions: Sequence[Suggestion]) -> None:
        """What should be seen from now on."""
        self.wanted = {kind: [] for kind in self.shown}
        for one in suggestions:
            self.wanted.setdefault(kind_of(one), []).append(one)

    def settle(self, now: float) -> tuple[Change, float | None]:
        """What to tell now, and the time to look again; None when all is told."""
        offers: list[Offer] = []
        gone: list[str] = []
        later: float | None = None
        for kind, wanted in self.wanted.items():
            counted = self.count
            change = self._change(kind, wanted)
            if not change.offers and not change.retracted:
                continue
            due = self.changed_at.get(kind, float("-inf")) + SETTLE
            if now < due and kind != ALERT:
                self.count = counted
                later = due if later is None else min(later, due)
                continue
            self.changed_at[kind] = now
            offers += change.offers
            gone += change.retracted
            self._show(kind, change)
        return Change(tuple(offers), tuple(gone)), later

    def find(self, offer_id: str) -> tuple[int, Suggestion] | None:
        """A suggestion that is or was seen, with its place from 1."""
        return next(
            (
                (place, one.suggestion)
                for offers in self.shown.values()
                for place, one in enumerate(offers, 1)
                if one.id == offer_id
            ),
            None,
        )

    @property
    def offers(self) -> tuple[Offer, ...]:
        """All that is seen."""
        return tuple(one for offers in self.shown.values() for one in offers)

    def _change(self, kind: str, wanted: Sequence[Suggestion]) -> Change:
        known = {one.key: one for one in self.shown.get(kind, [])}
        keys = {key_of(one) for one in wanted}
        offers = []
        for one in wanted:
            old = known.get(key_of(one))
            if old is None:
                self.count += 1
                offers.append(Offer(f"sg{self.count}", one))
            elif abs(old.suggestion.confidence - one.confidence) >= MOVED:
                offers.append(Offer(old.id, one))
        return Change(tuple(offers), tuple(one.id for key, one in known.items() if key not in keys))

    def _show(self, kind: str, change: Change) -> None:
        kept = {one.id: one for one in self.shown.get(kind, []) if one.id not in change.retracted}
        kept |= {one.id: one for one in change.offers}
        self.shown[kind] = sorted(kept.values(), key=lambda one: -one.suggestion.confidence)
