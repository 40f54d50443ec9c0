"""What is sent: one thing to one citizen, why, and where it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from bot.messages import SenderId

# Letters of a mark: WeCom takes 32 with the number of the piece.
MARK = 26


class Kind(StrEnum):
    """Why something is sent."""

    REPLY = "reply"
    AGENT = "agent"
    NOTICE = "notice"


class State(StrEnum):
    """Where a message stands; HELD waits for the citizen to write again, DROPPED was told in another way.

    UNKNOWN may have arrived: nobody can say, and a second one would be worse than none.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    HELD = "held"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DROPPED = "dropped"


OPEN = (State.WAITING, State.SENDING)


@dataclass(frozen=True)
class Parcel:
    """One thing to send: bubbles as an answer has them, of which `sent` are through; `number` is the case it is of."""

    id: int
    key: str
    sender: SenderId
    channel: str
    kind: Kind
    language: str
    bubbles: Sequence[dict[str, Any]]
    number: str | None
    attempts: int
    sent: int
    created_at: datetime
    state: State
    begun: bool = False
    claims: int = 0
    tried_since: datetime | None = None

    @property
    def mark(self) -> str:
        """What a messenger is told as our own number of it; the same however often it is tried at one place."""
        return hashlib.sha256(f"{self.key} {self.sender}".encode()).hexdigest()[:MARK]


def parcel_of(row: Row[Any]) -> Parcel:
    """A row of the outbox."""
    return Parcel(
        row.id, row.key, SenderId(row.sender), row.channel, Kind(row.kind), row.language, row.bubbles, row.number,
        row.attempts, row.sent, row.created_at, State(row.state), bool(row.begun), row.claims,
        row.tried_since,
    )  # fmt: skip
