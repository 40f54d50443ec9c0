"""Counters for Prometheus; they hold no personal data."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

router = APIRouter()
TURNS = Counter("chengda_turns_total", "Turns of conversation by outcome and language.", ["outcome", "language"])
SHADOW = Counter("chengda_shadow_turns_total", "Turns read by the candidate, disagreements by aspect.", ["result"])
MESSAGES = Counter(
    "chengda_messages_total", "Tries to send a message by channel, kind and the state after it.",
    ["channel", "kind", "state"],
)  # fmt: skip
ASKED = Counter("chengda_rasa_asked_total", "Messages for the Rasa behind our doors by what came of it.", ["result"])
SECONDS = Histogram(
    "chengda_turn_seconds", "Time of one turn in seconds.", buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
)


def turn_timer() -> AbstractContextManager[Any]:
    """Measures one turn."""
    return SECONDS.time()


def count_turn(answer: list[dict[str, Any]]) -> None:
    """Count a finished turn."""
    turn = answer[-1]["custom"]["turn"]
    TURNS.labels(turn["outcome"], turn["language"]).inc()


def count_message(channel: str, kind: str, state: str) -> None:
    """Count a try to send a message."""
    MESSAGES.labels(channel, kind, state).inc()


def count_asked(result: str) -> None:
    """Count a message for the Rasa behind our doors."""
    ASKED.labels(result).inc()


@router.get("/metrics", include_in_schema=False)
def metrics() -> Response:
    """The counters in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
