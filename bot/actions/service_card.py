"""How a service is told: its facts with what is to be confirmed, and its sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from bot.nlu.aspects import asks_whether, tells_circumstance
from bot.nlu.parse import Parse
from knowledge.catalogue import Catalogue, Fact, Service, Source, Text
from knowledge.facts import FactFinder, Pointed

POINTED, POINTED_LEAST, STANDS_OUT, NEAR_BEST = 0.5, 0.28, 1.5, 0.12
MAX_POINTED = 3
TERMS_IN = ("eligibility", "steps")
TERM = re.compile(r"\d+ ?(?:个)?(?:小时|日|天|周|月|年|工作日)")
CARD_FACTS = ("channels", "materials", "time_limit", "fee", "phone")
ASPECT_FACTS = {
    "materials": ("materials",),
    "fee": ("fee",),
    "time_limit": ("time_limit",),
    "channels": ("channels",),
    "online": ("channels",),
    "phone": ("phone",),
    "steps": ("steps", "channels"),
    "eligibility": ("eligibility", "materials"),
}


class Teller(Protocol):
    """Who tells: the language, the wording and the catalogue."""

    @property
    def language(self) -> str: ...

    @property
    def catalogue(self) -> Catalogue: ...

    def text(self, response: str, **values: object) -> str: ...


class Answerer(Teller, Protocol):
    """Who answers a question."""

    @property
    def parse(self) -> Parse: ...

    @property
    def facts(self) -> FactFinder: ...


def card(turn: Answerer, service: Service) -> str:
    """The full answer on a service; who can apply comes first where that is asked."""
    names = card_facts(turn)
    lines = [
        *introduction(turn, service),
        *(line(turn, name, fact) for name in names if (fact := service.fact(name))),
        *closing(turn, service, names),
    ]
    return "\n".join(lines)


def card_facts(turn: Answerer) -> tuple[str, ...]:
    """The fields a card tells."""
    return ("eligibility", *CARD_FACTS) if asks_whether(turn.parse.asserted) else CARD_FACTS


def with_conditions(turn: Answerer, service: Service, aspects: tuple[str, ...]) -> tuple[str, ...]:
    """The aspects asked for, with who can apply where a person or a circumstance is told along."""
    parse = turn.parse
    told = parse.persons or (tells_circumstance(parse.asserted) and asks_whether(parse.asserted))
    if not told or service.eligibility is None or not aspects or "eligibility" in aspects:
        return aspects
    return (*aspects, "eligibility")


def pointed_at(turn: Answerer, service: Service, aspects: Sequence[str]) -> tuple[Pointed, ...]:
    """The items of a service that a question points at, best first; none when no item stands out.

    Items of a field that is asked for anyway are left out, for the whole field is told.
    """
    parse = turn.parse
    found = turn.facts.pointed(service, turn.language, parse.asserted, parse.vector)
    if not found:
        return ()
    scores = np.array([one.score for one in found])
    bar = max(POINTED_LEAST, min(POINTED, float(scores.mean() + STANDS_OUT * scores.std())))
    told = {name for aspect in aspects for name in ASPECT_FACTS[aspect]}
    clear = [one for one in found[:MAX_POINTED] if one.score >= max(bar, scores[0] - NEAR_BEST)]
    if "time_limit" in aspects and not any(one.name in TERMS_IN for one in clear):
        clear += [one for one in found if one.name in TERMS_IN and TERM.search(one.item.zh)][:1]
    return tuple(one for one in clear if one.name not in told)


def clearly(pointed: Sequence[Pointed]) -> bool:
    """Whether the items pointed at answer by themselves, so that nothing else has to be told."""
    return bool(pointed) and pointed[0].score >= POINTED


def introduction(turn: Teller, service: Service) -> list[str]:
    """What a service is and who is responsible."""
    return [
        turn.text(
            "utter_service_head",
            name=service.name.in_language(turn.language),
            description=_description(turn, service),
        ),
        *_other_language(turn, service),
        turn.text("utter_agency_line", agency=responsible(turn, service)),
    ]


def details(
    turn: Teller,
    service: Service,
    aspects: Iterable[str],
    district: Text | None,
    pointed: Sequence[Pointed] = (),
) -> str:
    """The answer on some aspects of a service and on single items; what is not known says where to ask."""
    wanted = tuple(dict.fromkeys(name for aspect in aspects for name in ASPECT_FACTS[aspect]))
    lines = [turn.text("utter_detail_head", name=service.name.in_language(turn.language))]
    lines += _other_language(turn, service)
    for name in dict.fromkeys(one.name for one in pointed):
        fact = service.fact(name)
        assert fact is not None
        lines.append(line(turn, name, fact))
    if "online" in aspects and service.channels is not None:
        online = "utter_online_yes" if _online(service.channels) else "utter_online_unknown"
        lines.append(turn.text(online))
    for name in wanted:
        fact = service.fact(name)
        if (fact is None and name == "channels") or (name == "eligibility" and fact is None) or fact is None:
            lines.append(unknown(turn, name))
        else:
            lines.append(line(turn, name, _nearest(fact, district)))
    if district is not None and "channels" in wanted:
        lines.append(turn.text("utter_district_note", district=district.in_language(turn.language)))
    shown = dict.fromkeys((*(one.name for one in pointed), *wanted))
    return "\n".join([*lines, *closing(turn, service, shown)])


def line(turn: Teller, name: str, fact: Fact) -> str:
    """One fact with its mark when it is to be confirmed."""
    separator = turn.text("utter_item_separator")
    return turn.text(
        "utter_fact_line",
        label=turn.text(f"utter_label_{name}"),
        items=separator.join(item.in_language(turn.language) for item in fact.items),
        mark="" if fact.certain else turn.text("utter_mark_unconfirmed"),
    )


def unknown(turn: Teller, name: str) -> str:
    """A field the catalogue does not know."""
    return turn.text(
        "utter_unknown_fact", label=turn.text(f"utter_label_{name}"), where=turn.text("utter_where_to_confirm")
    )


def closing(turn: Teller, service: Service, names: Iterable[str]) -> list[str]:
    """The note on unconfirmed values and the line of sources."""
    facts = [fact for name in names if (fact := service.fact(name))]
    lines = []
    if any(not fact.certain for fact in facts):
        lines.append(turn.text("utter_unconfirmed_note", where=turn.text("utter_where_to_confirm")))
    shown = sources_of(turn, service, names)
    if shown:
        told = (turn.text("utter_source", title=s.title.in_language(turn.language), date=s.checked_on) for s in shown)
        lines.append(turn.text("utter_source_line", sources=turn.text("utter_item_separator").join(told)))
    else:
        lines.append(turn.text("utter_no_source"))
    return lines


def sources_of(turn: Teller, service: Service, names: Iterable[str]) -> tuple[Source, ...]:
    """The sources of some facts, each once."""
    facts = [fact for name in names if (fact := service.fact(name))]
    listed = [service.record.source] if service.record else []
    keys = dict.fromkeys([*listed, *(key for fact in facts for key in fact.sources)])
    return tuple(turn.catalogue.sources[key] for key in keys)


def _description(turn: Teller, service: Service) -> str:
    about = service.description
    return about.in_language(turn.language) if about else turn.text("utter_no_description")


def _other_language(turn: Teller, service: Service) -> list[str]:
    """The note that an imported item is not known in the language of the turn."""
    return [] if service.name.known_in(turn.language) else [turn.text("utter_in_other_language_only")]


def responsible(turn: Teller, service: Service) -> str:
    """The unit responsible with its note."""
    note = service.agency_note
    name = turn.catalogue.agency_name(service).in_language(turn.language)
    if note is None:
        return name
    told = note.in_language(turn.language)
    return f"{name}（{told}）" if turn.language == "zh" else f"{name} ({told})"


def _online(channels: Fact) -> bool:
    words = (
        "网",
        "线上",
        "小程序",
        "app",
        "微信",
        "公众号",
        "民生警务",
        "粤省事",
        "online",
        "wechat",
        "12123",
        "portal",
    )
    return any(word in item.zh.lower() or word in item.en.lower() for item in channels.items for word in words)


def _nearest(fact: Fact, district: Text | None) -> Fact:
    """The items that name the district, when some do; else all."""
    if district is None:
        return fact
    short = district.zh.removesuffix("区").removesuffix("新")
    local = [item for item in fact.items if short in item.zh]
    return Fact(fact.confidence, fact.sources, local) if local else fact
