"""What a running project reads in sentences: `/model/parse`, one after the other on one connection."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from connectors.rasa.environment import RasaFailed

SECONDS = 120
WARM_UP = ("good day to you", "你好，热身")


@dataclass(frozen=True)
class Read:
    """What one sentence was read as: its intent, its entities with their ends, and how long it took."""

    intent: str
    entities: tuple[tuple[str, int, int], ...]
    milliseconds: float


def read_of(parsed: Mapping[str, Any], milliseconds: float) -> Read:
    """What Rasa's parse data tell."""
    entities = tuple((one["entity"], one["start"], one["end"]) for one in parsed["entities"])
    return Read(str(parsed["intent"]["name"]), entities, milliseconds)


class Line:
    """A connection that stays open; the smallest client, so that it takes little from what is measured."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = HTTPConnection(str(address.hostname), address.port, timeout=SECONDS)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The answer's JSON; raises RasaFailed where there is none or the status is not 200."""
        try:
            self._connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as error:
            raise RasaFailed(f"{path} is not answered: {error!r}") from None
        if answer.status != 200:
            raise RasaFailed(f"{path} answers {answer.status}: {text[:300]!r}")
        return json.loads(text)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def parsed(url: str, texts: Iterable[str], tell: Callable[[], None] = lambda: None) -> tuple[Read, ...]:
    """All sentences read, in order; raises RasaFailed."""
    line, found = Line(url), []
    try:
        for text in WARM_UP:
            line.post("/model/parse", {"text": text})
        for text in texts:
            began = time.perf_counter()
            answer = line.post("/model/parse", {"text": text})
            found.append(read_of(answer, 1000 * (time.perf_counter() - began)))
            tell()
    finally:
        line.close()
    return tuple(found)
