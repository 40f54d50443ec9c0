"""What goes in and out of the engine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, NewType

SenderId = NewType("SenderId", str)
MessageId = NewType("MessageId", str)
MAX_SENDER = 200
BEHIND = "behind"


def named(kind: str, sender: str) -> SenderId:
    """A conversation of a kind, of a long or unfit name by its hash."""
    name = f"{kind}:{sender}"
    fits = len(name) <= MAX_SENDER and "\0" not in name
    return SenderId(name if fits else f"{kind}:{hashlib.sha256(sender.encode('utf-8', 'surrogatepass')).hexdigest()}")


def behind(citizen: SenderId) -> SenderId:
    """The conversation of our own actions with a citizen whom another engine answers."""
    return named(BEHIND, citizen)


@dataclass(frozen=True)
class UserMessage:
    """One message of a citizen, whatever the channel; `conversation` where its turns are not kept under the sender.

    `calls_from` is the number of a telephone call.
    """

    sender: SenderId
    text: str
    message_id: MessageId | None = None
    language_hint: str | None = None
    channel: str = "rest"
    conversation: SenderId | None = None
    calls_from: str | None = None

    @property
    def kept_as(self) -> SenderId:
        """The conversation that its turn belongs to."""
        return self.conversation or self.sender


@dataclass(frozen=True)
class Button:
    """A choice the citizen can tap; the payload is what is sent back."""

    title: str
    payload: str


@dataclass(frozen=True)
class BotMessage:
    """One bubble of an answer."""

    text: str
    buttons: tuple[Button, ...] = ()
    image: str | None = None
    custom: dict[str, Any] = field(default_factory=dict)
