"""A person asked for in many voices, and words that only look like it: a list of our own, half of it for measuring."""

from __future__ import annotations

import csv

import pytest

from bot.nlu.misspelt import slips, written_right
from bot.nlu.wants_person import asks_person, person_wish
from knowledge.normal import canonical
from knowledge.queries import NLU_DATA

with (NLU_DATA / "dev" / "person_asked.csv").open(encoding="utf-8", newline="") as rows:
    LINES = list(csv.DictReader(rows))


@pytest.mark.parametrize("part", ["tune", "measure", "fresh"])
@pytest.mark.parametrize(("asked", "floor"), [("yes", 0.85), ("no", 0.92)])
def test_a_person_is_heard_to_be_asked_for(part: str, asked: str, floor: float) -> None:
    mine = [row["text"] for row in LINES if row["part"] == part and row["asked"] == asked]
    wrong = [text for text in mine if asks_person(canonical(text)) != (asked == "yes")]
    assert len(wrong) <= (1 - floor) * len(mine), wrong


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("转人工", True), ("转 人 工", True), ("轉接真人客服", True), ("转任工", True), ("我要真人，不要机器人", True),
        ("不转人工了", False), ("取消转人工", False), ("找人工耳蜗补贴", False), ("老细扣我人工", False),
        ("你好", None),
        ("不是不要人工，我要转人工", True), ("怎么还不给我转人工", True), ("conect me to a human", True),
        ("do not connect me to a human", False), ("are you a human", False), ("my licence", None),
        ("为什么不能转人工", True), ("你不转人工我就投诉", True), ("不转人工就行", False),
        ("quiero hablar con una persona", True), ("ich möchte mit einem Menschen sprechen", True),
    ],
)  # fmt: skip
def test_what_is_said_of_a_person(text: str, wish: bool | None) -> None:
    assert person_wish(canonical(text)) is wish


def test_homophones_count_only_as_a_whole_message() -> None:
    assert asks_person("专人工") and not asks_person("专人工作制怎么申请") and not asks_person("任公园的灯坏了")


def test_words_one_slip_off() -> None:
    assert written_right("conect me to a humna agnet", {"connect", "human", "agent"}) == "connect me to a human agent"
    assert written_right("the steak was lovely", {"speak", "human"}) == "the steak was lovely"
    assert [slips(*pair) for pair in (("humna", "human"), ("conect", "connect"), ("", "ab"), ("ab", "ab"))] == [
        1,
        1,
        2,
        0,
    ]
