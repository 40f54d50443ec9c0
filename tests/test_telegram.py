"""Telegram: python-telegram-bot makes the updates and reads what is sent, over real connections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import telegram

from bot.assistant import Assistant
from bot.build import assistant_of
from bot.channels.parcel import State
from bot.channels.tables import outbox
from bot.messages import SenderId
from bot.settings import Settings
from bot.training import Models
from connectors.app import create_app
from connectors.channels.channel import Push
from connectors.telegram.wire import pushed_of
from tests.messengers import Answer, Api, Call, api_of, until
from tests.served import served

TOKEN, SECRET = "123456:invented", "a-long-random-word"
UPDATES, MESSAGES = count(1000), count(1)
DOOR = "/webhooks/telegram/webhook"


def taken(call: Call) -> Answer:
    """What Telegram answers to a message it takes."""
    chat = {"id": call.body["chat_id"], "type": "private"}
    return 200, {
        "ok": True,
        "result": {"message_id": next(MESSAGES), "date": 1, "chat": chat, "text": call.body["text"]},
    }


def user(chat: int, language: str = "zh-hans") -> telegram.User:
    return telegram.User(chat, "Li", is_bot=False, language_code=language)


def said(text: str, chat: int = 7, kind: str = "private", language: str = "zh-hans") -> telegram.Update:
    message = telegram.Message(
        next(MESSAGES), datetime.now(UTC), telegram.Chat(chat, kind), from_user=user(chat, language), text=text
    )
    return telegram.Update(next(UPDATES), message=message)


def tapped(data: str, chat: int = 7) -> telegram.Update:
    message = telegram.Message(next(MESSAGES), datetime.now(UTC), telegram.Chat(chat, "private"), text="?")
    query = telegram.CallbackQuery(f"q{next(MESSAGES)}", user(chat), "c", message=message, data=data)
    return telegram.Update(next(UPDATES), callback_query=query)


class Bot:
    """A city's bot: its door, and Telegram's side of it."""

    def __init__(self, url: str, api: Api, assistant: Assistant) -> None:
        self.url, self.api, self.assistant = url + DOOR, api, assistant

    def deliver(self, update: telegram.Update, secret: str = SECRET) -> httpx.Response:
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret, "content-type": "application/json"}
        return httpx.post(self.url, content=update.to_json(), headers=headers, timeout=60)

    def heard(self, update: telegram.Update) -> list[dict[str, Any]]:
        """What is sent in answer to an update."""
        before = len(self.api.calls)
        assert self.deliver(update).status_code == 200
        self.api.wait(before + 1)
        self.quiet()
        return [call.body for call in self.api.calls[before:]]

    def quiet(self) -> None:
        """Wait until all that was begun is sent."""
        until(lambda: not {State.WAITING, State.SENDING} & {row.state for row in self.rows()})

    def rows(self) -> list[Any]:
        with self.assistant.store.work() as work:
            return list(work.connection.execute(outbox.select().order_by(outbox.c.id)).all())


@pytest.fixture(scope="module")
def bot(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    folder: Path = tmp_path_factory.mktemp("telegram")
    with api_of(taken) as api:
        channels = json.dumps({"telegram": {"token": TOKEN, "secret": SECRET, "url": api.url}})
        settings = Settings(
            data_dir=folder, database_url=f"sqlite:///{folder / 'bot.sqlite3'}", sweep_seconds=0, channels=channels,
            rate_limit=0, _env_file=None,
        )  # type: ignore[call-arg]  # fmt: skip
        assistant = assistant_of(models, settings)
        with served(create_app(settings, assistant)) as url:
            yield Bot(url, api, assistant)


def test_conversation(bot: Bot) -> None:
    greeting = bot.heard(said("/start"))
    assert greeting[0]["chat_id"] == 7 and "城答" in greeting[0]["text"]
    assert bot.api.calls[-1].path == f"/bot{TOKEN}/sendMessage"
    answer = bot.heard(said("驾照快到期了怎么办"))
    assert any("驾驶证" in one["text"] for one in answer)
    keyboard = telegram.InlineKeyboardMarkup.de_json(answer[-1]["reply_markup"], None)
    (button, *_), *_ = keyboard.inline_keyboard
    assert isinstance(button.callback_data, str)
    update = tapped(button.callback_data)
    assert update.callback_query is not None
    query = bot.deliver(update).json()
    assert query == {"method": "answerCallbackQuery", "callback_query_id": update.callback_query.id}
    until(lambda: "chat_id" in bot.api.calls[-1].body and bot.api.calls[-1].body["text"] != answer[-1]["text"])
    bot.quiet()


def test_english_by_the_phone_language(bot: Bot) -> None:
    answer = bot.heard(said("/start", chat=8, language="de"))
    assert "Chengda" in answer[0]["text"] and "城答" not in answer[0]["text"]


def test_one_update_however_often_it_comes(bot: Bot) -> None:
    update, before = said("你好", chat=9), len(bot.api.calls)
    with ThreadPoolExecutor(5) as threads:
        assert {one.status_code for one in threads.map(bot.deliver, [update] * 5)} == {200}
    bot.api.wait(before + 1)
    assert bot.deliver(update).status_code == 200
    bot.heard(said("谢谢", chat=10))
    assert [call.body["chat_id"] for call in bot.api.calls[before:]] == [9, 10]


def sent(chat: int, at: datetime | None = None, **content: Any) -> telegram.Update:
    """Something that is no text."""
    chat_of = telegram.Chat(chat, "private")
    message = telegram.Message(next(MESSAGES), at or datetime.now(UTC), chat_of, from_user=user(chat), **content)
    return telegram.Update(next(UPDATES), message=message)


def test_a_photo_is_told_unread_and_a_place_answers_the_form(bot: Bot) -> None:
    photo, voice = [telegram.PhotoSize("f", "u", 9, 9)], telegram.Voice("f", "u", 3)
    assert "看不了" in bot.heard(sent(14, photo=photo))[-1]["text"]
    assert "没有听清" in bot.heard(sent(14, voice=voice))[-1]["text"]
    update = sent(14, photo=photo)
    assert bot.heard(update) and bot.deliver(update).status_code == 200
    asked = bot.heard(said("楼下路灯坏了", chat=14))
    again = bot.heard(sent(14, location=telegram.Location(114.0579, 22.5431)))
    assert again[-1]["text"] != asked[-1]["text"] and "说点什么" not in again[-1]["text"]
    with bot.assistant.store.work() as work:
        tracker = work.tracker(SenderId("telegram:14"))
    assert (tracker.active_form, "22.543100" in str(tracker.slot("location"))) == ("demand_form", True)
    assert bot.heard(sent(15, location=telegram.Location(114.0579, 22.5431)))
    with bot.assistant.store.work() as work:
        assert work.tracker(SenderId("telegram:15")).active_form == "demand_form"


def test_a_date_that_cannot_be_is_not_sent_for_ever(bot: Bot) -> None:
    told = json.loads(said("你好", chat=16).to_json())
    told["message"]["date"] = 10**18
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    before = len(bot.api.calls)
    assert httpx.post(bot.url, json=told, headers=headers, timeout=60).status_code == 200
    bot.api.wait(before + 1)


@pytest.mark.parametrize("secret", ["", "a-long-random-wor", "é"])
def test_wrong_secret(bot: Bot, secret: str) -> None:
    before = len(bot.rows())
    headers = {b"X-Telegram-Bot-Api-Secret-Token": secret.encode()}
    answer = httpx.post(bot.url, content=said("你好", chat=11).to_json(), headers=headers, timeout=60)
    assert (answer.status_code, answer.text, len(bot.rows())) == (403, "", before)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"update_id": "x"}', b'{"update_id": 1, "message": 5}', b"\xff"])
def test_what_is_no_update_is_not_sent_again(bot: Bot, body: bytes) -> None:
    before = len(bot.rows())
    answer = httpx.post(bot.url, content=body, headers={"X-Telegram-Bot-Api-Secret-Token": SECRET}, timeout=60)
    assert (answer.status_code, len(bot.rows())) == (200, before)


def test_groups_are_not_served(bot: Bot) -> None:
    before = len(bot.rows())
    assert bot.deliver(said("你好", chat=-5, kind="group")).status_code == 200
    assert len(bot.rows()) == before


def test_blocked_and_back(bot: Bot) -> None:
    bot.api.told.append(
        (403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"})
    )
    bot.heard(said("你好", chat=12))
    assert bot.rows()[-1].state == State.REFUSED
    with bot.assistant.store.work() as work:
        contact = work.contacts.of(SenderId("telegram:12"))
    assert contact is not None and not contact.reachable
    bot.heard(said("你好", chat=12))
    assert bot.rows()[-1].state == State.SENT
    member = telegram.ChatMemberBanned(telegram.User(1, "bot", is_bot=True), until_date=datetime.now(UTC))
    changed = telegram.ChatMemberUpdated(telegram.Chat(12, "private"), user(12), datetime.now(UTC), member, member)
    bot.deliver(telegram.Update(next(UPDATES), my_chat_member=changed))
    with bot.assistant.store.work() as work:
        contact = work.contacts.of(SenderId("telegram:12"))
    assert contact is not None and not contact.reachable


def test_waits_as_long_as_telegram_asks(bot: Bot) -> None:
    before = len(bot.api.calls)
    bot.api.told.append((429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 3}}))
    bot.heard(said("你好", chat=13))
    first, second = bot.api.calls[before:]
    assert first.body == second.body and second.at - first.at > 2.9


def test_what_an_answer_without_a_word_means() -> None:
    """A gateway that gave up waiting leaves open whether it arrived; who was turned away sent nothing."""
    for status, answer in ((502, {}), (504, {"ok": False, "error_code": 504}), (200, {}), (200, {"ok": False})):
        assert pushed_of(status, answer).outcome is Push.UNKNOWN, (status, answer)
    for status, answer in ((401, {}), (404, {}), (429, {"parameters": {"retry_after": 3}}), (429, {"parameters": []})):
        assert pushed_of(status, answer).outcome is Push.LATER, (status, answer)
