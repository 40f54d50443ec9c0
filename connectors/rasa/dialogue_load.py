"""Turns a second of a running project through its REST channel, from several citizens at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from connectors.rasa.parsing import Line

CHANNEL = "/webhooks/rest/webhook"
TURNS = 7
CLIENTS = (1, 8)
WARM_UP = 5
Conversation = Sequence[str]


@dataclass(frozen=True)
class Load:
    """What so many clients got: turns a second, milliseconds of one turn, and how many turns were answered at all."""

    clients: int
    turns: int
    turns_s: float
    p50_ms: float
    p99_ms: float
    answered: int


def conversations_of(texts: Sequence[str], turns: int = TURNS) -> tuple[Conversation, ...]:
    """The texts in conversations of so many turns, each text said once: no engine may answer from what it remembers."""
    once = tuple(dict.fromkeys(texts))
    return tuple(once[at : at + turns] for at in range(0, len(once), turns))


def turns(url: str, conversations: Sequence[Conversation], clients: int) -> Load:
    """Hold all conversations, so many at once, each client one after the other; raises RasaFailed."""
    lines = [Line(url) for _ in range(clients)]
    try:
        # Everybody is connected, and every thread of the server warm, before the clock starts.
        for place, line in enumerate(lines):
            for number in range(WARM_UP):
                _say(line, f"warm-{clients}-{place}", f"warm up {number} {place}")

        def hold(place: int) -> tuple[list[float], int]:
            times, answered = [], 0
            for number, conversation in enumerate(conversations[place::clients]):
                for text in conversation:
                    began = time.perf_counter()
                    answered += bool(_say(lines[place], f"{clients}-{place}-{number}", text))
                    times.append(1000 * (time.perf_counter() - began))
            return times, answered

        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            results = list(pool.map(hold, range(clients)))
        took = time.perf_counter() - began
    finally:
        for line in lines:
            line.close()
    times = [one for some, _ in results for one in some]
    p50, p99 = (float(np.percentile(times, share)) for share in (50, 99))
    return Load(clients, len(times), len(times) / took, p50, p99, sum(answered for _, answered in results))


def _say(line: Line, sender: str, text: str) -> list[object]:
    said: list[object] = line.post(CHANNEL, {"sender": sender, "message": text})
    return said
