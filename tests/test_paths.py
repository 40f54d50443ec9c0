"""Guided paths: their data, and finding one from words that no training line has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.nlu.moves import aspects_at_step, move_of
from bot.nlu.paths import read_path_lines
from knowledge.catalogue import read_catalogue
from knowledge.paths import read_paths
from knowledge.yaml_file import ContentError, read_yaml

PATHS = {str(key): path for key, path in read_paths(read_catalogue()).items()}
SAID = read_yaml(Path(__file__).with_name("fixtures") / "path_probes.yml")


def test_enough_paths_for_the_main_events_of_life() -> None:
    assert len(PATHS) >= 16
    events = {event for path in PATHS.values() for event in path.life_events}
    assert {"birth", "school", "business", "arrival", "leaving", "marriage", "home", "retirement", "death"} <= events


def test_every_path_has_example_lines_in_both_languages() -> None:
    counts = Counter((line.path, line.language) for line in read_path_lines())
    assert {path for path, _ in counts} == set(PATHS)
    for path in PATHS:
        assert counts[(path, "zh")] >= 12 and counts[(path, "en")] >= 12, path


def test_probes_are_no_training_lines() -> None:
    trained = {line.text for line in read_path_lines()}
    assert not trained & {text for texts in SAID.values() for text in texts}


HEAD = "x:\n  name: {zh: 甲, en: A}\n  lead: {zh: 甲, en: A}\n"
STEP = "{code: %s, note: {zh: 甲, en: A}}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{HEAD}  steps: [{STEP % 'Z99'}, {STEP % 'A01'}]", "Z99"),
        (f"{HEAD}  steps: [{STEP % 'A01'}, {STEP % 'A01'}]", "twice"),
        (f"{HEAD}  steps: [{STEP % 'A01'}]", "steps"),
        (f"x:\n  name: {{zh: 甲}}\n  lead: {{zh: 甲, en: A}}\n  steps: [{STEP % 'A02'}, {STEP % 'A01'}]", "name.en"),
        ("x: {}\nx: {}", "stands twice"),
    ],
)
def test_a_wrong_path_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "paths.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match=problem):
        read_paths(read_catalogue(), file)


@pytest.mark.parametrize("key", SAID)
def test_a_situation_finds_its_path(key: str, talk: Callable[..., dict[str, Any]]) -> None:
    """At least three of four ways to tell it lead to the path, or to a question that offers it."""
    missed = []
    for number, text in enumerate(SAID[key]):
        turn = talk(text, f"citizen{number}")
        if not any(name in turn["text"] for name in (PATHS[key].name.zh, PATHS[key].name.en)):
            missed.append(text)
    assert len(missed) <= 1, missed


@pytest.mark.parametrize(
    ("text", "to", "number"),
    [
        ("下一步", "next", None),
        ("next step please", "next", None),
        ("第三步是什么", "step", 3),
        ("step 2", "step", 2),
        ("the fourth step", "step", 4),
        ("回到清单", "list", None),
        ("back to the list", "list", None),
        ("上一步", "back", None),
    ],
)
def test_moves(text: str, to: str, number: int | None) -> None:
    move = move_of(text)
    assert move is not None and move.strong and (move.to, move.number) == (to, number)


def test_what_is_no_move() -> None:
    for text in ("多少钱", "how much is it", "我想投诉噪音", "next of kin certificate"):
        assert move_of(text) is None
    assert aspects_at_step("第三步要什么材料") == ("materials",)
