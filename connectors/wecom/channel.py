"""WeCom's customer service in front of the assistant: calls kept at once, messages fetched, answers by the outbox."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, FastAPI

from bot.channels.capability import Capabilities
from bot.channels.contacts import Contact, Window
from bot.channels.parcel import Kind, Parcel
from bot.channels.plain import Piece, cut, packed, pieces_of
from bot.desk.talks import Reason
from connectors.channels.channel import Arrival, Progress, Push, Pushed, user_of
from connectors.channels.gateway import Gateway
from connectors.channels.sending import sent_back
from connectors.wecom.client import CallFailed, WeComClient
from connectors.wecom.codes import NOT_ALLOWED, WRONG_SESSION
from connectors.wecom.door import Door, router_of
from connectors.wecom.fetcher import Fetcher
from connectors.wecom.intake import CODE, Intake, taken
from connectors.wecom.settings import People, WeComSettings
from connectors.wecom.wire import SILENT, Address, Call, Session, address_of

logger = logging.getLogger("chengda")
MAX_TEXT_BYTES, MAX_MENU_BYTES, MAX_LINE_BYTES = 2048, 1024, 128
MENU_LINES = 10
AFTER_MESSAGE, MESSAGES = timedelta(hours=48), 5
TAKEN = "a person has the conversation"


class WeCom:
    """One corp's customer service; the wire is in `wire`, the calls in `client`, what comes in in `intake`."""

    kind = "wecom"

    def __init__(self, name: str, settings: WeComSettings, gateway: Gateway) -> None:
        self.name, self.settings = name, settings
        self.capabilities = Capabilities(MAX_TEXT_BYTES, MENU_LINES)
        self._gateway = gateway
        self._client = WeComClient(settings.url, settings.corp_id, settings.secret)
        first = timedelta(hours=settings.first_hours)
        self._fetcher = Fetcher(name, self._client, lambda: gateway.assistant.store, Intake(self, gateway), first)

    def window(self, arrival: Arrival) -> Window | None:
        """Five messages in two days, from when we know of a message: of one fetched late, WeCom says whether it may."""
        return Window(max(arrival.at, self._gateway.assistant.store.now()) + AFTER_MESSAGE, MESSAGES)

    def router(self) -> APIRouter:
        """The door, for the check of the address and for calls; while it is open, calls are followed."""

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            self._fetcher.start()
            yield
            self._fetcher.stop()

        router = APIRouter(lifespan=lifespan)
        path = f"/webhooks/{self.name}/webhook"
        router.include_router(
            router_of(path, Door(self.settings), lambda: self._gateway.assistant.store.now(), self._called)
        )
        return router

    def close(self) -> None:
        """End connections."""
        self._client.close()

    def keyed(self, parcel: Parcel, contact: Contact) -> bool:
        """Always: a `msgid` is sent once."""
        return True

    def push(self, parcel: Parcel, contact: Contact, progress: Progress) -> Pushed:
        """Send what is left of a parcel, or give the conversation to a person where the answer says so."""
        to = address_of(user_of(parcel.sender))
        code = next((str(one["custom"][CODE]) for one in parcel.bubbles if CODE in (one.get("custom") or {})), "")
        stem = parcel.mark
        try:
            if code:
                self._client.send_on_event(code, _text(str(parcel.bubbles[0]["text"])), f"{stem}-1")
                return Pushed(Push.SENT)
            return self._pushed(parcel, contact, to, stem, progress)
        except CallFailed as failed:
            return self._failed(parcel, to, failed)

    def _pushed(self, parcel: Parcel, contact: Contact, to: Address, stem: str, progress: Progress) -> Pushed:
        pieces = menus(packed(pieces_of(parcel.bubbles, self.capabilities), MAX_TEXT_BYTES))
        left = list(enumerate(pieces[parcel.sent :], parcel.sent + 1))
        if not left:
            return Pushed(Push.SENT)
        session = self._session(parcel, contact, to)
        if session in SILENT or session is Session.ENDED:
            return _refused(parcel, session)
        if self._wants_person(parcel) and self._handed_over(parcel, to, stem):
            return Pushed(Push.SENT)
        store = self._gateway.assistant.store
        for number, piece in left:
            with store.work() as work:
                known = work.contacts.of(parcel.sender)
            if known is not None and not known.open_at(store.now()):
                return Pushed(Push.CLOSED, "the window is over")
            self._client.send(to, content_of(piece), f"{stem}-{number}")
            with store.work() as work:
                work.contacts.spend(parcel.sender)
            progress(number)
        return Pushed(Push.SENT)

    def _called(self, call: Call) -> None:
        """Keep a call; it is followed by the fetcher, also when this process ends before."""
        if self.settings.accounts and call.account not in self.settings.accounts:
            return
        store = self._gateway.assistant.store
        with store.work() as work:
            work.cursors.called(self.name, call.account, call.token, store.now())
        self._fetcher.ring(call.account)

    def _session(self, parcel: Parcel, contact: Contact, to: Address) -> Session:
        """Who has the conversation; asked once, then known by events. A new one becomes the bot's."""
        told = contact.details.get("session")
        if told is not None:
            return Session(told)
        session = self._client.session(to)
        if session is Session.NEW:
            self._client.hand(to, Session.BOT)
            session = Session.BOT
        self._note(parcel, session)
        return session

    def _note(self, parcel: Parcel, session: Session) -> None:
        with self._gateway.assistant.store.work() as work:
            work.contacts.keep(parcel.sender, session=int(session))
            if session in SILENT:
                taken(work, parcel.sender, self._gateway)

    def _wants_person(self, parcel: Parcel) -> bool:
        """Whether this answer says that a person comes, and the city has its people in WeCom."""
        if self.settings.people is not People.WECOM or parcel.kind is not Kind.REPLY or parcel.sent:
            return False
        with self._gateway.assistant.store.work() as work:
            talk = work.talks.open_of(parcel.sender)
        asked = talk is not None and talk.claimed_by is None and talk.reason is Reason.ASKED
        return asked and (parcel.bubbles[-1].get("custom") or {}).get("turn", {}).get("outcome") == "handoff"

    def _handed_over(self, parcel: Parcel, to: Address, stem: str) -> bool:
        """Give the conversation to WeCom's people and say so; False where WeCom does not take it: our desk does."""
        servicer = self.settings.servicer
        try:
            code = self._client.hand(to, Session.HUMAN if servicer else Session.QUEUED, servicer)
        except CallFailed as failed:
            logger.warning("%s: not handed over: %s", self.name, failed.pushed.reason)
            return False
        self._note(parcel, Session.HUMAN if servicer else Session.QUEUED)
        if code:
            text = self._gateway.assistant.domain.text("utter_wecom_hand_over", parcel.language)
            try:
                self._client.send_on_event(code, _text(text), f"{stem}-1")
            except CallFailed as failed:
                logger.warning("%s: the hand-over was not told: %s", self.name, failed.pushed.reason)
        return True

    def _failed(self, parcel: Parcel, to: Address, failed: CallFailed) -> Pushed:
        """What becomes of a message that was not taken; a session that does not allow it is looked up."""
        if failed.code not in (WRONG_SESSION, NOT_ALLOWED):
            return failed.pushed
        try:
            session = self._client.session(to)
        except CallFailed:
            return Pushed(Push.LATER, failed.pushed.reason)
        self._note(parcel, session)
        return _refused(parcel, session)


def open_wecom(name: str, settings: WeComSettings, gateway: Gateway) -> WeCom:
    """The channel of a corp."""
    return WeCom(name, settings, gateway)


def menus(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Pieces with no more words above their menu than it takes; what is too long goes before it."""
    found: list[Piece] = []
    for piece in pieces:
        if piece.buttons and len(piece.text.encode()) > MAX_MENU_BYTES:
            *before, last = cut(piece.text, MAX_MENU_BYTES)
            found += [*packed([Piece(text) for text in before], MAX_TEXT_BYTES), Piece(last, piece.buttons)]
        else:
            found.append(piece)
    return tuple(found)


def content_of(piece: Piece) -> Mapping[str, Any]:
    """A message as WeCom takes it: a text, or a menu whose lines send back what stands behind them."""
    if not piece.buttons:
        return _text(piece.text)
    lines = [
        {"id": sent_back(button, MAX_LINE_BYTES), "content": cut_to(button.title, MAX_LINE_BYTES)}
        for button in piece.buttons
    ]
    listed = [{"type": "click", "click": line} for line in lines]
    return {"msgtype": "msgmenu", "msgmenu": {"head_content": piece.text, "list": listed, "tail_content": ""}}


def cut_to(text: str, most: int) -> str:
    """A text of at most some bytes of UTF-8."""
    return text.encode()[:most].decode(errors="ignore")


def _text(text: str) -> Mapping[str, Any]:
    return {"msgtype": "text", "text": {"content": text}}


def _refused(parcel: Parcel, session: Session) -> Pushed:
    """What becomes of a message in a session that is not ours: where a person took over, an answer is not sent."""
    if session not in SILENT:
        return (
            Pushed(Push.CLOSED, "the session has ended") if session is Session.ENDED else Pushed(Push.LATER, "session")
        )
    return Pushed(Push.CLOSED if parcel.kind is Kind.NOTICE else Push.BROKEN, TAKEN)
