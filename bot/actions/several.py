"""Several requests in one message: each is answered in its own bubble, in the order told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.actions.answer_service import answer_service, search
from bot.actions.file_demand import demand_form
from bot.intent import settled
from bot.nlu.requests import pieces_of
from bot.turn import ActionResult, TurnContext
from knowledge.catalogue import Kind
from knowledge.retriever import Verdict

SURE_SCORE = 0.6
SURE_SIMILARITY = 0.6


def requests(turn: TurnContext) -> tuple[TurnContext, ...]:
    """The turns of the requests a message holds; fewer than two when it holds one.

    Each must be sure by itself, and no two may come to the same service.
    """
    pieces = pieces_of(turn.message.text)
    if len(pieces) < 2:
        return ()
    parts = [_part(turn, piece) for piece in pieces]
    wanted = [(part, told) for part in parts if (told := _told(part)) is not None]
    if len(wanted) < len(parts) or len({told for _, told in wanted}) < len(wanted):
        return ()
    if all(told == "file_demand" for _, told in wanted):
        return ()
    return tuple(part for part, _ in wanted)


def several(turn: TurnContext) -> ActionResult:
    """Answer each request; a demand comes last, so that its question stands at the end."""
    parts = sorted(requests(turn), key=lambda part: settled(part) == "file_demand")
    results = [demand_form(part) if settled(part) == "file_demand" else answer_service(part) for part in parts]
    return merged(results)


def merged(results: Sequence[ActionResult]) -> ActionResult:
    """One result of several: all bubbles, the outcome and the state of the last, every service found."""
    last = results[-1]
    hits = {hit.service.code: hit for result in results for hit in result.hits[:1]}
    return replace(
        last,
        messages=tuple(bubble for result in results for bubble in result.messages),
        events=tuple(event for result in results for event in result.events),
        hits=tuple(hits.values()),
        sources=tuple(dict.fromkeys(source for result in results for source in result.sources)),
    )


def _part(turn: TurnContext, piece: str) -> TurnContext:
    parse = turn.understand(piece, turn.language)
    return replace(turn, message=replace(turn.message, text=piece), parse=parse)


def _told(part: TurnContext) -> str | None:
    """What a part surely wants: a service's code or `file_demand`; None when it is not sure."""
    intent = settled(part)
    if intent == "file_demand":
        return intent if part.parse.probability("file_demand") > SURE_SCORE else None
    if intent not in ("ask_service", "ask_detail") or not part.parse.topic:
        return None
    found = search(part)
    sure = found.best.score >= SURE_SCORE and found.similarity >= SURE_SIMILARITY
    answered = found.verdict is Verdict.ANSWERED and found.best.service.kind is Kind.SERVICE
    return str(found.best.service.code) if sure and answered else None
