"""Calls to WeChat's API: one token for all threads, fetched anew once when WeChat calls it stale."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from pydantic import SecretStr

from connectors.channels.channel import Push, Pushed
from connectors.channels.sending import broken, quiet_client, read_json
from connectors.wechat.codes import NO_MENUS, STALE_TOKEN, meaning_of

# A token is taken for over some minutes before it is, and forced at most this often.
EARLY_SECONDS, FORCED_SECONDS = 300.0, 30.0
TOKEN_PATH = "/cgi-bin/stable_token"


class NotCalled(Exception):
    """No token could be had, or the call was turned away: nothing was sent. Holds what becomes of the message."""

    def __init__(self, pushed: Pushed) -> None:
        super().__init__(pushed.reason)
        self.pushed = pushed


class WeChatClient:
    """One account's calls; never raises for what WeChat or the network does, logs no address (it has the token)."""

    def __init__(self, url: str, app_id: str, secret: SecretStr, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = quiet_client(url)
        self._app_id, self._secret, self._clock = app_id, secret, clock
        self._lock = threading.Lock()
        self._token, self._until, self._forced = "", 0.0, -FORCED_SECONDS
        self._menus = True

    def text(self, user: str, text: str) -> Pushed:
        """A customer message."""
        return self._custom(user, "text", {"content": text})

    def menu(self, user: str, text: str, lines: Sequence[str], plain: str) -> Pushed:
        """A customer message with lines to tap; `plain` in its place for an account that may not send such."""
        if self._menus:
            listed = [{"id": str(number), "content": line} for number, line in enumerate(lines, 1)]
            sent = self._custom(user, "msgmenu", {"head_content": text, "list": listed, "tail_content": ""})
            if sent != _pushed({"errcode": NO_MENUS}):
                return sent
            self._menus = False
        return self.text(user, plain)

    def template(self, user: str, template: str, values: Mapping[str, str], page: str, key: str) -> Pushed:
        """A template message; the same key again is sent once."""
        data = {name: {"value": value} for name, value in values.items()}
        body = {"touser": user, "template_id": template, "data": data, "client_msg_id": key}
        return self._call("/cgi-bin/message/template/send", {**body, **({"url": page} if page else {})})

    def subscription(self, user: str, template: str, values: Mapping[str, str], page: str) -> Pushed:
        """A notice the citizen subscribed to."""
        data = {name: {"value": value} for name, value in values.items()}
        body = {"touser": user, "template_id": template, "data": data}
        return self._call("/cgi-bin/message/subscribe/bizsend", {**body, **({"page": page} if page else {})})

    def close(self) -> None:
        """End connections."""
        self._http.close()

    def _custom(self, user: str, kind: str, content: Mapping[str, Any]) -> Pushed:
        return self._call("/cgi-bin/message/custom/send", {"touser": user, "msgtype": kind, kind: content})

    def _call(self, path: str, body: Mapping[str, Any]) -> Pushed:
        """What came of a call: without a token surely nothing was sent, without an answer nobody knows."""
        try:
            token = self._current()
            answer = self._post(path, body, token)
            if _code(answer) in STALE_TOKEN:
                answer = self._post(path, body, self._current(stale=token))
        except NotCalled as not_called:
            return not_called.pushed
        except httpx.HTTPError as error:
            return broken(error)
        return _pushed(answer)

    def _post(self, path: str, body: Mapping[str, Any], token: str = "") -> dict[str, Any]:
        """The answer to a call, empty where nobody knows what came of it; raises NotCalled for one turned away.

        Texts go as they are, as WeChat shows escapes literally.
        """
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        sent = self._http.post(path, params={"access_token": token} if token else {}, content=content, headers=headers)
        if sent.is_client_error:
            raise NotCalled(Pushed(Push.LATER, f"status {sent.status_code}"))
        return read_json(sent) if sent.is_success else {}

    def _current(self, stale: str | None = None) -> str:
        """The token; one that was called stale is replaced once, however many threads saw it."""
        with self._lock:
            if self._token and self._token != stale and self._clock() < self._until:
                return self._token
            token = self._fetched(force=False)
            if token == stale and self._clock() - self._forced >= FORCED_SECONDS:
                self._forced = self._clock()
                token = self._fetched(force=True)
            return token

    def _fetched(self, force: bool) -> str:
        body = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._secret.get_secret_value(),
            "force_refresh": force,
        }
        try:
            answer = self._post(TOKEN_PATH, body)
        except httpx.HTTPError as error:
            raise NotCalled(Pushed(Push.LATER, type(error).__name__)) from None
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(seconds, int):
            pushed = _pushed(answer)
            told = pushed.outcome not in (Push.SENT, Push.UNKNOWN)
            raise NotCalled(pushed if told else Pushed(Push.LATER, "no token"))
        self._token = token
        self._until = self._clock() + max(seconds - EARLY_SECONDS, seconds / 2)
        return token


def _code(answer: Mapping[str, Any]) -> int | None:
    code = answer.get("errcode")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _pushed(answer: Mapping[str, Any]) -> Pushed:
    code = _code(answer)
    if code is None:
        # Without a code nobody knows: a proxy may have given up waiting.
        return Pushed(Push.UNKNOWN, "no answer of WeChat's")
    meaning = meaning_of(code)
    if meaning.outcome is Push.SENT:
        number = answer.get("msgid")
        return Pushed(Push.SENT, external_id=None if number is None else str(number)[:120])
    return Pushed(meaning.outcome, f"{code} {meaning.why}", wait=meaning.wait)
