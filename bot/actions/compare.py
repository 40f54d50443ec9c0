"""Two services side by side: what each is, for whom, by whom, and the fields in which they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from bot.actions.service_card import closing, introduction, line, sources_of, unknown
from bot.context import CHOICE_SERVICE, spoken_of
from bot.messages import BotMessage, Button
from bot.nlu.mentions import Cut, cuts_of, one_mention
from bot.turn import ActionResult, Outcome, TurnContext
from knowledge.catalogue import Kind, Service
from knowledge.retriever import Hit
from knowledge.verdict import Verdict

COMPARED = ("materials", "time_limit", "fee", "channels")
SIMILARITY = 0.6
SHARE = 0.2
NAMED_BESIDE = 0.5
RELATED = 3.0
MIN_CHARS = 2
COMPARES = "compare_services"


@dataclass(frozen=True)
class Side:
    """The services one side may name, best first; how near its words are, `clear` when one answers."""

    hits: tuple[Hit, ...]
    similarity: float
    clear: bool = False

    @property
    def sure(self) -> bool:
        """Whether the side surely names something of the catalogue."""
        return bool(self.hits) and self.similarity >= SIMILARITY and self.hits[0].score >= SHARE


@dataclass(frozen=True)
class Pair:
    """Two services that two sides name: how likely against other pairs, and how sure the less sure side is."""

    score: float
    first: Service
    second: Service
    belief: float


def compare(turn: TurnContext) -> ActionResult:
    """Tell two services apart, or ask for the one that was not understood."""
    cuts = cuts_of(turn.parse.asserted)
    sides = [_helped(turn, _side(turn, cut.left), _side(turn, cut.right), cut) for cut in cuts]
    pairs = [pair for left, right in sides if (pair := _pair(left, right)) is not None]
    if pairs:
        best = max(pairs, key=lambda pair: pair.score)
        return _told(turn, best.first, best.second, best.belief)
    told_before = _told_before(turn)
    named = [side.hits[0].service for pair in sides for side in pair if side.sure]
    if len(told_before) == 2 and not named:
        return _told(turn, *told_before, belief=turn.parse.probability(COMPARES))
    rest = _side(turn, one_mention(turn.parse.asserted))
    if told_before and (pair := _pair(_known(told_before[0]), rest)) is not None:
        return _told(turn, told_before[0], pair.second, pair.belief)
    found = next(iter([*named, *(hit.service for hit in rest.hits[:1] if rest.sure)]), None)
    return _ask_for_other(turn, found)


def _side(turn: TurnContext, text: str) -> Side:
    if len(text) < MIN_CHARS:
        return Side((), 0.0)
    parse = turn.understand(text, turn.language)
    found = turn.retriever.search(parse.asserted, parse.vector)
    if found.verdict is Verdict.NO_SERVICE:
        return Side((), 0.0)
    hits = tuple(hit for hit in found.hits if hit.service.kind is Kind.SERVICE)
    return Side(hits, found.similarity, found.verdict is Verdict.ANSWERED)


def _helped(turn: TurnContext, left: Side, right: Side, cut: Cut) -> tuple[Side, Side]:
    """The two sides, one that names nothing surely read as a neighbour of the other ("by talent or by points")."""
    if left.sure and not right.clear:
        return left, _beside(turn, left.hits[0].service, cut.right) or right
    if right.sure and not left.clear:
        return _beside(turn, right.hits[0].service, cut.left) or left, right
    return left, right


def _beside(turn: TurnContext, known: Service, text: str) -> Side | None:
    """The neighbour of a service that words name by a word of its names, None when they name none."""
    if len(text) < MIN_CHARS or not known.related:
        return None
    parse = turn.understand(text, turn.language)
    found = turn.retriever.search(parse.asserted, parse.vector, among=known.related)
    named = bool(found.hits) and bool(turn.retriever.why(found.best.service, parse.asserted))
    return _known(found.best.service) if named and found.best.score >= NAMED_BESIDE else None


def _known(service: Service) -> Side:
    return Side((Hit(service, 1.0),), 1.0, True)


def _pair(left: Side, right: Side) -> Pair | None:
    """The likeliest two different services of two sides; neighbours in the catalogue are likelier compared."""
    if not (left.sure and right.sure):
        return None
    best = max(
        (
            Pair(
                one.score * other.score * (RELATED if _neighbours(one.service, other.service) else 1.0),
                one.service,
                other.service,
                min(one.score, other.score),
            )
            for one, other in product(left.hits, right.hits)
            if one.service.code != other.service.code and min(one.score, other.score) >= SHARE
        ),
        key=lambda found: found.score,
        default=None,
    )
    return None if best is None else replace(best, score=best.score * left.similarity * right.similarity)


def _neighbours(one: Service, other: Service) -> bool:
    return other.code in one.related or one.code in other.related


def _told_before(turn: TurnContext) -> tuple[Service, ...]:
    """The two choices offered just before, or the service under discussion."""
    choices = turn.tracker.slot("choices") or ()
    if turn.tracker.slot("choice_purpose") == CHOICE_SERVICE and len(choices) >= 2:
        return tuple(turn.catalogue[code] for code in choices[:2])
    code = turn.tracker.slot("service_code")
    return (turn.catalogue[code],) if code else ()


def _told(turn: TurnContext, first: Service, second: Service, belief: float) -> ActionResult:
    names = [service.everyday_name.in_language(turn.language) for service in (first, second)]
    differing = tuple(_differing(first, second))
    sides = ["\n".join(_one_side(turn, service, differing)) for service in (first, second)]
    end = dict.fromkeys(text for service in (first, second) for text in closing(turn, service, differing))
    head = turn.text("utter_compare_head", first=names[0], second=names[1])
    buttons = tuple(
        Button(name, f'/ask_service{{"service": "{service.code}"}}')
        for name, service in zip(names, (first, second), strict=True)
    )
    sources = dict.fromkeys(source for service in (first, second) for source in sources_of(turn, service, differing))
    events = (
        *spoken_of(turn, first.code),
        turn.slot("choices", [first.code, second.code]),
        turn.slot("choice_purpose", CHOICE_SERVICE),
        turn.slot("aspects", None),
    )
    return ActionResult(
        Outcome.ANSWERED,
        (BotMessage("\n\n".join((head, *sides, "\n".join(end))), buttons),),
        events,
        (Hit(first, 1.0), Hit(second, 1.0)),
        tuple(sources),
        belief=belief,
    )


def _differing(first: Service, second: Service) -> Iterator[str]:
    """The fields that at least one of the two has and that do not say the same."""
    for name in COMPARED:
        one, other = first.fact(name), second.fact(name)
        if (one or other) and (one is None or other is None or one.items != other.items):
            yield name


def _one_side(turn: TurnContext, service: Service, names: Iterable[str]) -> Iterator[str]:
    yield from introduction(turn, service)
    separator = turn.text("utter_item_separator")
    people = separator.join(turn.text(f"utter_audience_{one}") for one in service.audience)
    yield turn.text("utter_compare_audience", audience=people)
    for name in names:
        fact = service.fact(name)
        yield unknown(turn, name) if fact is None else line(turn, name, fact)


def _ask_for_other(turn: TurnContext, found: Service | None) -> ActionResult:
    if found is None:
        return ActionResult(Outcome.CLARIFY, (turn.say("utter_compare_which"),))
    name = found.everyday_name.in_language(turn.language)
    message = turn.say("utter_compare_other", found=name)
    button = Button(name, f'/ask_service{{"service": "{found.code}"}}')
    return ActionResult(
        Outcome.CLARIFY,
        (BotMessage(message.text, (button,)),),
        spoken_of(turn, found.code),
        (Hit(found, 1.0),),
    )
