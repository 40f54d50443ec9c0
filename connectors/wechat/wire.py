"""What WeChat pushes, read: messages and events as one flat record, and the document of an answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.errors import BadCallback
from connectors.wechat.markup import Fields, fields_of
from connectors.wechat.place import place_sent

USER = re.compile(r"[\w-]{1,100}", re.ASCII)
SCENE = "qrscene_"
MAX_SCENE = 64


class Ask(StrEnum):
    """What a push asks of us; the closed list."""

    ANSWER = "answer"
    WELCOME = "welcome"
    UNHEARD = "unheard"
    UNREAD = "unread"
    GONE = "gone"
    CONSENT = "consent"
    UNDELIVERED = "undelivered"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Consent:
    """A choice about one subscription template; `standing` when it was made in the settings, not for one message."""

    template: str
    given: bool
    standing: bool = False


@dataclass(frozen=True)
class Undelivered:
    """A template message that did not arrive after all; `blocked` when the citizen takes none."""

    external_id: str
    reason: str
    blocked: bool = False


@dataclass(frozen=True)
class Incoming:
    """One push; `key` is the same for its retries, `scene` the QR code it came by, `tapped` a line of a menu."""

    user: str
    account: str
    at: datetime
    key: str
    kind: str
    ask: Ask = Ask.NOTHING
    text: str = ""
    source: str = "text"
    tapped: bool = False
    scene: str = ""
    consents: tuple[Consent, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()


Found = dict[str, Any]
NOTHING: Found = {}


def read(body: bytes) -> Incoming:
    """A push that is open, XML or JSON; a kind nobody knows asks nothing. Raises BadCallback."""
    fields = fields_of(body)
    user, created, kind = fields.text("FromUserName"), fields.text("CreateTime"), fields.text("MsgType").lower()
    if not USER.fullmatch(user) or not kind or not re.fullmatch("[0-9]{1,11}", created):
        raise BadCallback
    at = datetime.fromtimestamp(int(created), UTC)
    event = fields.text("Event").lower() if kind == "event" else ""
    found = EVENTS.get(event, _nothing)(fields) if event else MESSAGES.get(kind, _nothing)(fields)
    key = fields.text("MsgId") if not event else ""
    known = event in EVENTS if event else kind in MESSAGES
    told = (f"event:{event}" if event else kind) if known else "unknown"
    return Incoming(user, fields.text("ToUserName"), at, key[:64] or _key(fields, created, event), told, **found)


def text_answer(incoming: Incoming, text: str, at: datetime) -> dict[str, str | int]:
    """The fields that answer a push with a text."""
    return {
        "ToUserName": incoming.user,
        "FromUserName": incoming.account,
        "CreateTime": int(at.timestamp()),
        "MsgType": "text",
        "Content": text,
    }


def _key(fields: Fields, created: str, event: str) -> str:
    """What tells a push without number from others: when, what and all that came along."""
    along = "\0".join((fields.text("EventKey"), fields.text("MsgID"), fields.text("Status"), fields.text("Content")))
    return f"{event or 'message'}-{created}-{hashlib.sha256(along.encode()).hexdigest()[:16]}"


def _nothing(fields: Fields) -> Found:
    return NOTHING


def _text(fields: Fields) -> Found:
    return {"ask": Ask.ANSWER, "text": fields.text("Content"), "tapped": bool(fields.text("bizmsgmenuid"))}


def _voice(fields: Fields) -> Found:
    heard = fields.text("Recognition") or fields.text("Recongnition")
    return {"ask": Ask.ANSWER, "text": heard, "source": "asr"} if heard else {"ask": Ask.UNHEARD, "source": "asr"}


def _unread(fields: Fields) -> Found:
    return {"ask": Ask.UNREAD}


def _link(fields: Fields) -> Found:
    title = fields.text("Title")
    return {"ask": Ask.ANSWER, "text": title} if title else _unread(fields)


def _location(fields: Fields) -> Found:
    """The place in words with its coordinates in WGS 84; X is the latitude."""
    text = place_sent(fields.text("Label"), fields.text("Location_X"), fields.text("Location_Y"))
    return {"ask": Ask.ANSWER, "text": text, "source": "location"} if text else {"ask": Ask.UNREAD}


def _subscribe(fields: Fields) -> Found:
    return {"ask": Ask.WELCOME, "scene": fields.text("EventKey").removeprefix(SCENE)[:MAX_SCENE]}


def _click(fields: Fields) -> Found:
    key = fields.text("EventKey")
    return {"ask": Ask.ANSWER, "text": key, "source": "menu"} if key else NOTHING


def _scan_code(fields: Fields) -> Found:
    """A scanned code whose reader waits for an answer."""
    result = next((one.text("ScanResult") for one in fields.all("ScanCodeInfo")), "")
    return {"ask": Ask.ANSWER, "text": result, "source": "menu"} if result else NOTHING


def _job_end(fields: Fields) -> Found:
    status = fields.text("Status").lower()
    if status == "success":
        return NOTHING
    blocked = "user block" in status
    reason = "template: blocked by the citizen" if blocked else "template: failed at WeChat"
    return {"ask": Ask.UNDELIVERED, "undelivered": (Undelivered(fields.text("MsgID"), reason, blocked),)}


def _popup(fields: Fields) -> Found:
    return _consents(fields, "SubscribeMsgPopupEvent", False)


def _change(fields: Fields) -> Found:
    return _consents(fields, "SubscribeMsgChangeEvent", True)


def _consents(fields: Fields, parent: str, standing: bool) -> Found:
    found = tuple(
        Consent(one.text("TemplateId")[:100], one.text("SubscribeStatusString").lower() == "accept", standing)
        for one in fields.inside(parent, "List")
        if one.text("TemplateId")
    )
    return {"ask": Ask.CONSENT, "consents": found} if found else NOTHING


def _subscription_sent(fields: Fields) -> Found:
    failed = tuple(
        Undelivered(one.text("MsgID"), f"subscription: error {one.text('ErrorCode')[:10]}")
        for one in fields.inside("SubscribeMsgSentEvent", "List")
        if one.text("MsgID") and one.text("ErrorCode") not in ("", "0")
    )
    return {"ask": Ask.UNDELIVERED, "undelivered": failed} if failed else NOTHING


def _gone(fields: Fields) -> Found:
    return {"ask": Ask.GONE}


MESSAGES: Mapping[str, Callable[[Fields], Found]] = {
    "text": _text,
    "voice": _voice,
    "image": _unread,
    "video": _unread,
    "shortvideo": _unread,
    "location": _location,
    "link": _link,
}
# A place or picture chosen by a menu comes once more as a message; where a citizen is (LOCATION) is never kept.
EVENTS: Mapping[str, Callable[[Fields], Found]] = {
    "subscribe": _subscribe,
    "scan": _subscribe,
    "unsubscribe": _gone,
    "click": _click,
    "scancode_waitmsg": _scan_code,
    "templatesendjobfinish": _job_end,
    "subscribe_msg_popup_event": _popup,
    "subscribe_msg_change_event": _change,
    "subscribe_msg_sent_event": _subscription_sent,
    "location": _nothing,
    "view": _nothing,
    "view_miniprogram": _nothing,
    "scancode_push": _nothing,
    "pic_sysphoto": _nothing,
    "pic_photo_or_album": _nothing,
    "pic_weixin": _nothing,
    "location_select": _nothing,
    "kf_create_session": _nothing,
    "kf_close_session": _nothing,
    "kf_switch_session": _nothing,
}
