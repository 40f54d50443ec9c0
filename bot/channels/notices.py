"""Notices of case changes: written in the transaction of the change, worded when sent, told in one place only.

Nothing personal is in them: number, status, unit and the category, and not even that of a delicate case.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    JSON,
    CompoundSelect,
    Connection,
    DateTime,
    Insert,
    String,
    and_,
    bindparam,
    cast,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union_all,
)

from bot.cases.case import Case, DemandType
from bot.cases.notices import CALLED_BACK, TELLING, mark_of
from bot.cases.number import CaseNumber
from bot.cases.states import OPEN, Status
from bot.cases.store import DatabaseCases
from bot.cases.tables import case_followers, cases
from bot.cases.telling import TIME_FORMAT, Telling
from bot.channels.contacts import Contact, Contacts
from bot.channels.outbox import Kind, Outbox, Parcel, State
from bot.channels.places import Place, Places, first_of
from bot.channels.tables import contacts, notice_places, outbox
from bot.errors import UnknownCase
from bot.messages import SenderId

logger = logging.getLogger("chengda")
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
    """What a row of the outbox is about: the event, the case it happened to, and whose case it is or who follows it."""

    event: int
    kind: str
    shown: CaseNumber
    person: SenderId


class Mailing:
    """Notices inside one transaction; the caller commits."""

    kinds = HEARD.keys()

    def __init__(
        self, connection: Connection, store: DatabaseCases, box: Outbox, clock: Callable[[], datetime]
    ) -> None:
        self._connection, self._store, self._box, self._clock = connection, store, box, clock
        self.places = Places(connection)

    def hear(self, number: CaseNumber, kind: str, event: int) -> None:
        """Post a notice to everybody whose case this is, is merged into it or follows it, and who wants notices.

        Each citizen is told at one place: the first that is allowed and can be reached (`places.first_of`).
        """
        about = [{"event": event, "kind": kind, "shown": number}]
        told = {"case": number, "stem": f"notice:{event}:", "about": about, "now": self._clock().astimezone(UTC)}
        made = self._connection.execute(_posting(), told)
        self._box.changed = self._box.changed or made.rowcount > 0

    def worded(self, parcel: Parcel, contact: Contact, telling: Telling) -> str | None:
        """The text of a notice; None where it is no longer wanted or true, or was told in the chat."""
        told = _told(parcel)
        try:
            own, shown = self._store.by_number(CaseNumber(str(parcel.number))), self._store.by_number(told.shown)
        except UnknownCase:
            return None
        in_chat = told.person == own.sender and mark_of(told.event) in self._store.marks(own.number)
        if not contact.notices or in_chat or shown.status not in HEARD[told.kind]:
            return None
        return text_of(told.kind, own, shown, telling)

    def sent(self, parcel: Parcel) -> None:
        """Note that it was told, so that the chat does not; of an answer the chat still tells the words."""
        told, number = _told(parcel), CaseNumber(str(parcel.number))
        if told.kind != CALLED_BACK and self._store.by_number(number).sender == told.person:
            self._store.mark(number, mark_of(told.event))

    def passed_on(self, parcel: Parcel, closed: bool, error: str) -> State | None:
        """Send a notice that one place did not take to the next allowed one, or let it wait where a window is closed.

        None where there is neither. It stays one row of the outbox, so it is never on its way to two places.
        """
        tried = {**parcel.bubbles[0].get("tried", {}), parcel.sender: closed}
        ours = self._places_of(parcel)
        place, state = first_of([one for one in ours if one.sender not in tried]), State.WAITING
        if place is None and not closed:
            place, state = next((one for one in ours if tried.get(one.sender)), None), State.HELD
        if place is None:
            return None
        # Neither receiver nor words: a log is no place for personal data.
        logger.info("notice %s: %s by %s, %s for %s", parcel.id, error, parcel.channel, state, place.channel)
        self._box.redirect(parcel, place.sender, place.channel, place.language, tried, state, self._clock(), error)
        return state

    def failed_outside(self, channel: str, external_id: str, error: str) -> bool:
        """The messenger told later that a message did not arrive; a notice goes on to the next place. False if unknown.

        A failure that comes before its sending was written down is to be kept by the door (`Seen`).
        """
        failed = self._box.failed_outside(channel, external_id, self._clock(), error)
        for parcel in failed:
            if parcel.kind is Kind.NOTICE:
                self._store.unmark(CaseNumber(str(parcel.number)), mark_of(_told(parcel).event))
                self.passed_on(parcel, False, error)
        return bool(failed)

    def choose(
        self, numbers: Iterable[CaseNumber], sender: SenderId, only: bool = False, by: SenderId | None = None
    ) -> None:
        """Tell of cases at one place from now on, also of what still waits for another one of the same citizen's."""
        for number in numbers:
            self.places.choose(number, sender, self._clock(), only, by)
            self._moved(self._box.waiting_notices(number=number))
        Contacts(self._connection).prefer(sender, notices=True)

    def choose_none(self, number: CaseNumber) -> None:
        """Tell of a case nowhere; what waits is dropped."""
        self.places.choose_none(number)
        for parcel in self._box.waiting_notices(number=number):
            if self._places_of(parcel):
                self._box.drop(parcel, self._clock())

    def erased(self, sender: SenderId) -> None:
        """A contact is about to be forgotten: what waits for it goes to the next place that is allowed."""
        self.places.forget(sender)
        Contacts(self._connection).reach(sender, False)
        self._moved(self._box.waiting_notices(sender=sender))

    def _moved(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            place = first_of(self._places_of(parcel))
            if place is not None and place.sender != parcel.sender:
                self._box.redirect(
                    parcel, place.sender, place.channel, place.language, {}, State.WAITING, self._clock()
                )

    def _places_of(self, parcel: Parcel) -> list[Place]:
        """The places of the citizen a notice is for that are allowed and in reach; none for who follows the case."""
        number = CaseNumber(str(parcel.number))
        if self._store.by_number(number).sender != _told(parcel).person:
            return []
        return [place for place in self.places.of_case(number) if place.allowed and place.reachable]

    def wish(self, sender: SenderId, language: str | None = None, notices: bool | None = None) -> bool:
        """Keep what a citizen wishes; what waits is dropped with a stop. False where nothing can be sent to them.

        It holds at all places of the cases that the citizen is told of here.
        """
        people = Contacts(self._connection)
        if people.of(sender) is None:
            return False
        people.prefer(sender, language, notices)
        if notices is False:
            self._box.drop_notices(sender, self._clock())
        for number in self.places.cases_of(sender):
            self._wished(number, self.places.of_case(number), sender, language, notices)
        return True

    def _wished(
        self, number: CaseNumber, places: Sequence[Place], sender: SenderId, language: str | None, notices: bool | None
    ) -> None:
        if not any(place.sender == sender and (place.filed or place.chosen_at) for place in places):
            return
        now = first_of(places)
        if notices and now is None:
            self.choose([number], sender)
        elif now is not None and now.sender != sender:
            Contacts(self._connection).prefer(now.sender, language)
            if notices is False:
                self.choose_none(number)


def text_of(kind: str, own: Case, shown: Case, telling: Telling) -> str:
    """The words of a message: what happened, and how to get no more of these."""
    return "\n".join((news_of(kind, own, shown, telling), telling.text("utter_notice_tail")))


def news_of(kind: str, own: Case, shown: Case, telling: Telling) -> str:
    """What happened: number, matter, event and the limit; the same in a message and beside an answer."""
    unit, named = telling.unit(shown.handling.unit), {"number": own.number, "matter": matter_of(own, telling)}
    if kind == CALLED_BACK:
        return telling.text("utter_notice_called_back", **named, unit=unit)
    to_unit = kind == DISPATCHED and shown.handling.unit
    event = telling.text("utter_note_dispatched_to", unit=unit) if to_unit else telling.text(f"utter_note_{kind}")
    said = telling.text("utter_notice", **named, event=event)
    if kind not in WITH_LIMIT:
        return said
    return "\n".join((said, telling.text("utter_notice_limit", expected=f"{shown.expected_at:{TIME_FORMAT}}")))


def matter_of(case: Case, telling: Telling) -> str:
    """The first-level category, hidden where it or the kind of case is delicate."""
    category = case.draft.category
    delicate = case.anonymous or case.draft.type is DemandType.REPORT or category in DELICATE
    name = next((one for one in telling.catalogue.categories if one.zh == category and not delicate), None)
    return name.in_language(telling.language) if name else telling.text("utter_notice_matter")


def _told(parcel: Parcel) -> _Told:
    about = parcel.bubbles[0]
    person = SenderId(parcel.key.split(":", 3)[3])
    return _Told(int(about["event"]), str(about["kind"]), CaseNumber(str(about["shown"])), person)


@lru_cache(maxsize=1)
def _posting() -> Insert:
    """Writes the notices of an event, one to each citizen; made once, as every change of a case needs it."""
    heard = _candidates().subquery()
    first = func.row_number().over(
        partition_by=(heard.c.number, heard.c.person),
        order_by=(heard.c.chosen_at.is_(None), heard.c.chosen_at.desc(), heard.c.sender != heard.c.person),
    )
    language = func.coalesce(contacts.c.notice_language, contacts.c.language).label("language")
    told = (contacts.c.sender, contacts.c.channel, contacts.c.notices, language)
    ranked = (
        select(heard.c.number, heard.c.person, *told, first.label("rank"))
        .join_from(heard, contacts, contacts.c.sender == heard.c.sender)
        .where(contacts.c.reachable)
        .subquery()
    )
    now = bindparam("now", type_=DateTime(timezone=True))
    values: dict[str, Any] = {
        # As `notice_key` words it.
        "key": bindparam("stem", type_=String) + ranked.c.number + literal(":") + ranked.c.person,
        "sender": ranked.c.sender,
        "channel": ranked.c.channel,
        "kind": literal(str(Kind.NOTICE)),
        "language": ranked.c.language,
        "bubbles": bindparam("about", type_=JSON),
        "number": ranked.c.number,
        "state": literal(str(State.WAITING)),
        "next_try_at": now,
        "created_at": now,
        "changed_at": now,
    }
    columns = (value.label(name) for name, value in values.items())
    rows = select(*columns).where(ranked.c.rank == 1, ranked.c.notices)
    return insert(outbox).from_select(list(values), rows, include_defaults=False)


def _candidates() -> CompoundSelect[Any]:
    """Who may be told of a case, and where: `person` is whose case it is, or who follows it; `sender` the place."""
    number = bindparam("case", type_=String)
    mine = or_(cases.c.number == number, cases.c.merged_into == number)
    person, chosen_at = cases.c.sender.label("person"), notice_places.c.chosen_at
    ours = and_(notice_places.c.number == cases.c.number, notice_places.c.sender == cases.c.sender)
    kept_out = func.coalesce(notice_places.c.excluded, false())
    filed = select(cases.c.number, person, cases.c.sender, chosen_at).outerjoin(notice_places, ours)
    chosen = select(cases.c.number, person, notice_places.c.sender, chosen_at).join(
        notice_places, notice_places.c.number == cases.c.number
    )
    others = (notice_places.c.sender != cases.c.sender, chosen_at.is_not(None), ~notice_places.c.excluded)
    follower = case_followers.c.sender
    known = exists().where(notice_places.c.number == number, notice_places.c.sender == follower, *others[1:])
    never = cast(null(), DateTime(timezone=True)).label("chosen_at")
    followed = select(case_followers.c.number, follower.label("person"), follower, never)
    return union_all(
        filed.where(mine, ~kept_out),
        chosen.where(mine, *others),
        followed.where(case_followers.c.number == number, ~known),
    )
