"""What a messenger must be able to do to stand in front of the assistant; all of it but `push` and `router` is data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from fastapi import APIRouter

from bot.channels.capability import Capabilities
from bot.channels.contacts import Contact, Window
from bot.channels.parcel import Parcel
from bot.messages import SenderId


@dataclass(frozen=True)
class Arrival:
    """One message as a door read it; `user` is the messenger's own id.

    `source` is text, asr, menu, location, or voice and picture, which only the words beside them tell of.
    """

    user: str
    text: str
    message_id: str
    at: datetime
    language: str | None = None
    source: str = "text"

    def as_json(self) -> dict[str, Any]:
        """As it is kept; `arrival_from` gives it back."""
        return {**asdict(self), "at": self.at.isoformat()}


def arrival_from(kept: dict[str, Any]) -> Arrival:
    """A kept arrival."""
    return Arrival(**{**kept, "at": datetime.fromisoformat(kept["at"])})


class Push(StrEnum):
    """What came of a push; the closed list. LATER is tried again, CLOSED waits for the citizen to write.

    UNKNOWN may have arrived: nobody answered for it after it was on its way.
    """

    SENT = "sent"
    LATER = "later"
    CLOSED = "closed"
    REFUSED = "refused"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Pushed:
    """The end of one push; `reason` for the desk, without personal data; `wait` only with LATER."""

    outcome: Push
    reason: str = ""
    external_id: str | None = None
    wait: timedelta | None = None


class Progress(Protocol):
    """Told after every piece that the messenger took, so that no other try sends it again."""

    def __call__(self, pieces: int) -> None: ...


class Channel(Protocol):
    """A messenger: its door, what it can do, and how something is sent; `push` never raises."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str:
        """Which messenger it is, whatever the name of the channel."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    def window(self, arrival: Arrival) -> Window | None:
        """What the messenger lets us send after this, None where it sets no bounds."""
        ...

    def router(self) -> APIRouter:
        """The doors of the messenger, with whole paths."""
        ...

    def keyed(self, parcel: Parcel, contact: Contact) -> bool:
        """Whether a parcel that is sent twice is shown once."""
        ...

    def push(self, parcel: Parcel, contact: Contact, progress: Progress) -> Pushed:
        """Send what is left of a parcel (`pieces_of(...)[parcel.sent:]`)."""
        ...

    def close(self) -> None:
        """End connections."""
        ...


def sender_of(channel: str, user: str) -> SenderId:
    """The sender id of a messenger's user."""
    return SenderId(f"{channel}:{user}"[:200])


def user_of(sender: SenderId) -> str:
    """The messenger's own id of a sender."""
    return sender.split(":", 1)[1]
