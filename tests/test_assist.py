"""Help for the agent during a call: what is wanted, the form, what to say and to ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.assist.assistance import Advice, Assistance
from bot.assist.call import Call
from bot.assist.figures import measure, right, score
from bot.assist.labelled_calls import read_calls
from bot.assist.matter import MOST_TOLD
from bot.assist.numbers import mobile_in
from bot.assist.questions import Asked, asked, reads_back
from bot.assist.recent import RecentCalls
from bot.assist.rendering import time_in_chinese
from bot.assist.suggestions import SuggestionKind
from bot.assist.transcript import Segment, Speaker, heard
from bot.assistant import Assistant
from bot.settings import Settings
from connectors.app import create_app
from connectors.assist_api import assistance_of
from connectors.assist_bench import arrivals_of, played
from knowledge.yaml_file import ContentError

Lines = list[tuple[str, str]]
BARBECUE: Lines = [
    ("agent", "您好12345请问有什么可以帮您"),
    ("caller", "喂你好"),
    ("caller", "就是我们楼下那个烧烤店油烟好大"),
    ("caller", "天天晚上呛得要死窗都不敢开"),
    ("agent", "请问在哪里"),
    ("caller", "在龙华这边"),
    ("agent", "具体哪条街"),
    ("caller", "民康路"),
    ("agent", "门牌号知道吗"),
    ("caller", "呃 二十三号吧"),
    ("agent", "什么时候开始的"),
    ("caller", "差不多半个月了吧"),
    ("agent", "留个联系电话"),
    ("caller", "幺三八零零"),
    ("agent", "嗯"),
    ("caller", "幺三八零零零"),
    ("agent", "需要对您的信息保密吗"),
    ("caller", "要的"),
    ("caller", "好谢谢"),
]
LICENCE: Lines = [
    ("agent", "您好请讲"),
    ("caller", "我想问一下那个我驾照快到期了怎么换啊"),
    ("agent", "您是C1的吗"),
    ("caller", "对对对"),
    ("caller", "需要带什么材料"),
]
LAMP: Lines = [
    ("agent", "Hello, how can I help you?"),
    ("caller", "uh hi yes the street light in front of my building has been out for a week"),
    ("agent", "where is it exactly?"),
    ("caller", "it's on Minkang Road in Longhua"),
    ("agent", "and your phone number?"),
    ("caller", "one three eight double zero one three eight triple zero"),
    ("agent", "do you want to stay anonymous"),
    ("caller", "no"),
]


@pytest.fixture
def assistance(assistant: Assistant) -> Assistance:
    """The engine of suggestions."""
    return assistance_of(assistant)


@pytest.fixture
def after(assistance: Assistance) -> Callable[[Lines], Advice]:
    """The advice after the lines of a call."""

    def advise(lines: Lines) -> Advice:
        return assistance.advise(assistance.listen(segments_of(lines)))

    return advise


def segments_of(lines: Lines) -> list[Segment]:
    return [Segment(f"s{at}", Speaker(speaker), text) for at, (speaker, text) in enumerate(lines)]


def test_recognised_speech_is_made_readable_and_leads_back() -> None:
    clean = heard("嗯 路灯 坏 了 就在 民康路")
    assert clean.text == "路灯坏了就在民康路"
    assert clean.words(6, 9) == "民康路"
    assert heard("嗯").text == "嗯"
    assert heard("um the the lamp is broken").text == "the lamp is broken"
    assert heard("唔使啦").text == "唔使啦"


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("请问具体在哪条街", Asked.LOCATION),
        ("好的地址记下了那是什么时候开始的呢", Asked.OCCURRED_AT),
        ("您贵姓", Asked.NAME),
        ("方便留个联系电话吗", Asked.CONTACT),
        ("要唔要匿名", Asked.ANONYMOUS),
        ("仲有冇其他问题", Asked.MORE),
        ("Which road is that on?", Asked.LOCATION),
        ("Since when has it been like this?", Asked.OCCURRED_AT),
        ("What's the best number to reach you?", Asked.CONTACT),
        ("好的", None),
    ],
)
def test_what_an_agent_asks(text: str, slot: Asked | None) -> None:
    assert asked(text) is slot


def test_reading_back_is_told_from_asking() -> None:
    assert reads_back("地址是民康路二十三号对吧") and reads_back("So it's on Minkang Road, right?")
    assert not reads_back("好的我帮您登记")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("幺三八零零幺三八零零零", "13800138000"),
        ("要三八 零零要三八零零零", "13800138000"),
        ("138 0013 8000", "13800138000"),
        ("one three eight double oh one three eight triple oh", "13800138000"),
        ("One three ate, double zero, won three ate, triple oh", "13800138000"),
        ("幺三九后面八个零", "13900000000"),
        ("One-three-nine and then zeros, eight of them.", "13900000000"),
        ("139, then zero eight times", "13900000000"),
        ("one three nine and eight noughts", "13900000000"),
        ("138 then eight zeros. Thirteen, eight, and all zeros.", "13800000000"),
        ("Thirteen, eight, and then all zero eight of them", "13800000000"),
        ("有二十三个人", None),
        ("it is room one two three", None),
    ],
)
def test_numbers_read_out(text: str, number: str | None) -> None:
    assert mobile_in(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "身份证号是440301199001011234",
        "银行卡6222021602003456789",
        "I called on 13 March 2024 at 8:30 and again at 9:45",
        "幺五号八点三十分、幺六号九点二十分、幺七号七点",
    ],
)
def test_other_digits_are_no_number_to_call(after: Callable[[Lines], Advice], text: str) -> None:
    assert "contact" not in after([("caller", text)]).draft.fields


def test_a_complaint_fills_the_form(after: Callable[[Lines], Advice]) -> None:
    advice = after(BARBECUE)
    fields = advice.draft.fields
    assert fields["type"].value == "complaint" and fields["category"].value == "环保水务"
    assert fields["location"].value == "龙华民康路二十三号" and fields["district"].value == "龙华区"
    assert fields["district"].words == "龙华" and fields["district"].at == 5
    assert "半个月" in str(fields["occurred_at"].value)
    assert fields["contact"].value == "13800138000" and fields["contact"].at == 15
    assert fields["anonymous"].value is True
    assert advice.next_question is None and "民康路" in advice.summary and "保密" in advice.summary
    assert all(0 < field.confidence <= 1 for field in fields.values())


def test_the_next_question_follows_the_form(after: Callable[[Lines], Advice]) -> None:
    slots = []
    for end in (2, 3, 6, 8, 12, 16, 18):
        question = after(BARBECUE[:end]).next_question
        slots.append(question.slot if question else None)
    assert slots[:3] == ["description", "location", "place_detail"]
    assert slots[-2:] == ["anonymous", None] and "contact" in slots


def test_a_question_is_answered_from_the_catalogue(after: Callable[[Lines], Advice]) -> None:
    advice = after(LICENCE)
    reply = next(one for one in advice.suggestions if one.kind is SuggestionKind.REPLY)
    service = next(one for one in advice.suggestions if one.kind is SuggestionKind.SERVICE)
    assert service.code == reply.code == "C01" and reply.source.field == "materials"
    assert "身份证" in reply.text and reply.source.title and reply.source.checked_on
    assert "驾驶证" in advice.summary and advice.draft.fields["type"].value == "consult"


def test_an_english_caller_is_rendered_in_chinese(after: Callable[[Lines], Advice]) -> None:
    advice = after(LAMP)
    assert advice.language == "en" and advice.draft.item is not None and advice.draft.item.code == "H08"
    assert advice.draft.fields["contact"].value == "13800138000" and advice.draft.fields["anonymous"].value is False
    assert advice.rendering is not None and "路灯" in advice.rendering.text and "龙华区" in advice.rendering.text
    assert "street light" in advice.rendering.original


@pytest.mark.parametrize(
    ("told", "chinese"),
    [
        ("for a week", "1周 (for a week)"),
        ("since last Monday", "从上周一 (since last Monday)"),
        ("every night, at 11 pm", "每天晚上23:00 (every night, at 11 pm)"),
        ("three days ago", "3天前 (three days ago)"),
        ("when the typhoon came", "when the typhoon came"),
    ],
)
def test_times_are_rendered_where_all_their_words_are_known(told: str, chinese: str) -> None:
    assert time_in_chinese(told) == chinese


def test_hearing_is_a_pure_fold(assistance: Assistance) -> None:
    segments = segments_of(BARBECUE)
    whole = assistance.listen(segments)
    call = Call()
    for segment in segments:
        call = assistance.listen([segment, segment], call)
    assert assistance.advise(call) == assistance.advise(whole)
    assert len(call.segments) == len(segments)


@pytest.mark.parametrize(
    "lines", [[], [("caller", "")], [("caller", "喂")], [("agent", "您好")], [("caller", "😀 。。。")]]
)
def test_nothing_said_yet(after: Callable[[Lines], Advice], lines: Lines) -> None:
    advice = after(lines)
    assert not advice.draft.fields and advice.summary


def test_suggest_over_http(assistant: Assistant, tmp_path: Any) -> None:
    settings = Settings(data_dir=tmp_path, database_url="sqlite://", sweep_seconds=0, _env_file=None)  # type: ignore[call-arg]
    client = TestClient(create_app(settings, assistant))
    with client:
        lines = [
            {"speaker": speaker, "text": text, "started_at": "2026-11-27T08:00:00+08:00"} for speaker, text in LAMP
        ]
        told = client.post("/assist/suggest", json={"transcript": lines}).json()
        assert set(told) >= {"suggestions", "case_draft", "summary", "next_question", "duplicates"}
        assert {one["kind"] for one in told["suggestions"]} >= {"reply", "service"}
        assert all(set(one) >= {"text", "confidence", "source"} for one in told["suggestions"])
        said = [line["text"] for line in lines]
        assert all(field["evidence"] in said[field["segment"]] for field in told["case_draft"].values())
        chinese = client.post("/assist/suggest", json={"transcript": lines, "language": "zh"}).json()
        assert "路灯" in chinese["summary"] and chinese["language"] == "zh"
        bad = client.post("/assist/suggest", json={"transcript": [{"speaker": "bot", "text": "x"}]})
        assert bad.status_code == 422 and bad.json()["errors"]
        assert client.post("/assist/suggest", json={"transcript": []}).status_code == 200


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ([("agent", "在哪个小区"), ("caller", "民治龙悦居三期B座十八楼我是一八零四")], "民治龙悦居三期B座十八楼"),
        ([("agent", "请问在哪里"), ("caller", "在龙华"), ("agent", "哪条路"), ("caller", "民康路")], "龙华民康路"),
        ([("agent", "在哪里"), ("caller", "民康路"), ("caller", "说错了是民旺路")], "民旺路"),
        ([("agent", "是龙华区民治街道民康路对吧"), ("caller", "对对")], "龙华区民治街道民康路"),
    ],
)
def test_a_place_is_put_together(assistance: Assistance, lines: Lines, place: str) -> None:
    story = [("caller", "我要投诉楼下烧烤店油烟扰民"), *lines]
    assert assistance.listen(segments_of(story)).form.place.text == place


@pytest.mark.parametrize(
    ("lines", "time"),
    [
        ([("agent", "什么时候开始的"), ("caller", "从七月份到现在一分钱都没给")], "从七月份到现在"),
        ([("caller", "天天都这样"), ("agent", "从什么时候开始的"), ("caller", "差不多一个月")], "差不多一个月"),
        ([("agent", "是什么时后的事"), ("caller", "上个月二十八号退的房说七天退")], "上个月二十八号"),
        ([("agent", "多久了"), ("caller", "一直这样")], "一直"),
    ],
)
def test_the_time_is_the_most_exact_told(assistance: Assistance, lines: Lines, time: str) -> None:
    told = assistance.listen(segments_of([("caller", "房东不退我押金"), *lines])).form.time
    assert told is not None and told.value == time


def test_another_matter_begins_a_form_of_its_own(assistance: Assistance) -> None:
    lines = [
        ("caller", "我们小区的路灯坏了"),
        ("agent", "在哪里"),
        ("caller", "民康路"),
        ("agent", "好的还有其他问题吗"),
        ("caller", "还有就是我想问一下驾照到期了怎么换"),
    ]
    advice = assistance.advise(assistance.listen(segments_of(lines)))
    assert len(advice.drafts) == 2 and advice.drafts[0].value("service_item") == "H08"
    codes = [one.code for one in advice.suggestions if one.kind is SuggestionKind.SERVICE]
    assert codes[0] == "C01" and "H08" in codes


def test_of_a_talk_without_end_the_first_words_and_the_latest_are_kept(assistance: Assistance) -> None:
    said = [f"楼上装修吵得睡不着，第{number}天了还在砸墙" for number in range(2, MOST_TOLD + 10)]
    matter = assistance.listen(segments_of([("caller", text) for text in said])).matter
    assert len(matter.told) == len(matter.parts) == MOST_TOLD
    assert matter.text.startswith(said[0]) and matter.told[-1].segment.text == said[-1]


def test_danger_comes_first_and_passes(assistance: Assistance) -> None:
    lines = [("caller", "我家厨房着火了好大的烟"), ("agent", "请先打119"), ("caller", "火已经扑灭了没事了")]
    burning = assistance.advise(assistance.listen(segments_of(lines[:1])))
    assert "119" in burning.suggestions[0].text and burning.suggestions[0].confidence == 1
    after = assistance.listen(segments_of(lines))
    assert after.danger is None and assistance.advise(after).suggestions[0].confidence < 1


def test_written_calls_are_measured(assistance: Assistance, tmp_path: Path) -> None:
    case = {"type": "complaint", "category": "环保水务", "service_item": "", "district": "龙华区",
            "place": "龙华民康路23号", "time": "半个月", "contact": "13800138000"}  # fmt: skip
    rows = [
        _written("a", BARBECUE, "zh", {"kind": "demand", "services": [], "case": case}),
        _written("b", LICENCE, "zh", {"kind": "service", "services": ["C01"]}),
    ]
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(rows) + "\n\n", encoding="utf-8")
    measured = measure(assistance, read_calls([path]))
    assert measured[1].rank == 1 and measured[1].early is not None and measured[1].early <= 0.5
    assert score(measured, ("district", "place", "contact")).f1 == 1
    assert score(measured, ("service_item",)).hits == 0
    path.write_text(rows[0] + "\n{}\n", encoding="utf-8")
    with pytest.raises(ContentError, match=r"calls.jsonl:2"):
        read_calls([path])


def _written(key: str, lines: Lines, language: str, want: dict[str, Any]) -> str:
    segments = [{"speaker": speaker, "text": text} for speaker, text in lines]
    return json.dumps({"call": key, "language": language, "asr": "noisy", "segments": segments, "want": want})


def test_fields_are_compared_by_their_sounds() -> None:
    assert right("place", "龙华民抗路二十三号", "龙华区民康路23号") and not right("place", "龙华", "福田区彩田路")
    assert right("time", "since last week", "last week") and not right("time", "", "昨晚")
    assert not right("contact", "13800138000", "13900000000")


def test_many_calls_at_once(assistance: Assistance) -> None:
    arrivals = sorted(arrivals_of(8, 1.0, 0.2), key=lambda one: one.at)
    spent = played(assistance, arrivals, 8)
    assert spent and min(spent) >= 0


def test_a_transcript_sent_whole_is_heard_from_where_it_goes_on(assistance: Assistance) -> None:
    segments, recent = segments_of(BARBECUE), RecentCalls(assistance)
    for end in range(1, len(segments) + 1):
        call = recent.listen(segments[:end])
        assert recent.listen(segments[:end]) is call
    assert assistance.advise(call) == assistance.advise(assistance.listen(segments))
    corrected = [*segments[:3], replace(segments[3], text="窗都不敢开"), *segments[4:]]
    assert recent.listen(corrected).matter.text != call.matter.text


def test_typed_words_are_never_repaired(assistance: Assistance) -> None:
    told = "龙港区那边的路灯坏了，没人修"
    typed, spoken = (Segment("0", Speaker.CALLER, told, typed=typed) for typed in (True, False))
    assert "龙港区" in assistance.listen([typed]).matter.text
    assert "龙岗区" in assistance.listen([spoken]).matter.text
