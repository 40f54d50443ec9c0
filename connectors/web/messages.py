"""Stored turns as the messages and stream events of the web chat; pure, nothing is read here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.channels.transcript import Told

LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}
# Where an answer is cut for a stream: after a line, a sentence, or, in long ones, a clause.
PARTS = re.compile(r"[^\n。！？!?；;]*(?:[\n。！？!?；;]+|$)")
CASE_OUTCOMES = frozenset({"case_filed", "case_status", "case_updated"})


class Speaker(StrEnum):
    """Who says a message."""

    ASSISTANT = "assistant"
    USER = "user"
    AGENT = "agent"
    SYSTEM = "system"


class Name(StrEnum):
    """The events of a stream."""

    DELTA = "message.delta"
    MESSAGE = "message"
    TYPING = "typing"
    HANDOFF = "handoff"
    CASE = "case.update"
    ERROR = "error"
    ACK = "ack"


@dataclass(frozen=True)
class Sent:
    """One event; `id` only at the end of a turn, so that a stream cut off inside a turn resumes before it."""

    name: Name
    data: Mapping[str, Any]
    id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The event as a socket carries it."""
        told = {"event": str(self.name), "data": self.data}
        return told if self.id is None else {**told, "id": self.id}


def messages_of(told: Told, titles: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The messages of a turn; `titles` names the buttons that were there to be tapped by their payloads."""
    by = speaker_of(told)
    turn = turn_of(told)
    stamp, key = told.at.isoformat(), told.id or told.message_id
    found: list[dict[str, Any]] = []
    for event in told.events:
        if event["event"] == "user" and event.get("text"):
            text = str(event["text"])
            shown = (titles or {}).get(text, text)
            found.append({"id": f"{key}-u", "role": str(Speaker.USER), "text": shown, "client_msg_id": told.message_id})
    said = [bubble for bubble in told.answer if bubble.get("text") or bubble.get("image")]
    if not told.answer and by is Speaker.AGENT:
        said = [{"text": event["text"]} for event in told.events if event["event"] == by and event.get("text")]
    for place, bubble in enumerate(said):
        role = str((bubble.get("custom") or {}).get("role") or by)
        message: dict[str, Any] = {"id": f"{key}-{place}", "role": role, "text": str(bubble.get("text") or "")}
        if turn.get("language") in LANGUAGE_TAGS:
            message["lang"] = LANGUAGE_TAGS[turn["language"]]
        if bubble.get("buttons"):
            message["buttons"] = [{"title": one["title"], "payload": one["payload"]} for one in bubble["buttons"]]
        if bubble.get("image"):
            message["image"] = bubble["image"]
        message["citations"] = citations_of(turn) if place == len(said) - 1 else []
        message["ai_generated"] = role == Speaker.ASSISTANT
        found.append(message)
    if said:
        found[-1]["turn"] = turn
    return [{**message, "turn_id": told.id, "ts": stamp} for message in found]


def events_of(told: Told, titles: Mapping[str, str] | None = None, live: bool = False) -> Iterator[Sent]:
    """The stream events of a turn; a live one is told in parts before it is told as a whole."""
    turn = turn_of(told)
    events: list[Sent] = []
    for message in messages_of(told, titles):
        if live and message["role"] == Speaker.ASSISTANT:
            events += [
                Sent(Name.DELTA, {"id": message["id"], "index": index, "text": part, "lang": message.get("lang")})
                for index, part in enumerate(parts_of(message["text"]))
            ]
        events.append(Sent(Name.MESSAGE, message))
    events += [Sent(Name.HANDOFF, state) for state in handoffs_of(told)]
    if turn.get("outcome") in CASE_OUTCOMES:
        events += [Sent(Name.CASE, public_case(case)) for case in turn.get("cases") or [turn.get("case")] if case]
    last = events.pop() if events else Sent(Name.TYPING, {"on": False})
    yield from events
    yield Sent(last.name, last.data, told.id)


def handoffs_of(told: Told) -> list[dict[str, Any]]:
    """What a turn changes about who answers: a person asked for, one who came, one who left."""
    modes = [str(event.get("value")) for event in told.events if event["event"] == "mode"]
    states = ["ended" if mode == "auto" else "person" for mode in modes]
    asked = speaker_of(told) is Speaker.ASSISTANT and any(bubble.get("text") for bubble in told.answer)
    if not states and asked and turn_of(told).get("outcome") == "handoff":
        states = ["requested"]
    return [{"turn_id": told.id, "state": state} for state in states]


def speaker_of(told: Told) -> Speaker:
    """Who says the answer of a turn."""
    kinds = {event["event"] for event in told.events}
    if Speaker.AGENT in kinds:
        return Speaker.AGENT
    return Speaker.SYSTEM if kinds & {"notice", "file"} else Speaker.ASSISTANT


def by_person(told: Told) -> bool:
    """Whether the person spoke in a turn."""
    return any(event["event"] == "user" for event in told.events)


def turn_of(told: Told) -> dict[str, Any]:
    """`custom.turn` of a turn's answer, empty where there is none."""
    custom = told.answer[-1].get("custom") if told.answer else None
    return dict((custom or {}).get("turn") or {})


def citations_of(turn: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sources of an answer."""
    codes = [service["code"] for service in turn.get("services") or ()]
    return [
        {
            "title": source["title"],
            "url": source.get("url"),
            "doc_id": codes[0] if codes else None,
            "as_of": source.get("checked_on") or source.get("observed_at"),
        }
        for source in turn.get("sources") or ()
    ]


def public_case(case: Mapping[str, Any]) -> dict[str, Any]:
    """A case as an event tells it, without its query code."""
    return {name: value for name, value in case.items() if name != "query_code"}


def titles_of(answer: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The buttons of an answer: titles by payload."""
    return {one["payload"]: one["title"] for bubble in answer for one in bubble.get("buttons") or ()}


def parts_of(text: str) -> list[str]:
    """A text in the parts in which it is streamed; together they are the text."""
    return [part for part in PARTS.findall(text) if part]


def state_of(told: Told) -> dict[str, Any]:
    """What a page needs to know after a turn."""
    turn = turn_of(told)
    return {name: turn.get(name) for name in ("outcome", "language", "active_form", "requested_slot", "case")}
