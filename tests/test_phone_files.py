"""Transcripts in files, calls in the database, keys of a telephone, and what an agent is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from typer.testing import CliRunner

from bot.assist.assistance import Advice
from bot.assist.call import Call
from bot.assist.draft import Draft
from bot.assist.suggestions import Suggestion, SuggestionKind
from bot.assist.transcript import Segment as Heard
from bot.assist.voice import SourceLine
from bot.cases.case import DemandType
from bot.database import migrate, open_database
from bot.domain import read_domain
from bot.errors import BadFrame, CallOver, UnknownCall
from bot.messages import MessageId, SenderId
from bot.phone.calls import CallRecord
from bot.phone.heard import note_heard
from bot.phone.help import SETTLE, Board
from bot.phone.segment import Segment, Speaker
from bot.store import Store
from bot.tables import turns
from connectors.cli import app
from connectors.phone import switchboard
from connectors.phone.files import Sides, read_calls
from connectors.phone.frames import Said
from connectors.phone.intake import Intake
from connectors.phone.keys import Keys
from connectors.phone.outlet import Outlet
from connectors.phone.sockets import Fault
from connectors.phone.switchboard import Switchboard

FRAMES = Path(__file__).with_name("fixtures") / "calls"
WANT = json.loads((FRAMES / "want.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store on each database."""
    if request.param == "postgresql":
        return Store(request.getfixturevalue("postgres_engine"), "SZ", lambda: NOW)
    engine = open_database(f"sqlite:///{tmp_path / 'calls.sqlite3'}")
    migrate(engine)
    return Store(engine, "SZ", lambda: NOW)


def line(name: str, text: str, start: int | None = None, final: bool = True) -> Segment:
    return Segment("c-1", name, 1, Speaker.CALLER, text, final, start)


def test_a_line_is_kept_once_and_never_changed(store: Store) -> None:
    with store.work() as work:
        assert work.calls.start(CallRecord("c-1", "key:a", "transcript.v1", NOW))
        assert not work.calls.start(CallRecord("c-1", "key:b", "transcript.v1", NOW))
        assert (
            work.calls.add([line("b", "二", 900), line("a", "一", 100), line("p", "不算", final=False)], {"c-1": 7})
            == 2
        )
    with store.work() as work:
        assert work.calls.add([line("a", "别的", 100), line("x", " 。")], {"c-1": 3}) == 0
        assert [one.text for one in work.calls.transcript("c-1")] == ["一", "二"]
        found = work.calls.of("c-1")
        assert found is not None and (found.last_seq, found.lines, found.owner) == (7, 2, "key:a")
        assert [one.id for one in work.calls.listed(live=True)] == ["c-1"] and not work.calls.listed(live=False)
        assert work.calls.end("c-1", NOW, "hangup", "路灯坏了", "zh") and not work.calls.end(
            "c-1", NOW, "x", None, None
        )
        assert work.calls.of("nobody") is None


def test_old_calls_are_forgotten_and_orphans_ended(store: Store) -> None:
    with store.work() as work:
        for name, age, ended in (("new", 1, True), ("old", 91, True), ("orphan", 1, False), ("live", 0, False)):
            begun = NOW - timedelta(days=age)
            work.calls.start(CallRecord(name, "key:a", "vosk", begun, ended_at=begun if ended else None))
            work.calls.add([replace(line("s", "一"), call=name)])
        assert work.calls.tidy(NOW, 90) == 2
        assert work.calls.tidy(NOW, 90) == 0
        assert {one.id for one in work.calls.listed()} == {"new", "orphan", "live"}
        assert work.calls.of("orphan").reason == "lost" and work.calls.of("live").ended_at is None  # type: ignore[union-attr]


def test_what_was_heard_stands_beside_the_turn(store: Store) -> None:
    sender = SenderId("phone:CA1")
    with store.work() as work:
        row = {
            "sender": sender,
            "message_id": "m1",
            "at": NOW,
            "events": [],
            "answer": [{"text": "您好，请讲", "custom": {"turn": {}}}],
        }
        work.connection.execute(turns.insert().values(**row))
        assert note_heard(work, sender, MessageId("m1"), "您好")
        assert not note_heard(work, sender, MessageId("m2"), "您好")
        answer = work.connection.execute(select(turns.c.answer)).scalar_one()
    assert answer == [{"text": "您好，请讲", "custom": {"turn": {}, "heard": "您好"}}]


VTT = """WEBVTT

00:00.500 --> 00:02.000
<v 坐席>您好，这里是热线</v>

00:03.000 --> 00:05.250
<v 市民>人民路的<b>路灯</b>坏了
"""
SRT = "1\n00:00:00,500 --> 00:00:02,000\n坐席：您好，这里是热线\n\n2\n00:00:03,000 --> 00:00:05,250\n市民：人民路的路灯坏了\n\n"


USUAL = Sides()


def said(path: Path, sides: Sides = USUAL) -> list[tuple[str, str]]:
    """What is said in the only call of a file that has no fault."""
    read = read_calls(path, sides)
    assert not read.faults and len(read.calls) == 1
    return [(str(one.speaker), one.text) for one in read.calls[0].segments]


@pytest.mark.parametrize(("name", "text"), [("a.vtt", VTT), ("a.srt", SRT)])
def test_subtitles(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    (call,) = read_calls(tmp_path / name, Sides()).calls
    assert [(one.speaker, one.text, one.start_ms, one.end_ms) for one in call.segments] == [
        (Speaker.AGENT, "您好，这里是热线", 500, 2000),
        (Speaker.CALLER, "人民路的路灯坏了", 3000, 5250),
    ]


GREETING, FAULT = "您好", "路灯坏了"
BOTH = [("agent", GREETING), ("caller", FAULT)]


@pytest.mark.parametrize(
    ("name", "text", "want"),
    [
        ("two.vtt", "WEBVTT\n\n00:01.000 --> 00:04.000\n<v.loud 坐席>您好</v>\n<v 市民>路灯坏了</v>\n", BOTH),
        ("entity.vtt", "WEBVTT\n\n00:01.000 --> 00:04.000\nA&amp;B 路 &lt;3 号&nbsp;楼\n", [("caller", "A&B 路 <3 号 楼")]),
        (
            "notes.vtt",
            "WEBVTT 标题\n\nSTYLE\n::cue {}\n\nNOTE 甲\n\ncue-1\n00:01.000 --> 00:04.000 align:left\n坐席：您好\n\n"
            "NOTE 乙\n\n01:00:05.000 --> 01:00:06.000\n<c.red>市民</c>：<00:05.500>路灯<i>坏了</i>\n",
            BOTH,
        ),
        ("lines.srt", "1\n00:00:00,000 --> 00:00:02,000\n坐席：您好\n市民：路灯\n坏了\n", [BOTH[0], ("caller", "路灯 坏了")]),
        ("plain.srt", "0:00:00,000 --> 0:00:02,000\n[坐席] 您好\n0:00:03,000 --> 0:00:04,000\n【市民】路灯坏了\n", BOTH),
        (
            "numbers.srt",
            "1\n00:00:00,000 --> 00:00:02,000\n{\\an8}坐席01：您好\n\n2\n00:00:03,000 --> 00:00:04,000\nCitizen (no. 7): 12345\n\n"
            "3\n00:00:05,000 --> 00:00:06,000\n路灯坏了\n2026\n4\n00:00:07,000 --> 00:00:08,000\nAgent (A17): 好\n",
            [BOTH[0], ("caller", "12345"), ("caller", "路灯坏了 2026"), ("agent", "好")],
        ),
        ("voices.srt", "00:00:00 --> 00:00:02\nSpeaker 1: 您好\n\n00:00:03 --> 00:00:04\nSpeaker 2：路灯坏了\n", BOTH),
        ("time.srt", "00:00:00,000 --> 00:00:02,000\n时间：昨天 19:30\n", [("caller", "时间：昨天 19:30")]),
        ("old.vtt", "WEBVTT\r\rold\r00:01.000 --> 00:04.000\r路灯坏了\r", [("caller", FAULT)]),
    ],
)  # fmt: skip
def test_subtitles_as_people_write_them(tmp_path: Path, name: str, text: str, want: list[tuple[str, str]]) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert said(tmp_path / name) == want


def lines(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        lines({"speaker": "agent", "text": GREETING}, {"speaker": "caller", "text": FAULT}),
        lines({"role": "assistant", "text": GREETING}, {"role": "user", "text": FAULT}).replace("assistant", "客服2"),
        lines({"leg": "agent", "frame": {"text": GREETING}}, {"leg": "caller", "frame": {"text": FAULT}}),
        lines({"speaker": "SPEAKER_00", "text": GREETING}, {"speaker": "SPEAKER_01", "text": FAULT}),
        json.dumps([{"speaker": "坐席A17", "text": GREETING}, {"speaker": "市民", "text": FAULT}], indent=1),
        json.dumps({"transcript": [{"speaker": "agent", "text": GREETING}, {"speaker": "caller", "text": FAULT}]}),
        json.dumps(
            {
                "segments": [
                    {"start": 0.5, "end": 1.0, "text": " 您好", "speaker": "SPEAKER_01"},
                    {"start": 1.5, "end": 2.0, "text": FAULT, "speaker": "SPEAKER_00"},
                ],
                "language": "zh",
            },
            indent=2,
        ),
    ],
)
def test_json_tells_whose_words_they_are(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert said(tmp_path / "a.json") == BOTH
    turned = [("caller", GREETING), ("agent", FAULT)]
    assert said(tmp_path / "a.json", Sides(first=Speaker.CALLER)) == (turned if "SPEAKER_0" in text else BOTH)


def test_separators_inside_of_texts_are_no_ends_of_lines(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines({"speaker": "caller", "text": "路灯\u2028坏\x85了"}), encoding="utf-8")
    assert said(tmp_path / "a.jsonl") == [("caller", "路灯\u2028坏\x85了")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize(("name", "text"), [("a.srt", SRT), ("a.jsonl", lines({"speaker": "agent", "text": GREETING}))])
def test_files_in_the_encodings_of_windows(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert said(tmp_path / name)[0][1].startswith(GREETING)


@pytest.mark.parametrize("path", sorted(FRAMES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_files_of_frames_give_the_same_transcript(path: Path) -> None:
    (call,) = read_calls(path, Sides()).calls
    assert [[str(one.speaker), one.text.rstrip("。")] for one in call.segments] == WANT


def test_whole_calls_a_line(tmp_path: Path) -> None:
    rows = [
        {
            "call": "w1",
            "language": "zh",
            "segments": [{"speaker": "agent", "text": "您好"}, {"speaker": "caller", "text": "路灯坏了"}],
        },
        {"segments": [{"start": 0.5, "end": 1.25, "text": " Hello", "speaker": "SPEAKER_00"}]},
    ]
    (tmp_path / "calls.jsonl").write_text(lines(*rows), encoding="utf-8")
    one, two = read_calls(tmp_path / "calls.jsonl", Sides()).calls
    assert [(line.speaker, line.text) for line in one.segments] == [
        (Speaker.AGENT, "您好"),
        (Speaker.CALLER, "路灯坏了"),
    ]
    assert (two.segments[0].text, two.segments[0].start_ms, two.segments[0].end_ms) == ("Hello", 500, 1250)
    # What stands around a call does not make it another one.
    (tmp_path / "calls.jsonl").write_text("{\n" + lines(rows[1]), encoding="utf-8")
    again = read_calls(tmp_path / "calls.jsonl", Sides())
    assert [call.name for call in again.calls] == [two.name] and len(again.faults) == 1


@pytest.mark.parametrize(
    ("name", "content", "told", "left"),
    [
        ("a.jsonl", b'{"text": "x"}\n{"text": 7}\n{"text": "y"}\n', "a.jsonl:2: text", ["x", "y"]),
        ("a.jsonl", b'{"text": "x"}\nnonsense\n', "a.jsonl:2: not JSON", ["x"]),
        ("b.json", b'[{"text": "x"}, 1]', "b.json:[2]: not a JSON object", ["x"]),
        ("c.jsonl", b'{"segments": [7]}\n{"segments": [{"text": "x"}]}', "c.jsonl:1: segments", ["x"]),
    ],
)
def test_a_line_with_a_fault_is_left_out_and_named(
    tmp_path: Path, name: str, content: bytes, told: str, left: list[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    read = read_calls(tmp_path / name, Sides())
    assert len(read.faults) == 1 and told in read.faults[0]
    assert [one.text for call in read.calls for one in call.segments] == left


PARTS = [
    "\n",
    "\n\n",
    "00:01.000 --> 00:02.000",
    "<v 坐席>",
    "²",
    "7",
    "市民：",
    "[",
    "&#0;",
    "&#xffffffff;",
    "{",
    "\ud800",
    "\0",
    "坏",
]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), st.sampled_from(["a.vtt", "a.srt", "a.jsonl"]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_file_is_read_or_refused(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read = read_calls(tmp_path / name, USUAL)
    except BadFrame:
        return
    for call in read.calls:
        assert all(one.text.strip() and "\0" not in one.text for one in call.segments)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", b'{"text": "\xff\xff"}', "neither"),
        ("a.vtt", b"no subtitles", "a.vtt"),
        ("none.srt", None, "none.srt"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFrame) as caught:
        read_calls(tmp_path / name, Sides())
    assert told in str(caught.value)


def test_files_are_taken_in_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHENGDA_DATABASE_URL", f"sqlite:///{tmp_path / 'x.sqlite3'}")
    (tmp_path / "a.vtt").write_text(VTT, encoding="utf-8")
    (tmp_path / "b.jsonl").write_text("{", encoding="utf-8")
    run = CliRunner().invoke(app, ["calls", "import", str(tmp_path / "a.vtt"), str(FRAMES / "vosk.jsonl")])
    assert run.exit_code == 0 and "2 calls imported" in run.output, run.output
    again = CliRunner().invoke(app, ["calls", "import", str(tmp_path / "a.vtt"), str(tmp_path / "b.jsonl")])
    assert again.exit_code == 1 and "0 calls imported" in again.output and "1 there before" in again.output
    assert "b.jsonl:1: not JSON" in again.output and "1 lines left out" in again.output


def test_keys_choose_at_once_and_spell_numbers() -> None:
    keys, text = Keys().press("2", chooses=True)
    assert (keys, text) == (Keys(), "2")
    keys = Keys()
    for key in "13800*138":
        keys, text = keys.press(key, chooses=False)
        assert text is None
    assert keys.press("1", chooses=True) == (Keys("1381"), None)
    assert keys.press("#", chooses=True) == (Keys(), "138")
    assert Keys().press("#", chooses=True) == (Keys(), None) == Keys().press("A", chooses=True)


def offer(kind: SuggestionKind, code: str, confidence: float, field: str = "channels") -> Suggestion:
    return Suggestion(kind, f"text {code}", confidence, SourceLine(field, "title"), code)


def test_what_an_agent_sees_settles() -> None:
    board = Board()
    board.want([offer(SuggestionKind.REPLY, "C01", 0.5), offer(SuggestionKind.SERVICE, "C01", 0.5)])
    change, later = board.settle(0.0)
    assert [one.id for one in change.offers] == ["sg1", "sg2"] and later is None
    board.want([offer(SuggestionKind.REPLY, "C02", 0.9), offer(SuggestionKind.SERVICE, "C01", 0.55)])
    assert board.settle(0.5) == (type(change)(), SETTLE)
    change, later = board.settle(SETTLE)
    assert (change.retracted, [one.id for one in change.offers], later) == (("sg1",), ["sg3"], None)
    board.want([offer(SuggestionKind.REPLY, "C02", 0.7), offer(SuggestionKind.REPLY, "emergency", 1.0, "safety")])
    change, later = board.settle(SETTLE + 0.1)
    assert [one.suggestion.code for one in change.offers] == ["emergency"] and later == 2 * SETTLE
    assert board.find("sg3") is not None and board.find("sg1") is None


def frame(seq: int, name: str, final: bool) -> Said:
    row = {
        "type": "segment",
        "seq": seq,
        "segment_id": name,
        "rev": seq,
        "speaker": "caller",
        "text": "x",
        "final": final,
    }
    return Said.model_validate(row)


def test_partials_make_room_and_finals_wait_for_it() -> None:
    async def run() -> None:
        intake = Intake(most=2)
        await intake.put(frame(1, "a", False))
        await intake.put(frame(2, "a", False))
        await intake.put(frame(3, "b", True))
        await intake.put(frame(4, "c", False))
        assert sorted(intake.take_dropped()) == [1, 4]
        waiting = asyncio.create_task(intake.put(frame(5, "d", True)))
        await asyncio.sleep(0)
        assert not waiting.done()
        got = [await intake.get()]
        await waiting
        got += [await intake.get(), await intake.get()]
        assert [one.seq for one in got if isinstance(one, Said)] == [2, 3, 5]
        await intake.end()
        assert await intake.get() is None and intake.over

    asyncio.run(run())


def test_a_listener_who_never_reads_is_let_go() -> None:
    async def run() -> None:
        outlet = Outlet(most=4)
        for rev in range(10):
            outlet.put({"rev": rev}, "line a")
        assert len(outlet) == 1 and not outlet.slow
        for number in range(4):
            outlet.put({"final": number})
        assert not outlet.slow and not await outlet.room(0.01)
        outlet.put({"final": 4})
        assert outlet.slow
        got = [await outlet.get() for _ in range(5)]
        assert got == [{"final": 0}, {"final": 1}, {"final": 2}, {"final": 3}, None]

    asyncio.run(run())


def test_every_fault_has_its_words() -> None:
    assert {f"utter_call_{fault}" for fault in Fault} <= set(read_domain().responses)


class Silent:
    """An adviser with nothing to say, as before a model is loaded; what is tested here is the switchboard."""

    def listen(self, segments: Sequence[Heard], call: Call | None = None) -> Call:
        return Call(segments=(*(call.segments if call else ()), *segments))

    def advise(self, call: Call, language: str | None = None) -> Advice:
        return Advice("zh", (), (Draft({}, None, DemandType.CONSULT),), "关于路灯", None, None)


def test_a_call_is_ended_only_by_the_process_that_has_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two switchboards on one database are two processes: the gateway came back to the second."""
    monkeypatch.setattr(switchboard, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(switchboard, "COME_BACK", 0.0)

    async def run() -> None:
        first, second = (Switchboard(lambda: store, Silent) for _ in range(2))
        one = await first.open(CallRecord("c-1", "key:a", "transcript.v1", NOW))
        kept = one.take(line("a", "路灯坏了"), 1)
        assert kept is not None and await kept
        two = await second.resume("c-1", "key:a")
        assert two.received.through == 1 and [each.text for each in two.transcript.finals] == ["路灯坏了"]
        again = two.take(line("b", "三天了"), 2)
        assert again is not None and await again
        watcher = Outlet(watches=True)
        one.outlets.add(watcher)
        first.start()
        while len(first):
            await asyncio.sleep(0.02)
        # Who watched it at the first is told nothing more there.
        assert await watcher.get(60) is None and watcher.ended
        with store.work() as work:
            found = work.calls.of("c-1")
        assert found is not None and found.ended_at is None
        second.start()
        while len(second):
            await asyncio.sleep(0.02)
        await first.stop()
        await second.stop()
        with store.work() as work:
            found = work.calls.of("c-1")
        assert found is not None and (found.reason, found.summary, found.lines) == ("lost", "关于路灯", 2)
        with pytest.raises(CallOver):
            await Switchboard(lambda: store, Silent).resume("c-1", "key:a")
        with pytest.raises(UnknownCall):
            await Switchboard(lambda: store, Silent).resume("c-1", "key:b")

    asyncio.run(run())
