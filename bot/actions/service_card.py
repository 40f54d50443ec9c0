"""How a service is told: its facts with what is to be confirmed, and its sources."""

from __future__ import annotations

from collections.abc import Iterable

from bot.turn import TurnContext
from knowledge.catalogue import Fact, Service, Source, Text

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


def card(turn: TurnContext, service: Service) -> str:
    """The full answer on a service."""
    lines = [
        turn.text(
            "utter_service_head",
            name=service.name.in_language(turn.language),
            description=service.description.in_language(turn.language),
        ),
        turn.text("utter_agency_line", agency=_agency(turn, service)),
        *(line(turn, name, fact) for name in CARD_FACTS if (fact := service.fact(name))),
        *closing(turn, service, CARD_FACTS),
    ]
    return "\n".join(lines)


def details(turn: TurnContext, service: Service, aspects: Iterable[str], district: Text | None) -> str:
    """The answer on some aspects of a service; what is not known says where to ask."""
    wanted = tuple(dict.fromkeys(name for aspect in aspects for name in ASPECT_FACTS[aspect]))
    lines = [turn.text("utter_detail_head", name=service.name.in_language(turn.language))]
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
    return "\n".join([*lines, *closing(turn, service, wanted)])


def line(turn: TurnContext, name: str, fact: Fact) -> str:
    """One fact with its mark when it is to be confirmed."""
    separator = turn.text("utter_item_separator")
    return turn.text(
        "utter_fact_line",
        label=turn.text(f"utter_label_{name}"),
        items=separator.join(item.in_language(turn.language) for item in fact.items),
        mark="" if fact.certain else turn.text("utter_mark_unconfirmed"),
    )


def unknown(turn: TurnContext, name: str) -> str:
    """A field the catalogue does not know."""
    return turn.text(
        "utter_unknown_fact", label=turn.text(f"utter_label_{name}"), where=turn.text("utter_where_to_confirm")
    )


def closing(turn: TurnContext, service: Service, names: Iterable[str]) -> list[str]:
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


def sources_of(turn: TurnContext, service: Service, names: Iterable[str]) -> tuple[Source, ...]:
    """The sources of some facts, each once."""
    facts = [fact for name in names if (fact := service.fact(name))]
    keys = dict.fromkeys(key for fact in facts for key in fact.sources)
    return tuple(turn.catalogue.sources[key] for key in keys)


def _agency(turn: TurnContext, service: Service) -> str:
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
