"""`chengda bench assist`: the time from a finished segment to its advice while many people call."""

from __future__ import annotations

import itertools
import random
import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import numpy as np
from rich.console import Console
from rich.table import Table

from bot.assist.assistance import Assistance
from bot.assist.call import Call
from bot.assist.labelled_calls import read_calls, shipped_calls
from bot.assist.transcript import Segment, Speaker

WORKERS = 2
# Calls played before the clock runs, so that no first use of a table counts.
WARM, WARM_SECONDS = 4, 2.0
SEED = 7
MEGABYTE = 1024
OWN_CALLS = (
    ("您好请讲", "我想问一下我的驾照快到期了怎么换", "您是深圳的驾照吗", "对是C1的", "需要带什么材料", "那要多少钱"),
    ("您好请问有什么可以帮您", "我们小区楼下的工地半夜还在施工", "请问在哪里", "龙华民治街道民康路",
     "从什么时候开始的", "上个星期开始每天晚上十一点到凌晨两点", "方便留个电话吗", "幺三八零零幺三八零零零"),
    ("Hello, how can I help?", "hi the street light outside my building has been broken for a week",
     "Where is it?", "it's on Minkang Road in Longhua", "And your number?",
     "one three eight double oh one three eight triple oh"),
)  # fmt: skip


@dataclass(frozen=True)
class Arrival:
    """A segment of a call and when it is finished, in seconds from the start."""

    at: float
    call: int
    segment: Segment


def bench_assist(assistance: Assistance, live: int, seconds: float, pause: float, console: Console) -> None:
    """Play calls side by side in real time and print how long each advice took, waiting for its turn included."""
    arrivals = sorted(arrivals_of(live, seconds, pause), key=lambda one: one.at)
    played(assistance, sorted(arrivals_of(WARM, WARM_SECONDS, WARM_SECONDS / 20), key=lambda one: one.at), WARM)
    before = _memory()
    spent = played(assistance, arrivals, live)
    table = Table(
        "calls at once", "caller segments", "a second", "p50 ms", "p95 ms", "p99 ms", "longest ms", "memory + MB"
    )
    p50, p95, p99 = np.percentile(spent, (50, 95, 99))
    table.add_row(
        str(live), str(len(spent)), f"{len(spent) / seconds:.1f}", f"{p50:.1f}", f"{p95:.1f}", f"{p99:.1f}",
        f"{max(spent):.1f}", f"{_memory() - before:.0f}",
    )  # fmt: skip
    console.print(table)


def arrivals_of(live: int, seconds: float, pause: float) -> Iterator[Arrival]:
    """The segments of `live` calls, each call beginning at another moment and begun anew when it is over."""
    draw = random.Random(SEED)
    spoken = [call.segments for call in read_calls(shipped_calls())] or [_segments(call) for call in OWN_CALLS]
    for call in range(live):
        at = draw.random() * pause
        lines = itertools.chain.from_iterable(draw.sample(spoken, len(spoken)))
        for number, segment in enumerate(lines):
            if at >= seconds:
                break
            yield Arrival(at, call, Segment(f"{call}-{number}", segment.speaker, segment.text))
            at += pause * (0.5 + draw.random())


def _segments(lines: Sequence[str]) -> tuple[Segment, ...]:
    speakers = itertools.cycle((Speaker.AGENT, Speaker.CALLER))
    return tuple(
        Segment(str(at), speaker, text) for at, (speaker, text) in enumerate(zip(speakers, lines, strict=False))
    )


def played(assistance: Assistance, arrivals: Sequence[Arrival], live: int) -> list[float]:
    """Milliseconds from the end of each of the callers' segments to its advice."""
    calls, locks = [Call() for _ in range(live)], [Lock() for _ in range(live)]
    started = time.perf_counter()

    def advise(one: Arrival) -> float:
        with locks[one.call]:
            calls[one.call] = assistance.listen([one.segment], calls[one.call])
            assistance.advise(calls[one.call])
        return 1000 * (time.perf_counter() - started - one.at)

    with ThreadPoolExecutor(WORKERS) as pool:
        waiting = []
        for one in arrivals:
            time.sleep(max(0.0, started + one.at - time.perf_counter()))
            waiting.append((one.segment.speaker, pool.submit(advise, one)))
        spent = [(speaker, done.result()) for speaker, done in waiting]
    return [taken for speaker, taken in spent if speaker is Speaker.CALLER]


def _memory() -> float:
    """The most memory this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
