"""How a citizen can be reached: channel, language, wish for notices, and what the messenger still lets us send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from bot.channels.tables import contacts
from bot.database import insert_into
from bot.messages import SenderId
from bot.moments import in_utc


@dataclass(frozen=True)
class Window:
    """What a messenger lets us send after a citizen did something; `left` None where only time counts."""

    until: datetime
    left: int | None = None


@dataclass(frozen=True)
class Contact:
    """One citizen at one channel; `details` are the channel's own (a session key, a consent ledger)."""

    sender: SenderId
    channel: str
    language: str
    notices: bool = True
    reachable: bool = True
    written_at: datetime | None = None
    window: Window | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    notice_language: str | None = None
    kind: str = ""

    @property
    def told_in(self) -> str:
        """The language of notices: the one asked for, else that of the conversation."""
        return self.notice_language or self.language

    def open_at(self, now: datetime) -> bool:
        """Whether the messenger lets us write of our own accord now; True where it sets no bounds."""
        if self.window is None:
            return True
        return now < self.window.until and (self.window.left is None or self.window.left > 0)


class Contacts:
    """Contacts inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, sender: SenderId) -> Contact | None:
        """A contact, None for who never wrote through a channel that sends."""
        row = self._connection.execute(select(contacts).where(contacts.c.sender == sender)).one_or_none()
        if row is None:
            return None
        window = None if row.window_until is None else Window(in_utc(row.window_until), row.window_left)
        written = None if row.written_at is None else in_utc(row.written_at)
        return Contact(
            sender,
            row.channel,
            row.language,
            row.notices,
            row.reachable,
            written,
            window,
            row.details or {},
            row.notice_language,
            row.kind or row.channel,
        )

    def wrote(
        self,
        sender: SenderId,
        channel: str,
        language: str,
        at: datetime,
        window: Window | None,
        kind: str | None = None,
    ) -> None:
        """Note that a citizen wrote or acted: reachable, with a fresh window unless an open one is longer.

        `kind` is that of the messenger where the channel has a name of its own.
        """
        values: dict[str, Any] = {"channel": channel, "reachable": True, "written_at": at.astimezone(UTC)}
        if kind is not None:
            values["kind"] = kind
        known = self.of(sender) if window is not None else None
        longer = known and known.window and window and known.open_at(at) and known.window.until > window.until
        if window is not None and not longer:
            values |= {"window_until": window.until.astimezone(UTC), "window_left": window.left}
        self._connection.execute(
            insert_into(self._connection, contacts)
            .values(sender=sender, language=language, **values)
            .on_conflict_do_update(index_elements=[contacts.c.sender], set_=values)
        )

    def spend(self, sender: SenderId) -> None:
        """Take one message of the window, where it counts them."""
        counted = (contacts.c.sender == sender) & (contacts.c.window_left > 0)
        self._connection.execute(update(contacts).where(counted).values(window_left=contacts.c.window_left - 1))

    def speaks(self, sender: SenderId, language: str) -> None:
        """The language of the conversation, in which notices come unless another was asked for."""
        changed = (contacts.c.sender == sender) & (contacts.c.language != language)
        self._connection.execute(update(contacts).where(changed).values(language=language))

    def close_window(self, sender: SenderId) -> None:
        """The messenger said that the window is over."""
        self._set(sender, window_left=0)

    def prefer(self, sender: SenderId, language: str | None = None, notices: bool | None = None) -> None:
        """What the citizen wishes: the language of notices, and whether to get any."""
        wished = {"notice_language": language, "notices": notices}
        self._set(sender, **{name: value for name, value in wished.items() if value is not None})

    def reach(self, sender: SenderId, reachable: bool) -> None:
        """Whether the messenger still takes messages for the citizen (blocked, unfollowed)."""
        self._set(sender, reachable=reachable)

    def keep(self, sender: SenderId, **details: Any) -> None:
        """Remember details of the channel's own beside the older ones; None forgets one."""
        contact = self.of(sender)
        if contact is not None:
            merged = {**contact.details, **details}
            self._set(sender, details={name: value for name, value in merged.items() if value is not None})

    def _set(self, sender: SenderId, **values: Any) -> None:
        if values:
            self._connection.execute(update(contacts).where(contacts.c.sender == sender).values(**values))
