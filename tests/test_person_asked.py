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
        ("Can someone help me renew my passport?", None), ("can anyone help me apply for a visa", None),
        ("can someone call me a taxi", None), ("can an agent call me", True), ("can I talk to someone", True),
        ("证人", None), ("郑仁", None), ("整人", None), ("甄人", True), ("任工", True),
        ("I did not get a person, transfer me again", True), ("No agent answered, connect me to one", True),
        ("客服一直没回复我", None), ("客服没人理我", None), ("接线员一直不接", None), ("商家客服一直没回复我", False),
        ("how do I switch my number to another operator", False), ("switch me to another operator", True),
        ("I don't want a machine to dig outside my window", None), ("I don't want a bot", True),
        ("老人想和人聊天，有没有社区活动", None), ("想找人聊聊天有社区活动吗", None), ("想和真人聊天", True),
        ("people", None), ("manager", None), ("human", True),
        ("quiero hablar con una persona", True), ("ich möchte mit einem Menschen sprechen", True),
    ],
)  # fmt: skip
def test_what_is_said_of_a_person(text: str, wish: bool | None) -> None:
    assert person_wish(canonical(text)) is wish


def test_homophones_count_only_as_a_whole_message_and_where_nothing_is_asked() -> None:
    assert asks_person("任功") and not asks_person("任功", sounds=False) and asks_person("真人", sounds=False)
    assert asks_person("zhuan ren gong", sounds=False)
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
