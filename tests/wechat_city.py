"""A running server with the stand-in of WeChat beside it, for tests."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select, update

from bot.cases.case import Actor, Facts
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Role
from bot.cases.tables import cases
from bot.channels.contacts import Contact
from bot.channels.parcel import Kind
from bot.channels.tables import contacts, outbox
from bot.database import open_database
from bot.messages import SenderId
from bot.store import Store
from bot.tables import turns
from connectors.mock.wechat import create_wechat
from connectors.mock.wechat_account import Account
from connectors.mock.wechat_pusher import Pusher
from tests.served import Served
from tests.servers import Server
from tests.waiting import PATIENCE

TOKEN, KEY, APP, SECRET = (
    "city-token",
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "wx0123456789abcdef",
    "s3cret-of-app",
)
CUSTOM, TEMPLATE = "/cgi-bin/message/custom/send", "TPL-1"
CONSENT = (
    "<SubscribeMsgPopupEvent><List><TemplateId>SUB-1</TemplateId>"
    "<SubscribeStatusString>accept</SubscribeStatusString></List></SubscribeMsgPopupEvent>"
)
FIELDS = {"character_string1": "number", "thing2": "matter", "phrase3": "status", "time4": "time"}


class City:
    """A running server with the account's stand-in beside it."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None, url: str = "", workers: int = 1) -> None:
        self.account = Account(APP, SECRET, frozenset({TEMPLATE, "SUB-1"}))
        self.pusher = Pusher("", TOKEN, self.account, KEY, patience=PATIENCE)
        self._mock = Served(create_wechat(self.account, self.pusher))
        base = {"app_id": APP, "secret": SECRET, "token": TOKEN, "aes_key": KEY, "url": self._mock.url}
        subscription = {"id": "SUB-1", "fields": FIELDS}
        plain = {"kind": "wechat", "mode": "plain", "aes_key": "", "menus": True, "subscription": subscription}
        told = {
            "wechat": {**base, **(settings or {})},
            "open": {**base, **plain},
        }
        address = {"CHENGDA_DATABASE_URL": url} if url else {}
        self.log = folder / "server.log"
        self.server = Server(folder, {"CHENGDA_CHANNELS": json.dumps(told), **address}, workers)
        self.plain = Pusher("", TOKEN, self.account, patience=PATIENCE)
        self.start()
        self.engine: Engine = open_database(url or f"sqlite:///{folder / 'test.sqlite3'}")
        self.store = Store(self.engine, "SZ", lambda: datetime.now(ZoneInfo("Asia/Shanghai")))

    def start(self) -> None:
        self.server.start()
        self.pusher.target = f"{self.server.url}/webhooks/wechat/webhook"
        self.plain.target = f"{self.server.url}/webhooks/open/webhook"

    def stop(self) -> None:
        self.server.stop()
        self._mock.stop()
        self.pusher.close()
        self.plain.close()
        self.engine.dispose()

    def contact(self, openid: str, channel: str = "wechat") -> Contact:
        with self.store.work() as work:
            found = work.contacts.of(SenderId(f"{channel}:{openid}"))
        assert found is not None
        return found

    def turns(self, openid: str) -> int:
        with self.engine.begin() as connection:
            own = turns.c.sender == f"wechat:{openid}"
            return int(connection.execute(select(func.count()).select_from(turns).where(own)).scalar_one())

    def cases(self, openid: str, channel: str = "wechat") -> list[Any]:
        with self.engine.begin() as connection:
            return list(connection.execute(select(cases).where(cases.c.sender == f"{channel}:{openid}")).all())

    def filed(self, openid: str, house: str, channel: str = "wechat") -> CaseNumber:
        """A case that a citizen files in conversation."""
        pusher = self.pusher if channel == "wechat" else self.plain
        for text in ("路灯坏了，昨晚开始的", f"民治大道{house}", "确认"):
            pusher.say(openid, text)
        (case,) = self.cases(openid, channel)
        return CaseNumber(case.number)

    def move(self, number: CaseNumber, move: Move, **facts: Any) -> None:
        """What the office does with a case."""
        with self.store.work() as work:
            work.cases.move(number, move, Actor(Role.DISPATCHER, "d1"), Facts(**facts))

    def states(self, openid: str, channel: str = "wechat") -> list[str]:
        with self.engine.begin() as connection:
            query = select(outbox.c.state).where(outbox.c.sender == f"{channel}:{openid}").order_by(outbox.c.id)
            return list(connection.execute(query).scalars())

    def post(self, openid: str, key: str, text: str, channel: str = "wechat", **more: Any) -> None:
        """A message of an agent's."""
        with self.store.work() as work:
            sender, bubbles = SenderId(f"{channel}:{openid}"), [{"text": text, **more}]
            work.outbox.post(key, sender, channel, Kind.AGENT, "zh", bubbles, self.store.now())

    def end_window(self, openid: str, channel: str = "wechat") -> None:
        """Two days of silence, for us and for WeChat."""
        before = datetime.now(ZoneInfo("UTC")) - timedelta(minutes=1)
        with self.engine.begin() as connection:
            own = contacts.c.sender == f"{channel}:{openid}"
            connection.execute(update(contacts).where(own).values(window_until=before))
        for quota in self.account.followers[openid].quotas.values():
            quota.until = 0.0
