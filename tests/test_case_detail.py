"""Right after filing, a place, a time or a number set right or added goes to the case; another matter does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Talk = Callable[..., dict[str, Any]]
FILED = {
    "zh": ("龙华区民治街道鑫华小区4栋每天晚上施工噪音很大", "提交"),
    "en": (
        "There is loud construction noise every night at Minzhi Street, Longhua, Xinhua estate building 4",
        "submit",
    ),
}


def filed(talk: Talk, language: str) -> None:
    turns = [talk(text) for text in FILED[language]]
    assert turns[-1]["outcome"] == "case_filed"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "不对，是7栋不是4栋"),
        ("zh", "我说错了，是凌晨两点"),
        ("zh", "地址错咗，係大浪街道"),
        ("zh", "7栋502"),
        ("en", "actually the building is 7, not 4"),
        ("en", "sorry, I meant Dalang, not Minzhi"),
        ("en", "sorry, it's room 502, not 501"),
    ],
)
def test_a_detail_goes_to_the_case(talk: Talk, language: str, text: str) -> None:
    filed(talk, language)
    thanked = talk({"zh": "谢谢", "en": "thanks"}[language])
    assert thanked["outcome"] == "smalltalk"
    turn = talk(text)
    assert turn["outcome"] == "case_updated"


@pytest.mark.parametrize(
    ("language", "text", "outcome"),
    [
        ("zh", "不对，我问的是怎么办护照", "answered"),
        ("zh", "SZ261120-000123-4 ABCD2345", "needs_identity"),
        ("zh", "我要投诉另一件事，8栋也有人养鸡", "form_question"),
        ("en", "no, I meant to ask how to renew a passport", "answered"),
        ("en", "I want to report another thing, rubbish at building 8", "form_question"),
    ],
)
def test_another_matter_does_not(talk: Talk, language: str, text: str, outcome: str) -> None:
    filed(talk, language)
    assert talk(text)["outcome"] == outcome


@pytest.mark.parametrize(
    ("language", "between", "text"),
    [("zh", "怎么换发护照", "不对，是7栋不是4栋"), ("en", "how do I renew a passport", "actually building 7, not 4")],
)
def test_after_another_matter_it_is_no_detail_of_the_case(talk: Talk, language: str, between: str, text: str) -> None:
    filed(talk, language)
    talk(between)
    assert talk(text)["outcome"] != "case_updated"
