"""Transcripts as folds, the schemas of recognisers, and texts as they are read out."""

from __future__ import annotations

import json
import random
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.cases.number import case_number
from bot.domain import read_domain
from bot.errors import BadFrame
from bot.phone.callers import number_of
from bot.phone.segment import Segment, Speaker, language_of
from bot.phone.speakable import Links, speakable
from bot.phone.speech import sentences, speech_of
from bot.phone.transcript import Received, Took, Transcript, folded, heard_of
from bot.phone.written import written
from connectors.phone.adapters import ADAPTERS, Schema, read_frame, stream_of
from connectors.phone.frames import Said, native
from connectors.phone.tap import Tap

FRAMES = Path(__file__).with_name("fixtures") / "calls"
LINKS = {"zh": Links("政府网站", "网页"), "en": Links("a government website", "a web page")}
WANT = [(Speaker(who), text) for who, text in json.loads((FRAMES / "want.json").read_text(encoding="utf-8"))]


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FRAMES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def replayed(schema: Schema) -> list[Segment]:
    """All segments of a file of frames, one tap a stream."""
    taps: dict[str, Tap] = {}
    found: list[Segment] = []
    for row in rows(str(schema)):
        leg, frame = row.get("leg", "caller"), row.get("frame", row)
        stream = f"{leg}{stream_of(schema, frame)}"
        tap, segments = ADAPTERS[schema](taps.get(stream, Tap("c", Speaker(leg), stream)), frame)
        taps[stream] = tap
        found += segments
    return found


@pytest.mark.parametrize("schema", Schema)
def test_every_schema_gives_the_same_final_segments(schema: Schema) -> None:
    segments = replayed(schema)
    finals = [(one.speaker, one.text.rstrip("。")) for one in folded(segments).finals]
    assert finals == WANT
    assert any(not one.final for one in segments)


def test_the_native_schema_gives_them_too() -> None:
    frames = [native(json.dumps(row)) for row in rows("native")]
    said = [frame.segment("c") for frame in frames if isinstance(frame, Said)]
    random.Random(7).shuffle(said)
    assert [(one.speaker, one.text) for one in folded(said).finals] == WANT
    assert folded(said + said).segments == folded(said).segments


def segment(rev: int, text: str, final: bool = False, name: str = "s1", start: int | None = None) -> Segment:
    return Segment("c", name, rev, Speaker.CALLER, text, final, start)


def test_an_older_revision_and_one_after_the_final_change_nothing() -> None:
    transcript, took = Transcript().take(segment(2, "人民路"))
    assert took is Took.REVISED
    assert transcript.take(segment(1, "人民")) == (transcript, Took.OLD)
    transcript, took = transcript.take(segment(2, "人民路灯坏了", True))
    assert took is Took.FINAL
    for late in (segment(9, "别的"), segment(9, "别的", True)):
        assert transcript.take(late) == (transcript, Took.FIXED)


@given(st.permutations([segment(rev, f"第{rev}版", rev == 5) for rev in range(1, 6)]))
def test_whatever_the_order_the_final_stands(order: list[Segment]) -> None:
    assert [one.text for one in folded(order).finals] == ["第5版"]


def test_a_blank_final_takes_back_what_was_taken_for_speech() -> None:
    assert folded([segment(1, "嗯"), segment(2, "", True)]).spoken == ()


def test_segments_stand_as_they_were_spoken() -> None:
    late = [segment(1, "二", True, "b", 900), segment(1, "一", True, "a", 100), segment(1, "之后", True, "c")]
    assert [one.text for one in folded(late).finals] == ["一", "之后", "二"]


def test_an_interruption_leaves_what_was_heard() -> None:
    assert heard_of("您好，这里是城答。请讲。", "您好 这里是") == "您好，这里是"
    assert heard_of("please wait", "something else") == "something else"
    assert heard_of("please wait", "") == ""


@given(st.lists(st.integers(1, 30)))
def test_received_numbers_close_up(numbers: list[int]) -> None:
    received = Received()
    for number in numbers:
        received = received.add(number)
    assert all((number in received) == (number in numbers) for number in range(1, 31))
    assert received.through == next(n for n in range(0, 31) if n + 1 not in numbers)


NAMES = [
    "mode", "text", "is_final", "timestamp", "stamp_sents", "spk_name", "partial", "result", "alternatives", "type",
    "voicePrompt", "lang", "last", "Segments", "Transcript", "Utterance", "Id", "TranscriptId", "kind", "data", "id",
    "transcriptionData", "offset", "duration", "participantRawID", "resultStatus", "TranscriptionEvent", "Track",
    "TranscriptionData", "parameters", "entities", "interpretations", "transcript", "languages", "confidence",
]  # fmt: skip
WORDS = ["2pass-online", "offline", "online", "prompt", "event", "transcript", "TranscriptionData", "PT1S", "P"]
WORDS += ["transcription-content", "[[1]]", "[]", "{}", "\ud800", "路灯"]
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS)
NESTED = st.lists(LEAF, max_size=2) | st.dictionaries(st.sampled_from(NAMES), LEAF, max_size=3)
DEEP = st.lists(NESTED, max_size=2) | st.dictionaries(st.sampled_from(NAMES), NESTED, max_size=3)
FRAME = st.dictionaries(st.sampled_from(NAMES), LEAF | NESTED | DEEP, max_size=6)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@pytest.mark.parametrize("schema", Schema)
@given(frames=st.lists(FRAME, max_size=3))
def test_no_frame_breaks_an_adapter(schema: Schema, frames: list[dict[str, Any]]) -> None:
    tap = Tap("c")
    for frame in frames:
        try:
            tap, segments = ADAPTERS[schema](tap, frame)
        except BadFrame as error:
            assert str(error)
        else:
            for one in segments:
                one.text.encode()
                assert one.start_ms is None or 0 <= one.start_ms < 2**31


@given(st.text(max_size=40) | st.binary(max_size=40))
def test_no_text_breaks_the_door(text: str | bytes) -> None:
    for read in (read_frame, native):
        try:
            read(text)
        except BadFrame as error:
            assert str(error)


def test_a_wrong_field_is_named_and_its_value_is_not() -> None:
    frame = {"type": "segment", "seq": 1, "segment_id": "s", "rev": 1, "speaker": "13800138000", "text": "", "final": 1}
    with pytest.raises(BadFrame, match=r"^speaker") as caught:
        native(json.dumps(frame))
    assert "13800138000" not in str(caught.value)


def test_an_unfinished_stream_ends_with_what_it_told() -> None:
    tap, _ = ADAPTERS[Schema.VOSK](Tap("c"), {"partial": "路灯 坏"})
    assert [(one.text, one.final) for one in tap.ended()] == [("路灯坏", True)]
    assert Tap("c").ended() == ()


def test_english_deltas_keep_their_gaps() -> None:
    tap = Tap("c")
    for piece in ("the street", "light", " is", "broken."):
        tap, segments = ADAPTERS[Schema.FUNASR](tap, {"mode": "2pass-online", "text": piece})
    assert segments[0].text == "the street light is broken."


@pytest.mark.parametrize(
    ("tag", "language"), [("zh-CN", "zh"), ("yue", "zh"), ("en_US", "en"), ("fr-FR", None), (None, None), ("", None)]
)
def test_tags(tag: str | None, language: str | None) -> None:
    assert language_of(tag) == language


SPOKEN = {
    "zh": {
        "工单号：SZ261127-000001-3": "工单号：S Z，二六幺幺二七，零零零零零幺，三",
        "查询码：J7JSNRG5（请保存）\n承办": "查询码：J 七 J S N R G 五，请保存。承办",
        "预计答复：2026-12-04 18:00前": "预计答复：二零二六年十二月四日十八点前",
        "2025年5月10日起": "二零二五年五月十日起",
        "拨打110、12345或0755-12345678": "拨打幺幺零、幺二三四五或零七五五，幺二三四五六七八",
        "请打13800138000，谢谢": "请打幺三八，零零幺三，八零零零，谢谢",
        "费用20元、1,200.50元、¥3.5万元": "费用二十元、一千二百元五角、三点五万元",
        "2个工作日，12个，120天": "两个工作日，十二个，一百二十天",
        "每天9:00-12:00、14:05-17:30": "每天九点到十二点、十四点零五分到十七点三十分",
        "3-5天，50%": "三到五天，百分之五十",
        "见[办事指南](https://www.sz.gov.cn/a?b=1)。": "见办事指南。",
        "见 https://www.sz.gov.cn/a?b=1。": "见政府网站。",
        "来源：办事资讯网页 52luohu.com（2026-11-01核对）": "来源：办事资讯网页，二零二六年十一月一日核对",
        "**材料**\n- 身份证\n- 照片2张 😀": "材料。身份证。照片两张",
        "1. 换发护照\n2. 驾照": "第一，换发护照。第二，驾照",
        "拨打0755-12345或(0755)12345": "拨打零七五五，幺二三四五或，零七五五，幺二三四五",
        "075512345，010-96156，0755-88888888-801": "零七五五，幺二三四五，零幺零，九六幺五六，零七五五，八八八八八八八八，八零幺",
        "+86-755-12345，400-830-1234": "加八六，七五五，幺二三四五，四零零，八三零，幺二三四",
        "10-120天": "十到一百二十天",
        "首付1/3，超过2/3业主，5又1/2": "首付三分之一，超过三分之二业主，五又二分之一",
        "3/4号线，第1/2条，1/2楼": "三或四号线，第一或二条，一或二楼",
        "截至11/27，12/31前，1/100": "截至十一月二十七日，十二月三十一日前，一百分之一",
        "3/15消费者权益日，7/1建党节": "三月十五日消费者权益日，七月一日建党节",
        "周一至周五 9/12，2026/11，2026/3月": "周一至周五九月十二日，二零二六年十一月，二零二六年三月",
        "12/25放假，1/500": "十二月二十五日放假，五百分之一",
        "2/15的节目，周五1/3": "十五分之二的节目，周五三分之一",
        "24/7服务，7/7": "全天候服务，七或七",
        "收费110-120元，每次110到12345元": "收费一百一十到一百二十元，每次一百一十到一万二千三百四十五元",
        "¥110-120，¥110~120元，110、119或120元": "一百一十元到一百二十元，一百一十元到一百二十元，一百一十、一百一十九或一百二十元",
        "12345元，110余元，120秒，打110或120": "一万二千三百四十五元，一百一十余元，一百二十秒，打幺幺零或幺二零",
        "100000000元，10020": "一亿元，一万零二十",
    },
    "en": {
        "Case number: SZ261127-000002-1": "Case number: S Z, two six one one two seven, zero zero zero zero zero two, one",
        "code GK3P7P6C (keep it)\nUnit": "code G K three P seven P six C, keep it. Unit",
        "by 2026-12-04 18:00": "by the fourth of December twenty twenty-six at six p.m.",
        "on 27 November 2026, or Nov 3": "on the twenty-seventh of November twenty twenty-six, or the third of November",
        "call 110 or 12345, within 110 days": "call one one zero or one two three four five, within one hundred ten days",
        "call 13800138000.": "call one three eight, zero zero one three, eight zero zero zero.",
        "¥1,000 or 20.50 yuan": "one thousand yuan or twenty yuan fifty fen",
        "8:30-17:05, 2.5%": "eight thirty a.m. to five oh five p.m. two point five percent",
        "1 to 3 years, 5km": "one to three years, five kilometres",
        "see https://www.sz.gov.cn/x and wx.example.com": "see a government website and a web page",
        "## Fee\n* **free** of [charge](http://a.cn)": "Fee. free of charge",
        "call 0755-12345 or (0755) 96156": "call zero seven five five, one two three four five or, zero seven five five, nine six one five six",
        "1/3 of owners, 2/3, 1/2, 3/4, 1 1/2 hours": "one third of owners, two thirds, one half, three quarters, one and a half hours",
        "line 1/2, option 2/3, open 24/7": "line one or two, option two or three, open twenty-four seven",
        "Unit 3, 1/103 Fuhua Road, 1/500": "Unit three, one over one hundred three Fuhua Road, one over five hundred",
        "Monday, 9/12, or 12/25": "Monday, the twelfth of September, or the twenty-fifth of December",
        "in 2026/11": "in November twenty twenty-six",
        "by 11/27, on 3/15": "by the twenty-seventh of November, on the fifteenth of March",
        "between 110 and 120 yuan": "between one hundred ten and one hundred twenty yuan",
        "110-120 yuan, RMB 110 to 120": "one hundred ten to one hundred twenty yuan, one hundred ten yuan to one hundred twenty yuan",
        "12345 yuan, 110, 119 or 120 pages": "twelve thousand three hundred forty-five yuan, one hundred ten, one hundred nineteen or one hundred twenty pages",
        "call 110 or 120 within 3 days": "call one one zero or one two zero within three days",
        "since 2008": "since two thousand eight",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "text", "said"), [(language, *pair) for language, table in SPOKEN.items() for pair in table.items()]
)
def test_read_out(language: str, text: str, said: str) -> None:
    assert speakable(text, language, LINKS[language]) == said


@pytest.mark.parametrize("language", ["zh", "en"])
@given(a=st.integers(0, 9999), b=st.integers(0, 9999), whole=st.sampled_from(["", "2 ", "on ", "Friday ", "第"]))
@example(a=1, b=101, whole="")
@example(a=1, b=9999, whole="2 ")
def test_every_pair_with_a_slash_is_read_out(language: str, a: int, b: int, whole: str) -> None:
    assert not re.search(r"[0-9/]", speakable(f"{whole}{a}/{b}", language, LINKS[language]))


@given(st.sampled_from(["zh", "en"]), st.text(max_size=80) | st.from_regex(r"[\d,.:\-元¥%a-z \[\]()*/年月日]{0,40}"))
def test_nothing_read_out_has_digits_markdown_or_links(language: str, text: str) -> None:
    said = speakable(text, language, LINKS[language])
    assert not re.search(r"[0-9*`\[\]|#]|https?:|www\.", said)
    assert speakable(said, language, LINKS[language]) is not None


@pytest.mark.parametrize("language", ["zh", "en"])
@given(day=st.dates(date(2026, 1, 1), date(2099, 1, 1)), running=st.integers(1, 999_999))
def test_a_case_number_that_is_read_out_is_read_back(language: str, day: date, running: int) -> None:
    number = case_number("SZ", day, running)
    assert written(speakable(number, language, LINKS[language])) == number.replace("-", "")


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("我的电话是幺三八零零幺三八零零零", "我的电话是13800138000"),
        ("我的电话是么三八零零么三八零零零", "我的电话是13800138000"),
        ("腰三八，零零妖三，八零零零", "13800138000"),
        ("您好么二三四五请问有什么可以帮您", "您好12345请问有什么可以帮您"),
        ("是一三八零零零零零零零零么", "是13800000000么"),
        ("什么二三四五六号楼，那么三四五六七", "什么23456号楼，那么34567"),
        ("三么四，对么一二", "三么四，对么一二"),
        ("一三八，零零一三，八零零零。", "13800138000。"),
        ("工单S Z二六幺幺二零杠零零零幺二三杠四", "工单SZ2611200001234"),
        ("one three eight double oh one three eight triple zero thanks", "13800138000 thanks"),
        ("my number is one three eight zero", "my number is one three eight zero"),
        ("三五个人", "三五个人"),
        ("一百二十三万", "一百二十三万"),
    ],
)
def test_digits_that_were_read_out(said: str, digits: str) -> None:
    assert written(said) == digits


def test_choices_are_told_with_their_digit_once() -> None:
    domain = read_domain()
    bubbles = [
        {"text": "可能是这几项：\n1. 换发护照", "buttons": [{"title": "换发护照", "payload": "a"}]},
        {"text": "还可以", "buttons": [{"title": "转人工", "payload": "b"}]},
    ]
    speech = speech_of(bubbles, "zh", domain)
    assert "转人工" in speech.text and "二" in speech.text and speech.text.count("换发护照") == 1
    assert sentences("好。请讲您要办什么事情，我来帮您。可以吗？") == ("好。请讲您要办什么事情，我来帮您。", "可以吗？")


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("+8613800138000", "13800138000"),
        ("13800138000", "13800138000"),
        ("+861088880000", "01088880000"),
        ("+8675588880000", "075588880000"),
        ("+12025550123", "+12025550123"),
        ("anonymous", None),
        ("", None),
        ("sip:alice@pbx.example", None),
        ("+266696687", None),
        ("+86282452253", None),
    ],
)
def test_the_number_of_a_caller_as_it_is_dialled(told: str, number: str | None) -> None:
    assert number_of(told) == number
