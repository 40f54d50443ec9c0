"""What the deep-chat widget sends and wants back; pure. `text` is Markdown there, `html` is only ever our template."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from connectors.schemas import MAX_BODY_CHARS, Body
from connectors.web.messages import Speaker, parts_of

MARKDOWN = re.compile(r"([\\`*_\[\]<>~|])")
HEADING = re.compile(r"(?m)^(\s*)(#+|[-+](?=\s)|={3,}|-{3,})")
MOST_SECRET = 200
SUGGESTIONS = '<div class="deep-chat-temporary-message">{buttons}</div>'
SUGGESTION = '<button class="deep-chat-button deep-chat-suggestion-button">{title}</button>'


class Told(Body):
    """What a page tells; null and empty are not told."""

    @model_validator(mode="before")
    @classmethod
    def _told(cls, told: Any) -> Any:
        if not isinstance(told, Mapping):
            return told
        return {name: value for name, value in told.items() if value is not None and value != ""}


class Said(Told):
    """One message of the widget's history."""

    role: Annotated[str, Field(max_length=40)] = "user"
    text: Annotated[str, Field(max_length=MAX_BODY_CHARS)] | None = None


class Request(Told):
    """A request of the widget: the newest messages, and what the page adds to the body."""

    messages: list[Said] = Field(default_factory=list, max_length=1000)
    session_id: Annotated[str, Field(max_length=MOST_SECRET)] | None = None
    message_id: Annotated[str, Field(max_length=200)] | None = None
    lang: Annotated[str, Field(max_length=20)] = "auto"

    @property
    def text(self) -> str:
        """The newest thing the person said; earlier ones were answered."""
        return next((one.text for one in reversed(self.messages) if one.role == "user" and one.text), "")


def read_request(body: bytes | str) -> Request | None:
    """A request as JSON, None for what is none."""
    try:
        return Request.model_validate_json(body)
    except ValidationError:
        return None


def read_form(fields: Mapping[str, str]) -> Request | None:
    """A request as form fields: `message1`, `message2` … hold one JSON message each."""
    numbered = sorted(
        (name for name in fields if re.fullmatch(r"message\d{1,3}", name)), key=lambda name: int(name[7:])
    )
    try:
        messages = [json.loads(fields[name]) for name in numbered]
        others = {name: fields[name] for name in ("session_id", "message_id", "lang") if fields.get(name)}
        return Request.model_validate({"messages": messages, **others})
    except (ValueError, ValidationError):
        return None


def replies_of(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages as the widget shows them, those of the person left out."""
    found: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == Speaker.USER:
            continue
        reply: dict[str, Any] = {"text": plain(message["text"])} if message["text"] else {}
        if message.get("image"):
            reply["files"] = [{"src": message["image"], "type": "image"}]
        if message["role"] != Speaker.ASSISTANT:
            reply["role"] = message["role"]
        if not reply:
            continue
        reply["custom"] = {"ai_generated": message["ai_generated"], "citations": message["citations"]}
        if message.get("turn"):
            reply["custom"]["turn"] = message["turn"]
        found.append(reply)
        if message.get("buttons"):
            found.append({"html": suggestions([one["title"] for one in message["buttons"]])})
    return found


def stream_of(messages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """The same in parts, which the widget joins to one text; buttons are numbered lines there."""
    first = True
    number = 0
    for message in messages:
        if message["role"] == Speaker.USER or not message["text"]:
            continue
        if not first:
            yield {"text": "\n\n"}
        first = False
        for part in parts_of(message["text"]):
            yield {"text": plain(part)}
        for button in message.get("buttons") or ():
            number += 1
            yield {
                "text": f"\n{number}\\. {plain(button['title'])}"
                if number > 1
                else f"\n\n1\\. {plain(button['title'])}"
            }


def plain(text: str) -> str:
    """A text that Markdown shows as it is, line by line."""
    escaped = HEADING.sub(lambda found: f"{found[1]}\\{found[2]}", MARKDOWN.sub(r"\\\1", text))
    return re.sub(r"(?<!\n)\n(?!\n)", "  \n", escaped)


def suggestions(titles: Sequence[str]) -> str:
    """Buttons that send their own title: our one template, every title escaped."""
    return SUGGESTIONS.format(buttons="".join(SUGGESTION.format(title=html.escape(title)) for title in titles))
