"""WhatsApp Cloud's wire: what a delivery holds, how a piece is worded, what an answer means. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from bot.channels.plain import Piece
from connectors.channels.channel import Arrival, Push, Pushed
from connectors.channels.media import LOCATION, PICTURE, TOLD, VOICE, kept_text, moment_of, place_of
from connectors.channels.sending import field, fit, parts, sent_back

BUTTONS, BUTTON_TITLE, BUTTON_BODY = 3, 20, 1024
ROWS, ROW_TITLE, ROW_TEXT, MAX_ID = 10, 24, 72, 200
SOURCES: Mapping[str, str] = {
    "audio": VOICE,
    "location": LOCATION,
    **dict.fromkeys(("text", "interactive", "button"), "text"),
}
WORDS: Mapping[str, str] = {"text": "body", "button": "text", "order": "text"}
# What asks for no answer: signs at another message, and what WhatsApp itself tells.
PASSED = frozenset({"reaction", "system", "edit", "revoke", "request_welcome"})
# Codes of Meta's that say more than the status of the answer.
OUTCOMES: Mapping[int, Push] = {
    131047: Push.CLOSED,
    131026: Push.REFUSED,
    131030: Push.REFUSED,
    **dict.fromkeys((1, 2, 4, 190, 368, 80007, 130429, 131000, 131016, 131048, 131056, 131057), Push.LATER),
}


def values_of(body: bytes, phone: str) -> Iterator[Mapping[str, Any]]:
    """The values of a delivery that concern one of our numbers; nothing for what is no delivery."""
    try:
        delivery = json.loads(body)
    except ValueError:
        return
    for value in (change.get("value") for entry in parts(delivery, "entry") for change in parts(entry, "changes")):
        if isinstance(value, dict) and field(value, "metadata", "phone_number_id") == phone:
            yield value


class Incoming(BaseModel):
    """What every message has that we read; none of a group passes."""

    id: str
    sender: str = Field(validation_alias=AliasChoices("from", "from_user_id"))
    timestamp: int
    type: str
    group_id: None = None


def arrivals_of(value: Mapping[str, Any], now: datetime) -> Iterator[Arrival]:
    """The messages of citizens; of media only the words beside them, and of a kind not known that it came."""
    for told in parts(value, "messages"):
        with suppress(ValidationError):
            one = Incoming.model_validate(told)
            if one.type not in PASSED:
                source, said = SOURCES.get(one.type, PICTURE), kept_text(_words(told, one.type))
                # A place nowhere, or a form filled in, is no better than a picture.
                source = source if said.strip() or source in TOLD else PICTURE
                at = moment_of(one.timestamp, now)
                yield Arrival(kept_text(one.sender), said, kept_text(one.id), at, source=source)


def _words(told: Mapping[str, Any], kind: str) -> object:
    """What can be read of a message; a button tapped is its payload where that is of our making, else its words."""
    if kind == "location":
        return place_of(*(field(told, kind, name) for name in ("latitude", "longitude", "address", "name")))
    if kind == "interactive":
        return field(told, kind, str(field(told, kind, "type")), "id")
    payload = field(told, kind, "payload") if kind == "button" else None
    own = isinstance(payload, str) and payload.startswith("/")
    return payload if own else field(told, kind, WORDS.get(kind, "caption"))


def failures_of(value: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """The marks of messages of which a piece did not arrive after all, the code of it, whether the window is over."""
    for status in parts(value, "statuses"):
        mark = status.get("biz_opaque_callback_data")
        if status.get("status") == "failed" and isinstance(mark, str):
            code = next((error.get("code") for error in parts(status, "errors")), "failed")
            yield mark, str(code), meant(code) is Push.CLOSED


def content_of(piece: Piece, label: str) -> dict[str, Any]:
    """The content that sends a piece: up to three short buttons, else a list of up to ten lines that `label` opens."""
    buttons = piece.buttons
    if not buttons:
        return {"type": "text", "text": {"body": piece.text, "preview_url": False}}
    short = len(buttons) <= BUTTONS and all(len(one.title) <= BUTTON_TITLE for one in buttons)
    if short and len(piece.text) <= BUTTON_BODY:
        replies = [{"type": "reply", "reply": {"id": sent_back(one, MAX_ID), "title": one.title}} for one in buttons]
        choice: dict[str, Any] = {"type": "button", "action": {"buttons": replies}}
    else:
        rows = [{"id": sent_back(one, MAX_ID), "title": fit(one.title, ROW_TITLE)} for one in buttons]
        for row, one in zip(rows, buttons, strict=True):
            if len(one.title) > ROW_TITLE:
                row["description"] = fit(one.title, ROW_TEXT)
        choice = {"type": "list", "action": {"button": label[:BUTTON_TITLE], "sections": [{"rows": rows}]}}
    return {"type": "interactive", "interactive": {"body": {"text": piece.text or label}, **choice}}


def template_of(name: str, language: str, *blanks: str) -> dict[str, Any]:
    """The content that sends a notice outside the window; its blanks are the case number and the text."""
    body = {"type": "body", "parameters": [{"type": "text", "text": " ".join(value.split())} for value in blanks]}
    code = {"code": {"zh": "zh_CN"}.get(language, language)}
    return {"type": "template", "template": {"name": name, "language": code, "components": [body]}}


def addressed(user: str, content: Mapping[str, Any], mark: str) -> dict[str, Any]:
    """A content with its receiver, a number or the id of one who hides it; `mark` comes back with what befalls it."""
    to = "to" if user.isdigit() else "recipient"
    return {"messaging_product": "whatsapp", to: user, "biz_opaque_callback_data": mark, **content}


def pushed_of(status: int, answer: Mapping[str, Any]) -> Pushed:
    """What an answer of the API means for the message."""
    sent, code = next((one.get("id") for one in parts(answer, "messages")), None), field(answer, "error", "code")
    if status == 200 and sent:
        return Pushed(Push.SENT)
    return Pushed(meant(code) or unnamed(status), f"status {status} code {code}")


def meant(code: object) -> Push | None:
    """What a code of Meta's means; None for one that is not known."""
    return OUTCOMES.get(code) if isinstance(code, int) else None


def unnamed(status: int) -> Push:
    """What a status alone means: a proxy that gave up waiting, or an answer nobody can read, leaves all open."""
    if status >= 500 or status < 300:
        return Push.UNKNOWN
    return Push.BROKEN if status >= 400 and status not in (401, 403, 408, 429) else Push.LATER
