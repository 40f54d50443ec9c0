"""WhatsApp Cloud's wire: what a delivery holds, how a piece is worded, what an answer means. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

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
    **dict.fromkeys(("image", "video", "document", "sticker"), PICTURE),
}
WORDS: Mapping[str, str] = {"text": "body"}
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
    """What every message has that we read; none of a group, a reaction, an edit or the system's passes."""

    id: str
    sender: str = Field(validation_alias=AliasChoices("from", "from_user_id"))
    timestamp: int
    type: Literal["text", "interactive", "image", "video", "document", "audio", "sticker", "location"]
    group_id: None = None


def arrivals_of(value: Mapping[str, Any], now: datetime) -> Iterator[Arrival]:
    """The messages of citizens; of media only the words beside them."""
    for told in parts(value, "messages"):
        with suppress(ValidationError):
            one = Incoming.model_validate(told)
            source, said = SOURCES.get(one.type, "text"), field(told, one.type, WORDS.get(one.type, "caption"))
            if one.type == "interactive":
                said = field(told, one.type, str(field(told, one.type, "type")), "id")
            if source == LOCATION:
                spot = [field(told, one.type, name) for name in ("latitude", "longitude", "address", "name")]
                said = place_of(*spot)
            if isinstance(said, str) or source in TOLD:
                at = moment_of(one.timestamp, now)
                yield Arrival(kept_text(one.sender), kept_text(said), kept_text(one.id), at, source=source)


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
