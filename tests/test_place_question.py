"""The place of a demand: what the question asks for, and what a place told anew leaves of the one before."""

from __future__ import annotations

import pytest

from bot.actions.place_correction import corrected, is_numbered, numbered
from bot.actions.place_question import Where, beside_place, where_of
from bot.cases.areas import alone
from bot.cases.case import CaseDraft, DemandType
from bot.domain import read_domain
from bot.nlu.entities import find_entities, likeliest_place
from bot.nlu.said import kept_and_negated, named_field, value_told
from knowledge.catalogue import Text, read_catalogue
from knowledge.city import find_city

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


ZH = ("龙华区民治街道民康路88号3栋502", "龙华区", "民治街道")
EN = ("Room 502, Building 3, 88 Minkang Road, Minzhi Subdistrict, Longhua District", "龙华区", "民治街道")
CENTRE = ("市民中心", "福田区", None)
CORRECTIONS = [
    (ZH, "地点改成民康路99号", "龙华区民治街道民康路99号", "龙华区", "民治街道"),
    (ZH, "地点改成民治大道66号", "龙华区民治街道民治大道66号", "龙华区", "民治街道"),
    (ZH, "改成龙华区民康路99号", "龙华区民治街道民康路99号", "龙华区", "民治街道"),
    (ZH, "不是民康路88号，是民康路99号", "龙华区民治街道民康路99号", "龙华区", "民治街道"),
    (ZH, "门牌号改成99号", "龙华区民治街道民康路99号", "龙华区", "民治街道"),
    (ZH, "门牌是99", "龙华区民治街道民康路99号", "龙华区", "民治街道"),
    (ZH, "应该是5栋602", "龙华区民治街道民康路88号5栋602", "龙华区", "民治街道"),
    (ZH, "地点改成对面小卖部", "龙华区民治街道对面小卖部", "龙华区", "民治街道"),
    (ZH, "改成民治街道", ZH[0], "龙华区", "民治街道"),
    (ZH, "改成龙华大道99号", "龙华区民治街道龙华大道99号", "龙华区", "民治街道"),
    (ZH, "the place is 99 Minkang Road", "99 Minkang Road, 龙华区民治街道", "龙华区", "民治街道"),
    (ZH, "改成福田区", "福田区", "福田区", None),
    (ZH, "改成福田区景田北街12号", "福田区景田北街12号", "福田区", None),
    (ZH, "改成新洲路18号", "新洲路18号", "福田区", None),
    (ZH, "改成市民中心", "市民中心", "福田区", None),
    (ZH, "改成龙华街道清泉路5号", "龙华区龙华街道清泉路5号", "龙华区", "龙华街道"),
    (ZH, "不是龙华，是福田", "福田民康路88号3栋502", "福田区", None),
    (CENTRE, "地点改成民康路99号", "民康路99号", None, None),
    (CENTRE, "地点改成新洲路18号", "新洲路18号", "福田区", None),
    (("民康路88号", None, None), "改成龙华区民治街道", "龙华区民治街道民康路88号", "龙华区", "民治街道"),
    (EN, "the place is 99 Minkang Road", "99 Minkang Road, Minzhi Subdistrict, Longhua District", "龙华区", "民治街道"),
    (EN, "the house number is 99", "No. 99, Minkang Road, Minzhi Subdistrict, Longhua District", "龙华区", "民治街道"),
    (EN, "it should be building 5",
     "building 5, 88 Minkang Road, Minzhi Subdistrict, Longhua District", "龙华区", "民治街道"),
    (EN, "room number is 601",
     "Room 601, Building 3, 88 Minkang Road, Minzhi Subdistrict, Longhua District", "龙华区", "民治街道"),
    (EN, "the place is 99 Minkang Road, Futian", "99 Minkang Road, Futian", "福田区", None),
    (EN, "the place is 18 Xinzhou Road", "18 Xinzhou Road", "福田区", None),
    (EN, "change it to Longhua Subdistrict", "Longhua Subdistrict, Longhua District", "龙华区", "龙华街道"),
    (EN, "地点改成民康路99号", "Minzhi Subdistrict, Longhua District, 民康路99号", "龙华区", "民治街道"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "said", "place", "district", "subdistrict"), CORRECTIONS)
def test_a_place_told_anew_keeps_the_coarser_parts_told_before(
    before: tuple[str, str | None, str | None], said: str, place: str, district: str | None, subdistrict: str | None
) -> None:
    city = find_city()
    draft = CaseDraft("路灯坏了", DemandType.COMPLAINT, location=before[0], district=before[1], subdistrict=before[2])
    kept, negated = kept_and_negated(find_entities(said, "en" if said.isascii() else "zh", city), said)
    found = likeliest_place(kept)
    told = found.text if found else numbered(value_told(said) or "", said)
    after = corrected(draft, told, alone(kept, said), negated, city)
    assert (after.location, after.district, after.subdistrict) == (place, district, subdistrict)


@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ("我的address是民康路99号", "location", "民康路99号"),
        ("地点should be 99 Minkang Road", "location", "99 Minkang Road"),
        ("time改成昨晚", "occurred_at", "昨晚"),
        ("replace it please", None, None),
        ("sometimes it took a while", None, None),
    ],
)
def test_a_field_is_named_by_a_whole_word_also_between_chinese(said: str, field: str | None, value: str | None) -> None:
    assert (named_field(said), value_told(said)) == (field, value)


def test_roads_of_the_home_city_move_no_case_of_another() -> None:
    shanghai = find_city("shanghai")
    draft = CaseDraft("路灯坏了", DemandType.COMPLAINT, location="黄浦区南京东路8号", district="黄浦区")
    assert corrected(draft, "爱国路12号", [], [], shanghai).district == "黄浦区"
    assert corrected(draft, "爱国路12号", [], [], find_city()).district == "罗湖区"


def test_a_finer_part_before_the_coarser_ones_and_an_accent_in_english() -> None:
    for before, part, after in (
        ("5楼，福田图书馆", "6楼", "福田图书馆6楼"),
        ("Room 502, Building 5, Xi’an Garden", "Room 503", "Room 503, Building 5, Xi’an Garden"),
    ):
        draft = CaseDraft("路灯坏了", DemandType.COMPLAINT, location=before)
        assert corrected(draft, part, [], [], find_city()).location == after


def test_a_part_of_a_place_is_known_by_its_number() -> None:
    for text in ("5栋602", "99号", "3单元", "building 5", "No. 99", "Room 601, Building 3"):
        assert is_numbered(text, find_city()), text
    for text in ("民康路99号", "99 Minkang Road", "龙华区", "路口", "昨天", "yesterday", "fine"):
        assert not is_numbered(text, find_city()), text
