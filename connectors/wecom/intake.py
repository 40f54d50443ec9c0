"""What comes in by a page: messages for the assistant, what people of the city said, and how sessions changed."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.answer import unasked
from bot.channels.parcel import Kind
from bot.channels.plain import payload_of
from bot.desk.speaker import AGENT_SAID, ROLE, Speaker
from bot.desk.talks import Ending
from bot.messages import BotMessage, MessageId, SenderId
from bot.store import Work
from bot.tracker import Event, Mode, fold
from bot.turn import Outcome, Turn
from connectors.channels.channel import Arrival, Channel, sender_of
from connectors.channels.gateway import Gateway, key_of
from connectors.wecom.wire import SILENT, Ask, Item, Session

logger = logging.getLogger("chengda")
TOLD: Mapping[Ask, str] = {Ask.UNHEARD: "utter_voice_unheard", Ask.UNREAD: "utter_picture_unread"}
# Told to the person at our desk who holds the conversation.
SHOWN: Mapping[Ask, str] = {Ask.UNHEARD: "utter_mark_voice", Ask.UNREAD: "utter_mark_picture"}
# A message of ours; people in WeCom and other apps send with numbers of their own.
OURS = re.compile(r"[0-9a-z]+-[0-9]+")
CODE = "code"


class Intake:
    """Keeps the pages of one channel."""

    def __init__(self, channel: Channel, gateway: Gateway) -> None:
        self._channel, self._gateway = channel, gateway
        self._doing: Mapping[Ask, Callable[[Work, SenderId, Item], None]] = {
            Ask.ANSWER: self._written,
            Ask.UNHEARD: self._written,
            Ask.UNREAD: self._written,
            Ask.WELCOME: self._entered,
            Ask.HEARD: self._heard,
            Ask.SESSION: self._changed,
        }

    def before(self, items: Sequence[Item]) -> None:
        """Messages that did not arrive after all; a failure is told before its page is kept, so none is lost.

        Our number of a message is written down before it is sent: a failure never comes too early.
        """
        told = [item for item in items if item.undelivered is not None and OURS.fullmatch(item.undelivered.msgid)]
        others = sum(not self._failed(item) for item in told)
        if others:
            logger.info("%s: %d messages that are not ours did not arrive", self._channel.name, others)

    def take(self, work: Work, items: Sequence[Item]) -> None:
        """Keep a page in its transaction; all that is in it may come again and is then left alone."""
        for sender in sorted({self._sender(item) for item in items}):
            work.hold(sender)
        for item in items:
            done = self._doing.get(item.ask)
            if done is not None:
                done(work, self._sender(item), item)

    def after(self) -> None:
        """Have what was kept answered."""
        self._gateway.ring()

    def _written(self, work: Work, sender: SenderId, item: Item) -> None:
        """A citizen wrote: the assistant answers, unless a person has the conversation."""
        contact = work.contacts.of(sender)
        session = contact.details.get("session") if contact else None
        if session in SILENT:
            window = self._channel.window(_arrival(item, ""))
            work.contacts.wrote(sender, self._channel.name, "zh", item.at, window, self._channel.kind)
            self._silent(work, sender, item)
            return
        if session == Session.ENDED:
            work.contacts.keep(sender, session=None)
        if item.ask is Ask.ANSWER:
            self._gateway.keep(work, self._channel, _arrival(item, self._text(work, sender, item)))
        elif work.tracker(sender).mode is Mode.MANUAL:
            shown = self._gateway.assistant.domain.text(SHOWN[item.ask], self._language(work, sender))
            self._gateway.keep(work, self._channel, _arrival(item, shown))
        else:
            self._told(work, sender, item)

    def _told(self, work: Work, sender: SenderId, item: Item) -> None:
        """An answer that needs no turn: this kind of message is not understood."""
        now, language = self._gateway.assistant.store.now(), self._language(work, sender)
        bubble = {"text": self._gateway.assistant.domain.text(TOLD[item.ask], language)}
        if work.outbox.post(
            key_of("told", sender, item.id), sender, self._channel.name, Kind.REPLY, language, [bubble], now
        ):
            window = self._channel.window(_arrival(item, ""))
            work.contacts.wrote(sender, self._channel.name, language, item.at, window, self._channel.kind)
            work.outbox.release(sender, now)

    def _entered(self, work: Work, sender: SenderId, item: Item) -> None:
        """A citizen opened the conversation: welcomed once, where WeCom allows it and no person holds it."""
        now, language = self._gateway.assistant.store.now(), self._language(work, sender)
        work.contacts.wrote(sender, self._channel.name, language, item.at, None, self._channel.kind)
        if item.scene:
            work.contacts.keep(sender, scene=item.scene)
        contact = work.contacts.of(sender)
        session = contact.details.get("session") if contact else None
        if item.code and session not in SILENT and work.tracker(sender).mode is not Mode.MANUAL:
            text = self._gateway.assistant.domain.text("utter_welcome", language)
            bubble = {"text": text, "custom": {CODE: item.code}}
            key = key_of("welcome", sender, item.id)
            work.outbox.post(key, sender, self._channel.name, Kind.REPLY, language, [bubble], now)

    def _heard(self, work: Work, sender: SenderId, item: Item) -> None:
        """Somebody of the city wrote in WeCom: it is theirs now, and known here."""
        self._changed(work, sender, item)
        number, tracker = MessageId(item.id), work.tracker(sender)
        if work.answer_of(sender, number) is None:
            event = Event(AGENT_SAID, item.at.timestamp(), text=item.text)
            said = BotMessage(item.text, custom=dict(ROLE))
            speaker = Speaker(work, self._gateway.assistant.store.now())
            speaker.say(tracker, self._language(work, sender), (said,), (event,), number, push=False)

    def _changed(self, work: Work, sender: SenderId, item: Item) -> None:
        session = item.session or Session.HUMAN
        if work.contacts.of(sender) is None:
            language = self._language(work, sender)
            work.contacts.wrote(sender, self._channel.name, language, item.at, None, self._channel.kind)
        work.contacts.keep(sender, session=int(session))
        if session is Session.HUMAN:
            taken(work, sender, self._gateway)

    def _silent(self, work: Work, sender: SenderId, item: Item) -> None:
        """What a citizen says to a person of the city is kept, and not answered."""
        number, assistant = MessageId(item.id), self._gateway.assistant
        if work.answer_of(sender, number) is not None:
            return
        event = Event("user", item.at.timestamp(), text=item.text or f"[{item.kind}]")
        after = fold(work.tracker(sender), (event,))
        turn = Turn(
            Outcome.HANDOFF, str(after.slot("language") or "zh"), (BotMessage(""),), "none", 0.0, (event,),
            active_form=after.active_form, requested_slot=after.requested_slot,
        )  # fmt: skip
        work.save(after, number, turn.events, unasked(turn, sender), assistant.store.now())

    def _failed(self, item: Item) -> bool:
        failed = item.undelivered
        assert failed is not None
        store = self._gateway.assistant.store
        with store.work() as work:
            stem = failed.msgid.rpartition("-")[0]
            why = f"not delivered: {failed.reason}"
            known = work.mailing.failed_outside(self._channel.name, stem, why, failed.closed)
            if known and failed.blocked:
                work.contacts.reach(self._sender(item), False)
        return known

    def _text(self, work: Work, sender: SenderId, item: Item) -> str:
        """A tap as what stands behind it, a place as the place of a demand."""
        if item.menu:
            return tapped(work.last_answer(sender), item)
        tracker = work.tracker(sender)
        if item.source == "location" and tracker.active_form is None and tracker.mode is not Mode.MANUAL:
            return f"/file_demand{json.dumps({'place': item.text}, ensure_ascii=False)}"
        return item.text

    def _sender(self, item: Item) -> SenderId:
        return sender_of(self._channel.name, str(item.address))

    def _language(self, work: Work, sender: SenderId) -> str:
        return str(work.tracker(sender).slot("language") or "zh")


def tapped(last: Sequence[Mapping[str, Any]] | None, item: Item) -> str:
    """What a tap stands for: its id where that is of our making, else its words; menus set up in WeCom have others."""
    offered = {str(button["payload"]) for bubble in last or () for button in bubble.get("buttons", ())}
    return item.menu if item.menu.startswith("/") or item.menu in offered else payload_of(last, item.text)


def taken(work: Work, sender: SenderId, gateway: Gateway) -> None:
    """A person in WeCom has the conversation: nobody at our own desk need take it."""
    talk = work.talks.open_of(sender)
    if talk is not None and talk.claimed_by is None:
        work.talks.close(talk.number, Ending.PASSED_ON, None, gateway.assistant.store.now())


def _arrival(item: Item, text: str) -> Arrival:
    return Arrival(str(item.address), text, item.id, item.at, source="menu" if item.menu else item.source)
