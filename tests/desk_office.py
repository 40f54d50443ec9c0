"""A real server with invented staff and citizens for the tests of the desk."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from bot.cases.case import Case, CaseDraft
from bot.database import open_database
from bot.messages import SenderId
from bot.store import Store
from tests.servers import Server

PASSWORD = "correct horse 42"
PEOPLE = f"""login,name,role,unit,password
wang,王丽,agent,,{PASSWORD}
li,李强,agent,,{PASSWORD}
zhao,赵敏,supervisor,,{PASSWORD}
chen,陈刚,dispatcher,,{PASSWORD}
unit1,周洋,unit,UMB:南山区,{PASSWORD}
ed,孙编,editor,,{PASSWORD}
"""
# All people of a test log in again and again from one address.
UNPACED = {"CHENGDA_LOGINS_BY_ADDRESS": "1000", "CHENGDA_LOGINS_BY_ACCOUNT": "1000"}
SECONDS = 60


class Office:
    """The server, and what people do over HTTP."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self.server = Server(folder, {**UNPACED, **(settings or {})})
        people = folder / "people.csv"
        people.write_text(PEOPLE, encoding="utf-8")
        self.server.command("staff", "import", str(people))
        self.server.start()
        self.url = self.server.url
        self._tokens: dict[str, str] = {}

    def token(self, who: str) -> str:
        """The token of a member of the staff, logged in on the first call."""
        if who not in self._tokens:
            body = {"login": who, "password": PASSWORD}
            self._tokens[who] = httpx.post(f"{self.url}/staff/login", json=body, timeout=60).json()["token"]
        return self._tokens[who]

    def headers(self, who: str, language: str = "zh") -> dict[str, str]:
        """The headers of a member of the staff."""
        return {"Authorization": f"Bearer {self.token(who)}", "Accept-Language": language}

    def get(self, who: str, path: str, **params: Any) -> httpx.Response:
        """GET under /desk/api."""
        return httpx.get(f"{self.url}/desk/api{path}", params=params, headers=self.headers(who), timeout=60)

    def post(self, who: str, path: str, body: Any = None) -> httpx.Response:
        """POST under /desk/api."""
        return httpx.post(f"{self.url}/desk/api{path}", json=body or {}, headers=self.headers(who), timeout=60)

    def say(self, text: str, sender: str) -> dict[str, Any]:
        """The turn a citizen's message gets over REST."""
        return self.server.say(text, sender)

    def heard(self, call: str, words: str, speaker: str = "caller", who: str = "li") -> None:
        """Something said in a call that a member of the staff brings."""
        told = httpx.post(
            f"{self.url}/asr/vosk/{call}", json={"text": words}, params={"speaker": speaker},
            headers=self.headers(who), timeout=60,
        )  # fmt: skip
        assert told.status_code == 202, told.text

    def filed(self, draft: CaseDraft, sender: str, anonymous: bool = False) -> Case:
        """A case that somebody else filed just now."""
        url = f"sqlite:///{self.server._folder / 'test.sqlite3'}"
        store = Store(open_database(url), "SZ", lambda: datetime.now(ZoneInfo("Asia/Shanghai")))
        with store.work() as work:
            return work.cases.file(draft, SenderId(sender), "zh", "13800138000", anonymous)

    def waiting(self, who: str = "wang") -> list[dict[str, Any]]:
        """The queue."""
        found: list[dict[str, Any]] = self.get(who, "/queue").json()["waiting"]
        return found

    def last_waiting(self) -> int:
        """The talk that came last."""
        return max(int(one["number"]) for one in self.waiting())


def until(met: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """What a condition gives once it holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := met():
            return found
        time.sleep(0.1)
    raise AssertionError("never came")
