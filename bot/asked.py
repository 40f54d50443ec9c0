"""The assistant asked every sentence of the evaluation sets once."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot.assistant import Assistant
from bot.evaluate import EVAL, ORDINARY, Labelled, read_labelled
from bot.messages import SenderId, UserMessage
from bot.records import DOUBT, Record
from bot.turn import ALARMS
from knowledge.queries import Query, read_dev_queries

RANKS = 10
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Pair:
    """The same need asked in both languages."""

    code: str
    zh: str
    en: str


def read_pairs(path: Path = EVAL / "pairs.csv") -> tuple[Pair, ...]:
    """All lines of `pairs.csv`."""
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(Pair(row["code"], row["zh"], row["en"]) for row in csv.DictReader(lines))


def read_messages(path: Path = EVAL / "two_demands.csv") -> tuple[Labelled, ...]:
    """Messages with the number of their demands."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        return tuple(Labelled(row["text"], "2" if row["second"] else "1", row["language"]) for row in rows)


def take_records(assistant: Assistant, progress: Progress = lambda part, done, count: None) -> list[Record]:
    """Every sentence of the sets asked once; the assistant's database fills with conversations."""
    records: list[Record] = []
    for part, (read, take) in TAKERS.items():
        items = read()
        for done, item in enumerate(items, start=1):
            records.append(take(assistant, item))
            progress(part, done, len(items))
    return records


def search_record(assistant: Assistant, query: Query) -> Record:
    """A need asked: read and searched as in a conversation's first turn."""
    started = time.perf_counter()
    parse = assistant.understanding.parse(query.text)
    found = assistant.retriever.search(parse.canonical, parse.vector, top_k=RANKS)
    spent = 1000 * (time.perf_counter() - started)
    codes = tuple(str(hit.service.code) for hit in found.hits)
    share = found.hits[0].score if found.hits else 0.0
    return Record(
        "search", query.text, query.language, query.style, (query.code, *query.accept), codes, round(float(share), 4),
        str(found.verdict), round(spent, 2),
    )  # fmt: skip


def pair_record(assistant: Assistant, pair: Pair) -> Record:
    """Both wordings of a need asked; `found` is the best service of each."""
    best = []
    for text in (pair.zh, pair.en):
        parse = assistant.understanding.parse(text)
        hits = assistant.retriever.search(parse.canonical, parse.vector).hits
        best.append(str(hits[0].service.code) if hits else "none")
    return Record("pairs", f"{pair.zh} | {pair.en}", "zh and en", pair.code[0], (pair.code,), tuple(best))


def intent_record(assistant: Assistant, row: Labelled) -> Record:
    """A sentence and its best intent."""
    parse = assistant.understanding.parse(row.text)
    return Record(
        "intents", row.text, row.language, row.label, (row.label,), (parse.intent,), round(parse.confidence, 4)
    )


def safety_record(assistant: Assistant, row: Labelled) -> Record:
    """The first message of a conversation: the danger it was answered as, `doubt` behind a caution, else `ordinary`."""
    sender = SenderId(f"evaluate {uuid4()}")
    turn = assistant.handle(UserMessage(sender, row.text))[-1]["custom"]["turn"]
    with assistant.store.work() as work:
        cautioned = work.tracker(sender).slot("cautioned") is not None
    alarmed = turn["outcome"] in ALARMS
    found = str(turn["intent"]["name"]) if alarmed else DOUBT if cautioned else ORDINARY
    share = assistant.understanding.parse(row.text).danger.share
    return Record("safety", row.text, row.language, row.label, (row.label,), (found,), round(share, 4))


def opening_record(assistant: Assistant, row: Labelled) -> Record:
    """The first message of a conversation and how its turn ended."""
    answer = assistant.handle(UserMessage(SenderId(f"evaluate {row.text}"), row.text))
    outcome = str(answer[-1]["custom"]["turn"]["outcome"])
    wanted = tuple(row.label.split("|"))
    return Record("openings", row.text, row.language, wanted[0], wanted, (outcome,))


def message_record(assistant: Assistant, row: Labelled) -> Record:
    """A message and the number of demands it is split into."""
    found = str(len(assistant.analyst.splitter.split(row.text)))
    return Record("two demands", row.text, row.language, "", (row.label,), (found,))


TAKERS: Mapping[str, tuple[Callable[[], Sequence[Any]], Callable[[Assistant, Any], Record]]] = {
    "search": (read_dev_queries, search_record),
    "pairs": (read_pairs, pair_record),
    "intents": (lambda: read_labelled("intents", "intent"), intent_record),
    "safety": (lambda: read_labelled("safety", "label"), safety_record),
    "openings": (lambda: read_labelled("openings", "outcome"), opening_record),
    "two demands": (read_messages, message_record),
}
