"""Reading demands: letters and their figures, fields with the words they came from, trees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.assistant import Assistant
from bot.cases.analysis import DemandAnalyst
from bot.cases.boundaries import find_boundaries
from bot.cases.demand_heads import read_demands, read_subcategories, rows_of
from bot.cases.letters import read_letters
from bot.demand_figures import demand_figures
from bot.evaluate import EVAL
from knowledge.catalogue import read_catalogue
from knowledge.tree_fitting import fit_trees
from knowledge.yaml_file import ContentError


@pytest.fixture(scope="module")
def names() -> set[str]:
    return {category.zh for category in read_catalogue().categories}


def test_the_second_level_lies_under_the_first(names: set[str]) -> None:
    known = read_subcategories()
    assert len(known) > 110
    assert {one.category for one in known.values()} == names
    for row in (*read_demands(), *rows_of(read_letters())):
        assert known[row["subcategory"]].category == row["category"], row["text"]


def test_no_author_measures_and_teaches() -> None:
    taught, measured = read_letters(), read_letters(EVAL)
    assert len(measured) >= 400
    assert not {one.author for one in taught} & {one.author for one in measured}
    for letter in (*taught, *measured):
        assert len(letter.begins) == len(letter.demands) - 1
        assert list(letter.begins) == sorted(set(letter.begins))


def test_a_broken_letter_is_named(tmp_path: Path) -> None:
    (tmp_path / "demands_x.jsonl").write_text('{"text": "a", "language": "zh", "style": "plain"}\n', encoding="utf-8")
    with pytest.raises(ContentError, match=r"demands_x.jsonl.*1"):
        read_letters(tmp_path)


def test_trees_say_what_they_were_grown_for() -> None:
    chance = np.random.default_rng(5)
    rows = [{"a": float(x), "b": float(y), "noise": float(z)} for x, y, z in chance.random((900, 3))]
    truth = [(row["a"] > 0.5) != (row["b"] > 0.5) for row in rows]
    trees = fit_trees(rows[:600], truth[:600], [1.0] * 600)
    found = trees.probabilities(rows[600:]) > 0.5
    assert (found == np.array(truth[600:])).mean() > 0.9
    assert trees.probabilities([{"unknown": 1.0}]).shape == (1,)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("龙华区民治街道民治大道的路灯坏了三天，老人晚上不敢出门", "subdistrict", "民治街道"),
        ("龙华区民治街道民治大道的路灯坏了三天，老人晚上不敢出门", "people", "老人"),
        ("Street light out on Minzhi Avenue in Longhua, 40 families walk in the dark", "district", "龙华区"),
        ("Street light out on Minzhi Avenue in Longhua, 40 families walk in the dark", "people", "40 families"),
        ("厨房里煤气味很重，人都头晕了", "urgency", "emergency"),
        ("I want to praise the officer who found my daughter", "type", "praise"),
        ("請問積分入戶點樣計分？", "type", "consult"),
        ("建议在深圳湾公园多设几个直饮水点", "type", "suggestion"),
        ("我要举报楼下餐馆用地沟油", "type", "report"),
    ],
)
def test_fields(assistant: Assistant, text: str, field: str, value: str) -> None:
    (demand,) = assistant.analyst.analyse(text)
    assert getattr(demand, field) == value


@pytest.mark.parametrize(
    "text",
    [
        "龙华区民治街道的井盖不见了，三十多户居民进出都危险",
        "Rubbish piles up at Shekou for two weeks, children play there",
    ],
)
def test_values_name_their_words(assistant: Assistant, text: str) -> None:
    (demand,) = assistant.analyst.analyse(text)
    assert {"type", "category", "place", "people"} <= set(demand.evidence)
    for words in demand.evidence.values():
        for word in words.split("，"):
            assert word.lower() in text.lower()


def test_two_areas_that_fit_are_both_told(assistant: Assistant) -> None:
    (demand,) = assistant.analyst.analyse("坂田街道和民治街道交界处的路灯不亮")
    assert [(area.district, area.subdistrict) for area in demand.areas] == [
        ("龙岗区", "坂田街道"),
        ("龙华区", "民治街道"),
    ]
    (clear,) = assistant.analyst.analyse("龙华区民治街道的路灯不亮")
    assert len(clear.areas) == 1


def test_boundaries_at_strokes_and_dashes() -> None:
    assert len(find_boundaries("lamp is out / drain is blocked")) == 1
    assert len(find_boundaries("lamp is out - drain is blocked")) == 1
    assert find_boundaries("the re-paved road") == []


def test_figures_count_what_was_read(assistant: Assistant) -> None:
    letters = read_letters(EVAL)[:40]
    found = {(one.group, one.measure): one for one in demand_figures(letters, assistant.analyst)}
    assert len(found["all", "type"].values) == sum(len(letter.demands) for letter in letters)
    perfect = demand_figures(letters, _Perfect(assistant.analyst, letters))
    assert all(one.value == 1.0 for one in perfect if one.measure == "several found")
    assert all(one.value == 0.0 for one in perfect if one.measure == "falsely split")


class _Perfect(DemandAnalyst):
    """An analyst told where each message is to be cut."""

    def __init__(self, analyst: DemandAnalyst, letters: object) -> None:
        self.__dict__.update(analyst.__dict__)
        self.splitter = _Told({one.text: tuple(d.part for d in one.demands) for one in letters})  # type: ignore


class _Told:
    def __init__(self, parts: dict[str, tuple[str, ...]]) -> None:
        self.split = parts.__getitem__


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("民治大道的路灯不亮，还有隔壁烧烤店天天半夜吵", [None, "天天半夜"]),
        ("楼道堆满杂物，另外工地每晚十一点还在施工，吵死了", [None, "每晚十一点"]),
        ("昨天路灯坏了，还有垃圾没人收", ["昨天", "昨天"]),
        ("路灯坏了三天了，另外楼上天天半夜装修", ["三天了", "天天半夜"]),
        ("A lamp on Minkang Road is broken. Also the bar next door is noisy every night", [None, "every night"]),
        ("Rubbish piled up downstairs, and also the neighbours renovate on Sunday mornings", [None, "Sunday mornings"]),
        ("Since last week the street light has been broken. Also rubbish is not collected", ["Since last week"] * 2),
    ],
)
def test_the_time_of_a_later_demand_is_not_that_of_an_earlier_one(
    assistant: Assistant, text: str, times: list[str | None]
) -> None:
    found = [demand.time for demand in assistant.analyst.analyse(text)]
    assert [time if time is None else time.strip() for time in found] == times or len(found) == 1, found
