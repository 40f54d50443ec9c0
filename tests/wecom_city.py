"""A running server with the stand-in of WeCom beside it, for tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select, update

from bot.channels.contacts import Contact
from bot.channels.parcel import Kind
from bot.channels.tables import cursors, inbox, outbox
from bot.channels.transcript import Told
from bot.database import open_database
from bot.messages import SenderId
from bot.store import Store
from connectors.mock.wecom import create_wecom
from connectors.mock.wecom_corp import Corp
from connectors.mock.wecom_pusher import Pusher
from tests.served import Served
from tests.servers import Server
from tests.waiting import wait

TOKEN, KEY, CORP, SECRET = (
    "city-token",
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "ww0123456789abcdef",
    "s3cret-of-corp",
)
ACCOUNT = "wkCity"
SEND, SYNC = "/cgi-bin/kf/send_msg", "/cgi-bin/kf/sync_msg"


class City:
    """One server whose corp has its people at our desk (`wecom`) or in WeCom (`manned`)."""

    def __init__(self, folder: Path, url: str = "", workers: int = 1) -> None:
        self.corp = Corp(CORP, SECRET, (ACCOUNT, "wkTwo", "wkOld"))
        self.manned = Corp(CORP, SECRET, (ACCOUNT,))
        self.pusher, self.people = (Pusher("", TOKEN, KEY, corp) for corp in (self.corp, self.manned))
        told_by = ((self.corp, self.pusher), (self.manned, self.people))
        self._mocks = [Served(create_wecom(*one)) for one in told_by]
        base = {"corp_id": CORP, "secret": SECRET, "token": TOKEN, "aes_key": KEY}
        told = {
            "wecom": {**base, "url": self._mocks[0].url},
            "manned": {**base, "kind": "wecom", "people": "wecom", "url": self._mocks[1].url},
        }
        address = {"CHENGDA_DATABASE_URL": url} if url else {}
        self.log = folder / "server.log"
        self.server = Server(folder, {"CHENGDA_CHANNELS": json.dumps(told), **address}, workers)
        self.start()
        self.engine: Engine = open_database(url or f"sqlite:///{folder / 'test.sqlite3'}")
        self.store = Store(self.engine, "SZ", lambda: datetime.now(ZoneInfo("Asia/Shanghai")))

    def start(self) -> None:
        self.server.start()
        self.pusher.target = f"{self.server.url}/webhooks/wecom/webhook"
        self.people.target = f"{self.server.url}/webhooks/manned/webhook"

    def stop(self) -> None:
        self.server.stop()
        for mock in self._mocks:
            mock.stop()
        self.pusher.close()
        self.people.close()
        self.engine.dispose()

    def contact(self, user: str, channel: str = "wecom", account: str = ACCOUNT) -> Contact:
        with self.store.work() as work:
            found = work.contacts.of(SenderId(f"{channel}:{account}:{user}"))
        assert found is not None
        return found

    def turns(self, user: str, channel: str = "wecom") -> tuple[Told, ...]:
        with self.store.work() as work:
            return work.transcript.after(SenderId(f"{channel}:{ACCOUNT}:{user}"))

    def states(self, user: str, channel: str = "wecom") -> list[str]:
        with self.engine.begin() as connection:
            own = outbox.c.sender == f"{channel}:{ACCOUNT}:{user}"
            return list(connection.execute(select(outbox.c.state).where(own).order_by(outbox.c.id)).scalars())

    def fetched(self, account: str = ACCOUNT) -> Any:
        with self.engine.begin() as connection:
            return connection.execute(select(cursors).where(cursors.c.account == account)).first()

    def post(self, user: str, key: str, text: str, kind: Kind = Kind.AGENT) -> None:
        with self.store.work() as work:
            sender = SenderId(f"wecom:{ACCOUNT}:{user}")
            work.outbox.post(key, sender, "wecom", kind, "zh", [{"text": text}], self.store.now())

    def end_leases(self) -> None:
        """As after a minute: what a dead process was at may be taken up."""
        before = datetime.now(UTC) - timedelta(seconds=1)
        with self.engine.begin() as connection:
            connection.execute(update(inbox).values(leased_until=before))
            connection.execute(update(outbox).values(leased_until=before))

    def talk(self, user: str, *texts: str) -> list[str]:
        """What comes back to each text, one after the other."""
        found = []
        for text in texts:
            sent, turns = len(self.corp.texts(user)), len(self.turns(user))
            assert self.pusher.say(user, text)
            assert wait(lambda: len(self.corp.texts(user)) > sent and len(self.turns(user)) > turns)  # noqa: B023
            assert wait(lambda: not {"waiting", "sending"} & set(self.states(user)))
            found.append(self.corp.texts(user)[-1])
        return found
