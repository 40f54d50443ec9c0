"""The web chat's side of a conversation: what is said once is answered once, and all of it can be read again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from bot.assistant import Assistant
from bot.channels.plain import chosen
from bot.channels.transcript import Told
from bot.channels.web_sessions import CHANNEL, NOTED_EVERY, SILENCE, WebSession
from bot.learning.queue import Rating
from bot.messages import MessageId, UserMessage
from bot.store import Work
from connectors import metrics
from connectors.channels.gateway import Answer, answered
from connectors.web.messages import Sent, by_person, events_of, messages_of, titles_of

PERSON_BUTTON = "utter_web_person"


@dataclass(frozen=True)
class Said:
    """A turn and its messages as a page shows them."""

    turn: Told
    messages: list[dict[str, Any]]


class Talk:
    """Conversations of the web chat over the running assistant; synchronous."""

    def __init__(self, assistant: Callable[[], Assistant]) -> None:
        self._assistant = assistant

    @property
    def assistant(self) -> Assistant:
        """The running assistant."""
        return self._assistant()

    def open(self, language: str) -> tuple[WebSession, str]:
        """A new session and its secret."""
        with self.assistant.store.work() as work:
            return work.web.open(language, self.assistant.store.now())

    def adopt(self, secret: str, language: str) -> WebSession:
        """The session of a foreign widget's secret."""
        with self.assistant.store.work() as work:
            return work.web.adopt(secret, language, self.assistant.store.now())

    def session(self, secret: str, name: str | None = None) -> WebSession:
        """The session of a secret; raises UnknownWebSession."""
        with self.assistant.store.read() as work:
            return work.web.of_secret(secret, self.assistant.store.now(), name)

    def ticket(self, session: WebSession) -> str:
        """A ticket for one socket."""
        with self.assistant.store.work() as work:
            return work.web.ticket(session, self.assistant.store.now())

    def redeem(self, name: str, ticket: str) -> WebSession:
        """The session of a ticket; raises UnknownWebSession."""
        with self.assistant.store.work() as work:
            return work.web.redeem(name, ticket, self.assistant.store.now())

    def say(self, session: WebSession, text: str, message_id: str | None = None, language: str | None = None) -> Said:
        """The turn that a message makes, or made when it came before; a failed turn is told and not stored.

        Raises UnknownWebSession once the session was ended: nothing is written into what was erased.
        """
        assistant, now = self.assistant, self.assistant.store.now()
        message_id = message_id or uuid.uuid4().hex
        self._heard_of(session, language or session.language, now)
        message = UserMessage(session.sender, text, MessageId(message_id), language, CHANNEL)
        stored: list[Said] = []

        def keep(work: Work, answer: Answer) -> None:
            work.web.still(session, now)
            work.contacts.speaks(session.sender, answer[-1]["custom"]["turn"]["language"])
            told = work.transcript.of_message(session.sender, message_id)
            if told is not None:
                stored.append(_said(work, session, told))

        with metrics.turn_timer():
            answer = answered(assistant, message, keep)
        metrics.count_turn(answer)
        if stored:
            return stored[-1]
        failed = Told(0, message_id, now, ({"event": "user", "text": text},), answer)
        return Said(failed, messages_of(failed))

    def person(self, session: WebSession, message_id: str | None, language: str) -> Said:
        """Ask for a person, as the button does."""
        words = self.assistant.domain.text(PERSON_BUTTON, language)
        return self.say(session, words, message_id, language)

    def payload(self, session: WebSession, text: str) -> str:
        """What a tapped button or the number of a line means where a widget sends only that; any other text stays."""
        with self.assistant.store.read() as work:
            last = work.last_answer(session.sender) or []
        payloads = {title: payload for payload, title in titles_of(last).items()}
        return payloads.get(text.strip()) or chosen(last, text) or text

    def missed(self, session: WebSession) -> list[dict[str, Any]]:
        """What others said since the person last spoke, for widgets that only hear when they ask."""
        with self.assistant.store.read() as work:
            newest = work.transcript.backwards(session.sender)
            found = list(takewhile(lambda told: not by_person(told), newest))
        return [message for told in reversed(found) for message in messages_of(told)]

    def last_said(self, session: WebSession) -> int:
        """The last turn in which the person spoke."""
        with self.assistant.store.read() as work:
            newest = work.transcript.backwards(session.sender)
            return next((told.id for told in newest if by_person(told)), 0)

    def known(self, session: WebSession, told: int) -> int:
        """The last turn that a page knows; what it tells above the newest there is would keep its stream silent."""
        with self.assistant.store.read() as work:
            return max(0, min(told, work.transcript.newest(session.sender)))

    def events(self, session: WebSession, after: int, live: bool) -> list[Sent]:
        """The events of all turns after one; raises UnknownWebSession once the session was ended."""
        with self.assistant.store.read() as work:
            work.web.still(session, self.assistant.store.now())
            found = work.transcript.after(session.sender, after)
            titles = _titles(work, session, found[0]) if found else {}
        events: list[Sent] = []
        for told in found:
            events += events_of(told, titles, live)
            titles = {**titles, **titles_of(told.answer)}
        return events

    def export(self, session: WebSession) -> dict[str, Any]:
        """Everything kept of a conversation."""
        with self.assistant.store.read() as work:
            found = work.transcript.after(session.sender, most=None)
            cases = [str(case.number) for case in work.cases.of_sender(session.sender)]
            contact = work.contacts.of(session.sender)
        titles: dict[str, str] = {}
        messages: list[dict[str, Any]] = []
        for told in found:
            messages += messages_of(told, titles)
            titles = {**titles, **titles_of(told.answer)}
        return {
            "session_id": session.id,
            "created_at": session.created_at.isoformat(),
            "expires_at": session.expires_at.isoformat(),
            "language": session.language,
            "notices": contact.notices if contact else True,
            "cases": cases,
            "messages": messages,
        }

    def erase(self, session: WebSession) -> None:
        """Forget the conversation; cases stay."""
        with self.assistant.store.work() as work:
            work.hold(session.sender)
            work.mailing.erased(session.sender)
            work.web.erase(session, self.assistant.store.now())

    def rate(self, session: WebSession, message_id: str | None, rating: Rating) -> bool:
        """Rate an answer; False when there is no such turn."""
        return self.assistant.rate(session.sender, MessageId(message_id) if message_id else None, rating)

    def _heard_of(self, session: WebSession, language: str, now: datetime) -> None:
        """Note that the session lives on and its citizen can be reached, seldom; raises UnknownWebSession."""
        with self.assistant.store.read() as work:
            fresh = work.web.still(session, now) > now + SILENCE - NOTED_EVERY
            contact = work.contacts.of(session.sender)
        if fresh and contact and contact.reachable and contact.written_at and contact.written_at > now - NOTED_EVERY:
            return
        with self.assistant.store.work() as work:
            work.hold(session.sender)
            work.web.still(session, now)
            work.web.used(session, now)
            work.contacts.wrote(session.sender, CHANNEL, language, now, None)


def _said(work: Work, session: WebSession, told: Told) -> Said:
    return Said(told, messages_of(told, _titles(work, session, told)))


def _titles(work: Work, session: WebSession, told: Told) -> dict[str, str]:
    """The titles of the buttons that were there before a turn, by their payloads."""
    earlier = work.transcript.before(session.sender, told.id)
    return titles_of(earlier.answer) if earlier else {}
