"""What a message speaks of: the learnt weights, the written follow-ups, and talk that the rules before them lost."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bot.assistant import Assistant
from bot.build import assistant_of
from bot.follow_ups import read_follow_ups
from bot.settings import Settings
from bot.subject import SubjectFinder, read_weights
from bot.subject_signs import Situation, Witnesses, read_signs
from bot.train_subject import Line, fit, is_right, signs_of
from bot.training import Models
from knowledge.catalogue import read_catalogue
from knowledge.queries import NLU_DATA

KINDS = {
    "detail", "person", "sibling", "narrow", "pick", "switch", "return", "list", "chat", "outside", "uncovered",
    "file", "human",
}  # fmt: skip

EVERY = 5
with (NLU_DATA / "dev" / "asked_back.csv").open(encoding="utf-8", newline="") as rows:
    ASKED_BACK = list(csv.DictReader(rows))


@pytest.fixture(scope="module")
def finder(models: Models, tmp_path_factory: pytest.TempPathFactory) -> tuple[Assistant, Witnesses]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("subject"),
        database_url="sqlite://",
        _env_file=None,  # type: ignore[call-arg]
    )
    assistant = assistant_of(models, settings)
    return assistant, Witnesses(models.catalogue, assistant.retriever, assistant.facts, models.encoder)


def test_follow_ups_are_of_every_kind_in_both_languages() -> None:
    follow_ups = read_follow_ups()
    codes = {str(service.code) for service in read_catalogue()}
    counts = Counter((one.language, one.kind) for one in follow_ups)
    assert {kind for _, kind in counts} == KINDS
    for language in ("zh", "en"):
        assert sum(count for (spoken, _), count in counts.items() if spoken == language) >= 300
    for one in follow_ups:
        assert codes.issuperset(one.situation.known), one.text
        assert one.situation.known and one.text and one.situation.need


def test_every_weight_is_of_a_sign_that_is_read(finder: tuple[Assistant, Witnesses]) -> None:
    assistant, witnesses = finder
    some = read_follow_ups()[::5]
    lines = signs_of(some, assistant.understanding, witnesses, lambda: None)
    read = {name for line in lines for signs in line.signs for name in signs}
    assert set(read_weights().weights) >= read


def test_shares_sum_to_one_and_none_is_among_them(finder: tuple[Assistant, Witnesses]) -> None:
    assistant, witnesses = finder
    parse = assistant.understanding.parse("那要是丢了呢", "zh")
    found = SubjectFinder(witnesses).find(Situation("A02", ("A02",), (), "身份证到期了怎么换"), parse, "zh")
    assert sum(share for _, share in found.ranked) == pytest.approx(1.0, abs=1e-4)
    assert None in dict(found.ranked)
    assert found.code == "A03"


def test_a_service_that_is_not_brought_up_is_a_candidate_too(finder: tuple[Assistant, Witnesses]) -> None:
    assistant, witnesses = finder
    parse = assistant.understanding.parse("how do I adopt a dog licence in the city", "en")
    codes, rows = read_signs(Situation("A02", ("A02",), (), "renew my ID card"), parse, "en", witnesses)
    assert "F09" in codes
    assert rows[codes.index("F09")]["strange"] == 1.0
    assert rows[-1]["none"] == 1.0


def test_learning_finds_the_sign_that_tells() -> None:
    follow_up = read_follow_ups()[0]
    lines = [
        Line(follow_up, ("A01", "A02", None), [{"good": 1.0}, {"good": 0.0}, {"none": 1.0}], np.array(right))
        for right in ([True, False, False],) * 8
    ]
    weights = fit(lines)
    assert weights["good"] > 0 > weights["none"]
    assert all(is_right(line, weights) for line in lines)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (("驾照快到期了，怎么换新的", "要是弄丢了呢"), "C02"),
        (("how do I replace an expired ID card", "what if it got stolen instead"), "A03"),
        (("I work here, how can I extend my residence permit", "and my husband? he has no job here"), "B10"),
        (("租房怎么提公积金", "那买房的呢"), "E18"),
        (("How do I get a dog licence?", "he is only two months old, is that all right"), "F09"),
        (("养狗要办什么证", "我家这只才两个月大，可以吗"), "F09"),
        (("怎么打印社保清单", "那公积金贷款怎么申请"), "E20"),
        (("how do I pay the water bill", "and the electricity?"), "F07"),
    ],
)
def test_follow_ups_reach_the_service_meant(
    talk: Callable[..., dict[str, Any]], said: tuple[str, str], code: str
) -> None:
    first, second = said
    talk(first)
    turn = talk(second)
    assert turn["outcome"] == "answered", turn["text"]
    assert turn["services"][0]["code"] == code


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("身份证丢了怎么补", "今晚欧冠谁会赢"),
        ("how do I renew a passport", "write me a poem about autumn"),
    ],
)
def test_a_matter_that_is_no_service_stays_out(talk: Callable[..., dict[str, Any]], first: str, second: str) -> None:
    talk(first)
    assert talk(second)["outcome"] in ("out_of_scope", "no_service")


def test_dialogues_after_a_question_back_are_sorted_and_name_known_services() -> None:
    codes = {str(service.code) for service in read_catalogue()}
    assert [tuple(row.values()) for row in ASKED_BACK] == sorted(tuple(row.values()) for row in ASKED_BACK)
    assert all(codes.issuperset(row["want"].split()) for row in ASKED_BACK)
    assert all(row["want"] or row["kind"] == "new" for row in ASKED_BACK)


@pytest.mark.parametrize(("kind", "floor"), [("addition", 0.8), ("new", 0.85), ("detail", 0.8)])
def test_after_a_question_back(talk: Callable[..., dict[str, Any]], kind: str, floor: float) -> None:
    """Additions are read with the need asked back on, new questions by themselves, a detail needs to know of which."""
    mine = [row for row in ASKED_BACK if row["kind"] == kind]
    wrong = []
    mine = mine[:: EVERY if kind != "detail" else 1]
    for number, row in enumerate(mine):
        first = named(talk(row["first"], f"{kind}{number}"))
        turn = talk(row["second"], f"{kind}{number}")
        told, want = named(turn), set(row["want"].split())
        right = bool(told & want) if want else not told & first
        left = kind != "new" or turn["outcome"] != "clarify" or not told & (first - want)
        if not (right and left and (kind != "detail" or turn["outcome"] == "clarify")):
            wrong.append((row["first"], row["second"], turn["outcome"], told))
    assert len(wrong) <= (1 - floor) * len(mine), wrong


def named(turn: dict[str, Any]) -> set[str]:
    """The services a turn offers, or the one it answers with."""
    if turn["outcome"] == "clarify":
        return {button["payload"].split('"')[3] for button in turn["buttons"] if '"service"' in button["payload"]}
    return {service["code"] for service in turn["services"][:1]}
