"""Danger in doubt: the number first, then what else the message says; danger that is sure is an alarm as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.caution import NAMED, OTHERWISE
from bot.domain import read_domain
from bot.nlu.said import denies_danger
from knowledge.normal import canonical

Talk = Callable[..., dict[str, Any]]
EMPTY_LIFTS = (
    ("电梯又停在半路了，不过里面没有人，请派人来修", "zh", "119"),
    ("部𨋢壞咗，冇人喺入面", "zh", "119"),
    ("The lift is stuck between floors again, nobody is in it", "en", "119"),
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("电梯坏了，里面没人", True),
        ("水管爆了，没有人受伤", True),
        ("虚惊一场，隔壁烧焦了锅", True),
        ("孩子找到了，在同学家", True),
        ("电梯停在五楼，空的", True),
        ("the lift is stuck, no one is in it", True),
        ("street lamp went pop, nobody's hurt", True),
        ("there is no fire, the panel only beeps", True),
        ("found my bag, it was under the bed", True),
        ("隔壁煤气味很重，敲门没人应", False),
        ("电话没人接，我快撑不住了", False),
        ("他没有呼吸了", False),
        ("nobody stops to help, he is bleeding", False),
        ("no one is inside but the roof is burning", False),
        ("里面没有人，但是火越来越大", False),
        ("nobody would notice if i was gone", False),
        ("手滑按了电梯里的求助键，没事的", True),
        ("my son pressed sos on his watch by mistake", True),
        ("no fire exit here, we are trapped on the third floor", False),
        ("there is no smoke alarm and my flat is burning", False),
        ("his inhaler is empty, he can't breathe", False),
        ("氧气瓶是空的，老人喘不上气", False),
        ("found him on the floor, he is not moving", False),
        ("我找到她了，躺在地上不动", False),
        ("she took too many pills by mistake", False),
        ("老人误触电线，倒在地上", False),
        ("我以为他睡着了，结果叫不醒", False),
        ("屋里没人应，煤气味很重", False),
        ("没有人受伤，三个人被困在电梯里", False),
        ("nobody is hurt, three of us are trapped in the lift", False),
    ],
)
def test_what_denies_danger(text: str, said: bool) -> None:
    assert denies_danger(canonical(text, cantonese=True)) is said


@pytest.mark.parametrize(("text", "language", "number"), EMPTY_LIFTS)
def test_in_doubt_the_number_comes_first_and_the_matter_goes_on(
    talk: Talk, text: str, language: str, number: str
) -> None:
    turn = talk(text)
    assert turn["outcome"] == "form_question"
    assert number in turn["text"][: turn["text"].index("\n")]


@pytest.mark.parametrize(
    "text",
    [
        "厨房着火了，火越来越大",
        "里面没有人，但是火越来越大",
        "there's a fire in the stairwell, the flames are growing",
        "隔壁煤气味很重，敲门没人应",
        "I don't want to live any more, nobody here cares",
        "隔壁着火了，里面没有人",
        "big fire in the warehouse, nobody inside",
        "she took too many pills by mistake",
    ],
)
def test_sure_danger_is_an_alarm(talk: Talk, text: str) -> None:
    turn = talk(text)
    assert turn["outcome"] in ("emergency", "crisis")


@pytest.mark.parametrize("text", ["不小心误按了电梯的警铃，没有人在里面", "False alarm, next door burnt their toast"])
def test_a_danger_denied_is_none(talk: Talk, text: str) -> None:
    assert talk(text)["outcome"] not in ("emergency", "crisis")


@pytest.mark.parametrize(
    ("filed", "danger", "after"),
    [
        ("龙华区民治街道鑫华小区4栋每天晚上施工噪音很大", "着火了，火越来越大", "我在8栋502"),
        (
            "There is construction noise every night at Minzhi Street, Longhua, Xinhua estate building 4",
            "there's a fire in the stairwell, the flames are growing",
            "I'm at building 7, room 502",
        ),
    ],
)
def test_after_an_alarm_nothing_goes_to_the_case_before(talk: Talk, filed: str, danger: str, after: str) -> None:
    talk(filed)
    assert talk("提交" if "龙" in filed else "submit")["outcome"] == "case_filed"
    assert talk(danger)["outcome"] == "emergency"
    assert talk(after)["outcome"] != "case_updated"


@pytest.mark.parametrize("text", ["部电梯坏了，没有人在里面，帮我转人工", "lift stuck, nobody in it, get me a human"])
def test_who_asks_for_a_person_is_not_held_up(talk: Talk, text: str) -> None:
    assert talk(text)["outcome"] in ("emergency", "handoff")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_cautions_name_a_number(language: str) -> None:
    domain = read_domain()
    for name in (*NAMED.values(), OTHERWISE):
        text = domain.text(name, language)
        assert "110" in text and len(text) < 140
