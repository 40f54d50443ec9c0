"""What a messenger can do, so that an answer is made to fit it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capabilities:
    """`max_text_bytes` of one message in UTF-8; most `buttons` a message may have, 0 for none.

    `passive_seconds` is how long an answer may take inside the request that brought the message, None where answers
    are always sent by themselves. `pushes` tells whether we may write of our own accord.
    """

    max_text_bytes: int
    buttons: int = 0
    passive_seconds: float | None = None
    pushes: bool = True
