"""Notices of case changes: written in the transaction of the change, worded when sent, told in one place only.

Nothing personal is in them: number, status, unit and the category, and not even that of a delicate case.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from sqlalchemy import Connection

from bot.cases.case import Case, DemandType
from bot.cases.notices import CALLED_BACK, TELLING, mark_of
from bot.cases.number import CaseNumber
from bot.cases.states import OPEN, Status
from bot.cases.store import DatabaseCases
from bot.cases.telling import TIME_FORMAT, Telling
from bot.channels.audience import posting
from bot.channels.contacts import Contact, Contacts
from bot.channels.outbox import Outbox
from bot.channels.parcel import Kind, Parcel, State
from bot.channels.places import Place, Places, first_of
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
        self,
        connection: Connection,
        store: DatabaseCases,
        box: Outbox,
        clock: Callable[[], datetime],
        channels: frozenset[str] | None = None,
    ) -> None:
        """`channels` are those that are served here; None where that is not known."""
        self._connection, self._store, self._box, self._clock = connection, store, box, clock
        self._channels, self.places = channels, Places(connection, channels)

    def hear(self, number: CaseNumber, kind: str, event: int) -> None:
        """Post a notice to everybody whose case this is, is merged into it or follows it, and who wants notices.

        Each citizen is told at one place: the first that is allowed and can be reached (`places.first_of`). One at a
        channel that is not served any more is told of only where there is no other, and waits for it.
        """
        about = [{"event": event, "kind": kind, "shown": number}]
        told = {"case": number, "stem": f"notice:{event}:", "about": about, "now": self._clock().astimezone(UTC)}
        if self._channels is not None:
            told["channels"] = sorted(self._channels)
        made = self._connection.execute(posting(self._channels is not None), told)
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

    def strayed(self, parcel: Parcel) -> bool:
        """Whether a notice may go no more where it is addressed to; one to who follows the case always may."""
        if not self._own(parcel):
            return False
        place = self._place(parcel)
        return place is None or not place.allowed

    def language(self, parcel: Parcel, contact: Contact) -> str:
        """The language of a notice: as wished for this case, else as the one who gets it wishes."""
        place = self._place(parcel) if self._own(parcel) else None
        return contact.told_in if place is None else place.language

    def sent(self, parcel: Parcel) -> None:
        """Note that it was told, so that the chat does not; of an answer the chat still tells the words."""
        told = _told(parcel)
        if told.kind != CALLED_BACK and self._own(parcel):
            self._store.mark(CaseNumber(str(parcel.number)), mark_of(told.event))

    def passed_on(self, parcel: Parcel, closed: bool, error: str) -> State | None:
        """Send a notice that one place did not take to the next allowed one, or let it wait where a window is closed.

        None where there is neither, or where somebody else decided of it meanwhile. It stays one row of the outbox, so
        it is never on its way to two places.
        """
        tried = {**parcel.bubbles[0].get("tried", {}), parcel.sender: closed}
        ours = self._places_of(parcel)
        place, state = first_of([one for one in ours if one.sender not in tried]), State.WAITING
        if place is None and not closed:
            place, state = next((one for one in ours if tried.get(one.sender)), None), State.HELD
        if place is None:
            return None
        if not self._redirected(parcel, place, tried, state, error):
            return None
        # Neither receiver nor words: a log is no place for personal data.
        logger.info("notice %s: %s by %s, %s for %s", parcel.id, error, parcel.channel, state, place.channel)
        return state

    def failed_outside(self, channel: str, external_id: str, error: str, closed: bool = False) -> bool:
        """The messenger told later that a message did not arrive; a notice goes on to the next place. False if unknown.

        Where the window was `closed` and there is no other place, it waits until the citizen writes again. A failure
        that comes before its sending was written down is to be kept by the door (`Seen`).
        """
        failed = self._box.failed_outside(channel, external_id, self._clock(), error)
        for parcel in failed:
            if closed:
                Contacts(self._connection).close_window(parcel.sender)
            if parcel.kind is not Kind.NOTICE:
                continue
            if self._own(parcel):
                self._store.unmark(CaseNumber(str(parcel.number)), mark_of(_told(parcel).event))
            if self.passed_on(parcel, closed, error) is None and closed:
                tried = {**parcel.bubbles[0].get("tried", {}), parcel.sender: True}
                self._redirected(parcel, parcel, tried, State.HELD, error)
        return bool(failed)

    def choose(
        self, numbers: Iterable[CaseNumber], sender: SenderId, only: bool = False, by: SenderId | None = None
    ) -> None:
        """Tell of cases at one place from now on, also of what still waits for another one of the same citizen's.

        `by` is who wishes it: only at that place itself it also ends a stop of all notices there.
        """
        if by == sender:
            Contacts(self._connection).prefer(sender, notices=True)
        for number in numbers:
            self.places.choose(number, sender, self._clock(), only, by)
            self._moved(self._sure(number=number))

    def choose_none(self, number: CaseNumber) -> None:
        """Tell the citizen of a case nowhere; what waits is dropped. Who follows it is told on."""
        self.places.choose_none(number)
        for parcel in self._box.waiting_notices(number=number):
            if self._own(parcel):
                self._box.drop(parcel, self._clock())

    def erased(self, sender: SenderId) -> None:
        """A contact is about to be forgotten: what is still to go there goes to the next place that is allowed."""
        self.places.forget(sender)
        Contacts(self._connection).reach(sender, False)
        self._moved(self._box.waiting_notices(sending=True, sender=sender))

    def unserved(self) -> None:
        """What waits at channels that are not served any more goes to the next place, where there is one."""
        if self._channels is not None:
            served = self._channels
            self._moved(parcel for parcel in self._sure() if parcel.channel not in served)

    def _sure(self, **those: str) -> tuple[Parcel, ...]:
        """The notices that wait and surely did not arrive yet."""
        return tuple(parcel for parcel in self._box.waiting_notices(False, **those) if not parcel.begun)

    def _moved(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            place = first_of(self._places_of(parcel))
            if place is not None and place.sender != parcel.sender:
                self._redirected(parcel, place, {}, State.WAITING, None)

    def _redirected(
        self, parcel: Parcel, to: Place | Parcel, tried: Mapping[str, bool], state: State, error: str | None
    ) -> bool:
        return self._box.redirect(parcel, to.sender, to.channel, to.language, tried, state, self._clock(), error)

    def _own(self, parcel: Parcel) -> bool:
        """Whether a notice is for the citizen whose case it is, not for who follows it."""
        return self.places.filer(CaseNumber(str(parcel.number))) == _told(parcel).person

    def _place(self, parcel: Parcel) -> Place | None:
        places = self.places.of_case(CaseNumber(str(parcel.number)))
        return next((place for place in places if place.sender == parcel.sender), None)

    def _places_of(self, parcel: Parcel) -> list[Place]:
        """The places of the citizen a notice is for that are allowed and in reach; none for who follows the case."""
        if not self._own(parcel):
            return []
        places = self.places.of_case(CaseNumber(str(parcel.number)))
        return [place for place in places if place.allowed and place.reachable]

    def wish(self, sender: SenderId, language: str | None = None, notices: bool | None = None) -> bool:
        """Keep what a citizen wishes; what waits is dropped with a stop. False where nothing can be sent to them.

        It holds for the cases that the citizen is told of here, wherever notices of them go; of another place nothing
        is changed but what it is told of these.
        """
        people = Contacts(self._connection)
        if people.of(sender) is None:
            return False
        people.prefer(sender, language, notices)
        if language is not None:
            self.places.speaks(sender)
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
            self.choose([number], sender, by=sender)
        elif now is not None and now.sender != sender:
            if language is not None:
                self.places.speaks_of(number, now.sender, language)
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
