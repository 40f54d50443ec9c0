"""WeCom's customer service over the wire: a running server between the stand-in's citizens and its API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bot.cases.tables import cases
from bot.tables import handoffs
from connectors.mock.wecom_corp import BOT, HUMAN, QUEUED
from connectors.mock.wecom_pusher import Pusher
from tests.waiting import wait
from tests.wecom_city import ACCOUNT, KEY, SECRET, SEND, SYNC, TOKEN, City


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    city = City(tmp_path_factory.mktemp("wecom"))
    yield city
    city.stop()


def test_the_address_is_checked(city: City) -> None:
    assert city.pusher.check()
    other = Pusher(city.pusher.target, "other", KEY, city.corp)
    assert not other.check()
    other.close()


def test_attacks_are_refused_alike_and_do_nothing(city: City) -> None:
    before = city.fetched()
    for name, attack in city.pusher.attacks().items():
        answer = attack()
        too_large = name in ("plain-one-byte-over", "plain-a-mebibyte")
        assert (name, answer.status_code) == (name, 413 if too_large else 403)
        assert too_large or answer.text == ""
    assert city.fetched() == before
    unknown = city.pusher.once(city.pusher.message(ACCOUNT, event="something_new"))
    assert (unknown.status_code, unknown.text) == (200, "success") and city.fetched() == before


def test_a_conversation_to_a_case(city: City) -> None:
    user = "wmTalk"
    *_, last = city.talk(user, "路灯坏了，昨晚开始的", "民治大道100号", "确认")
    with city.engine.begin() as connection:
        row = connection.execute(select(cases).where(cases.c.sender == f"wecom:{ACCOUNT}:{user}")).one()
    assert row.number in last
    assert city.corp.customer(ACCOUNT, user).session == BOT
    assert len(city.turns(user)) == 3 and city.contact(user).window is not None


def test_pages_with_empty_ones_between(city: City) -> None:
    city.corp.page, city.corp.gaps = 2, True
    users = [f"wmPage{number}" for number in range(5)]
    before = len(city.corp.calls)
    for user in users:
        city.corp.wrote(city.corp.customer(ACCOUNT, user), "text", {"content": "驾照快到期了怎么办"})
    assert city.pusher.call(ACCOUNT)
    assert wait(lambda: all(city.corp.texts(user) for user in users))
    city.corp.page, city.corp.gaps = 1000, False
    assert len([path for path, _ in city.corp.calls[before:] if path == SYNC]) >= 6
    assert all(len(city.turns(user)) == 1 for user in users)
    assert int(city.fetched().cursor) == len(city.corp.said[ACCOUNT])


@pytest.mark.parametrize(("account", "hours"), [("wkOld", 40), (ACCOUNT, 50)])
def test_what_was_written_while_nobody_fetched_is_answered(city: City, account: str, hours: int) -> None:
    """Before the first call, and after a long time without us: WeCom itself says whether an answer may be sent."""
    user = f"wmLong{account}"
    city.corp.wrote(city.corp.customer(account, user), "text", {"content": "驾照快到期了怎么办"})
    city.corp.said[account][-1]["send_time"] -= hours * 3600
    assert city.pusher.call(account)
    assert wait(lambda: len(city.corp.texts(user)) == 1)
    assert "驾驶证" in city.corp.texts(user)[0]


def test_two_accounts_are_two_conversations(city: City) -> None:
    user = "wmTwice"
    city.talk(user, "路灯坏了，昨晚开始的")
    assert city.pusher.say(user, "你好", account="wkTwo")
    assert wait(lambda: len(city.corp.texts(user)) == 2)
    assert [one.account for one in city.corp.sent if one.user == user] == [ACCOUNT, "wkTwo"]
    assert len(city.turns(user)) == 1 and city.contact(user, account="wkTwo").reachable


def test_welcomed_once(city: City) -> None:
    user = "wmEnter"
    city.pusher.enter(user, "lamp_0042")
    assert wait(lambda: len(city.corp.texts(user)) == 1) and "城答" in city.corp.texts(user)[0]
    assert city.contact(user).details["scene"] == "lamp_0042"
    # The same page again, as after a cursor that was lost.
    with city.store.work() as work:
        kept = work.cursors.of("wecom", ACCOUNT)
        assert kept is not None and work.cursors.move("wecom", kept, "0", done=True)
    assert city.pusher.call(ACCOUNT)
    assert wait(lambda: city.fetched().cursor == str(len(city.corp.said[ACCOUNT])))
    assert not wait(lambda: len(city.corp.texts(user)) > 1, 1.5)
    assert all(len(city.corp.texts(f"wmPage{number}")) == 1 for number in range(5))


def test_a_menu_is_tapped(city: City) -> None:
    user = "wmMenu"
    city.talk(user, "生育登记")
    city.talk(user, "我要投诉小区旁边工地晚上施工噪音扰民")
    found = [one for one in city.corp.sent if one.user == user and "msgmenu" in one.body]
    lines = [line["click"] for one in found for line in one.body["msgmenu"]["list"]]
    assert lines and all(len(line["id"].encode()) <= 128 for line in lines)

    def heard(text: str) -> bool:
        """Whether the newest turn is one that a text began."""
        return any(one.get("text") == text for one in city.turns(user)[-1].events)

    assert city.pusher.say(user, lines[0]["content"], menu=lines[0]["id"])
    assert wait(lambda: heard(lines[0]["id"]))
    # A menu set up in WeCom has ids of its own: what the line says is what is meant.
    assert city.pusher.say(user, "驾照快到期了怎么办", menu="101")
    assert wait(lambda: heard("驾照快到期了怎么办"))


def test_places_and_what_cannot_be_read(city: City) -> None:
    user = "wmKinds"
    for kind, word in (("voice", "没有听清"), ("image", "看不了"), ("business_card", "看不了")):
        before = len(city.corp.texts(user))
        assert city.pusher.send(user, kind, {"media_id": "m"})
        assert wait(lambda: len(city.corp.texts(user)) > before)  # noqa: B023
        assert word in city.corp.texts(user)[-1]
    assert not city.turns(user)
    place = {"latitude": 22.614, "longitude": 114.039, "name": "民治大道100号", "address": "广东省深圳市龙华区"}
    assert city.pusher.send(user, "location", place)
    assert wait(lambda: len(city.corp.texts(user)) == 4)
    city.talk(user, "路灯坏了", "昨晚", "确认")
    with city.engine.begin() as connection:
        row = connection.execute(select(cases).where(cases.c.sender == f"wecom:{ACCOUNT}:{user}")).one()
    assert row.location == "龙华区民治大道100号" and (round(row.latitude, 3), round(row.longitude, 3)) == (
        22.617,
        114.034,
    )


def test_silent_while_a_person_has_the_conversation(city: City) -> None:
    user = "wmTaken"
    city.talk(user, "路灯坏了，昨晚开始的")
    city.pusher.take(user)
    city.pusher.servicer_says(user, "您好，我是张工，请说地址")
    city.pusher.say(user, "民治大道700号")
    city.post(user, "taken-agent", "我是12345的坐席")
    assert wait(lambda: len(city.turns(user)) == 3 and city.states(user) == ["sent", "failed"])
    assert not wait(lambda: len(city.corp.texts(user)) > 1, 1.0)
    _, person, citizen = city.turns(user)
    assert person.events[0]["event"] == "agent" and person.answer[0]["custom"]["role"] == "agent"
    assert "张工" in person.answer[0]["text"]
    assert citizen.events[0]["text"] == "民治大道700号" and not citizen.answer[0].get("text")
    assert [call for call in city.corp.calls if call[1] == 95018] == []
    # The bot does not greet into the talk of two people.
    city.pusher.enter(user, "lamp_0043")
    city.pusher.finish(user)
    assert wait(lambda: city.contact(user).details.get("session") == 4)
    city.pusher.say(user, "谢谢")
    assert wait(lambda: city.states(user) == ["sent", "failed", "sent"] and len(city.corp.texts(user)) == 2)


def test_a_person_who_took_over_unseen(city: City) -> None:
    """Taken over without an event that came before the answer: WeCom says so when the answer is sent."""
    user = "wmUnseen"
    city.talk(user, "你好")
    city.corp.customer(ACCOUNT, user).session = HUMAN
    city.pusher.say(user, "驾照快到期了怎么办")
    assert wait(lambda: city.states(user) == ["sent", "failed"])
    assert len(city.corp.texts(user)) == 1 and city.contact(user).details["session"] == HUMAN
    city.pusher.say(user, "在吗")
    assert wait(lambda: len(city.turns(user)) == 3)
    assert len(city.corp.texts(user)) == 1 and city.states(user) == ["sent", "failed"]


def test_a_failure_told_later_is_not_shown_as_sent(city: City) -> None:
    user = "wmFail"
    city.talk(user, "你好")
    assert wait(lambda: city.states(user) == ["sent"])
    (sent,) = [one for one in city.corp.sent if one.user == user]
    assert 0 < len(sent.msgid) <= 32
    city.pusher.fail(user, sent.msgid)
    assert wait(lambda: city.states(user) == ["failed"]) and not city.contact(user).reachable
    city.pusher.say(user, "还在吗")
    assert wait(lambda: len(city.corp.texts(user)) == 2) and city.contact(user).reachable


def test_the_sixth_message_waits_until_the_citizen_writes(city: City) -> None:
    user = "wmSix"
    city.talk(user, "你好")
    for number in range(5):
        city.post(user, f"six-{number}", f"消息{number}")
    assert wait(lambda: city.states(user) == ["sent"] * 5 + ["held"])
    assert [call for call in city.corp.calls if call[1] == 95001] == []
    city.talk(user, "谢谢")
    assert wait(lambda: city.states(user) == ["sent"] * 7)


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        ([-1], "sent"),
        ([95001], "held"),
        ([95013], "held"),
        ([40096], "refused"),
        ([45002], "failed"),
        ([48002], "waiting"),
    ],
)
def test_what_wecom_answers_is_what_becomes_of_a_message(city: City, codes: list[int], state: str) -> None:
    user = f"wmCode{codes[0]}".replace("-", "m")
    city.talk(user, "你好")
    assert wait(lambda: city.states(user) == ["sent"])
    city.corp.faults[SEND] = list(codes)
    city.post(user, f"code-{codes}", "消息")
    assert wait(lambda: city.states(user) == ["sent", state] and not city.corp.faults[SEND])
    assert len(city.corp.texts(user)) == (2 if state == "sent" else 1)


@pytest.mark.parametrize("forget", [False, True], ids=["42001", "40014"])
def test_a_stale_token_is_fetched_once_for_all(city: City, forget: bool) -> None:
    users = [f"wmStale{number}{forget}" for number in range(4)]
    for user in users:
        city.talk(user, "你好")
    city.corp.expire(forget)
    before = len(city.corp.calls)
    for user in users:
        city.post(user, f"stale-{user}", "消息")
    assert wait(lambda: all(city.states(user) == ["sent", "sent"] for user in users))
    calls = city.corp.calls[before:]
    assert [code for path, code in calls if path == "/cgi-bin/gettoken"] == [0]


def test_fetching_that_fails_goes_on_from_the_same_place(city: City) -> None:
    user = "wmLater"
    city.corp.faults[SYNC] = [45033]
    assert city.pusher.say(user, "你好")
    assert wait(lambda: len(city.corp.texts(user)) == 1)


def test_handed_over_to_people_in_wecom(city: City) -> None:
    user = "wmPerson"
    assert city.people.say(user, "转人工")
    assert wait(lambda: city.manned.customer(ACCOUNT, user).session == QUEUED)
    assert wait(lambda: len(city.manned.texts(user)) == 1)
    assert "正在为您转接人工" in city.manned.texts(user)[0] and city.manned.sent[-1].how == "event"
    with city.engine.begin() as connection:
        talk = connection.execute(select(handoffs).where(handoffs.c.sender == f"manned:{ACCOUNT}:{user}")).one()
    assert talk.closed_at is not None and talk.outcome == "passed_on"
    city.people.say(user, "是路灯的事")
    assert wait(lambda: len(city.turns(user, "manned")) == 2)
    assert not wait(lambda: len(city.manned.texts(user)) > 1, 1.0)


def test_our_desk_takes_whom_wecom_does_not(city: City) -> None:
    user = "wmNobody"
    assert city.people.say(user, "你好")
    assert wait(lambda: len(city.manned.texts(user)) == 1)
    city.manned.faults["/cgi-bin/kf/service_state/trans"] = [95016]
    assert city.people.say(user, "转人工")
    assert wait(lambda: len(city.manned.texts(user)) == 2)
    assert "排队号" in city.manned.texts(user)[1] and city.manned.customer(ACCOUNT, user).session == BOT
    with city.engine.begin() as connection:
        talk = connection.execute(select(handoffs).where(handoffs.c.sender == f"manned:{ACCOUNT}:{user}")).one()
    assert talk.closed_at is None


def test_nothing_personal_is_logged(city: City) -> None:
    log = city.log.read_text(encoding="utf-8")
    for secret in (SECRET, TOKEN, KEY, "access_token", "wmTalk", "wmSix", "民治", "路灯"):
        assert secret not in log
