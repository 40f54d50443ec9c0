"""Passes that our engine gives to a Rasa with a message, so that an action call may act for a citizen of ours.

Anybody may call the action server in anybody's name. The name a Rasa gets tells nothing of the citizen, and alone it is
worth nothing: the pass beside the message names the citizen, for that message only and for some minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

from cryptography.fernet import Fernet, InvalidToken

from bot.messages import MessageId, SenderId

MARK = "chengda:"
NAME_CHARS = 32
VALID_SECONDS = 600
# Where the pass stands in the metadata of a message.
PASS = "chengda_pass"


class Seal:
    """Makes and reads names and passes with the key of this installation."""

    def __init__(self, key: str, clock: Callable[[], float] = time.time) -> None:
        self._name_key = hashlib.sha256(b"rasa name" + key.encode()).digest()
        self._box = Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"rasa pass" + key.encode()).digest()))
        self._clock = clock

    def name_of(self, sender: SenderId) -> str:
        """The name a Rasa knows a citizen by, always the same."""
        return (
            MARK + hmac.new(self._name_key, sender.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:NAME_CHARS]
        )

    def put(self, sender: SenderId, message_id: MessageId) -> str:
        """The pass for a message of a citizen."""
        return self._box.encrypt_at_time(json.dumps([sender, message_id]).encode(), int(self._clock())).decode()

    def read(self, name: str, given: object, message_id: MessageId | None) -> SenderId | None:
        """For whom a call under a name may act, None without a pass that fits the name and the message now."""
        if not isinstance(given, str):
            return None
        try:
            told = self._box.decrypt_at_time(given.encode("utf-8", "replace"), VALID_SECONDS, int(self._clock()))
        except InvalidToken:
            return None
        sender, meant = json.loads(told)
        fits = hmac.compare_digest(name.encode("utf-8", "replace"), self.name_of(sender).encode())
        return SenderId(sender) if fits and meant == message_id else None


def is_ours(name: str) -> bool:
    """Whether a name is of the kind that only our own engine gives."""
    return name.startswith(MARK)
