"""The stand-in's other side: pushes messages and events to a door as WeChat does, or as a forger would."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from bot.errors import BadCallback
from connectors.mock.hostile import HOSTILE, LARGE
from connectors.mock.wechat_account import Account, Trigger
from connectors.wechat.crypto import Codec, Signed, signature_of
from connectors.wechat.markup import document, element, escaped, fields_of

PATIENCE_SECONDS, ATTEMPTS = 5.0, 3
ACKNOWLEDGED = ("", "success")
EVENT_TRIGGERS: Mapping[str, Trigger] = {
    "subscribe": Trigger.FOLLOW,
    "SCAN": Trigger.SCAN,
    "CLICK": Trigger.CLICK,
}
OLD_SECONDS = 3600


@dataclass(frozen=True)
class Delivery:
    """What came of a push; `shown` is the answer the citizen sees, None for none, `failed` the failure bubble."""

    shown: str | None
    failed: bool
    attempts: int
    seconds: float
    status: int | None


class Pusher:
    """Pushes for one account; sealed where it has a codec."""

    def __init__(
        self,
        target: str,
        token: str,
        account: Account,
        aes_key: str = "",
        name: str = "gh_city",
        clock: Callable[[], float] = time.time,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """`patience` is how many seconds it waits for an answer, where WeChat's own are too few for a busy machine."""
        self.target, self.token, self.account, self.name, self.clock = target, token, account, name, clock
        self.codec = Codec(token, aes_key, account.app_id) if aes_key else None
        self._http = httpx.Client(timeout=patience)
        self._numbers = itertools.count(int(clock() * 1000) * 1000)

    def close(self) -> None:
        """End connections."""
        self._http.close()

    def check(self, echo: str = "4375120948345356249") -> bool:
        """The check of the address, as when it is set: whether the door gives the echo back."""
        answer = self._http.get(self.target, params={**self._signed("signature"), "echostr": echo})
        return answer.status_code == 200 and answer.text == echo

    def message(self, openid: str, kind: str = "text", number: str | None = None, **fields: str | int | float) -> str:
        """A message of a kind, such as `Content="…"` of a text."""
        number = number or str(next(self._numbers))
        return document(**self._head(openid, kind), **fields, MsgId=int(number))

    def event(self, openid: str, event: str, inner: str = "", **fields: str | int | float) -> str:
        """An event; `inner` is what is nested in it, as XML."""
        whole = document(**self._head(openid, "event"), Event=event, **fields)
        return whole.replace("</xml>", inner + "</xml>")

    def say(self, openid: str, text: str, number: str | None = None) -> Delivery:
        """A citizen writes a text."""
        self.account.acted(openid, Trigger.MESSAGE)
        return self.deliver(self.message(openid, "text", number, Content=text))

    def send(self, openid: str, kind: str, **fields: str | int | float) -> Delivery:
        """A citizen sends something else: voice, image, location …"""
        self.account.acted(openid, Trigger.MESSAGE)
        return self.deliver(self.message(openid, kind, None, **fields))

    def do(self, openid: str, event: str, inner: str = "", **fields: str | int | float) -> Delivery:
        """A citizen does something: follows, leaves, taps the menu …"""
        if event == "unsubscribe":
            self.account.followers.setdefault(openid, self.account.acted(openid, Trigger.FOLLOW)).following = False
        elif event in EVENT_TRIGGERS:
            self.account.acted(openid, EVENT_TRIGGERS[event])
        return self.deliver(self.event(openid, event, inner, **fields))

    def consent(self, openid: str, template: str, given: bool = True) -> Delivery:
        """A citizen agrees to one notice of a template, or refuses it."""
        follower = self.account.acted(openid, Trigger.CLICK)
        follower.consents[template] = follower.consents.get(template, 0) + 1 if given else 0
        choice = {"TemplateId": template, "SubscribeStatusString": "accept" if given else "reject", "PopupScene": "2"}
        inner = "".join(element(name, escaped(value)) for name, value in choice.items())
        return self.do(openid, "subscribe_msg_popup_event", element("SubscribeMsgPopupEvent", element("List", inner)))

    def job_end(self, openid: str, number: int, status: str) -> Delivery:
        """WeChat tells what came of a template message."""
        return self.do(openid, "TEMPLATESENDJOBFINISH", MsgID=number, Status=status)

    def deliver(self, text: str) -> Delivery:
        """Push until the door answers well, three times at most."""
        started, status = time.monotonic(), None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self.once(text)
            except httpx.TransportError:
                continue
            status = answer.status_code
            shown = self._shown(answer)
            if shown is not None:
                return Delivery(shown or None, False, attempt, time.monotonic() - started, status)
        return Delivery(None, True, ATTEMPTS, time.monotonic() - started, status)

    def once(self, text: str, at: float | None = None, nonce: str | None = None) -> httpx.Response:
        """One try, sealed where the account is."""
        if self.codec is None:
            return self.post(text.encode(), self._signed("signature", at, nonce))
        moment, nonce = str(int(self.clock() if at is None else at)), nonce or secrets.token_hex(5)
        sealed = self.codec.seal_text(text)
        signed = {
            "timestamp": moment,
            "nonce": nonce,
            "signature": signature_of(self.token, moment, nonce),
            "encrypt_type": "aes",
            "msg_signature": signature_of(self.token, moment, nonce, sealed),
        }
        return self.post(document(ToUserName=self.name, Encrypt=sealed).encode(), signed)

    def post(self, body: bytes, parameters: Mapping[str, str]) -> httpx.Response:
        """A body with any parameters."""
        return self._http.post(self.target, params=dict(parameters), content=body, headers={"content-type": "text/xml"})

    def attacks(self) -> Mapping[str, Callable[[], httpx.Response]]:
        """Everything that a door must refuse, by name; none may have any effect."""
        plain = {
            f"plain-{name}": lambda body=body: self.post(body, self._signed("signature"))
            for name, body in LARGE.items()
        }
        hostile = {f"xml-{name}": lambda body=body: self._hostile(body) for name, body in HOSTILE.items()}
        return {
            "no-signature": lambda: self.post(self._victim(), {}),
            "bad-signature": lambda: self._signed_wrongly("0" * 40),
            "permuted-signature": lambda: self._signed_wrongly(signature_of(self.token)[::-1]),
            "other-token": lambda: self._signed_wrongly(signature_of("guess", "1", "2")),
            "old": lambda: self.once(self._victim().decode(), self.clock() - OLD_SECONDS),
            "from-the-future": lambda: self.once(self._victim().decode(), self.clock() + OLD_SECONDS),
            "no-time": lambda: self.post(self._victim(), {**self._signed("signature"), "timestamp": "soon"}),
            "replayed-with-other-words": self._replayed,
            "not-sealed": self._not_sealed,
            "sealed-for-another": self._sealed_for_another,
            **plain,
            **hostile,
        }

    def _head(self, openid: str, kind: str) -> dict[str, str | int]:
        return {"ToUserName": self.name, "FromUserName": openid, "CreateTime": int(self.clock()), "MsgType": kind}

    def _signed(self, name: str, at: float | None = None, nonce: str | None = None) -> dict[str, str]:
        moment, nonce = str(int(self.clock() if at is None else at)), nonce or secrets.token_hex(5)
        return {name: signature_of(self.token, moment, nonce), "timestamp": moment, "nonce": nonce}

    def _shown(self, answer: httpx.Response) -> str | None:
        """What the citizen sees of an answer, empty for nothing, None for an answer WeChat takes for a failure."""
        if answer.status_code != 200:
            return None
        if answer.text in ACKNOWLEDGED:
            return ""
        try:
            body = answer.content
            if self.codec is not None:
                told = fields_of(body)
                signed = Signed(told.text("MsgSignature"), told.text("TimeStamp"), told.text("Nonce"))
                body = self.codec.open(body, signed)
            return fields_of(body).text("Content") or None
        except BadCallback:
            return None

    def _victim(self) -> bytes:
        return self.message("oVictim", Content="撤回我的工单").encode()

    def _hostile(self, body: bytes) -> httpx.Response:
        """A hostile document, under a good signature and in a good seal: the worst case."""
        try:
            return self.once(body.decode())
        except UnicodeDecodeError:
            return self.post(body, self._signed("signature"))

    def _signed_wrongly(self, signature: str) -> httpx.Response:
        signed = self._signed("signature")
        sealed = {"encrypt_type": "aes", "msg_signature": signature} if self.codec else {}
        body = self._victim()
        if self.codec is not None:
            body = document(ToUserName=self.name, Encrypt=self.codec.seal_text(body.decode())).encode()
        return self.post(body, {**signed, "signature": signature, **sealed})

    def _replayed(self) -> httpx.Response:
        """A signature that was used, with another body under it."""
        first, second = self.event("oVictim", "VIEW", EventKey="https://example.org/"), self._victim().decode()
        if self.codec is None:
            signed = self._signed("signature")
            self.post(first.encode(), signed)
            return self.post(second.encode(), signed)
        signed = dict(self.once(first).request.url.params)
        return self.post(document(ToUserName=self.name, Encrypt=self.codec.seal_text(second)).encode(), signed)

    def _not_sealed(self) -> httpx.Response:
        """A plain body to an account that seals, or a sealed one that is garbage."""
        if self.codec is not None:
            return self.post(self._victim(), self._signed("signature"))
        return self.post(self._victim(), {**self._signed("msg_signature"), "encrypt_type": "aes"})

    def _sealed_for_another(self) -> httpx.Response:
        other = Codec(self.token, "B" * 43, "wx-another")
        sealed = other.seal_text(self._victim().decode())
        signed = self._signed("signature")
        signature = signature_of(self.token, signed["timestamp"], signed["nonce"], sealed)
        body = document(ToUserName=self.name, Encrypt=sealed).encode()
        return self.post(body, {**signed, "encrypt_type": "aes", "msg_signature": signature})
