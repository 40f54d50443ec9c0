"""A WeChat Official Account in front of the assistant: answers within the push, customer messages, templates."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from fastapi import APIRouter

from bot.cases.number import CaseNumber
from bot.cases.telling import Telling
from bot.channels.capability import Capabilities
from bot.channels.contacts import Contact, Window
from bot.channels.parcel import Kind, Parcel
from bot.channels.plain import Piece, packed, payload_of, pieces_of
from bot.errors import UnknownCase
from bot.messages import SenderId
from bot.store import Work
from bot.tracker import Mode, Tracker
from connectors.channels.channel import Arrival, Progress, Push, Pushed, sender_of, user_of
from connectors.channels.gateway import Gateway, key_of
from connectors.channels.postman import failure_key, hold_outcome
from connectors.wechat.client import WeChatClient
from connectors.wechat.door import router_of
from connectors.wechat.notice import values_of
from connectors.wechat.settings import Template, WeChatSettings
from connectors.wechat.wire import Ask, Incoming

MAX_TEXT_BYTES = 2048
MENU_LINES = 10
AFTER_MESSAGE, AFTER_EVENT = (timedelta(hours=48), 5), (timedelta(minutes=1), 3)
KEPT_EVENTS = 20
TOLD: Mapping[Ask, str] = {
    Ask.WELCOME: "utter_welcome",
    Ask.UNHEARD: "utter_voice_unheard",
    Ask.UNREAD: "utter_picture_unread",
}
# What the desk shows of a message that the assistant cannot read.
SHOWN: Mapping[Ask, str] = {Ask.UNHEARD: "utter_mark_voice", Ask.UNREAD: "utter_mark_picture"}


class WeChat:
    """One account; the wire is in `wire` and `crypto`, the calls in `client`, the doors in `door`."""

    kind = "wechat"

    def __init__(self, name: str, settings: WeChatSettings, gateway: Gateway) -> None:
        self.name, self.settings = name, settings
        self.capabilities = Capabilities(MAX_TEXT_BYTES, 0, settings.seconds)
        self._able = Capabilities(MAX_TEXT_BYTES, MENU_LINES if settings.menus else 0)
        self._gateway = gateway
        self._client = WeChatClient(settings.url, settings.app_id, settings.secret)

    @property
    def gateway(self) -> Gateway:
        """The way to the assistant."""
        return self._gateway

    def window(self, arrival: Arrival) -> Window | None:
        """Five messages in two days after a message, three in a minute after a tap on the menu."""
        return self._window(AFTER_EVENT if arrival.source == "menu" else AFTER_MESSAGE)

    def router(self) -> APIRouter:
        """The door, for the check of the address and for pushes."""
        return router_of(self)

    def close(self) -> None:
        """End connections."""
        self._client.close()

    def answer(self, incoming: Incoming, deadline: float) -> str:
        """The text that goes back in the push, empty for none; `deadline` by the clock of `time.monotonic`."""
        match incoming.ask:
            case Ask.ANSWER:
                return self._asked(incoming, deadline)
            case Ask.WELCOME | Ask.UNHEARD | Ask.UNREAD:
                return self._told(incoming, deadline)
            case Ask.GONE | Ask.CONSENT:
                self._noted(incoming)
            case Ask.UNDELIVERED:
                self._undelivered(incoming)
        return ""

    def keyed(self, parcel: Parcel, contact: Contact) -> bool:
        """Templates have a key, customer messages and subscriptions none."""
        outside = parcel.kind is Kind.NOTICE and not contact.open_at(self._gateway.assistant.store.now())
        return outside and self.settings.template is not None

    def push(self, parcel: Parcel, contact: Contact, progress: Progress) -> Pushed:
        """Customer messages while the window is open; a notice outside it by template or subscription."""
        store = self._gateway.assistant.store
        if parcel.kind is Kind.NOTICE and not contact.open_at(store.now()) and not parcel.sent:
            return self._notified(parcel, contact)
        pieces = packed(pieces_of(parcel.bubbles, self._able), MAX_TEXT_BYTES)
        for number, piece in enumerate(pieces[parcel.sent :], parcel.sent + 1):
            with store.work() as work:
                known = work.contacts.of(parcel.sender)
            if known is not None and not known.open_at(store.now()):
                return Pushed(Push.CLOSED, "the window is over")
            pushed = self._sent(user_of(parcel.sender), piece)
            if pushed.outcome is not Push.SENT:
                return pushed
            with store.work() as work:
                work.contacts.spend(parcel.sender)
            progress(number)
        return Pushed(Push.SENT)

    def _sent(self, user: str, piece: Piece) -> Pushed:
        if not piece.buttons:
            return self._client.text(user, piece.text)
        lines = [button.title for button in piece.buttons]
        numbered = [f"{number}. {line}" for number, line in enumerate(lines, 1)]
        return self._client.menu(user, piece.text, lines, "\n".join([piece.text, *numbered]))

    def _notified(self, parcel: Parcel, contact: Contact) -> Pushed:
        """A notice where customer messages are not allowed; without template or consent it waits for the citizen."""
        template, subscription = self.settings.template, self.settings.subscription
        user, store = user_of(parcel.sender), self._gateway.assistant.store
        told = template or (subscription if subscription and consents(contact).get(subscription.id) else None)
        if told is None or parcel.number is None:
            return Pushed(Push.CLOSED, "the window is over")
        try:
            values = self._values(told, parcel)
        except UnknownCase:
            return Pushed(Push.BROKEN, "no such case")
        if told is template:
            key = hashlib.sha256(parcel.key.encode()).hexdigest()[:32]
            return self._client.template(user, told.id, values, told.page, key)
        pushed = self._client.subscription(user, told.id, values, told.page)
        used = not told.standing and pushed.outcome is Push.SENT
        if used or pushed.outcome is Push.CLOSED:
            with store.work() as work:
                work.hold(parcel.sender)
                known = consents(work.contacts.of(parcel.sender) or contact)
                known[told.id] = max(0, known.get(told.id, 0) - 1) if used else 0
                work.contacts.keep(parcel.sender, subscriptions=known)
        return pushed

    def _values(self, template: Template, parcel: Parcel) -> dict[str, str]:
        assistant = self._gateway.assistant
        with assistant.store.work() as work:
            case = work.cases.by_number(CaseNumber(str(parcel.number)))
        telling = Telling(assistant.domain, assistant.catalogue, assistant.analyst.city, parcel.language)
        return values_of(template, case, telling)

    def _asked(self, incoming: Incoming, deadline: float) -> str:
        arrival = self._arrival(incoming)
        answer = self._gateway.ask(self, arrival, max(0.0, deadline - time.monotonic()))
        if answer is None:
            return ""
        first, *rest = [piece.text for piece in packed(pieces_of(answer, self.capabilities), MAX_TEXT_BYTES)] or [""]
        if rest:
            sender, store = self._sender(incoming), self._gateway.assistant.store
            language = answer[-1]["custom"]["turn"]["language"]
            bubbles = [{"text": text} for text in rest]
            key = key_of("rest", sender, incoming.key)
            with store.work() as work:
                work.outbox.post(key, sender, self.name, Kind.REPLY, language, bubbles, store.now())
        return first

    def _arrival(self, incoming: Incoming) -> Arrival:
        """The push as the assistant takes it: a tap by what stands behind it, a place as the place of a demand."""
        text, sender = incoming.text, self._sender(incoming)
        if incoming.tapped or incoming.source == "location":
            with self._gateway.assistant.store.work() as work:
                if incoming.tapped:
                    text = payload_of(work.last_answer(sender), text)
                elif not _listened_to(work.tracker(sender)):
                    text = f"/file_demand{json.dumps({'place': text}, ensure_ascii=False)}"
        return Arrival(incoming.user, text, incoming.key, incoming.at, source=incoming.source)

    def _told(self, incoming: Incoming, deadline: float) -> str:
        """An answer that needs no turn: a greeting, or that this kind of message is not understood.

        While a person holds the conversation the bot is silent, and the person is told of a message.
        """
        sender, now = self._sender(incoming), self._gateway.assistant.store.now()
        domain = self._gateway.assistant.domain
        window = self._window(AFTER_EVENT if incoming.ask is Ask.WELCOME else AFTER_MESSAGE)
        with self._gateway.assistant.store.work() as work:
            language, held = self._language(work, sender), work.tracker(sender).mode is Mode.MANUAL
            work.contacts.wrote(sender, self.name, language, now, window, self.kind)
            work.outbox.release(sender, now)
            if incoming.scene:
                work.contacts.keep(sender, scene=incoming.scene)
        if held and incoming.ask in SHOWN:
            return self._asked(replace(incoming, text=domain.text(SHOWN[incoming.ask], language)), deadline)
        if held:
            return ""
        return domain.text(TOLD[incoming.ask], language)

    def _noted(self, incoming: Incoming) -> None:
        """What an event changes of a contact, once however often it is pushed."""
        sender, now = self._sender(incoming), self._gateway.assistant.store.now()
        with self._gateway.assistant.store.work() as work:
            work.hold(sender)
            if incoming.ask is Ask.CONSENT:
                work.contacts.wrote(sender, self.name, self._language(work, sender), now, None, self.kind)
            contact = work.contacts.of(sender)
            if contact is None or incoming.key in contact.details.get("events", ()):
                return
            events = [*contact.details.get("events", ()), incoming.key][-KEPT_EVENTS:]
            known = consents(contact)
            for choice in incoming.consents:
                before = 0 if choice.standing else known.get(choice.template, 0)
                known[choice.template] = before + 1 if choice.given else 0
            work.contacts.keep(sender, events=events, subscriptions=known)
            if incoming.ask is Ask.GONE:
                work.contacts.reach(sender, False)

    def _undelivered(self, incoming: Incoming) -> None:
        """Messages that did not arrive after all; kept where the sending is not written down yet."""
        sender, store = self._sender(incoming), self._gateway.assistant.store
        with store.work() as work:
            if any(one.blocked for one in incoming.undelivered):
                work.contacts.reach(sender, False)
            for one in sorted(incoming.undelivered, key=lambda one: one.external_id):
                hold_outcome(work, self.name, one.external_id)
                if not work.mailing.failed_outside(self.name, one.external_id, one.reason):
                    work.seen.first(self.name, failure_key(one.external_id), one.reason, store.now())

    def _sender(self, incoming: Incoming) -> SenderId:
        return sender_of(self.name, incoming.user)

    def _window(self, allowed: tuple[timedelta, int]) -> Window:
        during, left = allowed
        return Window(self._gateway.assistant.store.now() + during, left)

    def _language(self, work: Work, sender: SenderId) -> str:
        return str(work.tracker(sender).slot("language") or "zh")


def open_wechat(name: str, settings: WeChatSettings, gateway: Gateway) -> WeChat:
    """The channel of an account."""
    return WeChat(name, settings, gateway)


def consents(contact: Contact) -> dict[str, int]:
    """How many notices of each subscription template the citizen still agreed to."""
    return dict(contact.details.get("subscriptions", {}))


def _listened_to(tracker: Tracker) -> bool:
    """Whether somebody waits for what is said: a form, or a person."""
    return tracker.active_form is not None or tracker.mode is Mode.MANUAL
