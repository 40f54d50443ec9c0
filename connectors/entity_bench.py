"""`chengda bench entities`: places and times found by the rules, by a trained spaCy tagger, and by both."""

from __future__ import annotations

import time

from rich.console import Console
from rich.table import Table

from bot.nlu.span_tagger import SpanTagger, joined
from bot.nlu.spans import LABELS, Finder, Marked, by_rules, read_dev_spans, read_training_spans, score


def entities() -> None:
    """Print how well places and times are found: by rules, by a trained tagger, by both."""
    console = Console()
    training, dev = read_training_spans(), read_dev_spans()
    table = Table("language", "label", "spans", "way", "exact F1 %", "overlap F1 %", title="Places and times")
    for language in ("zh", "en"):
        rows = [row for row in dev if row.language == language]
        started = time.perf_counter()
        plain, guided = (SpanTagger(language, rules, training) for rules in (False, True))
        seconds = (time.perf_counter() - started) / 2
        ways: dict[str, Finder] = {
            "rules": by_rules,
            "tagger": plain.find,
            "tagger told the rules": guided.find,
            "rules, then tagger": joined(by_rules, plain.find),
        }
        for label in LABELS:
            for way, find in ways.items():
                found = score(rows, find, label)
                table.add_row(
                    language, label, str(found.count), way, f"{100 * found.exact:.1f}", f"{100 * found.overlap:.1f}"
                )
        console.print(
            f"{language}: trained in {seconds:.0f} s each, {_milliseconds(rows, plain.find):.1f} ms a message"
        )
    console.print(table)


def _milliseconds(rows: list[Marked], find: Finder) -> float:
    started = time.perf_counter()
    for row in rows:
        find(row)
    return 1000 * (time.perf_counter() - started) / max(1, len(rows))
