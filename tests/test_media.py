"""Places, voice and pictures by messengers: what is read of them, and what they mean where they arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.cases.case import CaseDraft, DemandType
from bot.cases.coordinates import located
from bot.domain import Domain, read_domain
from bot.messages import SenderId
from bot.tracker import Event, Mode, Tracker, fold
from connectors.channels.channel import Arrival
from connectors.channels.media import as_said, moment_of
from connectors.telegram.wire import Update, arrival_of
from connectors.whatsapp.wire import arrivals_of

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
SPOT = {"latitude": 22.5431, "longitude": 114.0579}
PLACE = "（22.543100,114.057900）"


@pytest.fixture(scope="module")
def domain() -> Domain:
    return read_domain()


def by_telegram(date: int = int(NOW.timestamp()), **content: Any) -> Arrival | None:
    person = {"id": 7, "language_code": "en"}
    message = {"message_id": 1, "chat": {"id": 7, "type": "private"}, "from": person, "date": date, **content}
    return arrival_of(Update.model_validate({"update_id": 1, "message": message}), NOW)


def by_whatsapp(kind: str, content: Any, at: int | str = int(NOW.timestamp())) -> list[Arrival]:
    message = {"from": "8613800138000", "id": "m1", "timestamp": at, "type": kind, kind: content}
    return list(arrivals_of({"messages": [message]}, NOW))


@pytest.mark.parametrize(
    ("content", "text", "source"),
    [
        ({"location": SPOT}, PLACE, "location"),
        (
            {"location": SPOT, "venue": {"location": SPOT, "title": "市民中心", "address": "福中三路"}},
            f"福中三路，市民中心{PLACE}", "location",
        ),
        ({"voice": {"file_id": "f"}}, "", "voice"),
        ({"photo": [{"file_id": "f"}]}, "", "picture"),
        ({"photo": [{"file_id": "f"}], "caption": "路灯坏了"}, "路灯坏了", "picture"),
        ({"sticker": {}}, "", "picture"),
        ({"dice": {"emoji": "🎲", "value": 4}}, "", "picture"),
        ({"story": {"id": 1}}, "", "picture"),
        ({"paid_media": {"star_count": 1}}, "", "picture"),
        ({"checklist": {"title": "t"}}, "", "picture"),
        ({"contact": {"phone_number": "13800138000"}}, "13800138000", "text"),
        ({"text": "a\x00b"}, "ab", "text"),
    ],
)  # fmt: skip
def test_what_telegram_brings(content: dict[str, Any], text: str, source: str) -> None:
    arrival = by_telegram(**content)
    assert arrival is not None and (arrival.text, arrival.source) == (text, source)


@pytest.mark.parametrize("content", [{}, {"pinned_message": {"date": 1}}, {"location": {}}, {"location": 5}])
def test_what_nobody_said_is_no_message(content: dict[str, Any]) -> None:
    assert by_telegram(**content) is None


@pytest.mark.parametrize(
    ("kind", "content", "text", "source"),
    [
        ("location", {**SPOT, "name": "市民中心", "address": "福中三路"}, f"福中三路，市民中心{PLACE}", "location"),
        ("audio", {"id": "a", "voice": True}, "", "voice"),
        ("image", {"id": "a"}, "", "picture"),
        ("image", {"id": "a", "caption": "路灯坏了"}, "路灯坏了", "picture"),
        ("text", {"body": "a\ud800\x00b"}, "ab", "text"),
        ("location", {"latitude": 91, "longitude": "x"}, "", "picture"),
        ("location", {"latitude": 91, "longitude": 0, "name": "市民中心"}, "市民中心", "location"),
        ("button", {"payload": "/track", "text": "进度"}, "/track", "text"),
        ("button", {"payload": "OPT-7", "text": "进度"}, "进度", "text"),
        ("button", {"text": "进度"}, "进度", "text"),
        ("contacts", [{"name": {"formatted_name": "张三"}}], "", "picture"),
        ("order", {"text": "两个", "product_items": []}, "两个", "picture"),
        ("unsupported", {"type": "poll"}, "", "picture"),
        ("unsupported", None, "", "picture"),
        ("interactive", {"type": "button_reply", "button_reply": {"id": "/affirm"}}, "/affirm", "text"),
        ("interactive", {"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}, "", "picture"),
    ],
)
def test_what_whatsapp_brings(kind: str, content: Any, text: str, source: str) -> None:
    (arrival,) = by_whatsapp(kind, content)
    assert (arrival.text, arrival.source) == (text, source)


@pytest.mark.parametrize("kind", ["reaction", "system", "edit", "revoke", "request_welcome"])
def test_what_whatsapp_tells_of_other_messages_is_no_message(kind: str) -> None:
    assert by_whatsapp(kind, {"emoji": "👍", "body": "changed"}) == []


@pytest.mark.parametrize("date", [10**20, -(10**20), 253402300800, 10**12, -1, 0])
def test_a_time_that_cannot_be_is_now(date: int) -> None:
    arrival = by_telegram(date, text="hi")
    assert arrival is not None and arrival.at == NOW
    assert by_whatsapp("text", {"body": "hi"}, str(date))[0].at == NOW
    assert moment_of(int(NOW.timestamp()) - 60, NOW) == NOW - timedelta(seconds=60)


def test_a_place_is_kept_with_its_coordinates() -> None:
    arrival = by_telegram(location=SPOT, venue={"location": SPOT, "title": "市民中心"})
    assert arrival is not None
    draft = located(CaseDraft("路灯坏了", DemandType.REPORT, location=arrival.text))
    assert (draft.location, draft.latitude, draft.longitude) == ("市民中心", 22.5431, 114.0579)


@pytest.mark.parametrize(("language", "voice", "picture"), [("zh", "[语音", "[图片"), ("en", "[a voice", "[a picture")])
def test_a_person_who_holds_the_talk_sees_that_something_came(
    domain: Domain, language: str, voice: str, picture: str
) -> None:
    held = fold(Tracker(SenderId("telegram:7")), (Event("mode", 1.0, value=Mode.MANUAL),))
    said = [as_said(Arrival("7", text, "1", NOW, language, source), held, domain) for source, text in (
        ("voice", ""), ("picture", ""), ("picture", "路灯"), ("location", PLACE), ("text", "hi"))]  # fmt: skip
    assert str(said[0]).startswith(voice) and str(said[1]).startswith(picture) and str(said[2]).endswith("] 路灯")
    assert said[3:] == [PLACE, "hi"]


def test_a_place_answers_a_form_or_begins_a_report(domain: Domain) -> None:
    free, place = Tracker(SenderId("telegram:7")), Arrival("7", PLACE, "1", NOW, "zh", "location")
    asked = fold(free, (Event("active_loop", 1.0, name="demand_form"),))
    assert as_said(place, free, domain) == f'/file_demand{{"place": "{PLACE}"}}'
    assert as_said(place, asked, domain) == PLACE
    assert as_said(Arrival("7", "", "1", NOW, "zh", "voice"), free, domain) is None
    assert as_said(Arrival("7", "路灯", "1", NOW, "zh", "picture"), free, domain) == "路灯"
