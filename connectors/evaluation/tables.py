"""The evaluation in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bot.calibration import coverage, latencies
from bot.records import LANGUAGES, PARTS, Record
from connectors.evaluation.page import figure_table
from knowledge.figures import Difference, Figure

COVERAGE_ROWS = 10
TITLES = {
    "search": "Search",
    "pairs": "The same need in Chinese and English",
    "intents": "Intents",
    "safety": "Emergencies and crises",
    "openings": "First messages that name no service",
    "two demands": "Two demands in one message",
}


def print_figures(figures: Sequence[Figure], console: Console) -> None:
    """One table a part; values in percent."""
    for part in PARTS:
        own = [figure for figure in figures if figure.part == part]
        if not own:
            continue
        found = figure_table(own)
        table = Table(part, "count", *(f"{name} %" for name in found.measures), title=TITLES[part])
        for line in found.lines:
            table.add_row(line.en, str(line.count), *(f"{100 * cell.value:.1f}" if cell else "" for cell in line.cells))
        console.print(table)


def print_beliefs(records: Sequence[Record], console: Console) -> None:
    """What was answered and how surely, and how first messages were routed."""
    search = [record for record in records if record.part == "search"]
    wrong = sum(record.verdict == "answered" and not record.right for record in search)
    counts = Counter(record.verdict for record in search)
    verdicts = Table("verdict", "count", title="Verdicts on needs the catalogue has")
    for name, count in (*sorted(counts.items()), ("answered wrongly", wrong)):
        verdicts.add_row(name, str(count))
    console.print(verdicts)
    curve = Table("answered %", "accuracy@1 %", title="Coverage against accuracy, the surest first")
    for share, accuracy in coverage(search, COVERAGE_ROWS):
        curve.add_row(f"{share:.0f}", f"{accuracy:.1f}")
    console.print(curve)
    routed = Table("wanted", "count", "right %", "came instead", title="First messages by outcome")
    openings = [record for record in records if record.part == "openings"]
    for wanted in sorted({record.style for record in openings}):
        own = [record for record in openings if record.style == wanted]
        others = Counter(record.found[0] for record in own if not record.right)
        told = ", ".join(f"{name} {count}" for name, count in sorted(others.items()))
        routed.add_row(wanted, str(len(own)), f"{100 * sum(r.right for r in own) / len(own):.1f}", told)
    console.print(routed)
    times = Table("language", *latencies(search), title="Reading and searching, milliseconds")
    for language in LANGUAGES:
        found = latencies([record for record in search if record.language == language])
        times.add_row(language, *(f"{value:.1f}" for value in found.values()))
    console.print(times)


def print_pairs(records: Sequence[Record], console: Console) -> None:
    """Every pair with the service found for either wording."""
    table = Table("code", "zh", "en", "", "Chinese | English", title="The same need in Chinese and English")
    for record in records:
        if record.part == "pairs":
            mark = "same" if len(set(record.found)) == 1 else "differ"
            mark += "" if set(record.found) == set(record.expected) else ", wrong"
            table.add_row(record.expected[0], *record.found, mark, record.text)
    console.print(table)


def print_wrong(records: Sequence[Record], console: Console) -> None:
    """Every sentence that went wrong."""
    for record in records:
        if not (record.right and len(set(record.found)) == 1 if record.part == "pairs" else record.right):
            told = ", ".join(record.found[:3])
            line = f"  {record.part}: {'|'.join(record.expected)} ({record.style}) found {told}: {record.text}"
            console.print(line, markup=False)


def print_differences(differences: Sequence[Difference], console: Console) -> None:
    """Headline figures of two runs side by side."""
    table = Table("figure", "count", "old %", "new %", "difference", "95 % interval", title="Compared, item by item")
    for one in differences:
        if one.figure.headline:
            colour = "red" if one.worse else "green" if one.better else "default"
            table.add_row(
                one.figure.name, str(one.count), f"{100 * one.old:.1f}", f"{100 * one.new:.1f}",
                f"[{colour}]{100 * one.gain.value:+.1f}[/]", f"{100 * one.gain.low:+.1f} … {100 * one.gain.high:+.1f}",
            )  # fmt: skip
    console.print(table)
