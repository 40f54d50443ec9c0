"""What is told without being asked, as the bubbles of a turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.turn import Outcome


def notice_bubbles(
    sender: str, bubbles: Sequence[dict[str, Any]], language: str, number: str | None = None
) -> list[dict[str, Any]]:
    """Bubbles with `custom.turn` in the last one, as every stored answer has it."""
    case = {"case_id": number} if number else None
    turn: dict[str, Any] = {
        "outcome": str(Outcome.CASE_STATUS),
        "language": language,
        "intent": {"name": "notice", "confidence": 1.0},
        "services": [],
        "sources": [],
        "case": case,
        "cases": [case] if case else [],
        "active_form": None,
        "requested_slot": None,
    }
    told = [{**bubble, "recipient_id": sender} for bubble in bubbles]
    custom = told[-1].get("custom") or {}
    return [*told[:-1], {**told[-1], "custom": {**custom, "turn": {**turn, **(custom.get("turn") or {})}}}]
