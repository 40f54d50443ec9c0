"""Tables that `chengda evaluate` and `chengda bench` print."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Sequence

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from bot.assistant import Assistant
from bot.evaluate import danger, intent_accuracy, read_labelled, split_score
from bot.messages import SenderId, UserMessage
from knowledge.encoder import Encoder
from knowledge.evaluate import Judged, judge, score, scores_by
from knowledge.queries import read_dev_queries

BENCH_TURNS = 2000
WARM_UP = 50
TURNS_A_CITIZEN = 14
CONVERSATION = (
    "驾照快到期了怎么办", "需要带什么", "多少钱", "how do I renew my residence permit", "where in Nanshan",
    "楼下烧烤摊天天搞到两三点，我要投诉", "龙华区民治大道", "不对，是坂田不是民治", "确认", "查我的工单",
    "The street light near Sea World has been broken since last week", "confirm", "催办", "谢谢",
)  # fmt: skip


def evaluate(assistant: Assistant, encoder: Encoder, console: Console, show_wrong: bool) -> None:
    """Print search, intent and danger figures on the dev sets."""
    judged = judge(read_dev_queries(), assistant.retriever, encoder)
    search = Table("queries", "count", "accuracy@1 %", "recall@3 %", "MRR %", "answered %", title="Search")
    for name, figures in scores_by(judged, lambda row: row.query.language).items():
        search.add_row(f"language {name}", *figures.row())
    for name, figures in scores_by(judged, lambda row: row.query.style).items():
        search.add_row(f"style {name}", *figures.row())
    for name, figures in scores_by(judged, lambda row: row.query.code[0]).items():
        search.add_row(f"group {name}", *figures.row())
    search.add_row("all", *score(judged).row())
    console.print(search)
    _intents(assistant, console, show_wrong)
    _danger(assistant, console, show_wrong)
    _two_demands(assistant, console)
    if show_wrong:
        _wrong(judged, console)


def _intents(assistant: Assistant, console: Console, show_wrong: bool) -> None:
    table = Table("intents", "count", "accuracy %", title="Intents")
    rows = read_labelled("intents", "intent")
    for language in ("zh", "en"):
        own = [row for row in rows if row.language == language]
        accuracy, wrong = intent_accuracy(own, assistant.understanding)
        table.add_row(language, str(len(own)), f"{100 * accuracy:.1f}")
        if show_wrong:
            for row, found in wrong:
                console.print(f"  intent {row.label} read as {found}: {row.text}", markup=False)
    console.print(table)


def _danger(assistant: Assistant, console: Console, show_wrong: bool) -> None:
    table = Table("language", "caught %", "named rightly %", "false alarms %", title="Emergencies and crises")
    rows = read_labelled("safety", "label")
    for language in ("zh", "en"):
        found = danger([row for row in rows if row.language == language], assistant.understanding)
        table.add_row(language, *(f"{100 * value:.1f}" for value in (found.caught, found.named, found.false_alarms)))
        if show_wrong:
            for row in (*found.missed, *found.alarmed):
                console.print(f"  danger {row.label}: {row.text}", markup=False)
    console.print(table)


def _two_demands(assistant: Assistant, console: Console) -> None:
    table = Table("language", "count", "found %", "false splits %", title="Two demands in one message")
    for language in ("zh", "en"):
        score = split_score(language, assistant.analyst.splitter)
        table.add_row(language, str(score.count), f"{100 * score.found:.1f}", f"{100 * score.false_splits:.1f}")
    console.print(table)


def _wrong(judged: Sequence[Judged], console: Console) -> None:
    for row in judged:
        if row.rank != 0:
            told = ", ".join(row.found[:3])
            console.print(f"  {row.query.code} ({row.query.style}) found {told}: {row.query.text}", markup=False)


def bench(build: Callable[[], Assistant], console: Console) -> None:
    """Print start-up, turn times and memory of one process."""
    started = time.perf_counter()
    assistant = build()
    start_up = time.perf_counter() - started
    for number in range(WARM_UP):
        _say(assistant, f"warm-{number}", CONVERSATION[number % len(CONVERSATION)])
    gc.collect()
    texts = _bench_texts()
    times = [_say(assistant, f"bench-{number // TURNS_A_CITIZEN}", text) for number, text in enumerate(texts)]
    table = Table("measure", "value", title=f"One process, {BENCH_TURNS} turns, database on disk")
    for name, value in (
        ("start-up, trained before", f"{start_up:.1f} s"),
        ("turn p50", f"{1000 * np.percentile(times, 50):.1f} ms"),
        ("turn p99", f"{1000 * np.percentile(times, 99):.1f} ms"),
        ("turns a second", f"{len(times) / sum(times):.0f}"),
        ("memory, resident", f"{psutil.Process().memory_info().rss / 2**20:.0f} MB"),
    ):
        table.add_row(name, value)
    console.print(table)


def _bench_texts() -> list[str]:
    """Dev sentences, each said once, between the lines of a filing conversation."""
    fresh = [query.text for query in read_dev_queries()]
    pairs = zip(fresh, itertools.cycle(CONVERSATION), strict=False)
    return [text for pair in pairs for text in pair][:BENCH_TURNS]


def _say(assistant: Assistant, sender: str, text: str) -> float:
    started = time.perf_counter()
    assistant.handle(UserMessage(SenderId(sender), text))
    return time.perf_counter() - started
