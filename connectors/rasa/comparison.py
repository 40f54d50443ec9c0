"""The same conversations held twice: by our engine, and by a Rasa that calls our actions; outcome beside outcome."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from bot.actions.say import OUTCOMES
from bot.assistant import Assistant
from bot.build import assistant_of, open_store
from bot.cases.duplicate_finder import finder_of
from bot.domain import Domain
from bot.messages import SenderId, UserMessage
from bot.settings import Settings
from bot.training import Models
from bot.turn import Outcome
from connectors.rasa.rehearsed import Conversation, work_in_office

TURN_SECONDS = 60
SILENT, UNKNOWN = "silent", "unknown"


@dataclass(frozen=True)
class Told:
    """How a turn ended, and the case it told of."""

    outcome: str
    number: str | None = None
    code: str | None = None


class Speaker(Protocol):
    """An engine that one can speak with."""

    def say(self, text: str, sender: str) -> Told:
        """The end of the turn that a message gets."""
        ...


@dataclass(frozen=True)
class Held:
    """A conversation held on both engines: the outcome of every turn."""

    conversation: Conversation
    ours: tuple[str, ...]
    theirs: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every turn ended alike."""
        return self.ours == self.theirs


class Stage:
    """An engine whose database is new for every conversation, as tests have it."""

    def __init__(self, models: Models, settings: Settings, folder: Path) -> None:
        folder.mkdir()
        self._models, self._folder, self._settings = models, folder, settings
        self._begun = 0
        self._template = folder / "template.sqlite3"
        self.assistant: Assistant = assistant_of(models, self._at(self._template))
        self.assistant.store.engine.dispose()

    def clear(self) -> None:
        """Forget all conversations and cases."""
        before = self.assistant.store.engine
        self._begun += 1
        database = self._folder / f"{self._begun}.sqlite3"
        shutil.copy(self._template, database)
        self.assistant.store = open_store(self._at(database), self._models.city)
        self.assistant.duplicates = finder_of(self._models.encoder, self._models.demands, self._models.city)
        before.dispose()
        if self._begun > 1:
            (self._folder / f"{self._begun - 1}.sqlite3").unlink()

    def _at(self, database: Path) -> Settings:
        return self._settings.model_copy(update={"database_url": f"sqlite:///{database}"})


class OurEngine:
    """Our engine, spoken with directly."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    def say(self, text: str, sender: str) -> Told:
        """The end of the turn that a message gets."""
        return told_in(self._assistant.handle(UserMessage(SenderId(sender), text)), self._assistant.domain)


class RasaEngine:
    """A running Rasa, spoken with through its REST channel."""

    def __init__(self, url: str, domain: Domain) -> None:
        self._client = httpx.Client(base_url=url, timeout=TURN_SECONDS)
        self._domain = domain

    def __enter__(self) -> RasaEngine:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.close()

    def say(self, text: str, sender: str) -> Told:
        """The end of the turn that a message gets."""
        answer = self._client.post("/webhooks/rest/webhook", json={"sender": sender, "message": text})
        answer.raise_for_status()
        return told_in(answer.json(), self._domain)


def told_in(bubbles: Iterable[Mapping[str, Any]], domain: Domain) -> Told:
    """The end of a turn: as our actions tell it in `custom`, else by which response of the domain was said."""
    said = list(bubbles)
    turns = [one["custom"]["turn"] for one in said if "turn" in (one.get("custom") or {})]
    if turns:
        case = turns[-1]["case"] or {}
        return Told(str(turns[-1]["outcome"]), case.get("case_id"), case.get("query_code"))
    if not said:
        return Told(SILENT)
    name = _response(str(said[0].get("text", "")), domain)
    return Told(UNKNOWN if name is None else str(OUTCOMES.get(name, Outcome.SMALLTALK)))


def _response(text: str, domain: Domain) -> str | None:
    """The response whose words begin with a bubble; Rasa makes several bubbles of a text with blank lines."""
    for name, wording in domain.responses.items():
        if text and any(one.text.split("\n\n")[0].strip() == text.strip() for one in wording.values()):
            return name
    return None


def held_by(stage: Stage, engine: Speaker, conversation: Conversation, sender: str) -> tuple[str, ...]:
    """The outcomes of a conversation on one engine, with a new database."""
    stage.clear()
    told: dict[str, str] = {}
    outcomes = []
    for step in conversation.steps:
        work_in_office(stage.assistant.store, step, told.get("number"))
        turn = engine.say(step.written(told), f"{sender}-{step.sender}")
        told |= {key: value for key, value in (("number", turn.number), ("code", turn.code)) if value}
        outcomes.append(turn.outcome)
    return tuple(outcomes)


def compare(
    conversations: Iterable[Conversation], ours: Stage, theirs: Stage, rasa: RasaEngine,
    tell: Callable[[Held], None] = lambda held: None,
) -> tuple[Held, ...]:  # fmt: skip
    """All conversations on both engines; `tell` hears of each when it is over."""
    all_held = []
    for place, conversation in enumerate(conversations, start=1):
        held = Held(
            conversation,
            held_by(ours, OurEngine(ours.assistant), conversation, "ours"),
            held_by(theirs, rasa, conversation, f"conversation-{place}"),
        )
        all_held.append(held)
        tell(held)
    return tuple(all_held)
