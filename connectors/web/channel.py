"""Pages as a channel of the postman: what is to be sent becomes a turn, and open streams pick it up."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter

from bot.channels.capability import Capabilities
from bot.channels.contacts import Contact, Window
from bot.channels.parcel import Kind, Parcel
from bot.channels.web_sessions import CHANNEL
from bot.messages import MessageId
from bot.store import Work
from bot.tracker import Event
from connectors.channels.channel import Arrival, Progress, Push, Pushed
from connectors.web.chat import WebChat
from connectors.web.notice import notice_bubbles


class WebPages:
    """The web chat's pages; an answer or an agent's word is a turn already, a notice becomes one."""

    name = kind = CHANNEL
    capabilities = Capabilities(max_text_bytes=100_000, buttons=20)

    def __init__(self, chat: WebChat) -> None:
        self._chat = chat

    def window(self, arrival: Arrival) -> Window | None:
        """Our own page sets no bounds."""
        return None

    def router(self) -> APIRouter:
        """No door of its own: the web chat has an API."""
        return APIRouter()

    def keyed(self, parcel: Parcel, contact: Contact) -> bool:
        """Always: a notice is a turn with a key."""
        return True

    def push(self, parcel: Parcel, contact: Contact, progress: Progress) -> Pushed:
        """Write the turn, once; a conversation that was erased or went silent is no place any more."""
        store = self._chat.talk.assistant.store
        with store.work() as work:
            work.hold(parcel.sender)
            if not work.web.lives(parcel.sender, store.now()):
                return Pushed(Push.REFUSED, "the session has ended")
            if parcel.kind is Kind.NOTICE:
                self._write(work, parcel, store.now())
        self._chat.feed.ring(parcel.sender)
        return Pushed(Push.SENT)

    def close(self) -> None:
        """Nothing is held."""

    def _write(self, work: Work, parcel: Parcel, now: datetime) -> None:
        key = MessageId(f"notice-{parcel.key}"[:200])
        if work.answer_of(parcel.sender, key) is not None:
            return
        text = "\n".join(str(bubble.get("text") or "") for bubble in parcel.bubbles)
        events = (Event("notice", now.timestamp(), name=parcel.number, text=text),)
        bubbles = notice_bubbles(parcel.sender, parcel.bubbles, parcel.language, parcel.number)
        work.save(work.tracker(parcel.sender), key, events, bubbles, now)
