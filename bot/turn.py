"""One turn: what actions get, what they give back, and the answer that goes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from bot.cases.analysis import DemandAnalyst
from bot.cases.case import Case
from bot.cases.closing import Closing
from bot.cases.duplicate_finder import KnownCases
from bot.cases.store import CaseStore
from bot.cases.telling import Telling
from bot.channels.places import Places
from bot.desk.hours import ALWAYS, DeskHours
from bot.domain import Domain
from bot.handoffs import HandoffQueue
from bot.live import LiveDesk
from bot.messages import BotMessage, SenderId, UserMessage
from bot.nlu.parse import Parse
from bot.nlu.paths import PathFinder
from bot.subject import SubjectFinder
from bot.tracker import Event, Tracker
from knowledge.catalogue import Catalogue, Source
from knowledge.facts import FactFinder
from knowledge.retriever import Hit, Retriever


class Outcome(StrEnum):
    """How a turn ended; the closed list of the contract."""

    ANSWERED = "answered"
    CLARIFY = "clarify"
    FORM_QUESTION = "form_question"
    CASE_FILED = "case_filed"
    CASE_STATUS = "case_status"
    CASE_UPDATED = "case_updated"
    CANCELLED = "cancelled"
    HANDOFF = "handoff"
    NO_SERVICE = "no_service"
    OUT_OF_SCOPE = "out_of_scope"
    EMERGENCY = "emergency"
    CRISIS = "crisis"
    NEEDS_IDENTITY = "needs_identity"
    SMALLTALK = "smalltalk"
    ERROR = "error"


# The outcomes of danger: the number to call came before all else.
ALARMS = (Outcome.EMERGENCY, Outcome.CRISIS)


@dataclass(frozen=True)
class TurnContext:
    """Everything an action may read, and the stores of the running transaction."""

    message: UserMessage
    parse: Parse
    tracker: Tracker
    language: str
    now: datetime
    domain: Domain
    catalogue: Catalogue
    retriever: Retriever
    analyst: DemandAnalyst
    cases: CaseStore
    handoffs: HandoffQueue
    understand: Callable[[str, str | None], Parse]
    facts: FactFinder
    paths: PathFinder
    subjects: SubjectFinder
    closing: Closing
    duplicates: KnownCases | None = None
    live: LiveDesk = field(default_factory=LiveDesk)
    hours: DeskHours = ALWAYS
    places: Places | None = None

    @property
    def sender(self) -> SenderId:
        """Who writes."""
        return self.message.sender

    def say(self, response: str, **values: object) -> BotMessage:
        """A response of the domain in the language of the turn."""
        return self.domain.say(response, self.language, **values)

    def text(self, response: str, **values: object) -> str:
        """The text of a response in the language of the turn."""
        return self.domain.text(response, self.language, **values)

    @property
    def telling(self) -> Telling:
        """Words for cases in the language of the turn."""
        return Telling(self.domain, self.catalogue, self.analyst.city, self.language)

    def slot(self, name: str, value: object) -> Event:
        """An event that sets a slot."""
        return Event("slot", self.now.timestamp(), name, value)

    def form(self, name: str | None) -> Event:
        """An event that starts a form, or ends the running one."""
        return Event("active_loop", self.now.timestamp(), name)


@dataclass(frozen=True)
class ActionResult:
    """Everything an action did: what it says, what changed, and how it ended.

    `belief` is how sure the assistant is of what it says where that is its own judgement; None where nothing is to be
    checked: questions, records, danger, small talk. `leads` and `follows` are how many of the
    first and of the last messages are no part of that.
    `told` is the machine-readable side where another engine answered and told it; it goes before our own.
    """

    outcome: Outcome
    messages: tuple[BotMessage, ...]
    events: tuple[Event, ...] = ()
    hits: tuple[Hit, ...] = ()
    sources: tuple[Source, ...] = ()
    cases: tuple[Case, ...] = ()
    reveal_code: bool = False
    belief: float | None = None
    follows: int = 0
    told: Mapping[str, Any] | None = None
    leads: int = 0


class Action(Protocol):
    """Something the assistant does in one turn."""

    def __call__(self, turn: TurnContext) -> ActionResult: ...


@dataclass(frozen=True)
class Turn:
    """The answer to one message; `belief`, `follows`, `told` and `leads` are those of its ActionResult."""

    outcome: Outcome
    language: str
    messages: tuple[BotMessage, ...]
    intent: str
    confidence: float
    events: tuple[Event, ...] = ()
    hits: tuple[Hit, ...] = ()
    sources: tuple[Source, ...] = ()
    cases: tuple[Case, ...] = ()
    reveal_code: bool = False
    active_form: str | None = None
    requested_slot: str | None = None
    traditional: bool = field(default=False)
    belief: float | None = None
    follows: int = 0
    told: Mapping[str, Any] | None = None
    leads: int = 0
