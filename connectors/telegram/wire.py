"""Telegram's wire: what an update says, how a piece is worded, what an answer means. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from bot.channels.plain import Piece
from connectors.channels.channel import Arrival, Push, Pushed
from connectors.channels.sending import field, sent_back, waiting

PRIVATE = "private"
MAX_DATA_BYTES = 64
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
    if tap is not None:
        return Arrival(str(message.chat.id), tap.data or "", str(update.update_id), now, language, "menu")
    said, at = message.text or message.caption or "", datetime.fromtimestamp(message.date, UTC)
    said = COMMANDS.get(said.split("@")[0].split()[0], said) if said.startswith("/") else said
    return Arrival(str(message.chat.id), said, str(update.update_id), at, language)


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
