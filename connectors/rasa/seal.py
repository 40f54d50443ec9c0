"""Sender ids that our own engine gives to a Rasa, so that an action call can speak for a citizen of ours.

Anybody may call the action server in anybody's name. Only a name under our seal stands for a conversation of ours, with
its cases; any other name is a conversation of its own.
"""

from __future__ import annotations

import hashlib
import hmac

from bot.messages import SenderId

MARK = "chengda:"
TAG_CHARS = 32


class Seal:
    """Seals the ids of our citizens with the key of this installation."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.sha256(b"rasa sender" + key.encode()).digest()

    def put(self, sender: SenderId) -> str:
        """The id a Rasa gets for a citizen."""
        return f"{MARK}{sender}:{self._tag(sender)}"

    def read(self, told: str) -> SenderId | None:
        """Whose sealed id it is, None for an id without our seal."""
        if not told.startswith(MARK):
            return None
        sender, colon, tag = told[len(MARK) :].rpartition(":")
        good = bool(colon) and hmac.compare_digest(tag.encode(), self._tag(sender).encode())
        return SenderId(sender) if good else None

    def _tag(self, sender: str) -> str:
        return hmac.new(self._key, sender.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:TAG_CHARS]
