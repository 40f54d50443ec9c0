"""Figures of the evaluation on tiny inputs made by hand, their comparison, and the page."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bot.asked import TAKERS, read_messages, read_pairs
from bot.calibration import calibration_error, confusions, coverage, latencies, latency_classes, matrix, reliability
from bot.content_check import plain
from bot.errors import ChengdaError
from bot.evaluate import ORDINARY
from bot.records import DOUBT, PARTS, Record, figures_of
from bot.regression import floors_of, read_floors, regressions, write_floors
from bot.run_file import Run, load_run, save_run
from connectors.evaluation.page import figure_table, render_page
from knowledge.catalogue import read_catalogue
from knowledge.figures import Figure, bootstrap, difference, differences
from knowledge.queries import read_training_queries

VOID = {"meta", "input", "br", "link"}
SECTIONS = (
    "runs", "regression", "comparison", "search", "reliability", "coverage", "consistency", "understanding",
    "confusion", "latency",
)  # fmt: skip


def searched(number: int, found: str, share: float = 0.9, language: str = "zh", verdict: str = "answered") -> Record:
    return Record("search", f"问 {number}", language, "plain", ("A01",), tuple(found.split()), share, verdict, number)


RECORDS = (
    searched(1, "A01 A02"),
    searched(2, "A02 A01", 0.4, verdict="clarify"),
    searched(3, "A02 A03 A04 A01", 0.6),
    searched(4, "B01 B02", 0.3, verdict="no_service"),
    searched(5, "A01", 0.8, language="en"),
    Record("pairs", "一 | one", "zh and en", "A", ("A01",), ("A01", "A01")),
    Record("pairs", "二 | two", "zh and en", "A", ("A02",), ("A02", "A01")),
    Record("pairs", "三 | three", "zh and en", "B", ("B01",), ("B02", "B02")),
    Record("intents", "你好", "zh", "greet", ("greet",), ("greet",), 0.9),
    Record("intents", "多谢", "zh", "thank", ("thank",), ("greet",), 0.5),
    Record("intents", "hello <b>", "en", "greet", ("greet",), ("greet",), 0.9),
    Record("safety", "着火了", "zh", "emergency_fire", ("emergency_fire",), ("emergency_fire",), 0.9),
    Record("safety", "有人打我", "zh", "crisis_violence", ("crisis_violence",), ("emergency_crime",), 0.9),
    Record("safety", "屋里好像有煤气味", "zh", "emergency_gas", ("emergency_gas",), (DOUBT,), 0.4),
    Record("safety", "消防证怎么办", "zh", ORDINARY, (ORDINARY,), (ORDINARY,), 0.1),
    Record("safety", "电梯坏了，里面没人", "zh", ORDINARY, (ORDINARY,), (DOUBT,), 0.4),
    Record("openings", "随便问问", "zh", "clarify", ("clarify", "smalltalk"), ("smalltalk",)),
    Record("openings", "hm", "en", "clarify", ("clarify",), ("no_service",)),
    Record("two demands", "灯坏了，井盖丢了", "zh", "", ("2",), ("2",)),
    Record("two demands", "灯坏了", "zh", "", ("1",), ("2",)),
)
RUN = Run("new", "2026-11-26T12:00:00", {"encoder": "one", "model": "m", "data": "d", "eval": "e"}, RECORDS)


def value(name: str) -> float:
    return next(figure for figure in figures_of(RECORDS) if figure.name == name).value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("search / zh / accuracy@1", 0.25),
        ("search / zh / recall@3", 0.5),
        ("search / zh / recall@5", 0.75),
        ("search / zh / MRR", (1 + 1 / 2 + 1 / 4) / 4),
        ("search / all / answered", 3 / 5),
        ("search / group A / accuracy@1", 2 / 5),
        ("pairs / all / consistent", 2 / 3),
        ("pairs / all / both right", 1 / 3),
        ("pairs / group A / consistent", 0.5),
        ("intents / zh / accuracy", 0.5),
        ("safety / zh / caught", 1.0),
        ("safety / zh / alarmed", 2 / 3),
        ("safety / zh / named rightly", 1 / 3),
        ("safety / zh / false cautions", 0.5),
        ("safety / zh / false alarms", 0.0),
        ("openings / zh / outcome right", 1.0),
        ("openings / en / outcome right", 0.0),
        ("two demands / zh / found", 1.0),
        ("two demands / zh / false splits", 1.0),
    ],
)
def test_figures(name: str, expected: float) -> None:
    assert value(name) == pytest.approx(expected)


def test_every_part_is_asked_and_has_a_figure() -> None:
    assert set(TAKERS) == set(PARTS) == {figure.part for figure in figures_of(RECORDS)}


def test_every_service_has_a_pair() -> None:
    pairs = read_pairs()
    assert [pair.code for pair in pairs] == sorted(read_catalogue().services)
    assert len({pair.zh for pair in pairs}) == len({pair.en for pair in pairs}) == len(pairs)
    trained = {plain(query.text) for query in read_training_queries()}
    assert not [pair for pair in pairs if plain(pair.zh) in trained or plain(pair.en) in trained]
    assert {row.label for row in read_messages()} == {"1", "2"}


def test_bootstrap_is_the_same_every_time_and_covers_the_mean() -> None:
    values = [1.0] * 80 + [0.0] * 20
    found = bootstrap(values)
    assert found == bootstrap(values)
    assert found.value == 0.8
    assert 0.70 < found.low < 0.8 < found.high < 0.90
    assert bootstrap([]).value == 0.0


def figure(*values: float, lower: bool = False) -> Figure:
    return Figure("search", "zh", "accuracy@1", {str(n): v for n, v in enumerate(values)}, True, lower)


def test_differences_are_paired_over_shared_items() -> None:
    old, new = figure(*[1.0] * 30, *[0.0] * 10), figure(*[1.0] * 20, *[0.0] * 10)
    found = difference(old, new)
    assert found is not None
    assert (found.count, found.old, found.new) == (30, 1.0, pytest.approx(2 / 3))
    assert found.worse and not found.better and found.gain.high < 0
    fewer_alarms = difference(figure(*[1.0] * 30, lower=True), figure(*[0.0] * 30, lower=True))
    assert fewer_alarms is not None and fewer_alarms.better and not fewer_alarms.worse
    assert difference(figure(), new) is None
    assert not regressions([new], {}, differences([new], [new]))
    assert len(regressions([new], {}, [found])) == 1


def test_floors_fail_only_when_crossed(tmp_path: Path) -> None:
    path = tmp_path / "floors.json"
    assert read_floors(path) == {}
    now = [figure(*[1.0] * 9, 0.0), Figure("safety", "zh", "false alarms", {"a": 0.0, "b": 1.0}, True, True)]
    write_floors(floors_of(now), path)
    floors = read_floors(path)
    assert floors == {"search / zh / accuracy@1": 89.0, "safety / zh / false alarms": 51.0}
    assert regressions(now, floors) == []
    worse = [figure(*[1.0] * 8, 0.0, 0.0), Figure("safety", "zh", "false alarms", {"a": 1.0}, True, True)]
    assert len(regressions(worse, floors)) == 2


def test_a_run_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "now.json"
    save_run(RUN, path)
    assert load_run(path) == RUN
    for text in ("", "{}", '{"format": "other"}', '{"format": "chengda-evaluation-1", "records": [{}]}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ChengdaError):
            load_run(path)


def test_belief_against_truth() -> None:
    rows = [searched(n, "A01" if n % 2 else "B01", 0.5) for n in range(20)]
    assert reliability(rows, bins=2) == [(50.0, 50.0), (50.0, 50.0)]
    assert calibration_error(rows, bins=2) == 0.0
    surest = [searched(1, "A01", 0.9), searched(2, "B01", 0.1)]
    assert coverage(surest, steps=2) == [(50.0, 100.0), (100.0, 50.0)]
    assert confusions(RECORDS[:4]) == [("A01", "A02", 2), ("A01", "B01", 1)]
    assert matrix(RECORDS[8:11]) == (["greet", "thank"], [[2, 0], [1, 0]])
    assert latencies(RECORDS[:3])["p50"] == 2.0
    names, counts = latency_classes(RECORDS[:5])
    assert dict(zip(names, counts, strict=True)) | {"0–2": 1, "2–4": 2, "4–6": 2} == dict(
        zip(names, counts, strict=True)
    )


class Outline(HTMLParser):
    """Sections, languages inside each, and whether tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.languages: dict[str, set[str]] = {}
        self.section = ""
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "section":
            self.section = str(values["id"])
            self.languages[self.section] = set()
        if self.section and "lang" in values:
            self.languages[self.section].add(str(values["lang"]))
        self.outside += [value for name, value in attrs if name in ("src", "href") and value and "://" in value]
        assert tag != "script"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_has_every_section_in_both_languages() -> None:
    old = replace(RUN, name="old", records=tuple(replace(r, found=("B01",)) for r in RECORDS))
    figures = figures_of(RECORDS)
    compared = differences(figures_of(old.records), figures)
    page = render_page(RUN, figures, ["search / zh / accuracy@1: 90 to 80"], read_catalogue(), old, compared)
    outline = Outline()
    outline.feed(page)
    assert outline.open == [] and outline.outside == []
    assert tuple(outline.languages) == SECTIONS
    for section, languages in outline.languages.items():
        assert languages == {"zh", "en"}, section
    assert "hello <b>" not in page
    assert page.count("<svg") == 2 * 8
    without = render_page(RUN, figures, [], read_catalogue())
    assert "comparison" not in without.split("</style>", 1)[1]


def test_a_table_has_a_row_a_group() -> None:
    table = figure_table([f for f in figures_of(RECORDS) if f.part == "search"])
    assert table.measures[0] == "accuracy@1"
    assert [line.en for line in table.lines] == ["zh", "en", "all", "style plain", "group A"]
    assert table.lines[3].zh == "说法 plain"
