"""The question for the place of a demand: what it asks for, by the words of the matter and by its item."""

from __future__ import annotations

import pytest

from bot.actions.place_question import Where, beside_place, where_of
from bot.domain import read_domain
from knowledge.catalogue import Text, read_catalogue

TOLD = {
    Where.HOME: (
        "It is so loud every night, I cannot sleep",
        "my neighbour drills at weekends",
        "the lift has been stuck since Monday",
        "楼上漏水",
        "隔篱屋好嘈",
        "小区物业乱收费",
        "家里停水了",
    ),
    Where.SHOP: (
        "the restaurant downstairs is noisy",
        "楼下烧烤店油烟",
        "健身房不退卡",
        "karaoke until 3 in the morning",
    ),
    Where.SITE: ("地铁施工半夜打桩", "they drill every night", "construction at midnight"),
    Where.LINE: ("巴士司機飛站", "the taxi refused to take me"),
    Where.PARK: ("公园里有人唱歌很大声",),
    Where.ROAD: (
        "楼下路灯坏了",
        "the street light near the bus stop is out",
        "bikes all over the pavement",
        "车停在路口",
    ),
    Where.COMPANY: ("老板两个月没发工资", "my employer has not paid my salary"),
    Where.INSTITUTION: ("医院乱收费", "the clerk at the counter was rude"),
    Where.ANY: ("垃圾没人清", "a dog barks"),
}


@pytest.mark.parametrize(("where", "text"), [(where, text) for where, texts in TOLD.items() for text in texts])
def test_the_words_of_a_matter_tell_the_kind_of_place(where: Where, text: str) -> None:
    assert where_of(text, None) is where


def test_the_item_tells_it_where_the_words_do_not() -> None:
    assert where_of("味道很大", Text("店铺名称", "name of the shop")) is Where.SHOP
    assert where_of("味道很大", Text("照片", "photo")) is Where.ANY


def test_what_the_question_asks_for_is_not_named_again() -> None:
    for item in read_catalogue():
        for language in ("zh", "en") if item.must_capture else ():
            rest = ", ".join(beside_place(item.must_capture, language)).lower()
            for word in ("地点", "名称", "楼栋", "place", "name of", "building", "address"):
                assert word not in rest, (item.code, rest)


def test_there_is_a_question_for_every_kind() -> None:
    responses = read_domain().responses
    assert {f"utter_where_{where}" for where in Where} <= set(responses)


def test_a_translation_of_other_parts_is_told_whole_and_in_its_language() -> None:
    assert list(beside_place(Text("楼栋、时段", "building and hours"), "en")) == ["building and hours"]
    assert list(beside_place(Text("楼栋、时段", "building, hours"), "en")) == ["hours"]
