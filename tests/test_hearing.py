"""Misheard names of places, places in English answers, pieces of numbers, and the type from all that was told."""

from __future__ import annotations

import pytest

from bot.assist.english_answer import answer_of
from bot.assist.figures import likeness
from bot.assist.hearing import misheard
from bot.assist.hearing_chinese import miswritten
from bot.assist.numbers import digits_told, reads_out
from bot.assist.types import likeliest_type
from bot.cases.case import DemandType
from knowledge.city import find_city


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("law who district I think", ["Luohu"]),
        ("it is on the sway ju road", ["Cuizhu"]),
        ("in see shang in bow ann", ["Xixiang", "Bao'an"]),
        ("a shop on foo hwa third road", ["Fuhua 3rd"]),
        ("they are in the long run", []),
        ("I moved from Huanggang to Shanghai in June", []),
        ("they dug up bushy road", []),
        ("a lousy road", []),
        ("it is on long hall road", []),
        ("Foothill road", []),
    ],
)
def test_english_hearings_of_names(text: str, names: list[str]) -> None:
    assert [one.name for one in misheard(text, find_city(), True)] == names


@pytest.mark.parametrize(
    ("text", "names"),
    [("对龙港区", ["龙岗区"]), ("清胡地铁站", ["清湖"]), ("今天早上", []), ("龙岗区坂田", [])],
)
def test_names_written_by_sound(text: str, names: list[str]) -> None:
    assert [one.name for one in miswritten(text, find_city(), True)] == names


@pytest.mark.parametrize("wanted", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "平山村",
        "我住平山村",
        "南山区平山路",
        "桃源街道平山村",
        "南山区平山那边",
        "南苑社区",
        "在南苑新村",
        "桂苑社区",
        "浙江龙港市",
        "龙港镇",
        "富华路",
        "桃源路",
        "五河路",
    ],
)
def test_real_names_that_sound_like_others_stay(text: str, wanted: bool) -> None:
    assert miswritten(text, find_city(), wanted) == ()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Royal Tandoor. In Shekou, in Sea World Plaza.", "Royal Tandoor, Shekou, Sea World Plaza"),
        ("Second floor... no no, third floor it is, second floor is the bakery.", "third floor"),
        ("Renmin south road it's just behind the crown hotel", "Renmin south road, behind the crown hotel"),
        ("I'm not sure, my husband knows", None),
    ],
)
def test_the_place_in_an_english_answer(text: str, place: str | None) -> None:
    assert answer_of(text, []) == place


def test_a_zero_after_a_digit_is_no_count() -> None:
    assert digits_told("three eight zero zero zero") == "38000"
    assert digits_told("one three nine and eight zeros") == "13900000000"
    assert reads_out("double oh one") and not reads_out("身份证号是440301199001011234")


def test_places_and_times_compare_by_what_is_told() -> None:
    assert likeness("place", "Block 6, Xinghe Garden", "Xinghe Garden block six") == 1.0
    assert likeness("place", "foo hwa road", "Fuhua Road") < 0.5


def test_the_usual_type_of_a_matter_tips_the_balance() -> None:
    whole = {"report": 0.45, "complaint": 0.4, "help": 0.15}
    assert likeliest_type(whole, [], ("H12", "市容环卫")) is DemandType.COMPLAINT
    assert likeliest_type({"report": 1.0}, [], ("H12",)) is DemandType.REPORT
