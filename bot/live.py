"""Live city data seen from the engine: what is asked, what comes back, and how a turn waits without a lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from bot.errors import ChengdaError
from knowledge.catalogue import Text
from knowledge.live import LiveKind, Spot

# Seconds one turn may wait for live data, all questions of the turn together.
BUDGET = 2.8


class LiveOutcome(StrEnum):
    """How a look-up ended; the closed list."""

    FRESH = "fresh"
    STALE = "stale"
    UNAVAILABLE = "unavailable"
    NO_DATA = "no_data"
    NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True)
class Ask:
    """One question to a source; `road` (Chinese name first) for the state of one road."""

    kind: LiveKind
    spot: Spot
    road: Text | None = None


@dataclass(frozen=True)
class Reading:
    """One value with its unit; `name` is the wording `utter_live_<name>`, `day` is None for the present."""

    name: str
    value: Text | float
    unit: str = ""
    day: date | None = None


@dataclass(frozen=True)
class LiveReport:
    """What a source says of a place; `published` tells whether `at` is the source's own time or that of our query."""

    kind: LiveKind
    place: Text
    readings: tuple[Reading, ...]
    source: Text
    url: str
    at: datetime
    published: bool = True


@dataclass(frozen=True)
class LiveFound:
    """The end of one look-up; a report with `fresh` and `stale` only."""

    outcome: LiveOutcome
    report: LiveReport | None = None


class LiveSource(Protocol):
    """Answers questions of one kind within some seconds; never raises."""

    def look(self, ask: Ask, now: datetime, seconds: float) -> LiveFound: ...


class LiveWanted(ChengdaError):
    """A turn needs these look-ups first: it is rolled back, and taken up again once they are made."""

    def __init__(self, asks: Sequence[Ask]) -> None:
        self.asks = tuple(asks)
        super().__init__(f"{len(self.asks)} live look-ups")


@dataclass(frozen=True)
class LiveDesk:
    """The city's places and sources, with what was looked up for the running turn; `close` ends their connections."""

    spots: Mapping[str, Spot] = field(default_factory=dict)
    sources: Mapping[LiveKind, LiveSource] = field(default_factory=dict)
    known: Mapping[Ask, LiveFound] = field(default_factory=dict)
    close: Callable[[], None] = field(default=lambda: None, repr=False)

    @property
    def city(self) -> Spot | None:
        """The whole city, None when the city has no places."""
        return next(iter(self.spots.values()), None)

    def connected(self, kind: LiveKind) -> bool:
        """Whether a kind can be looked up in this city."""
        return kind in self.sources and bool(self.spots)

    def found(self, *asks: Ask) -> tuple[LiveFound, ...]:
        """What the sources said; raises LiveWanted for what is not looked up yet."""
        missing = [ask for ask in asks if ask not in self.known]
        if missing:
            raise LiveWanted(missing)
        return tuple(self.known[ask] for ask in asks)

    def looked_up(self, asks: Sequence[Ask], now: datetime, deadline: float) -> LiveDesk:
        """A desk that knows these answers too; waits until the monotonic `deadline` at most."""
        known = dict(self.known)
        for ask in asks:
            known[ask] = self.sources[ask.kind].look(ask, now, max(0.0, deadline - time.monotonic()))
        return replace(self, known=known)
