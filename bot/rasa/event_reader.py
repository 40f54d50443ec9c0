"""Events as an action server tells them, held against what Rasa asks of one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

from bot.errors import ChengdaError
from bot.rasa import events
from bot.rasa.events import ActiveLoop, BotUttered, EntitiesAdded, Event, ReminderScheduled, SlotSet


class UnknownEvent(ChengdaError):
    """An event's kind is none of Rasa's, it lacks a field, or one is not what it must be."""


KINDS: Mapping[str, type[Event]] = {
    kind.kind: kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind.kind
} | {"form": ActiveLoop}
# What an action server must tell, though the event itself has something in place of it.
_TOLD: Mapping[type[Event], tuple[str, ...]] = {SlotSet: ("value",), EntitiesAdded: ("entities",)}
_NOTHING = type(None)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, _NOTHING),
    "bool": (bool, int),
    "float | None": (float, int, _NOTHING),
    "Mapping[str, Any]": (Mapping,),
    "Mapping[str, Any] | None": (Mapping, _NOTHING),
    "tuple[Mapping[str, Any], ...]": (list, tuple),
    "Any": (object,),
}


def event_of(body: Mapping[str, Any]) -> Event:
    """The event of Rasa's JSON, held against what Rasa asks of one; raises UnknownEvent."""
    event = KINDS.get(str(body.get("event")))
    if event is None:
        raise UnknownEvent(f"no event is called {body.get('event')!r}")
    known = {f.name: f for f in fields(event)}
    values = {name: value for name, value in body.items() if name in known}
    values["metadata"] = values.get("metadata") or {}
    for name in [name for name in values if str(known[name].type) == "bool" and values[name] is None]:
        del values[name]
    if event is BotUttered:
        values["data"] = values.get("data") or {}
    for name, declared in known.items():
        if name not in values:
            if name in _TOLD.get(event, ()) or (declared.default is MISSING and declared.default_factory is MISSING):
                raise UnknownEvent(f"event `{event.kind}` lacks `{name}`")
        elif not isinstance(values[name], _TYPES[str(declared.type)]):
            raise UnknownEvent(f"`{name}` of event `{event.kind}` is no {declared.type}")
        elif str(declared.type) == "bool":
            values[name] = bool(values[name])
    if event is EntitiesAdded:
        values["entities"] = tuple(values["entities"])
    if event is ReminderScheduled:
        values["name"] = values.get("name") or uuid.uuid4().hex
        _check_moment(values.get("date_time"))
    parsed = values.get("parse_data") or {}
    if not isinstance(parsed.get("intent") or {}, Mapping) or not are_entities(parsed.get("entities") or ()):
        raise UnknownEvent("`parse_data` of event `user` has an `intent` and `entities` of another form")
    if not are_entities(values.get("entities", ()) if event is EntitiesAdded else ()):
        raise UnknownEvent("`entities` of event `entities` are not a list of entities")
    return event(**values)


def _check_moment(told: str | None) -> None:
    try:
        datetime.fromisoformat(told or "").timestamp()
    except (ValueError, OverflowError) as wrong:
        raise UnknownEvent(f"`date_time` of event `reminder` is no moment: {told}") from wrong


def are_entities(found: object) -> bool:
    """Whether these are entities in Rasa's shape: a list, each with its name and a value."""
    return isinstance(found, list | tuple) and all(
        isinstance(mark, Mapping) and isinstance(mark.get("entity"), str) and "value" in mark for mark in found
    )
