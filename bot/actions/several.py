"""Several requests in one message: each is answered in its own bubble, in the order told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from bot.actions.answer_service import answer_service
from bot.actions.file_demand import demand_form
from bot.context import search_alone as search
from bot.intent import settled
from bot.nlu.requests import pieces_of
from bot.tracker import fold
from bot.turn import ActionResult, TurnContext
from knowledge.catalogue import Kind
from knowledge.verdict import Verdict

FILE = "file_demand"
SURE_SCORE = 0.6
SURE_SIMILARITY = 0.6


@dataclass(frozen=True)
class Told:
    """What a request is about, a service's code or `file_demand`, and whether its answer asks something back."""

    matter: str
    asks: bool


def requests(turn: TurnContext) -> tuple[TurnContext, ...]:
    """The turns of the requests a message holds, in the order to answer them; fewer than two when it holds one.

    Each must be known by itself, no two may come to the same service, and at most one may leave something to ask:
    a demand, or a choice between services. That one comes last, so that its question stands at the end.
    """
    pieces = pieces_of(turn.message.text)
    if len(pieces) < 2:
        return ()
    found = [(part, told) for part in (_part(turn, piece) for piece in pieces) if (told := _told(part)) is not None]
    matters = {told.matter for _, told in found}
    asking = [told for _, told in found if told.asks]
    if len(found) < len(pieces) or len(matters) < len(found) or len(asking) > 1:
        return ()
    return tuple(part for part, _ in sorted(found, key=lambda pair: pair[1].asks))


def several(turn: TurnContext) -> ActionResult:
    """Answer each request, each in the light of those before it."""
    results: list[ActionResult] = []
    for part in requests(turn):
        before = fold(turn.tracker, [event for result in results for event in result.events])
        part = replace(part, tracker=before)
        results.append(demand_form(part) if settled(part) == FILE else answer_service(part))
    return merged(results)


def merged(results: Sequence[ActionResult]) -> ActionResult:
    """One result of several: all bubbles, the outcome and the state of the last, every service found.

    It is believed as little as the least sure of them; what comes first or last and is no judgement, as a form that was
    dropped or a question, goes out whatever becomes of them.
    """
    last = results[-1]
    beliefs = [result.belief for result in results if result.belief is not None]
    hits = {hit.service.code: hit for result in results for hit in result.hits[:1]}
    return replace(
        last,
        messages=tuple(bubble for result in results for bubble in result.messages),
        events=tuple(event for result in results for event in result.events),
        hits=tuple(hits.values()),
        sources=tuple(dict.fromkeys(source for result in results for source in result.sources)),
        belief=min(beliefs, default=None),
        leads=sum(len(result.messages) for result in takewhile(lambda one: one.belief is None, results)),
        follows=len(last.messages) if last.belief is None else last.follows,
    )


def _part(turn: TurnContext, piece: str) -> TurnContext:
    parse = turn.understand(piece, turn.language)
    return replace(turn, message=replace(turn.message, text=piece), parse=parse)


def _told(part: TurnContext) -> Told | None:
    """What a part wants; None when it is not known well enough."""
    intent = settled(part)
    if intent == FILE:
        return Told(FILE, True) if part.parse.probability(FILE) > SURE_SCORE else None
    if intent not in ("ask_service", "ask_detail") or not part.parse.topic:
        return None
    found = search(part)
    if found.similarity < SURE_SIMILARITY or found.verdict in (Verdict.NO_SERVICE, Verdict.VAGUE):
        return None
    if found.best.service.kind is not Kind.SERVICE:
        return None
    return Told(found.best.service.code, found.verdict is Verdict.CLARIFY)
