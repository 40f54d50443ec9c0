"""Guiding to a service: the answer, the clarifying question, or an honest "nothing found"."""

from __future__ import annotations

from dataclasses import replace

from bot.actions.for_person import audience_line, fitting, settled_by
from bot.actions.live_city import live_answer
from bot.actions.service_card import card, card_facts, clearly, details, pointed_at, sources_of, with_conditions
from bot.actions.which_one import question
from bot.context import (
    CHOICE_SERVICE,
    asks_of_offered,
    brought_up,
    goes_on,
    search,
    spoken_of,
    subject_of,
    told_about,
)
from bot.messages import BotMessage, Button
from bot.nlu.persons import audience_of
from bot.tracker import Event
from bot.turn import ActionResult, Outcome, TurnContext
from knowledge.catalogue import Kind, Service, Text
from knowledge.fusion import COVERED
from knowledge.retriever import Hit, Retrieval
from knowledge.verdict import Verdict

NEXT_ASPECTS = ("materials", "fee", "time_limit", "channels")
MANY_PHONES = 3
MAX_NEED = 120
MAX_HITS = 5


def answer_service(turn: TurnContext) -> ActionResult:
    """Answer the need told in the message."""
    found = search(turn)
    if found.verdict is Verdict.NO_SERVICE:
        return no_service(turn)
    audience = audience_of(turn.parse.persons)
    asked = tuple(turn.tracker.slot("aspects") or ()) if goes_on(turn) else ()
    only = settled_by(found, audience) if found.verdict is Verdict.CLARIFY else None
    if only is not None:
        return tell(turn, only.service, (only, *(hit for hit in found.hits if hit is not only)), asked=asked)
    if found.verdict in (Verdict.CLARIFY, Verdict.VAGUE):
        return clarify(turn, found)
    hits = fitting(found, audience)
    return tell(turn, hits[0].service, hits, asked=asked)


def answer_detail(turn: TurnContext) -> ActionResult:
    """Answer what a message asks on about a service spoken of, or on a neighbour of it; or take up a new need.

    A detail of several services just offered is told once it is known which one is meant.
    """
    if asks_of_offered(turn):
        return _which_of_offered(turn)
    subject = subject_of(turn)
    likely = subject.services() if subject is not None else ()
    current = turn.tracker.slot("service_code")
    code = (told_about(turn, subject) if subject is not None else None) or current
    if code is None:
        return answer_service(turn) if turn.parse.topic else _which_service(turn)
    if not brought_up(turn, code):
        return answer_service(turn)
    hits = _first(turn.catalogue[code], tuple(Hit(turn.catalogue[one], share) for one, share in likely[:MAX_HITS]))
    known = code == current or code in (turn.tracker.slot("discussed") or ())
    carried = () if code == current else tuple(turn.tracker.slot("aspects") or ())
    told = tell(turn, turn.catalogue[code], hits, follow_up=known, asked=carried)
    told = replace(told, belief=dict(likely).get(code, turn.parse.probability("ask_detail", "ask_service")))
    if code == current:
        return told
    name = turn.catalogue[code].everyday_name.in_language(turn.language).lower()
    return replace(told, events=(*told.events, turn.slot("need", f"{name} {turn.parse.asserted}"[:MAX_NEED])))


def tell(
    turn: TurnContext,
    service: Service,
    hits: tuple[Hit, ...],
    follow_up: bool = False,
    asked: tuple[str, ...] = (),
) -> ActionResult:
    """Answer with a service: the aspects asked for (in this message or before), or the whole card."""
    live = live_answer(turn, service, follow_up)
    if live is not None and live.outcome is Outcome.OUT_OF_SCOPE:
        return ActionResult(live.outcome, (BotMessage(live.text),), belief=_first(service, hits)[0].score)
    aspects = with_conditions(turn, service, turn.parse.aspects or asked)
    district = _district(turn)
    pointed = pointed_at(turn, service, aspects) if follow_up or aspects else ()
    if district and not clearly(pointed):
        pointed = ()
    if follow_up and not aspects and not clearly(pointed):
        aspects = ("channels", *_local_phones(service)) if district else ("eligibility", "materials")
    shown: tuple[str, ...]
    if service.kind is Kind.DEMAND:
        text, shown = _demand_card(turn, service), ("channels", "phone")
    elif aspects or pointed:
        text = details(turn, service, aspects, district, pointed)
        shown = ("channels", "materials", "time_limit", "fee", "phone", "steps", "eligibility")
    else:
        text, shown = card(turn, service), card_facts(turn)
    if (fits := audience_line(turn, service)) is not None:
        text = f"{fits}\n{text}"
    need = () if follow_up or turn.tracker.slot("choices") else (_need(turn),)
    events = (*spoken_of(turn, service.code), turn.slot("aspects", list(aspects) or None), *need)
    buttons = _next_buttons(turn, service, aspects)
    sources = sources_of(turn, service, shown)
    if live is not None:
        text, events = live.before(text), (*events, *live.events)
        sources = live.sources if live.complete else (*live.sources, *sources)
    ranked = _first(service, hits)
    message = BotMessage(text, buttons)
    return ActionResult(Outcome.ANSWERED, (message,), events, ranked, sources, belief=ranked[0].score)


def clarify(turn: TurnContext, found: Retrieval) -> ActionResult:
    """Ask which of the likeliest services is meant, or openly where none is likely."""
    choices = found.choices()
    asked, titles = question(turn, found)
    buttons = (
        *tuple(
            Button(title, f'/ask_service{{"service": "{hit.service.code}"}}')
            for title, hit in zip(titles, choices, strict=True)
        ),
        Button(turn.text("utter_neither"), turn.text("utter_neither")),
    )
    events = (
        turn.slot("choices", [hit.service.code for hit in choices] or None),
        turn.slot("choice_purpose", CHOICE_SERVICE),
        turn.slot("aspects", list(turn.parse.aspects) or None),
        _need(turn),
    )
    return ActionResult(Outcome.CLARIFY, (BotMessage(asked, buttons if choices else ()),), events, found.hits)


def no_service(turn: TurnContext) -> ActionResult:
    """Say that the catalogue has nothing and offer to file an inquiry or a person."""
    kinds = search(turn).kinds
    return ActionResult(Outcome.NO_SERVICE, (turn.say("utter_no_service"),), belief=1 - kinds.get(COVERED, 0.0))


def _need(turn: TurnContext) -> Event:
    """Remember the words of the need, for what is asked on later."""
    return turn.slot("need", turn.parse.asserted[:MAX_NEED])


def _which_of_offered(turn: TurnContext) -> ActionResult:
    """Offer the same services again; the detail asked for and the need told before are kept."""
    offered = [turn.catalogue[code] for code in turn.tracker.slot("choices")]
    found = Retrieval(Verdict.CLARIFY, tuple(Hit(service, 1 / len(offered)) for service in offered), 1.0)
    asked = clarify(turn, found)
    (message,) = asked.messages
    told = replace(message, text=turn.text("utter_depends_on_which", question=message.text))
    events = tuple(event for event in asked.events if event.name != "need")
    return replace(asked, messages=(told,), events=events)


def _which_service(turn: TurnContext) -> ActionResult:
    return ActionResult(Outcome.CLARIFY, (turn.say("utter_which_service"),))


def _demand_card(turn: TurnContext, service: Service) -> str:
    return "\n".join((card(turn, service), turn.text("utter_report_offer")))


def _next_buttons(turn: TurnContext, service: Service, asked: tuple[str, ...]) -> tuple[Button, ...]:
    if service.kind is Kind.DEMAND:
        return (turn.domain.say("utter_greet", turn.language).buttons[1],)
    return tuple(
        Button(turn.text(f"utter_label_{name}"), f'/ask_detail{{"aspects": ["{name}"]}}')
        for name in NEXT_ASPECTS
        if name not in asked and service.fact(name) is not None
    )


def _first(service: Service, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
    own = [hit for hit in hits if hit.service.code == service.code] or [Hit(service, 1.0)]
    return (*own, *(hit for hit in hits if hit.service.code != service.code))[:5]


def _local_phones(service: Service) -> tuple[str, ...]:
    """The phone aspect of a service that has numbers of its own in the districts."""
    return ("phone",) if service.phone and len(service.phone.items) > MANY_PHONES else ()


def _district(turn: TurnContext) -> Text | None:
    entity = turn.parse.first("district", "subdistrict", "landmark")
    if entity is None:
        return None
    zh = entity.district or entity.value
    return Text(zh, entity.text.title() if entity.text.isascii() else zh)
