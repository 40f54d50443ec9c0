"""Telegram's wire: what an update says, how a piece is worded, what an answer means. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.channels.plain import Piece
from connectors.channels.channel import Arrival, Push, Pushed
from connectors.channels.media import LOCATION, PICTURE, TOLD, VOICE, kept_text, moment_of, place_of
from connectors.channels.sending import field, sent_back, waiting

PRIVATE = "private"
MAX_DATA_BYTES = 64
MEDIA = (
    "photo", "live_photo", "video", "video_note", "audio", "document", "animation", "sticker", "poll", "dice", "story",
    "paid_media", "checklist", "game", "invoice", "giveaway",
)  # fmt: skip
SOURCES: Mapping[str, str] = {"location": LOCATION, "voice": VOICE, **dict.fromkeys(MEDIA, PICTURE)}
COMMANDS: Mapping[str, str] = {"/start": "/greet", "/help": "/capabilities"}
# Words in the reason of a 400 after which the chat will take nothing any more.
GONE = ("chat not found", "user is deactivated", "peer_id_invalid", "user not found")


class Chat(BaseModel):
    """Where something was said."""

    id: int
    type: str


class User(BaseModel):
    """Who said it."""

    language_code: str = "zh"


class Message(BaseModel):
    """A message; of media only the words beside them are read."""

    model_config = ConfigDict(extra="allow")
    chat: Chat
    sender: User | None = Field(None, alias="from")
    date: int
    text: str | None = None
    caption: str | None = None


class Tap(BaseModel):
    """A button tapped."""

    id: str
    sender: User = Field(alias="from")
    message: Message | None = None
    data: str | None = None


class Membership(BaseModel):
    """What the bot is in a chat now; `kicked` in a private chat means blocked."""

    chat: Chat
    new_chat_member: dict[str, Any]


class Update(BaseModel):
    """One delivery of the webhook; what it does not name is of no concern here."""

    update_id: int
    message: Message | None = None
    callback_query: Tap | None = None
    my_chat_member: Membership | None = None


def arrival_of(update: Update, now: datetime) -> Arrival | None:
    """The message that an update brings, None where it brings none for us; groups are not served."""
    tap = update.callback_query
    message = tap.message if tap else update.message
    if message is None or message.chat.type != PRIVATE:
        return None
    sender = tap.sender if tap else message.sender
    language = "zh" if sender is None or sender.language_code.startswith("zh") else "en"
    chat, number = str(message.chat.id), str(update.update_id)
    if tap is not None:
        return Arrival(chat, tap.data or "", number, now, language, "menu")
    said, source = _read(message)
    said = COMMANDS.get(said.split("@")[0].split()[0], said) if said.startswith("/") else said
    # What is neither said nor sent by a person, such as a message pinned, is nothing to answer.
    told = bool(said.strip()) or source in TOLD
    return Arrival(chat, said, number, moment_of(message.date, now), language, source) if told else None


def _read(message: Message) -> tuple[str, str]:
    """What can be read of a message, and as what it came; a place with a name is told as both."""
    more = message.model_extra or {}
    source = next((SOURCES[name] for name in SOURCES if name in more), "text")
    if source == LOCATION:
        spot, venue = more["location"], more.get("venue")
        words = (field(venue, "address"), field(venue, "title"))
        return place_of(field(spot, "latitude"), field(spot, "longitude"), *words), source
    return kept_text(message.text or message.caption or field(more, "contact", "phone_number")), source


def call_of(chat: str, piece: Piece) -> tuple[str, dict[str, Any]]:
    """The method and body that send a piece."""
    body: dict[str, Any] = {"chat_id": int(chat)}
    if piece.buttons:
        rows = [[{"text": one.title, "callback_data": sent_back(one, MAX_DATA_BYTES)}] for one in piece.buttons]
        body["reply_markup"] = {"inline_keyboard": rows}
    return "sendMessage", {**body, "text": piece.text, "link_preview_options": {"is_disabled": True}}


def pushed_of(status: int, answer: Mapping[str, Any]) -> Pushed:
    """What an answer of the API means for the message."""
    told = str(answer.get("description", ""))
    if status == 200 and answer.get("ok") is True:
        return Pushed(Push.SENT, external_id=str(answer.get("result", {}).get("message_id", "")) or None)
    if status == 403 or (status == 400 and any(words in told.lower() for words in GONE)):
        return Pushed(Push.REFUSED, f"{status} blocked or gone")
    if status == 400:
        return Pushed(Push.BROKEN, f"400 {told[:100]}")
    # A gateway that gave up waiting, or an answer nobody can read: it may have arrived.
    outcome = Push.UNKNOWN if status >= 500 or status < 300 else Push.LATER
    return Pushed(outcome, f"status {status}", wait=waiting(field(answer, "parameters", "retry_after")))
