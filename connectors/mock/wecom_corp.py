"""The stand-in's corp: citizens with their sessions and quotas, what was said, and what was sent."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.mock.wechat_account import ApiError

TOKEN_SECONDS, CALL_SECONDS, CODE_SECONDS = 7200.0, 600.0, 20.0
MESSAGES, WINDOW_SECONDS = 5, 48 * 3600.0
AT_ONCE, WITHOUT_TOKEN = 5, 30
NEW, BOT, QUEUED, HUMAN, ENDED = range(5)
ALLOWED = {NEW: {BOT, QUEUED, HUMAN}, BOT: {QUEUED, HUMAN, ENDED}, QUEUED: {HUMAN, ENDED}, HUMAN: {ENDED}, ENDED: set()}
CITIZEN, SYSTEM, SERVICER = 3, 4, 5


@dataclass
class Customer:
    """One citizen at one account; `left` messages until `until`."""

    account: str
    user: str
    session: int = NEW
    servicer: str = ""
    left: int = 0
    until: float = 0.0


@dataclass(frozen=True)
class Delivered:
    """One message that reached a citizen; `how` is send or event."""

    how: str
    account: str
    user: str
    msgid: str
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """What the citizen reads."""
        if "msgmenu" in self.body:
            menu = self.body["msgmenu"]
            return "\n".join([menu["head_content"], *(line["click"]["content"] for line in menu["list"])])
        return str(self.body.get("text", {}).get("content", ""))


@dataclass
class Code:
    """Allows one message in answer to an event."""

    customer: Customer
    until: float
    used: bool = False


@dataclass
class Corp:
    """The state behind the API; all of it under one lock."""

    corp_id: str
    secret: str
    accounts: tuple[str, ...] = ("wkCity",)
    servicers: tuple[str, ...] = ("zhangsan",)
    clock: Callable[[], float] = time.time
    # How many messages a page has, and whether an empty page comes before each full one.
    page: int = 1000
    gaps: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)
    customers: dict[tuple[str, str], Customer] = field(default_factory=dict)
    said: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sent: list[Delivered] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)
    # Path -> error codes of the next calls there.
    faults: dict[str, list[int]] = field(default_factory=dict)
    # Called with the path when a call is done and not answered yet.
    done: Callable[[str], None] = lambda path: None
    syncing: int = 0
    _token: tuple[str, float] | None = None
    _over: set[str] = field(default_factory=set)
    _call_tokens: dict[str, float] = field(default_factory=dict)
    _tokenless: int = 0

    def customer(self, account: str, user: str) -> Customer:
        """A citizen at an account, made where unknown."""
        with self.lock:
            return self.customers.setdefault((account, user), Customer(account, user))

    def known(self, account: object, user: object) -> Customer:
        """A citizen who wrote or opened the conversation; raises ApiError."""
        if account not in self.accounts:
            raise ApiError(95000, "invalid open_kfid")
        found = self.customers.get((str(account), str(user)))
        if found is None:
            raise ApiError(40096, "invalid external userid")
        return found

    def wrote(self, customer: Customer, kind: str, content: dict[str, Any], number: str | None = None) -> str:
        """A citizen writes: the quota begins anew, and an ended session too."""
        with self.lock:
            if customer.session == ENDED:
                customer.session, customer.servicer = NEW, ""
            customer.left, customer.until = MESSAGES, self.clock() + WINDOW_SECONDS
            return self.note(customer, CITIZEN, kind, content, number=number)

    def note(
        self,
        customer: Customer,
        origin: int,
        kind: str,
        content: dict[str, Any],
        servicer: str = "",
        number: str | None = None,
    ) -> str:
        """Something to be fetched; its id."""
        with self.lock:
            msgid = number or secrets.token_urlsafe(16)
            message: dict[str, Any] = {
                "msgid": msgid,
                "send_time": int(self.clock()),
                "origin": origin,
                "msgtype": kind,
                kind: content,
            }
            if kind == "event":
                content.update(open_kfid=customer.account, external_userid=customer.user)
            else:
                message.update(open_kfid=customer.account, external_userid=customer.user, servicer_userid=servicer)
            self.said.setdefault(customer.account, []).append(message)
            return msgid

    def event(self, customer: Customer, name: str, **fields: Any) -> str:
        """An event to be fetched; its id."""
        return self.note(customer, SYSTEM, "event", {"event_type": name, **fields})

    def code(self, customer: Customer) -> str:
        """A code for one message."""
        with self.lock:
            code = secrets.token_urlsafe(16)
            self.codes[code] = Code(customer, self.clock() + CODE_SECONDS)
            return code

    def token(self, corp_id: str, secret: str) -> tuple[str, int]:
        """The token and its seconds, the same one until its end. Raises ApiError."""
        with self.lock:
            if corp_id != self.corp_id:
                raise ApiError(40013, "invalid corpid")
            if secret != self.secret:
                raise ApiError(40001, "invalid credential")
            now = self.clock()
            if self._token is None or self._token[1] <= now:
                self._token = (secrets.token_urlsafe(96), now + TOKEN_SECONDS)
            return self._token[0], int(self._token[1] - now)

    def expire(self, forget: bool = False) -> None:
        """End the token before its time: as over (42001), or as never known (40014)."""
        with self.lock:
            if self._token is not None and not forget:
                self._over.add(self._token[0])
            self._token = None

    def check(self, path: str, token: str) -> None:
        """Raise ApiError for a call without a good token, or one that is to fail."""
        with self.lock:
            waiting = self.faults.get(path)
            if waiting:
                raise ApiError(waiting.pop(0), "as told")
            if not token:
                raise ApiError(41001, "access_token missing")
            if token in self._over:
                raise ApiError(42001, "access_token expired")
            if self._token is None or token != self._token[0]:
                raise ApiError(40014, "invalid access_token")

    def call_token(self) -> str:
        """The token of a new callback."""
        with self.lock:
            token = "ENC" + secrets.token_urlsafe(24)
            self._call_tokens[token] = self.clock() + CALL_SECONDS
            return token

    def fetched(self, account: object, cursor: str, token: str, limit: int) -> dict[str, Any]:
        """A page after a cursor; raises ApiError."""
        with self.lock:
            if account not in self.accounts:
                raise ApiError(95000, "invalid open_kfid")
            if self._call_tokens.get(token, 0.0) <= self.clock():
                self._tokenless += 1
                if self._tokenless > WITHOUT_TOKEN:
                    raise ApiError(45009, "api freq out of limit")
            told, begin = self.said.get(str(account), []), int(cursor.rstrip("+") or 0)
            if begin > len(told):
                raise ApiError(40058, "invalid cursor")
            if self.gaps and begin < len(told) and not cursor.endswith("+"):
                return {"next_cursor": f"{begin}+", "has_more": 1, "msg_list": []}
            end = min(len(told), begin + min(limit, self.page))
            return {"next_cursor": str(end), "has_more": int(end < len(told)), "msg_list": told[begin:end]}

    def deliver(self, how: str, customer: Customer, msgid: str, body: dict[str, Any]) -> bool:
        """A message reaches a citizen; False when one with this id did before."""
        with self.lock:
            if any(one.msgid == msgid and one.account == customer.account for one in self.sent):
                return False
            self.sent.append(Delivered(how, customer.account, customer.user, msgid, body))
            return True

    def texts(self, user: str) -> list[str]:
        """What a citizen got."""
        with self.lock:
            return [one.text for one in self.sent if one.user == user]
