"""What WeCom tells: a callback that something came, and the messages and events that are fetched then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any

from bot.errors import BadCallback
from connectors.wechat.markup import fields_of
from connectors.wechat.place import place_sent

EVENT = "kf_msg_or_event"
ID = re.compile(r"[\w-]{1,80}", re.ASCII)
CITIZEN, SYSTEM, SERVICER = 3, 4, 5
MAX_SCENE = 64


class Session(IntEnum):
    """Who has a conversation, by WeCom's numbers."""

    NEW = 0
    BOT = 1
    QUEUED = 2
    HUMAN = 3
    ENDED = 4


# The sessions in which only people speak.
SILENT = frozenset({Session.QUEUED, Session.HUMAN})
# What a change of a session leads to: from the pool, passed on, over, taken up again.
CHANGES: Mapping[int | None, Session] = {1: Session.HUMAN, 2: Session.HUMAN, 3: Session.ENDED, 4: Session.HUMAN}
# Why a message did not arrive after all; the last two columns: the window is over, the citizen takes none.
FAILURES: Mapping[int | None, tuple[str, bool, bool]] = {
    1: ("the account was deleted", False, False),
    2: ("the app was closed", False, False),
    4: ("silent for 48 hours", True, False),
    5: ("the session was closed", True, False),
    6: ("more messages than one may send", True, False),
    7: ("the account is not verified", False, False),
    8: ("the account is not verified", False, False),
    9: ("the account is not verified", False, False),
    10: ("refused by the citizen", False, True),
}


class Ask(StrEnum):
    """What a message or event asks of us; the closed list."""

    ANSWER = "answer"
    UNHEARD = "unheard"
    UNREAD = "unread"
    WELCOME = "welcome"
    HEARD = "heard"
    SESSION = "session"
    UNDELIVERED = "undelivered"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Address:
    """A citizen at one account of the corp."""

    account: str
    user: str

    def __str__(self) -> str:
        return f"{self.account}:{self.user}"


def address_of(text: str) -> Address:
    """An address from its text."""
    account, _, user = text.partition(":")
    return Address(account, user)


@dataclass(frozen=True)
class Call:
    """A callback: messages wait at an account; the token lets us fetch them during ten minutes."""

    account: str
    token: str


@dataclass(frozen=True)
class Undelivered:
    """A message that did not arrive after all, by the id that we gave it."""

    msgid: str
    reason: str
    closed: bool = False
    blocked: bool = False


@dataclass(frozen=True)
class Item:
    """One message or event; `menu` is the id of a tapped line, `code` allows one message in answer to an event."""

    address: Address
    id: str
    at: datetime
    kind: str
    ask: Ask = Ask.NOTHING
    text: str = ""
    source: str = "text"
    menu: str = ""
    scene: str = ""
    code: str = ""
    session: Session | None = None
    undelivered: Undelivered | None = None


Raw = Mapping[str, Any]
Found = dict[str, Any]
NOTHING: Found = {}


def call_of(body: bytes, corp_id: str) -> Call | None:
    """An opened callback, None for one of another kind; raises BadCallback."""
    fields = fields_of(body)
    if fields.text("ToUserName") != corp_id:
        raise BadCallback
    if fields.text("MsgType") != "event" or fields.text("Event") != EVENT:
        return None
    account, token = fields.text("OpenKfId"), fields.text("Token")
    if not ID.fullmatch(account) or len(token) > 200:
        raise BadCallback
    return Call(account, token)


def item_of(raw: Raw) -> Item | None:
    """A fetched message, None for one that cannot be read."""
    event = _inside(raw, "event")
    account, user = (_text(raw, name) or _text(event, name) for name in ("open_kfid", "external_userid"))
    number, sent, kind = _text(raw, "msgid"), _number(raw, "send_time"), _text(raw, "msgtype")
    if not (ID.fullmatch(account) and ID.fullmatch(user) and 0 < len(number) <= 200):
        return None
    if sent is None or not 0 <= sent < 10**11:
        return None
    origin = raw.get("origin")
    if kind == "event":
        kind = f"event:{_text(event, 'event_type')}"
        found = EVENTS.get(_text(event, "event_type"), _nothing)(event)
    elif origin == CITIZEN:
        found = MESSAGES.get(kind, _unread)(_inside(raw, kind))
    elif origin == SERVICER:
        found = {"ask": Ask.HEARD, "text": _text(_inside(raw, kind), "content") or f"[{kind}]"}
    else:
        found = NOTHING
    return Item(Address(account, user), number, datetime.fromtimestamp(sent, UTC), kind[:60], **found)


def session_of(told: object) -> Session:
    """A session by its number; one that nobody knows counts as new."""
    return next((one for one in Session if one == told), Session.NEW)


def _text(raw: Raw, name: str) -> str:
    """A text of what was told, without what no database keeps."""
    value = raw.get(name)
    return value.encode("utf-8", "ignore").decode().replace("\x00", "") if isinstance(value, str) else ""


def _number(raw: Raw, name: str) -> int | None:
    value = raw.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _inside(raw: Raw, name: str) -> Raw:
    value = raw.get(name)
    return value if isinstance(value, Mapping) else {}


def _nothing(content: Raw) -> Found:
    return NOTHING


def _unread(content: Raw) -> Found:
    return {"ask": Ask.UNREAD}


def _said(content: Raw) -> Found:
    return {"ask": Ask.ANSWER, "text": _text(content, "content"), "menu": _text(content, "menu_id")}


def _voice(content: Raw) -> Found:
    return {"ask": Ask.UNHEARD, "source": "asr"}


def _link(content: Raw) -> Found:
    title = _text(content, "title")
    return {"ask": Ask.ANSWER, "text": title} if title else _unread(content)


def _location(content: Raw) -> Found:
    name, street = _text(content, "name"), _text(content, "address")
    text = place_sent(
        street if name in street else f"{street}{name}", content.get("latitude"), content.get("longitude")
    )
    return {"ask": Ask.ANSWER, "text": text, "source": "location"} if text else _unread(content)


def _entered(event: Raw) -> Found:
    scene = " ".join(part for part in (_text(event, "scene"), _text(event, "scene_param")) if part)
    return {"ask": Ask.WELCOME, "scene": scene[:MAX_SCENE], "code": _text(event, "welcome_code")}


def _failed(event: Raw) -> Found:
    why = FAILURES.get(_number(event, "fail_type"), ("unknown", False, False))
    return {"ask": Ask.UNDELIVERED, "undelivered": Undelivered(_text(event, "fail_msgid"), *why)}


def _changed(event: Raw) -> Found:
    session = CHANGES.get(_number(event, "change_type"))
    return NOTHING if session is None else {"ask": Ask.SESSION, "session": session}


MESSAGES: Mapping[str, Callable[[Raw], Found]] = {
    "text": _said,
    "voice": _voice,
    "location": _location,
    "link": _link,
    "image": _unread,
    "video": _unread,
    "file": _unread,
    "business_card": _unread,
    "miniprogram": _unread,
}
EVENTS: Mapping[str, Callable[[Raw], Found]] = {
    "enter_session": _entered,
    "msg_send_fail": _failed,
    "session_status_change": _changed,
    "servicer_status_change": _nothing,
}
