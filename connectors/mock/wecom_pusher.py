"""The stand-in's other side: citizens and people of the corp who write, and the calls to a door that follow."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from connectors.mock.hostile import HOSTILE, LARGE
from connectors.mock.wechat_pusher import ACKNOWLEDGED, ATTEMPTS, OLD_SECONDS, PATIENCE_SECONDS
from connectors.mock.wecom_corp import ENDED, HUMAN, SERVICER, Corp, Customer
from connectors.wechat.crypto import Codec, signature_of
from connectors.wechat.markup import document


class Pusher:
    """Acts for one corp at its first account, or at another one that is told."""

    def __init__(self, target: str, token: str, aes_key: str, corp: Corp) -> None:
        self.target, self.token, self.corp = target, token, corp
        self.codec = Codec(token, aes_key, corp.corp_id)
        self._http = httpx.Client(timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        """End connections."""
        self._http.close()

    def check(self, echo: str = "1616140317555161061") -> bool:
        """The check of the address, as when it is set: whether the door gives the opened echo back."""
        sealed = self.codec.seal_text(echo)
        answer = self._http.get(self.target, params={**self._signed(sealed), "echostr": sealed})
        return answer.status_code == 200 and answer.text == echo

    def say(self, user: str, text: str, account: str = "", menu: str = "", number: str | None = None) -> bool:
        """A citizen writes a text, or taps a line of a menu."""
        return self.send(user, "text", {"content": text, **({"menu_id": menu} if menu else {})}, account, number)

    def send(
        self, user: str, kind: str, content: Mapping[str, Any], account: str = "", number: str | None = None
    ) -> bool:
        """A citizen sends something; whether the door took the call."""
        customer = self._customer(user, account)
        self.corp.wrote(customer, kind, dict(content), number)
        return self.call(customer.account)

    def enter(self, user: str, scene: str = "", account: str = "") -> str:
        """A citizen opens the conversation; the code for one welcome."""
        customer = self._customer(user, account)
        code = self.corp.code(customer)
        self.corp.event(customer, "enter_session", scene=scene, welcome_code=code)
        self.call(customer.account)
        return code

    def take(self, user: str, servicer: str = "zhangsan", account: str = "") -> bool:
        """Somebody of the corp takes a conversation."""
        customer = self._customer(user, account)
        customer.session, customer.servicer = HUMAN, servicer
        self.corp.event(customer, "session_status_change", change_type=1, new_servicer_userid=servicer)
        return self.call(customer.account)

    def servicer_says(self, user: str, text: str, account: str = "") -> bool:
        """Somebody of the corp writes in a conversation."""
        customer = self._customer(user, account)
        self.corp.note(customer, SERVICER, "text", {"content": text}, customer.servicer)
        return self.call(customer.account)

    def finish(self, user: str, account: str = "") -> bool:
        """Somebody of the corp ends a conversation."""
        customer = self._customer(user, account)
        was, customer.session, customer.servicer = customer.servicer, ENDED, ""
        code = self.corp.code(customer)
        self.corp.event(customer, "session_status_change", change_type=3, old_servicer_userid=was, msg_code=code)
        return self.call(customer.account)

    def fail(self, user: str, msgid: str, why: int = 10, account: str = "") -> bool:
        """A message that was taken did not arrive after all."""
        customer = self._customer(user, account)
        self.corp.event(customer, "msg_send_fail", fail_msgid=msgid, fail_type=why)
        return self.call(customer.account)

    def call(self, account: str) -> bool:
        """Call until the door takes it, three times at most; whether it did."""
        text = self.message(account)
        for _ in range(ATTEMPTS):
            try:
                answer = self.once(text)
            except httpx.TransportError:
                continue
            if answer.status_code == 200 and answer.text in ACKNOWLEDGED:
                return True
        return False

    def message(self, account: str, corp_id: str = "", event: str = "kf_msg_or_event") -> str:
        """The text of a call, not sealed."""
        return document(
            ToUserName=corp_id or self.corp.corp_id,
            CreateTime=int(self.corp.clock()),
            MsgType="event",
            Event=event,
            Token=self.corp.call_token(),
            OpenKfId=account,
        )

    def once(self, text: str, at: float | None = None, codec: Codec | None = None) -> httpx.Response:
        """One call."""
        sealed = (codec or self.codec).seal_text(text)
        return self.post(document(ToUserName=self.corp.corp_id, Encrypt=sealed).encode(), self._signed(sealed, at))

    def post(self, body: bytes, parameters: Mapping[str, str]) -> httpx.Response:
        """A body with any parameters."""
        return self._http.post(self.target, params=dict(parameters), content=body, headers={"content-type": "text/xml"})

    def attacks(self) -> Mapping[str, Callable[[], httpx.Response]]:
        """Everything that a door must refuse, by name; none may have any effect."""
        text, now = self.message(self.corp.accounts[0]), time.time()
        sealed = self.codec.seal_text(text)
        body = document(ToUserName=self.corp.corp_id, Encrypt=sealed).encode()
        hostile = {f"xml-{name}": lambda told=told: self._hostile(told) for name, told in HOSTILE.items()}
        large = {f"plain-{name}": lambda told=told: self.post(told, self._signed("")) for name, told in LARGE.items()}
        other = Codec(self.token, "B" * 43, self.corp.corp_id)
        return {
            "no-signature": lambda: self.post(body, {}),
            "bad-signature": lambda: self.post(body, {**self._signed(sealed), "msg_signature": "0" * 40}),
            "signature-of-another": lambda: self.post(body, self._signed("other")),
            "not-sealed": lambda: self.post(text.encode(), self._signed(text)),
            "sealed-for-another": lambda: self.once(text, codec=other),
            "another-corp-inside": lambda: self.once(self.message(self.corp.accounts[0], "ww-another")),
            "old": lambda: self.once(text, now - OLD_SECONDS),
            "from-the-future": lambda: self.once(text, now + OLD_SECONDS),
            **hostile,
            **large,
        }

    def _hostile(self, body: bytes) -> httpx.Response:
        """A hostile document in a good seal: the worst case."""
        return self.once(body.decode())

    def _customer(self, user: str, account: str) -> Customer:
        return self.corp.customer(account or self.corp.accounts[0], user)

    def _signed(self, sealed: str, at: float | None = None) -> dict[str, str]:
        moment, nonce = str(int(self.corp.clock() if at is None else at)), secrets.token_hex(5)
        return {
            "msg_signature": signature_of(self.token, moment, nonce, sealed),
            "timestamp": moment,
            "nonce": nonce,
        }
