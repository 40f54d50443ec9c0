"""A candidate that reads every message after the live assistant has answered; disagreements are written down."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.errors import ChengdaError
from bot.messages import UserMessage
from bot.model_folder import ModelFolder
from bot.nlu.parse import Parse, Understanding
from bot.privacy import redact
from bot.training import load_or_train
from bot.turn import Outcome
from knowledge.city import City, catalogue_of
from knowledge.encoder import Encoder
from knowledge.index import load_index
from knowledge.linear_head import load_head
from knowledge.retriever import Retriever

logger = logging.getLogger("chengda")
FILE = Path("shadow") / "disagreements.jsonl"
MAX_WAITING = 256
SEARCHED = (Outcome.ANSWERED, Outcome.CLARIFY, Outcome.NO_SERVICE)
ASPECTS = ("intent", "verdict", "service")
Count = Callable[[str], None]


@dataclass(frozen=True)
class Reading:
    """What one side made of a message; verdict and service are None where the answer did not come from a search."""

    intent: str
    verdict: str | None
    service: str | None


@dataclass(frozen=True)
class Candidate:
    """Another understanding and search."""

    name: str
    understanding: Understanding
    retriever: Retriever

    def read(self, text: str, hint: str | None) -> Reading:
        """The candidate's reading of a text alone."""
        parse = self.understanding.parse(text, hint)
        return Reading(parse.intent, *_search(self.retriever, parse))


@dataclass(frozen=True)
class Said:
    """A turn that waits to be compared."""

    message: UserMessage
    parse: Parse
    turn: dict[str, Any]


class Shadow:
    """Compares in a thread of its own; a full queue drops turns, a failure is counted, neither reaches a citizen."""

    def __init__(
        self, load: Callable[[], Candidate], live: Retriever, path: Path, clock: Callable[[], datetime], count: Count
    ) -> None:
        """`load` gives the candidate and runs in the thread, so that starting does not wait for it."""
        self._load, self._live, self._path, self._clock, self._count = load, live, path, clock, count
        self._waiting: queue.Queue[Said | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)
        self._thread.start()

    def take(self, message: UserMessage, parse: Parse, answer: list[dict[str, Any]]) -> None:
        """Have an answered turn compared later; never waits and never raises."""
        if parse.payload is not None or not any(char.isalnum() for char in parse.canonical):
            return
        try:
            self._waiting.put_nowait(Said(message, parse, answer[-1]["custom"]["turn"]))
        except queue.Full:
            self._count("dropped")

    def close(self, seconds: float | None = None) -> None:
        """Compare what waits, then stop; with some seconds, what is not compared by then is left."""
        try:
            self._waiting.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            candidate: Candidate | None = self._load()
        except Exception:
            logger.exception("the shadow's candidate cannot be loaded")
            candidate = None
        while (said := self._waiting.get()) is not None:
            try:
                if candidate is None:
                    raise ChengdaError("no candidate")
                self._compare(said, candidate)
            except Exception as error:
                logger.debug("a shadow turn failed: %s", error)
                self._count("failed")

    def _compare(self, said: Said, candidate: Candidate) -> None:
        live = live_reading(said.parse, said.turn, self._live)
        other = candidate.read(said.parse.text, said.message.language_hint)
        self._count("read")
        differs = disagreements(live, other)
        for aspect in differs:
            self._count(aspect)
        if differs:
            line = {
                "at": self._clock().isoformat(timespec="minutes"),
                "candidate": candidate.name,
                "text": redact(said.parse.text).text,
                "language": said.turn["language"],
                "outcome": said.turn["outcome"],
                "differs": differs,
                "live": asdict(live),
                "other": asdict(other),
            }
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(line, ensure_ascii=False) + "\n")


def live_reading(parse: Parse, turn: dict[str, Any], retriever: Retriever) -> Reading:
    """What the live assistant answered: its intent, and verdict and service where the message's search gave them."""
    intent = str(turn["intent"]["name"])
    verdict, best = _search(retriever, parse)
    told = [service["code"] for service in turn["services"]]
    if turn["outcome"] not in SEARCHED or (told and told[0] != best):
        return Reading(intent, None, None)
    return Reading(intent, verdict, best if told else None)


def disagreements(live: Reading, other: Reading) -> list[str]:
    """The aspects in which two readings differ; what the live one does not have is not compared."""
    pairs = ((aspect, getattr(live, aspect), getattr(other, aspect)) for aspect in ASPECTS)
    return [aspect for aspect, ours, theirs in pairs if ours is not None and ours != theirs]


def _search(retriever: Retriever, parse: Parse) -> tuple[str, str | None]:
    found = retriever.search(parse.canonical, parse.vector)
    return str(found.verdict), str(found.hits[0].service.code) if found.hits else None


def load_candidate(where: str, encoder: Encoder, city: City, data_dir: Path) -> Candidate:
    """The candidate of the setting: a data folder as it was trained, read with `encoder`, or another encoder's name.

    Raises ChengdaError when the folder was trained with another encoder or for services we do not have.
    """
    folder = Path(where)
    if not ModelFolder(folder).current():
        models = load_or_train(data_dir / "shadow", where, city=city)
        understanding = Understanding(models.encoder, models.intents, models.safety, city)
        return Candidate(where, understanding, Retriever(models.catalogue, models.index))
    return _trained_elsewhere(folder, encoder, city)


def _trained_elsewhere(folder: Path, encoder: Encoder, city: City) -> Candidate:
    place, understood, *_ = ModelFolder(folder).parts()
    mark = json.loads((place / "index.json").read_text(encoding="utf-8"))["fingerprint"]
    index, catalogue = load_index(place, mark), catalogue_of(city)
    assert index is not None
    if index.vectors.d != encoder.dimension:
        raise ChengdaError(f"{folder} was trained with another encoder than {encoder.name}")
    if unknown := [code for code in index.codes if code not in catalogue]:
        raise ChengdaError(f"{folder} has services that the catalogue lacks: {', '.join(unknown)}")
    intents, safety = (load_head(understood / f"{name}.joblib") for name in ("intents", "safety"))
    return Candidate(str(folder), Understanding(encoder, intents, safety, city), Retriever(catalogue, index))
