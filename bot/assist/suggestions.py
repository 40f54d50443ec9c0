"""What an agent is offered: the sentence to read out, the services it may be, and the next thing to ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.actions.say import door_of
from bot.actions.service_card import ASPECT_FACTS, clearly, pointed_at, responsible, with_conditions
from bot.assist.call import Call
from bot.assist.draft import Draft
from bot.assist.matter import Matter
from bot.assist.questions import Asked
from bot.assist.voice import AnsweringVoice, SourceLine, Voice, source_line
from bot.cases.case import DemandType
from knowledge.catalogue import Fact, Kind, Service, Text
from knowledge.city import City
from knowledge.facts import FactFinder

MAX_SERVICES = 3
LEAST_SHARE = 0.03
EARLIER = 0.5
CARD = ("channels", "materials")
FOREIGN, UNCOVERED = 0.6, 0.35
UNSURE, TORN = 0.5, 0.6
READ_OUT, ASKED = 0.95, 0.6
MAX_ITEMS = 12


class SuggestionKind(StrEnum):
    """What a suggestion is for."""

    REPLY = "reply"
    SERVICE = "service"
    QUESTION = "question"


@dataclass(frozen=True)
class Suggestion:
    """One offer to the agent, with how sure it is and where it comes from."""

    kind: SuggestionKind
    text: str
    confidence: float
    source: SourceLine
    code: str | None = None
    name: str | None = None
    slot: str | None = None


def suggestions(call: Call, draft: Draft, voice: Voice, facts: FactFinder, city: City) -> tuple[Suggestion, ...]:
    """The offers for the state of a call, the surest first; danger before all."""
    found = [*_replies(call, draft, voice, facts, city), *_services(call, voice)]
    question = next_question(call, draft, voice)
    if question is not None:
        found.append(question)
    return tuple(sorted(found, key=lambda one: -one.confidence))


def ranked_services(call: Call) -> tuple[tuple[str, float], ...]:
    """The likeliest services: those of what is spoken of now, the best of an earlier matter among them."""
    matters = [matter for matter, _ in call.told()]
    if not matters:
        return ()
    now, earlier = list(matters[-1].ranked.items()), [best for one in reversed(matters[:-1]) if (best := one.best)]
    before = [(code, EARLIER * share) for code, share in earlier]
    merged = [*now[: max(1, MAX_SERVICES - len(before))], *before, *now]
    first: dict[str, float] = {}
    for code, share in merged:
        first.setdefault(code, share)
    return tuple(first.items())[:MAX_SERVICES]


def next_question(call: Call, draft: Draft, voice: Voice) -> Suggestion | None:
    """The next thing the form needs, or which of two services is meant; None when nothing is missing."""
    matter = next((one for one, _ in reversed(call.told())), None)
    if matter is None or matter.demand is None:
        if call.case_number is None and call.wants in ("case_status", "hasten_case", "supplement_case"):
            return _question(voice, "case_number")
        return _question(voice, "description") if call.segments else None
    if not matter.files_it:
        return _which(matter, voice)
    form = call.forms[call.matters.index(matter)]
    if not form.place.pieces and Asked.LOCATION not in call.skipped:
        return _question(voice, "location", _capture(draft))
    if not form.place.exact and Asked.LOCATION not in call.skipped:
        return _question(voice, "place_detail", _capture(draft))
    if "occurred_at" not in draft.fields and Asked.OCCURRED_AT not in call.skipped and draft.type in _TIMED:
        return _question(voice, "occurred_at")
    hidden = call.unnamed is not None and call.unnamed.value == "true"
    if call.contact is None and not hidden and Asked.CONTACT not in call.skipped:
        return _question(voice, "contact")
    if call.unnamed is None:
        return _question(voice, "anonymous")
    return None


_TIMED = (DemandType.COMPLAINT, DemandType.REPORT, DemandType.HELP)


def _question(voice: Voice, slot: str, capture: Service | None = None) -> Suggestion:
    text = voice.text(f"utter_assist_ask_{slot}")
    if capture is not None and capture.must_capture is not None:
        told = capture.must_capture.in_language(voice.language)
        text = voice.text("utter_assist_ask_also", question=text, capture=told)
        return Suggestion(SuggestionKind.QUESTION, text, ASKED, source_line(voice, capture, "must_capture"), slot=slot)
    title = voice.text("utter_assist_form", field=voice.text(f"utter_assist_field_{slot}"))
    return Suggestion(SuggestionKind.QUESTION, text, ASKED, SourceLine(slot, title), slot=slot)


def _capture(draft: Draft) -> Service | None:
    return draft.item if draft.item is not None and draft.item.must_capture is not None else None


def _which(matter: Matter, voice: Voice) -> Suggestion | None:
    """Which of the two likeliest services is meant, where neither stands out."""
    best = list(matter.ranked.items())[:2]
    if len(best) < 2 or best[0][1] >= UNSURE or best[1][1] < TORN * best[0][1]:
        return None
    names = [voice.catalogue[code].everyday_name.in_language(voice.language) for code, _ in best]
    text = voice.text("utter_assist_ask_which", one=names[0], other=names[1])
    return Suggestion(
        SuggestionKind.QUESTION, text, ASKED, source_line(voice, voice.catalogue[best[0][0]], "name"), slot="service"
    )


def _services(call: Call, voice: Voice) -> Iterator[Suggestion]:
    for code, share in ranked_services(call):
        if share < LEAST_SHARE:
            continue
        service = voice.catalogue[code]
        name = service.name.in_language(voice.language)
        about = service.description.in_language(voice.language) if service.description else ""
        text = voice.text("utter_assist_service", name=name, agency=responsible(voice, service), description=about)
        yield Suggestion(
            SuggestionKind.SERVICE, text, round(share, 3), source_line(voice, service, "description"), code, name
        )


def _replies(call: Call, draft: Draft, voice: Voice, facts: FactFinder, city: City) -> Iterator[Suggestion]:
    if call.danger is not None and call.danger.parse is not None:
        danger = call.danger.parse.danger
        source = SourceLine("safety", voice.text("utter_assist_safety"))
        yield Suggestion(SuggestionKind.REPLY, voice.text(f"utter_{danger.kind}"), 1.0, source, slot=danger.kind)
    matter = next((one for one, _ in reversed(call.told())), None)
    if matter is None or matter.best is None or matter.whole is None:
        return
    code, share = matter.best
    foreign = matter.whole.probability("out_of_scope")
    if foreign >= FOREIGN and matter.covered < UNCOVERED:
        door = voice.text(f"utter_door_{door_of(matter.whole.canonical, city.names)}")
        source = SourceLine("scope", voice.text("utter_assist_scope"))
        yield Suggestion(SuggestionKind.REPLY, voice.text("utter_out_of_scope", door=door), round(foreign, 3), source)
        return
    service = voice.catalogue[code]
    name = service.name.in_language(voice.language)
    sure = round(share * READ_OUT, 3)
    if service.kind is Kind.DEMAND:
        text = voice.text("utter_assist_will_file", name=name, agency=responsible(voice, service))
        yield Suggestion(SuggestionKind.REPLY, text, sure, source_line(voice, service, "agency"), code, name)
        return
    for field, text in answers(matter, service, voice, facts):
        yield Suggestion(SuggestionKind.REPLY, text, sure, source_line(voice, service, field), code, name, field)


def answers(matter: Matter, service: Service, voice: Voice, facts: FactFinder) -> Iterator[tuple[str, str]]:
    """The fields of a service that answer what was asked, each as a sentence to read out."""
    asking = matter.asking
    parse = asking.parse if asking is not None and asking.parse is not None else matter.whole
    assert parse is not None
    teller = AnsweringVoice(voice.domain, voice.catalogue, voice.language, parse, facts)
    aspects = with_conditions(teller, service, matter.aspects)
    pointed = pointed_at(teller, service, aspects) if len(matter.told) > 1 or aspects else ()
    if clearly(pointed) and not aspects:
        for name in dict.fromkeys(one.name for one in pointed):
            items = [one.item for one in pointed if one.name == name]
            fact = service.fact(name)
            assert fact is not None
            yield name, _sentence(voice, service, name, Fact(fact.confidence, fact.sources, items))
        return
    wanted = tuple(dict.fromkeys(name for aspect in aspects for name in ASPECT_FACTS[aspect])) or CARD
    known = [name for name in wanted if service.fact(name) is not None]
    for name in known:
        fact = service.fact(name)
        assert fact is not None
        yield name, _sentence(voice, service, name, fact)
    if not known:
        name = service.name.in_language(voice.language)
        yield wanted[0], voice.text("utter_assist_unknown", name=name, label=voice.text(f"utter_label_{wanted[0]}"))


def _sentence(voice: Voice, service: Service, field: str, fact: Fact) -> str:
    """One field as a sentence; what no official page says is told with a reservation."""
    items: list[Text] = list(fact.items)[:MAX_ITEMS]
    told = voice.text(
        f"utter_assist_answer_{field}",
        name=service.name.in_language(voice.language),
        items=voice.text("utter_item_separator").join(item.in_language(voice.language) for item in items),
    )
    return told if fact.certain else voice.text("utter_assist_unconfirmed", told=told)
