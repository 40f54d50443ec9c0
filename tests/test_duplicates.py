"""Reports of one event told from others: places by sound, numbered parts, the pair model, its data."""

from __future__ import annotations

from collections import Counter

import pytest

from bot.cases.duplicate_figures import b_cubed
from bot.cases.duplicates import PairModel, read_pair_weights
from bot.cases.matters import matters_of
from bot.cases.reports import ReportReader, Told
from bot.cases.whereabouts import Whereabouts, syllables, whereabouts
from bot.cases.written_reports import LEARNT_FILES, MEASURED_FILE, pairs_within, read_written
from bot.language import detect
from bot.nlu.entities import find_entities
from bot.training import Models
from knowledge.city import find_city


def where(text: str) -> Whereabouts:
    language = "en" if detect(text).language == "en" else "zh"
    return whereabouts(text, find_entities(text, language, find_city()), find_city())


def test_names_meet_in_both_languages() -> None:
    zh, en = where("景田北街路灯坏了一排"), where("The streetlights along Jingtian North Street are dark")
    assert [name.core for name in zh.names] == [name.core for name in en.names]
    assert zh.tells(en.names[0].core)
    assert not where("景田东路有盏灯一直闪").tells(en.names[0].core)
    assert syllables("minzhi") == ("min", "zi")
    assert syllables("street") == ()


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("石凹村6栋地下车库积水", "block", "6"),
        ("三十六栋还有好几个老人", "block", "36"),
        ("The lift in block 36 keeps stopping", "block", "36"),
        ("国贸地铁站A口电梯坏了", "exit", "a"),
        ("建安新村东侧门的垃圾没人收", "gate", "东"),
        ("rubbish at the east gate", "gate", "东"),
        ("元山旧村第四巷子停电", "lane", "4"),
        ("民治大道一百六十六号的工地", "house", "166"),
        ("民治大道幺六六号的工地", "house", "166"),
        ("二零五室一直漏水", "room", "205"),
        ("99 Minkang Road", "house", "99"),
        ("a hole before 1188A Fuhua 3rd Road", "house", "1188"),
        ("Room 502, Building 3, 118 Xinzhou Road", "house", "118"),
        ("Room 502, Building 3, 118 Xinzhou Road", "room", "502"),
        ("118-2 Xinzhou Rd, flat 1203", "house", "118"),
        ("118-2 Xinzhou Rd, flat 1203", "room", "1203"),
        ("room 502 Xinzhou Road", "room", "502"),
    ],
)
def test_numbered_parts(text: str, kind: str, number: str) -> None:
    assert where(text).parts[kind] == {number}


@pytest.mark.parametrize("text", ["110-120元", "they took 110 to 120 yuan", "打12345没用", "500 metres down the road"])
def test_amounts_and_hotlines_number_no_room(text: str) -> None:
    assert not where(text).parts


def test_counting_words_number_nothing() -> None:
    assert not where("一栋楼的租客都被断电").parts
    assert not where("装修垃圾堆成一座小山").parts


def test_matters_meet_in_both_languages() -> None:
    zh, en = matters_of("半夜路灯一直闪"), matters_of("the street lamp keeps flickering all night")
    assert "street_lamp" in zh["thing"] & en["thing"]
    assert "flicker" in zh["trouble"] & en["trouble"]


def test_the_sets() -> None:
    for paths in (LEARNT_FILES, (MEASURED_FILE,)):
        written = read_written(*paths)
        kinds = Counter(pair.kind for pair in pairs_within(written))
        assert kinds["same"] >= 300 and kinds["hard"] >= 1000 and kinds["later"] >= 50
        assert {one.language for one in written} == {"zh", "en", "mixed"}
    assert not {one.text for one in read_written(*LEARNT_FILES)} & {one.text for one in read_written(MEASURED_FILE)}


def test_weights_are_those_of_the_signs() -> None:
    weights = read_pair_weights()
    assert 0.5 < weights.threshold < 1
    assert weights.weights["far"] < 0 < weights.weights["matter"]


def test_pairs(models: Models) -> None:
    reader, model = ReportReader(models.encoder, models.demands), PairModel()
    lamp = reader.read(Told("景田北街菜市场那一段路灯全不亮,晚上黑漆漆的", 0))
    same = reader.read(Told("Street lights along Jingtian North Street by the market have been dark for days", 1))
    parking = reader.read(Told("景田北街菜市场门口天天停满车,双排停", 1))
    months = reader.read(Told("景田北街的路灯三个月前修好了,谢谢,但是昨晚开始又灭了", 95))
    soon = reader.read(Told(months.told.text, 1))
    assert model.compare(lamp, same).share > model.threshold
    assert model.compare(lamp, same).share == pytest.approx(model.compare(same, lamp).share)
    assert model.compare(lamp, parking).share < model.threshold
    assert model.compare(lamp, months).share < min(model.threshold, model.compare(lamp, soon).share)


def test_b_cubed() -> None:
    assert b_cubed([0, 0, 1], ["a", "a", "b"]) == (1.0, 1.0, 1.0)
    precision, recall, _ = b_cubed([0, 0, 0], ["a", "a", "b"])
    assert precision < recall == 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("民治大道路灯全灭了", "沙河西路路灯全灭了"),
        ("香蜜湖路井盖没了", "科苑路井盖没了"),
        ("碧海花园3栋电梯坏了", "碧海花园7栋电梯坏了"),
        ("Manhole cover missing on Shennan Avenue", "Manhole cover missing on Keyuan Road"),
    ],
)
def test_the_same_trouble_at_another_place(models: Models, one: str, other: str) -> None:
    reader, model = ReportReader(models.encoder, models.demands), PairModel()
    reports = [reader.read(Told(text, 0)) for text in (one, other)]
    assert model.compare(*reports).share < model.threshold / 2


@pytest.mark.parametrize("text", ["民治大道牛栏前地铁站B口的路灯坏了", "The lift of block 3 in Bihai Garden is broken"])
def test_the_same_words_of_the_same_place(models: Models, text: str) -> None:
    reader, model = ReportReader(models.encoder, models.demands), PairModel()
    assert model.compare(reader.read(Told(text, 0)), reader.read(Told(text, 1))).share > model.threshold
