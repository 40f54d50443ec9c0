"""Calls to WeCom's API: one token for all threads, fetched anew once when WeCom calls it stale."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from connectors.channels.channel import Push, Pushed
from connectors.channels.sending import quiet_client, read_json
from connectors.wecom.codes import OK, STALE_TOKEN, meaning_of
from connectors.wecom.wire import Address, Session, session_of

EARLY_SECONDS = 300.0
PAGE = 200
TOKEN_PATH = "/cgi-bin/gettoken"


class CallFailed(Exception):
    """WeCom refused a call, or did not answer; `code` None without an answer."""

    def __init__(self, pushed: Pushed, code: int | None = None) -> None:
        super().__init__(pushed.reason)
        self.pushed, self.code = pushed, code


@dataclass(frozen=True)
class Page:
    """Messages as WeCom has them, where the next ones begin, and whether there are any."""

    messages: Sequence[Mapping[str, Any]]
    cursor: str
    more: bool


class WeComClient:
    """One corp's calls; raises CallFailed and nothing else, logs no address (it has the token)."""

    def __init__(self, url: str, corp_id: str, secret: SecretStr, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = quiet_client(url)
        self._corp_id, self._secret, self._clock = corp_id, secret, clock
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def sync(self, account: str, cursor: str, token: str) -> Page:
        """The messages after a cursor; `token` of the callback, empty where it is over."""
        body: dict[str, Any] = {"open_kfid": account, "limit": PAGE, "voice_format": 0}
        body |= {name: value for name, value in (("cursor", cursor), ("token", token)) if value}
        answer = self._call("/cgi-bin/kf/sync_msg", body)
        told, next_cursor = answer.get("msg_list"), answer.get("next_cursor")
        messages = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        follows = next_cursor if isinstance(next_cursor, str) and next_cursor else cursor
        return Page(messages, follows, answer.get("has_more") == 1 and follows != cursor)

    def send(self, to: Address, content: Mapping[str, Any], msgid: str) -> None:
        """Send one message; the same `msgid` again is sent once."""
        self._call("/cgi-bin/kf/send_msg", {"touser": to.user, "open_kfid": to.account, "msgid": msgid, **content})

    def send_on_event(self, code: str, content: Mapping[str, Any], msgid: str) -> None:
        """Send the one message that an event's code allows."""
        self._call("/cgi-bin/kf/send_msg_on_event", {"code": code, "msgid": msgid, **content})

    def session(self, of: Address) -> Session:
        """Who has the conversation."""
        answer = self._call("/cgi-bin/kf/service_state/get", {"open_kfid": of.account, "external_userid": of.user})
        return session_of(answer.get("service_state"))

    def hand(self, of: Address, to: Session, servicer: str = "") -> str:
        """Give the conversation to somebody else; the code for one message to the citizen, empty where none is due."""
        body = {"open_kfid": of.account, "external_userid": of.user, "service_state": int(to)}
        answer = self._call(
            "/cgi-bin/kf/service_state/trans", body | ({"servicer_userid": servicer} if servicer else {})
        )
        code = answer.get("msg_code")
        return code if isinstance(code, str) else ""

    def close(self) -> None:
        """End connections."""
        self._http.close()

    def _call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            token = self._current()
            answer = self._post(path, body, token)
            if _code(answer) in STALE_TOKEN:
                answer = self._post(path, body, self._current(stale=token))
        except httpx.HTTPError as error:
            raise CallFailed(Pushed(Push.LATER, type(error).__name__)) from None
        return _checked(answer)

    def _post(self, path: str, body: Mapping[str, Any], token: str) -> dict[str, Any]:
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        return _read(self._http.post(path, params={"access_token": token}, content=content, headers=headers))

    def _current(self, stale: str | None = None) -> str:
        """The token; one that was called stale is replaced once, however many threads saw it."""
        with self._lock:
            if not self._token or self._token == stale or self._clock() >= self._until:
                told = {"corpid": self._corp_id, "corpsecret": self._secret.get_secret_value()}
                answer = _checked(_read(self._http.get(TOKEN_PATH, params=told)))
                token, seconds = answer.get("access_token"), answer.get("expires_in")
                if not isinstance(token, str) or not token or not isinstance(seconds, int):
                    raise CallFailed(Pushed(Push.LATER, "no token"))
                self._token, self._until = token, self._clock() + max(seconds - EARLY_SECONDS, seconds / 2)
            return self._token


def _read(sent: httpx.Response) -> dict[str, Any]:
    return read_json(sent) if sent.is_success else {}


def _code(answer: Mapping[str, Any]) -> int | None:
    code = answer.get("errcode")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    code = _code(answer)
    if code is None:
        # Without a code nothing is known to be done.
        raise CallFailed(Pushed(Push.LATER, "no answer of WeCom's"))
    if code != OK:
        meaning = meaning_of(code)
        raise CallFailed(Pushed(meaning.outcome, f"{code} {meaning.why}", wait=meaning.wait), code)
    return answer
