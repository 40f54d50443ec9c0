"""Live city data in an answer: weather and roads looked up, offences and registration led to their channels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from bot.live import Ask, LiveFound, LiveOutcome, LiveReport, Reading
from bot.nlu.days import days_told
from bot.nlu.elsewhere import elsewhere
from bot.nlu.live_words import kinds_named
from bot.nlu.roads import road_told
from bot.tracker import Event
from bot.turn import Outcome, TurnContext
from knowledge.catalogue import Service, Source, Text
from knowledge.live import LOOKED_UP, LiveKind, Spot, live_kinds

WARNINGS = "warnings"
DAYS_SHOWN = 3
UNKNOWN_PLACE = re.compile(r"\b(?:in|at|around|near) (?P<name>(?:[A-Z][\w'\-]+ ?)+)")
WITHIN = ("district", "subdistrict", "landmark")


@dataclass(frozen=True)
class LiveAnswer:
    """What is said live; `complete` when it needs no service card after it."""

    text: str
    complete: bool
    outcome: Outcome = Outcome.ANSWERED
    sources: tuple[Source, ...] = ()
    events: tuple[Event, ...] = ()

    def before(self, card: str) -> str:
        """The text of the whole answer, with the service card where it is needed."""
        return self.text if self.complete else f"{self.text}\n{card}"


def live_answer(turn: TurnContext, service: Service, follow_up: bool) -> LiveAnswer | None:
    """The live part of the answer on a service; None when the service has none, or only a detail is asked."""
    kinds = live_kinds().get(service.code, ())
    if not kinds or turn.live.city is None or (follow_up and turn.parse.aspects):
        return None
    if not set(kinds) & set(LOOKED_UP):
        return None if follow_up else LiveAnswer(turn.text(f"utter_live_{kinds[0]}"), complete=False)
    away = elsewhere(turn.parse, turn.analyst.city.names)
    if away is not None:
        return LiveAnswer(turn.text("utter_live_elsewhere", place=_titled(away)), True, Outcome.OUT_OF_SCOPE)
    wanted = _wanted(turn, kinds, follow_up)
    spot = _spot(turn, follow_up)
    asks = {kind: ask for kind in wanted if (ask := _ask(turn, kind, spot)) is not None}
    found = dict(zip(asks, turn.live.found(*asks.values()), strict=True))
    parts = [_part(turn, kind, asks.get(kind), found.get(kind)) for kind in wanted]
    complete = all(part.complete for part in parts)
    lines = [part.text for part in parts]
    if WARNINGS in kinds_named(turn.parse.canonical):
        lines.append(turn.text("utter_live_warnings"))
    if complete:
        lines.append(_where_to_look(turn, service))
    return LiveAnswer(
        "\n".join(lines),
        complete,
        sources=tuple(source for part in parts for source in part.sources),
        events=(turn.slot("live_kind", wanted[0]), turn.slot("live_place", spot.name.zh if spot else None)),
    )


def _wanted(turn: TurnContext, kinds: tuple[LiveKind, ...], follow_up: bool) -> tuple[LiveKind, ...]:
    """The kinds asked for: named by words, else by a road, else those talked of before, else the first."""
    named = kinds_named(turn.parse.canonical)
    if told := tuple(kind for kind in kinds if kind in named):
        return told
    if LiveKind.ROADS in kinds and turn.parse.first("road") is not None:
        return (LiveKind.ROADS,)
    before = turn.tracker.slot("live_kind") if follow_up else None
    return tuple(kind for kind in kinds if kind == before) or kinds[:1]


def _ask(turn: TurnContext, kind: LiveKind, spot: Spot | None) -> Ask | None:
    """The question to the source; None when it is not connected or no place is told that it could answer for."""
    city = turn.live.city
    if city is None or not turn.live.connected(kind):
        return None
    if kind is LiveKind.WEATHER:
        return Ask(kind, spot or city)
    road = road_told(turn.parse, turn.analyst.city)
    if road is not None:
        return Ask(kind, city, road)
    return Ask(kind, spot) if spot is not None else None


def _spot(turn: TurnContext, follow_up: bool) -> Spot | None:
    """The place of the city's table a message tells; a follow-up without one keeps the place before."""
    entity = turn.parse.first(*WITHIN)
    before = turn.tracker.slot("live_place") if follow_up else None
    return turn.live.spots.get(str(entity.district or entity.value if entity else before))


def _where_to_look(turn: TurnContext, service: Service) -> str:
    """The service's own channels and number, marked where they are to be confirmed."""
    facts = [fact for name in ("channels", "phone") if (fact := service.fact(name))]
    items = [item.in_language(turn.language) for fact in facts for item in fact.items]
    mark = "" if all(fact.certain for fact in facts) else turn.text("utter_mark_unconfirmed")
    return turn.text("utter_live_look", items=turn.text("utter_item_separator").join(items), mark=mark)


def _part(turn: TurnContext, kind: LiveKind, ask: Ask | None, found: LiveFound | None) -> LiveAnswer:
    """One kind told: its report, or what is the matter with it."""
    topic = turn.text(f"utter_live_topic_{kind}")
    if not turn.live.connected(kind):
        return LiveAnswer(turn.text("utter_live_not_connected", topic=topic), complete=False)
    if ask is None:
        return LiveAnswer(turn.text("utter_live_which_road"), complete=True)
    if found is None or found.report is None:
        place = (ask.road or ask.spot.name).in_language(turn.language)
        nothing = found is not None and found.outcome is LiveOutcome.NO_DATA
        response = "utter_live_no_data" if nothing else "utter_live_unreachable"
        return LiveAnswer(turn.text(response, topic=topic, place=place), complete=False)
    return _report(turn, found.report, found.outcome is LiveOutcome.STALE)


def _report(turn: TurnContext, report: LiveReport, stale: bool) -> LiveAnswer:
    place = report.place.in_language(turn.language)
    lines = [turn.text(f"utter_live_head_{report.kind}", place=place)]
    if (asked := _other_place(turn, report)) is not None:
        lines.append(turn.text("utter_live_wider", asked=asked, place=place))
    at = report.at.astimezone(turn.now.tzinfo)
    if stale:
        minutes = max(1, round((turn.now - at).total_seconds() / 60))
        lines.append(turn.text("utter_live_stale", minutes=minutes, time=f"{at:%Y-%m-%d %H:%M}"))
    days = days_told(turn.parse.canonical, turn.now.date()) if report.kind is LiveKind.WEATHER else ()
    lines += _days(turn, report, days)
    told = "utter_live_source" if report.published else "utter_live_source_asked"
    lines.append(turn.text(told, source=report.source.in_language(turn.language), time=f"{at:%Y-%m-%d %H:%M}"))
    source = Source(report.source, f"{at:%Y-%m-%d}", report.url, at.isoformat(timespec="seconds"))
    return LiveAnswer("\n".join(lines), True, sources=(source,))


def _other_place(turn: TurnContext, report: LiveReport) -> str | None:
    """The place asked about when the report is of a wider one."""
    if report.kind is not LiveKind.WEATHER:
        return None
    entity = turn.parse.first(*WITHIN) or turn.parse.first("location")
    if turn.parse.first("road") is not None:
        return None
    if entity is None:
        return _unknown_place(turn)
    names = (report.place.zh, report.place.zh[:-1], report.place.en.lower())
    return None if (entity.district or entity.value).lower() in names else entity.text


def _unknown_place(turn: TurnContext) -> str | None:
    """A capitalised name after "in" or "at" that is neither the city nor a time."""
    found = UNKNOWN_PLACE.search(turn.parse.text)
    name = found["name"].strip() if found else ""
    times = " ".join(entity.text for entity in turn.parse.all("time"))
    return name if name and name.lower() not in turn.analyst.city.names and name not in times else None


def _days(turn: TurnContext, report: LiveReport, asked: tuple[date, ...]) -> Iterator[str]:
    """The present, then the days asked for, or the next days."""
    today = turn.now.date()
    present = [reading for reading in report.readings if reading.day is None]
    if present and (not asked or today in asked):
        yield turn.text("utter_live_now", readings=_told(turn, present))
    forecast = sorted({reading.day for reading in report.readings if reading.day is not None})
    for day in asked:
        if day not in forecast:
            yield turn.text("utter_live_too_far", date=day.isoformat(), last=max(forecast, default=today).isoformat())
    for day in forecast if asked else forecast[:DAYS_SHOWN]:
        if not asked or day in asked:
            readings = [reading for reading in report.readings if reading.day == day]
            yield turn.text("utter_live_day", date=_date(turn, day, today), readings=_told(turn, readings))


def _date(turn: TurnContext, day: date, today: date) -> str:
    names = {today: "utter_live_today", today + timedelta(days=1): "utter_live_tomorrow"}
    return turn.text(names.get(day, "utter_live_date"), date=day.isoformat())


def _told(turn: TurnContext, readings: list[Reading]) -> str:
    values = (
        turn.text(f"utter_live_{reading.name}", value=_value(turn, reading.value), unit=reading.unit)
        for reading in readings
    )
    return turn.text("utter_live_separator").join(values)


def _value(turn: TurnContext, value: Text | float) -> str:
    return value.in_language(turn.language) if isinstance(value, Text) else f"{value:g}"


def _titled(name: str) -> str:
    return name.title() if name.isascii() else name
