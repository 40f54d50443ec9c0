"""The table that `chengda bench` prints."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from bot.assistant import Assistant
from bot.messages import SenderId, UserMessage
from knowledge.queries import read_dev_queries

BENCH_TURNS = 2000
WARM_UP = 50
TURNS_A_CITIZEN = 14
CONVERSATION = (
    "驾照快到期了怎么办", "需要带什么", "多少钱", "how do I renew my residence permit", "where in Nanshan",
    "楼下烧烤摊天天搞到两三点，我要投诉", "龙华区民治大道", "不对，是坂田不是民治", "确认", "查我的工单",
    "The street light near Sea World has been broken since last week", "confirm", "催办", "谢谢",
)  # fmt: skip


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
