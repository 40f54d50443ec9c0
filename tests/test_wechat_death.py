"""What a process that died left behind: a promise without its turn, or a turn without its answer on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.assistant import Assistant
from bot.build import assistant_of
from bot.messages import MessageId, SenderId, UserMessage
from bot.settings import Settings
from bot.training import Models
from connectors.channels.channel import Arrival
from connectors.channels.gateway import Gateway
from connectors.channels.postman import Postman
from connectors.channels.registry import check_channels, open_channels
from connectors.mock.wechat import create_wechat
from connectors.mock.wechat_account import Account, Trigger
from connectors.mock.wechat_pusher import Pusher
from connectors.wechat.channel import WeChat
from tests.served import Served

OPENID, QUESTION = "oLeft", "驾照快到期了怎么办"
SENDER = SenderId(f"wechat:{OPENID}")


@dataclass
class Office:
    """One process: an assistant, its gateway and its postman, who walks when told to."""

    assistant: Assistant
    gateway: Gateway
    postman: Postman
    channel: WeChat
    account: Account

    def arrival(self, key: str) -> Arrival:
        return Arrival(OPENID, QUESTION, key, self.assistant.store.now())

    def promise(self, key: str) -> None:
        """What a process writes that cannot answer in time, its lease over as it died since."""
        store = self.assistant.store
        with store.work() as work:
            now = store.now()
            work.contacts.wrote(SENDER, "wechat", "zh", now, self.channel.window(self.arrival(key)))
            ended = now - timedelta(seconds=1)
            work.inbox.keep("wechat", SENDER, key, self.arrival(key).as_json(), now, ended)

    def rounds(self) -> list[str]:
        """The postman's rounds until nothing is left; gives what the citizen got."""
        while self.postman.round():
            pass
        return self.account.texts(OPENID)


@pytest.fixture
def office(models: Models, tmp_path: Path) -> Iterator[Office]:
    account = Account("wx1", "s")
    account.acted(OPENID, Trigger.MESSAGE)
    pusher = Pusher("http://127.0.0.1:9/", "t", account)
    served = Served(create_wechat(account, pusher))
    url = f"sqlite:///{tmp_path / 'office.sqlite3'}"
    settings = Settings(data_dir=tmp_path, database_url=url, sweep_seconds=0, _env_file=None)  # type: ignore[call-arg]
    assistant = assistant_of(models, settings)
    gateway = Gateway(lambda: assistant)
    told = {"app_id": "wx1", "secret": "s", "token": "t", "mode": "plain", "url": served.url}
    (channel,) = open_channels(check_channels({"wechat": told}), gateway)
    assert isinstance(channel, WeChat)
    postman = Postman(lambda: assistant.store, [channel])
    postman.gateway = gateway
    yield Office(assistant, gateway, postman, channel, account)
    postman.stop()
    gateway.close()
    channel.close()
    served.stop()
    pusher.close()
    assistant.store.engine.dispose()


def test_a_promise_without_its_turn_is_kept_by_the_next(office: Office) -> None:
    office.promise("80")
    (text,) = office.rounds()
    assert "驾驶证" in text
    assert office.gateway.ask(office.channel, office.arrival("80"), 10) is None
    assert office.rounds() == [text]


def test_a_turn_whose_answer_was_not_on_its_way(office: Office) -> None:
    office.promise("81")
    answer = office.assistant.handle(UserMessage(SENDER, QUESTION, MessageId("81"), channel="wechat"))
    (text,) = office.rounds()
    assert answer[0]["text"][:20] in text
    with office.assistant.store.work() as work:
        assert sum(event.event == "user" for event in work.events(SENDER)) == 1


def test_a_delivery_to_another_process_waits_for_the_promise(office: Office) -> None:
    """The second process answers the retry itself, but leaves the telling to the promise of the first."""
    office.promise("82")
    assert office.gateway.ask(office.channel, office.arrival("82"), 10) is None
    assert len(office.rounds()) == 1


def test_an_answer_in_time_is_not_sent_again(office: Office) -> None:
    answer = office.gateway.ask(office.channel, office.arrival("83"), 10)
    assert answer is not None and office.gateway.ask(office.channel, office.arrival("83"), 10) == answer
    assert office.rounds() == []
