"""Calls over real sockets: transcripts in every schema, lost lines, a flood, the voice bot, and the desk's view."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from bot.channels.parcel import Kind
from bot.channels.tables import outbox
from bot.database import open_database
from bot.messages import SenderId
from bot.store import Store
from tests.phone_line import FRAMES, Phone, dial, kept, over, rows, said, start, texts
from tests.servers import Server
from tests.waiting import wait

WANT = json.loads((FRAMES / "want.json").read_text(encoding="utf-8"))
TOKEN = "twilio-test-token"
PUBLIC = "https://hotline.example"
PASSWORD = "correct horse 42"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phone")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    line = {"auth_token": TOKEN, "public_url": PUBLIC, "characters_a_second": {"zh": 0, "en": 0}}
    channels = {"phone": {**line, "agent": "sip:desk@pbx.example"}, "line": {**line, "kind": "phone"}}
    one = Server(
        folder,
        {"CHENGDA_CHANNELS": json.dumps(channels), "CHENGDA_ADMIN_PASSWORD": PASSWORD, "CHENGDA_SWEEP_SECONDS": "0"},
    )
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.command("open311", "key", "gateway").strip().splitlines()[-1].split()[-1]


@pytest.fixture(scope="module")
def agent(server: Server) -> dict[str, str]:
    """The header of an agent's session."""

    def login(name: str) -> dict[str, str]:
        body = {"login": name, "password": PASSWORD}
        token = httpx.post(server.url + "/staff/login", json=body, timeout=60).json()["token"]
        return {"Authorization": f"Bearer {token}"}

    new = {"login": "a17", "name": "甲", "role": "agent", "password": PASSWORD}
    httpx.post(server.url + "/staff/accounts", json=new, headers=login("admin"), timeout=60).raise_for_status()
    return login("a17")


def test_a_call_in_the_native_schema(server: Server, key: str, agent: dict[str, str]) -> None:
    async def call() -> Phone:
        async with dial(server, "/api/v1/calls/c-42/transcript", key, subprotocols=["transcript.v1"]) as line:
            phone = Phone(line)
            assert line.subprotocol == "transcript.v1"
            frames = rows("native")
            await phone.send(*frames[:-1])
            last = max(frame["seq"] for frame in frames[:-1] if "seq" in frame)
            await phone.until("ack", seq=last)
            view = kept(server, agent, "c-42")
            assert texts(view) == WANT and view["ended_at"] is None and view["agent"] == "A17"
            live = httpx.get(server.url + "/staff/calls?live=true", headers=agent, timeout=60).json()["calls"]
            assert [one["id"] for one in live] == ["c-42"]
            offer = phone.of("suggestion")[0] if phone.of("suggestion") else await phone.until("suggestion")
            await phone.send({"type": "feedback", "suggestion_id": offer["id"], "action": "accepted"}, frames[-1])
            assert await phone.drain() == 1000
            return phone

    phone = asyncio.run(call())
    acked = {frame["seq"] for frame in phone.of("ack")}
    assert {frame["seq"] for frame in rows("native") if "seq" in frame} <= acked
    assert not phone.of("error") or phone.of("retract")
    assert phone.of("suggestion") and phone.of("slots") and phone.of("draft_case") and phone.of("summary")
    slots = phone.of("slots")[-1]["slots"]
    assert slots["contact"]["value"] == "13800138000" and slots["contact"]["evidence"] == ["s4"]
    assert "人民路" in slots["location"]["value"]
    first = phone.of("suggestion")[0]
    assert (
        first["sources"][0]["title"]
        and 0 < first["confidence"] <= 1
        and first["kind"] in ("faq", "article", "next_question")
    )
    view = kept(server, agent, "c-42")
    assert view["ended_at"] and view["reason"] == "hangup" and view["summary"]
    assert "13800138000" not in json.dumps(view["transcript"]) and "幺三八" not in json.dumps(
        view["transcript"], ensure_ascii=False
    )


@pytest.mark.parametrize("schema", ["funasr", "vosk"])
def test_taps_give_the_same_transcript(server: Server, key: str, agent: dict[str, str], schema: str) -> None:
    """Two streams of one call, one side each, as sockets and as posts."""

    async def by_socket() -> None:
        legs = {}
        for who in ("caller", "agent"):
            legs[who] = await dial(server, f"/asr/{schema}/{schema}-ws?speaker={who}", key)
        for row in rows(schema):
            await legs[row["leg"]].send(json.dumps(row["frame"]))
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        for line in legs.values():
            await line.close()

    asyncio.run(by_socket())
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        for row in rows(schema):
            answer = client.post(f"/asr/{schema}/{schema}-post?speaker={row['leg']}", json=row["frame"])
            assert answer.status_code == 202, answer.text
        for call_id in (f"{schema}-ws", f"{schema}-post"):
            assert wait(lambda: len(kept(server, agent, call_id)["transcript"]) == len(WANT))  # noqa: B023
            view = kept(server, agent, call_id)
            assert sorted(texts(view)) == sorted(WANT) if call_id.endswith("ws") else texts(view) == WANT
            ended = client.post(f"/asr/{schema}/{call_id}/end")
            assert ended.status_code == 200 and ended.json()["summary"]
        assert client.post(f"/asr/{schema}/{schema}-post?speaker=caller", json={"text": "晚了"}).status_code == 409


@pytest.mark.parametrize("schema", ["contact-lens", "azure", "twilio-transcription", "audiohook"])
def test_mappings_give_the_same_transcript(server: Server, key: str, agent: dict[str, str], schema: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        for row in rows(schema):
            form = {"data": row} if schema == "twilio-transcription" else {"json": row}
            answer = client.post(f"/asr/{schema}/m-{schema}", **form)  # type: ignore[arg-type]
            assert answer.status_code == 202, answer.text
    view = kept(server, agent, f"m-{schema}")
    assert len(view["transcript"]) == len(WANT)
    assert (view["reason"] == "completed") == (schema == "contact-lens")


def test_calls_whose_names_begin_alike_get_cases_of_their_own(server: Server, key: str, agent: dict[str, str]) -> None:
    names = [f"gateway-hotline-shenzhen-2026-11-27-{number}" for number in (1, 2, 1)]
    body = {"key": "k1", "description": "民治大道100号的路灯坏了", "contact": "13800138000"}
    with httpx.Client(base_url=server.url, timeout=60) as client:
        heard = {"headers": {"Authorization": f"Bearer {key}"}, "json": {"text": "路灯坏了"}}
        for name in names:
            client.post(f"/asr/vosk/{name}?speaker=caller", **heard).raise_for_status()  # type: ignore[arg-type]
        filed = [client.post(f"/desk/api/calls/{name}/case", json=body, headers=agent) for name in names]
    first, second, again = (answer.raise_for_status().json()["number"] for answer in filed)
    assert first == again != second


def test_a_lost_line_comes_back(server: Server, key: str, agent: dict[str, str]) -> None:
    """Frames out of order and twice, a line lost in the middle, and all that was acknowledged is kept once."""

    async def call() -> None:
        path = "/api/v1/calls/lost-1/transcript"
        frames = [said(n, f"第{n}句话", f"s{n}", final=n != 13) for n in range(1, 31)]
        async with dial(server, path, key) as line:
            phone = Phone(line)
            await phone.send(start("lost-1"))
            await phone.until("ack")
            first = [*frames[:12], *frames[13:18]]
            random.Random(3).shuffle(first)
            await phone.send(*first)
            await phone.until("ack", seq=first[-1]["seq"])
            line.transport.abort()
        async with dial(server, path, key) as line:
            phone = Phone(line)
            await phone.send({"type": "resume", "last_seq": 5})
            through = (await phone.until("ack"))["seq"]
            assert through == 12
            await phone.send(*frames[through - 3 :])
            for frame in frames[through - 3 :]:
                if not any(one.get("seq") == frame["seq"] for one in phone.of("ack")):
                    await phone.until("ack", seq=frame["seq"])
            await phone.send({"type": "end", "seq": 31})
            assert await phone.drain() == 1000

    asyncio.run(call())
    assert texts(kept(server, agent, "lost-1")) == [["caller", f"第{n}句话"] for n in range(1, 31) if n != 13]


def test_a_call_goes_on_after_the_server_was_killed(server: Server, key: str, agent: dict[str, str]) -> None:
    async def before() -> None:
        async with dial(server, "/api/v1/calls/killed-1/transcript", key) as line:
            phone = Phone(line)
            await phone.send(start("killed-1"), said(1, "民治大道路灯坏了三天", "s1"))
            await phone.until("ack", seq=1)

    async def after() -> Phone:
        async with dial(server, "/api/v1/calls/killed-1/transcript", key) as line:
            phone = Phone(line)
            await phone.send({"type": "resume", "last_seq": 1})
            assert (await phone.until("ack"))["seq"] == 1
            await phone.send(said(2, "请尽快来修", "s2"), {"type": "end", "seq": 3})
            await phone.drain()
            return phone

    asyncio.run(before())
    server.stop(signal.SIGKILL)
    server.start()
    assert "路灯" in asyncio.run(after()).of("summary")[-1]["text"]
    assert len(kept(server, agent, "killed-1")["transcript"]) == 2


def test_who_may_not_is_refused_before_the_socket_opens(server: Server, key: str, agent: dict[str, str]) -> None:
    async def status(token: str, language: str = "zh") -> tuple[int, dict[str, Any]]:
        try:
            async with dial(server, "/api/v1/calls/x-1/transcript", token, headers={"Accept-Language": language}):
                return 101, {}
        except InvalidStatus as refused:
            return refused.response.status_code, json.loads(refused.response.body or b"{}")

    async def others() -> str:
        async with dial(server, "/api/v1/calls/mine-1/transcript", key) as line:
            await line.send(json.dumps(start("mine-1")))
            await line.recv()
            token = agent["Authorization"].split()[1]
            names = [Subprotocol("transcript.v1"), Subprotocol(f"bearer.{token}")]
            async with dial(server, "/api/v1/calls/mine-1/transcript", subprotocols=names) as other:
                await other.send(json.dumps({"type": "resume"}))
                return str(json.loads(await other.recv())["code"])

    assert asyncio.run(status(""))[0] == 401
    code, told = asyncio.run(status("cdk_wrong", "en"))
    assert code == 401 and told["status"] == 401 and told["detail"].isascii()
    assert asyncio.run(others()) == "unknown"
    assert httpx.post(server.url + "/asr/vosk/x-2", json={"text": ""}, timeout=60).status_code == 401


def test_every_fault_has_its_words(server: Server, key: str) -> None:
    async def call() -> None:
        async with dial(server, "/api/v1/calls/f-1/transcript", key, headers={"Accept-Language": "en"}) as line:
            phone = Phone(line)

            async def code(*frames: Any) -> str:
                for frame in frames:
                    await line.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))
                error = await phone.until("error")
                assert error["message"].isascii() and "Traceback" not in error["message"]
                return str(error["code"])

            assert await code(said(1, "x", "s1")) == "not_started"
            assert await code({"type": "resume"}) == "unknown"
            assert await code(start("another")) == "wrong_call"
            await phone.send(start("f-1"))
            await phone.until("ack")
            assert await code("{") == "bad_frame"
            assert await code(b"\xff\xfe") == "bad_frame"
            assert await code("[" * 30000) == "bad_frame"
            assert await code(said(0, "x", "s1")) == "bad_frame"
            assert await code({**said(1, "x", "s1"), "confidence": 7}) == "bad_frame"
            assert (
                await code({"type": "feedback", "suggestion_id": "sg99", "action": "accepted"}) == "unknown_suggestion"
            )
            assert await code(json.dumps({"type": "dtmf", "seq": 1, "digit": "1" * 70_000})) == "too_large"
            assert await phone.drain() == 1009

    asyncio.run(call())


WORDS = st.sampled_from(
    ["start", "segment", "dtmf", "feedback", "end", "resume", "s1", "caller", "f-2", "\ud800", "\0", "路"]
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.lists(WORDS, max_size=2)
FIELDS = (
    "type",
    "call_id",
    "seq",
    "segment_id",
    "rev",
    "speaker",
    "text",
    "final",
    "start_ms",
    "langs",
    "digit",
    "last_seq",
)


@settings(max_examples=8, deadline=None)
@given(frames=st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=9), min_size=5, max_size=25))
def test_no_frame_breaks_a_call(server: Server, key: str, frames: list[dict[str, Any]]) -> None:
    async def call() -> None:
        async with dial(server, "/api/v1/calls/f-2/transcript", key) as line:
            phone = Phone(line)
            await phone.send({**start("f-2")})
            for frame in frames:
                if frame.get("type") != "end":
                    await line.send(json.dumps(frame))
            await line.send("{}")
            await phone.until("error", code="bad_frame")
            assert {frame["type"] for frame in phone.got} <= {
                "ack",
                "error",
                "suggestion",
                "retract",
                "slots",
                "draft_case",
            }

    asyncio.run(call())


def test_a_second_connection_takes_the_call_over(server: Server, key: str) -> None:
    async def call() -> tuple[int | None, Phone]:
        async with dial(server, "/api/v1/calls/two-1/transcript", key) as one:
            old = Phone(one)
            await old.send(start("two-1"))
            await old.until("ack")
            async with dial(server, "/api/v1/calls/two-1/transcript", key) as two:
                await Phone(two).send({"type": "resume"})
                return await old.drain(), old

    code, old = asyncio.run(call())
    assert code == 4001 and old.of("error")[-1]["code"] == "replaced"


def test_partials_go_first_when_the_sender_is_quicker(server: Server, key: str, agent: dict[str, str]) -> None:
    """A flood of partials with finals between: every final is kept, every number acknowledged."""

    async def call() -> Phone:
        async with dial(server, "/api/v1/calls/flood-1/transcript", key) as line:
            phone = Phone(line)
            await phone.send(start("flood-1"))
            reading = asyncio.create_task(phone.drain())
            seq = 0
            for place in range(40):
                for rev in range(40):
                    seq += 1
                    await phone.send(said(seq, f"第{place}句{'话' * rev}", f"s{place}", rev, rev == 39, "agent"))
            await phone.send({"type": "end", "seq": seq + 1})
            assert await reading == 1000
            return phone

    phone = asyncio.run(call())
    assert {frame["seq"] for frame in phone.of("ack")} >= set(range(1, 1602))
    assert len(kept(server, agent, "flood-1")["transcript"]) == 40


def test_the_desk_listens(server: Server, key: str, agent: dict[str, str]) -> None:
    """The stream of a call: what was said before, partials, finals, help, the end."""

    async def call() -> list[str]:
        async with dial(server, "/api/v1/calls/desk-1/transcript", key) as line:
            phone = Phone(line)
            await phone.send(start("desk-1"), said(1, "人民路的路灯坏了", "s1"))
            await phone.until("ack", seq=1)
            events: list[str] = []
            async with (
                httpx.AsyncClient(base_url=server.url, headers=agent, timeout=60) as client,
                client.stream("GET", "/staff/calls/desk-1/events") as stream,
            ):
                async for row in stream.aiter_lines():
                    if row.startswith("event: "):
                        events.append(row.removeprefix("event: "))
                        if len(events) == 1:
                            partial = said(2, "门口很黑", "s2", 1, False)
                            await phone.send(partial, said(3, "门口很黑晚上看不清", "s2", 2))
                            await phone.send({"type": "end", "seq": 4})
            return events

    events = asyncio.run(call())
    assert events[0] == "line" and events.count("line") >= 2 and events[-1] == "ended" and "suggestion" in events


# --- the voice bot -------------------------------------------------------------------------------------------------


def relay(server: Server, channel: str = "phone", **headers: str) -> connect:
    given = RequestValidator(TOKEN).compute_signature(f"wss://hotline.example/{channel}/relay", {})
    return dial(server, f"/{channel}/relay", headers={"X-Twilio-Signature": given} | headers)


def setup(call_sid: str) -> dict[str, Any]:
    return {
        "type": "setup", "sessionId": f"VX{call_sid}", "accountSid": "AC0", "parentCallSid": "", "callSid": call_sid,
        "from": "+8613800138000", "to": "+8612345", "forwardedFrom": "", "callType": "PSTN", "callerName": "",
        "direction": "inbound", "callStatus": "RINGING", "customParameters": {"lang": "zh"},
    }  # fmt: skip


async def spoken(phone: Phone) -> str:
    """The answer up to its last token."""
    before = len(phone.got)
    await phone.until("text", last=True)
    return "".join(frame["token"] for frame in phone.got[before:] if frame["type"] == "text")


def prompt(text: str, lang: str = "zh-CN") -> dict[str, Any]:
    return {"type": "prompt", "voicePrompt": text, "lang": lang, "last": True}


def test_a_demand_is_filed_by_voice(server: Server, agent: dict[str, str]) -> None:
    async def call() -> list[str]:
        async with relay(server) as line:
            phone, heard = Phone(line), []
            await phone.send(setup("CA1"), {"type": "prompt", "voicePrompt": "我要", "lang": "zh-CN", "last": False})
            for text in (
                "我要投诉，路灯坏了没人修",
                "龙华区民治大道一百二十号",
                "昨天晚上",
                "我的电话是幺三八零零幺三八零零零",
                "确认提交",
            ):
                await phone.send(prompt(text))
                heard.append(await spoken(phone))
            return heard

    heard = asyncio.run(call())
    assert "幺三八，零零幺三，八零零零" in heard[3]
    assert "工单号：S Z，" in heard[4]
    assert not any(char.isdigit() or char in "*#[]" for text in heard for char in text)
    view = over(server, agent, "CA1")
    assert view["reason"] == "hangup" and view["summary"] and view["agent"] == "bot"
    assert [line["speaker"] for line in view["transcript"]] == ["bot", *["caller", "bot"] * 5]


def test_keys_choose_and_spell(server: Server) -> None:
    async def call() -> tuple[str, str, str]:
        async with relay(server) as line:
            phone = Phone(line)
            await phone.send(setup("CA2"), prompt("how do I renew my passport", "en-US"))
            offered = await spoken(phone)
            assert phone.of("language")[-1]["ttsLanguage"] == "en-US"
            await phone.send({"type": "dtmf", "digit": "1"})
            chosen = await spoken(phone)
            await phone.send(prompt("I want to report a broken street light", "en-US"))
            await spoken(phone)
            await phone.send(*({"type": "dtmf", "digit": key} for key in "13800138000#"))
            return offered, chosen, await spoken(phone)

    offered, chosen, number = asyncio.run(call())
    assert "First, " in offered
    assert "passport" in chosen.lower() and "http" not in chosen
    assert number


def test_what_was_not_heard_is_cut(server: Server, agent: dict[str, str]) -> None:
    async def call() -> str:
        async with relay(server) as line:
            phone = Phone(line)
            await phone.send(setup("CA3"), prompt("居住证怎么办"))
            text = await spoken(phone)
            await phone.send(
                {"type": "interrupt", "utteranceUntilInterrupt": text[:6], "durationUntilInterruptMs": "460"}
            )
            await phone.send(prompt("谢谢"))
            await spoken(phone)
            return text

    text = asyncio.run(call())
    lines = [line["text"] for line in over(server, agent, "CA3")["transcript"] if line["speaker"] == "bot"]
    assert lines[1] == text[:6].strip() and len(lines) == 3


def test_a_person_is_called(server: Server, agent: dict[str, str]) -> None:
    async def call() -> dict[str, Any]:
        async with relay(server) as line:
            phone = Phone(line)
            await phone.send(setup("CA4"), prompt("转人工"))
            return await phone.until("end")

    ended = asyncio.run(call())
    handed = json.loads(ended["handoffData"])
    assert handed == {"reasonCode": "live-agent", "language": "zh", "sender": "phone:CA4"}


def test_without_agents_to_dial_the_desk_speaks_on_the_line(server: Server, agent: dict[str, str]) -> None:
    """The caller is not cut off: told to stay, hears what an agent writes, and has a number to be called back at."""
    desk = httpx.Client(base_url=f"{server.url}/desk/api", headers=agent, timeout=60)

    async def call() -> tuple[int, str, str]:
        async with relay(server, "line") as line:
            phone = Phone(line)
            await phone.send(setup("CA6"), prompt("转人工"))
            told = await spoken(phone)
            number = max(one["number"] for one in desk.get("/queue").json()["waiting"])
            desk.post(f"/talks/{number}/claim").raise_for_status()
            desk.post(f"/talks/{number}/say", json={"text": "您好，在哪条路？", "key": "a"}).raise_for_status()
            words = await spoken(phone)
            assert not phone.of("end")
            return number, told, words

    number, told, words = asyncio.run(call())
    assert "请不要挂机" in told and words == "您好，在哪条路？"
    over(server, agent, "CA6")
    talk = desk.get(f"/talks/{number}").json()
    assert talk["call_back_to"] == "13800138000"
    desk.close()


def test_what_is_sent_to_a_caller_is_spoken(server: Server, folder: Path, agent: dict[str, str]) -> None:
    """A message in the outbox for somebody on the line, as the desk writes it; who hangs up then heard it."""
    store = Store(open_database(f"sqlite:///{folder / 'test.sqlite3'}"), "SZ", lambda: datetime.now(UTC))

    def post(key: str, name: str) -> None:
        with store.work() as work:
            bubbles = [{"text": "您的工单SZ261127-000001-3已受理。"}]
            work.outbox.post(key, SenderId(f"phone:{name}"), "phone", Kind.AGENT, "zh", bubbles, datetime.now(UTC))

    async def call(name: str) -> str:
        async with relay(server) as line:
            phone = Phone(line)
            await phone.send(setup(name), prompt("你好"))
            await spoken(phone)
            await asyncio.to_thread(post, f"agent:{name}", name)
            heard = await spoken(phone)
            line.transport.abort()
            return heard

    def states() -> dict[str, str]:
        with store.engine.connect() as connection:
            ours = select(outbox.c.key, outbox.c.state).where(outbox.c.key.in_(mine))
            return {row.key: row.state for row in connection.execute(ours)}

    names = [f"CA5{place}" for place in range(5)]
    mine = ["agent:late", *(f"agent:{name}" for name in names)]
    for name in names:
        assert asyncio.run(call(name)) == "您的工单S Z，二六幺幺二七，零零零零零幺，三已受理。"
    over(server, agent, names[-1])
    post("agent:late", names[-1])
    wait(lambda: not {"waiting", "sending"} & set(states().values()))
    assert states() == {**{f"agent:{name}": "sent" for name in names}, "agent:late": "refused"}
    store.engine.dispose()


def test_a_wrong_frame_of_the_relay_is_told(server: Server) -> None:
    async def call() -> list[str]:
        async with relay(server) as line:
            phone = Phone(line)
            for frame in ("{", json.dumps(prompt("x")), json.dumps({"type": "setup"}), json.dumps([1])):
                await line.send(frame)
                await phone.until("error")
            return [frame["description"] for frame in phone.of("error")]

    assert all(told.startswith("Invalid message received") for told in asyncio.run(call()))


def test_only_the_gateway_is_let_in(server: Server) -> None:
    async def refused(given: str) -> int:
        try:
            async with dial(server, "/phone/relay", headers={"X-Twilio-Signature": given}):
                return 101
        except InvalidStatus as answer:
            return answer.response.status_code

    wrong = RequestValidator("another").compute_signature("wss://hotline.example/phone/relay", {})
    assert [asyncio.run(refused(given)) for given in ("", "x", "ü", wrong)] == [403] * 4
    form = {"CallSid": "CA9", "From": "+8613800138000"}
    given = RequestValidator(TOKEN).compute_signature(PUBLIC + "/phone/voice", form)
    answer = httpx.post(server.url + "/phone/voice", data=form, headers={"X-Twilio-Signature": given}, timeout=60)
    assert answer.status_code == 200 and "wss://hotline.example/phone/relay" in answer.text
    forged = httpx.post(
        server.url + "/phone/voice", data={**form, "CallSid": "x"}, headers={"X-Twilio-Signature": given}, timeout=60
    )
    assert forged.status_code == 403 and forged.json()["status"] == 403
    for after, verb in (({"HandoffData": "{}"}, "<Dial><Sip>sip:desk@pbx.example"), ({"CallSid": "CA9"}, "<Hangup/>")):
        given = RequestValidator(TOKEN).compute_signature(PUBLIC + "/phone/after", after)
        ended = httpx.post(server.url + "/phone/after", data=after, headers={"X-Twilio-Signature": given}, timeout=60)
        assert verb in ended.text
