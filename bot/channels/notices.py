"""Notices of case changes: written in the transaction of the change, worded when sent, told in one place only.

Nothing personal is in them: number, status, unit and the category, and not even that of a delicate case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import JSON, Connection, DateTime, func, insert, literal, or_, select, union

from bot.cases.case import Case, DemandType
from bot.cases.notices import CALLED_BACK, TELLING, mark_of
from bot.cases.number import CaseNumber
from bot.cases.states import OPEN, Status
from bot.cases.store import DatabaseCases
from bot.cases.tables import case_followers, cases
from bot.cases.telling import TIME_FORMAT, Telling
from bot.channels.contacts import Contact, Contacts
from bot.channels.outbox import Kind, Outbox, Parcel, State
from bot.channels.tables import contacts, outbox
from bot.errors import UnknownCase
from bot.messages import SenderId

OVERDUE, DISPATCHED = "overdue", "dispatched"
# event -> the statuses in which it is still worth telling; those of the chat, and what is worth a message of its own
HEARD: Mapping[str, frozenset[Status]] = MappingProxyType(
    {
        **TELLING,
        "accepted": frozenset({Status.ACCEPTED}),
        DISPATCHED: frozenset({Status.DISPATCHED}),
        "merged": frozenset({Status.MERGED}),
        OVERDUE: frozenset(OPEN - {Status.CALLBACK, Status.REPLIED}),
        "closed": frozenset({Status.CLOSED}),
    }
)
WITH_LIMIT = frozenset({"accepted", DISPATCHED, "extended"})
# First-level categories that say too much on a lock screen: order, discipline, personnel, united front, welfare.
DELICATE = frozenset({"治安维稳", "党纪政纪", "组织人事", "统一战线", "民政服务"})


@dataclass(frozen=True)
class _Told:
    """What a row of the outbox is about: the event, and the case it happened to."""

    event: int
    kind: str
    shown: CaseNumber


class Mailing:
    """Notices inside one transaction; the caller commits."""

    kinds = HEARD.keys()

    def __init__(
        self, connection: Connection, store: DatabaseCases, box: Outbox, clock: Callable[[], datetime]
    ) -> None:
        self._connection, self._store, self._box, self._clock = connection, store, box, clock

    def hear(self, number: CaseNumber, kind: str, event: int) -> None:
        """Post a notice to everybody whose case this is, is merged into it or follows it, and who wants notices."""
        own = select(cases.c.number, cases.c.sender).where(or_(cases.c.number == number, cases.c.merged_into == number))
        followed = select(case_followers.c.number, case_followers.c.sender).where(case_followers.c.number == number)
        heard = union(own, followed).subquery()
        now = literal(self._clock().astimezone(UTC), DateTime(timezone=True))
        about = literal([{"event": event, "kind": kind, "shown": number}], JSON)
        values: dict[str, Any] = {
            # As `notice_key` words it.
            "key": literal(f"notice:{event}:") + heard.c.number + literal(":") + heard.c.sender,
            "sender": contacts.c.sender,
            "channel": contacts.c.channel,
            "kind": literal(str(Kind.NOTICE)),
            "language": func.coalesce(contacts.c.notice_language, contacts.c.language),
            "bubbles": about,
            "number": heard.c.number,
            "state": literal(str(State.WAITING)),
            "next_try_at": now,
            "created_at": now,
            "changed_at": now,
        }
        rows = (
            select(*(value.label(name) for name, value in values.items()))
            .join_from(heard, contacts, contacts.c.sender == heard.c.sender)
            .where(contacts.c.notices, contacts.c.reachable)
        )
        made = self._connection.execute(insert(outbox).from_select(list(values), rows, include_defaults=False))
        self._box.changed = self._box.changed or made.rowcount > 0

    def worded(self, parcel: Parcel, contact: Contact, telling: Telling) -> str | None:
        """The text of a notice; None where it is no longer wanted or true, or was told in the chat."""
        told = _told(parcel)
        try:
            own, shown = self._store.by_number(CaseNumber(str(parcel.number))), self._store.by_number(told.shown)
        except UnknownCase:
            return None
        in_chat = own.sender == parcel.sender and mark_of(told.event) in self._store.marks(own.number)
        if not contact.notices or in_chat or shown.status not in HEARD[told.kind]:
            return None
        return text_of(told.kind, own, shown, telling)

    def sent(self, parcel: Parcel) -> None:
        """Note that it was told, so that the chat does not; of an answer the chat still tells the words."""
        told, number = _told(parcel), CaseNumber(str(parcel.number))
        if told.kind != CALLED_BACK and self._store.by_number(number).sender == parcel.sender:
            self._store.mark(number, mark_of(told.event))

    def wish(self, sender: SenderId, language: str | None = None, notices: bool | None = None) -> bool:
        """Keep what a citizen wishes; what waits is dropped with a stop. False where nothing can be sent to them."""
        people = Contacts(self._connection)
        if people.of(sender) is None:
            return False
        people.prefer(sender, language, notices)
        if notices is False:
            self._box.drop_notices(sender, self._clock())
        return True


def text_of(kind: str, own: Case, shown: Case, telling: Telling) -> str:
    """The words of a notice: number, matter, what happened, the limit, and how to get no more of these."""
    unit = telling.unit(shown.handling.unit)
    matter = matter_of(own, telling)
    if kind == CALLED_BACK:
        said = telling.text("utter_push_called_back", number=own.number, matter=matter, unit=unit)
    else:
        to_unit = kind == DISPATCHED and shown.handling.unit
        event = telling.text("utter_note_dispatched_to", unit=unit) if to_unit else telling.text(f"utter_note_{kind}")
        said = telling.text("utter_push", number=own.number, matter=matter, event=event)
    parts = [said, telling.text("utter_push_tail")]
    if kind in WITH_LIMIT:
        parts.insert(1, telling.text("utter_push_limit", expected=f"{shown.expected_at:{TIME_FORMAT}}"))
    return "\n".join(parts)


def matter_of(case: Case, telling: Telling) -> str:
    """The first-level category, hidden where it or the kind of case is delicate."""
    category = case.draft.category
    delicate = case.anonymous or case.draft.type is DemandType.REPORT or category in DELICATE
    name = next((one for one in telling.catalogue.categories if one.zh == category and not delicate), None)
    return name.in_language(telling.language) if name else telling.text("utter_push_matter")


def _told(parcel: Parcel) -> _Told:
    about = parcel.bubbles[0]
    return _Told(int(about["event"]), str(about["kind"]), CaseNumber(str(about["shown"])))
