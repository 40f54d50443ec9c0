"""Where a citizen is told of a case: where it was filed, unless another place was chosen by who knows its code.

Whoever showed the query code of a case somewhere else may be told there too, once that place was chosen. A place that
cannot deliver is followed by the next one that is allowed; a stop at the first one ends it, as it is a wish.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, or_, select, update

from bot.cases.number import CaseNumber
from bot.cases.tables import cases
from bot.channels.parcel import Kind, State
from bot.channels.tables import contacts, notice_places, outbox
from bot.database import insert_into
from bot.messages import SenderId
from bot.moments import in_utc
from bot.tables import turns

NEWEST_CASES = 50
JUST_BEFORE = timedelta(microseconds=1)
# How long after a notice a bare "stop" may mean it.
TOLD_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Place:
    """One contact that may be told of a case; `kind` is that of its messenger, `filed` where the case came from."""

    sender: SenderId
    channel: str
    kind: str
    language: str
    notices: bool
    reachable: bool
    filed: bool
    chosen_at: datetime | None
    excluded: bool

    @property
    def allowed(self) -> bool:
        """Whether a notice may go there at all."""
        return not self.excluded and (self.filed or self.chosen_at is not None)

    @property
    def open(self) -> bool:
        """Whether notices would come there if it were chosen: in reach, and not stopped by its own word."""
        return self.reachable and self.notices


class Places:
    """Places inside one transaction; the caller commits."""

    def __init__(self, connection: Connection, channels: Collection[str] | None = None) -> None:
        """`channels` are those served here, all others out of reach; None where that is not known."""
        self._connection, self._channels = connection, channels

    def shown(self, number: CaseNumber, sender: SenderId, now: datetime) -> bool:
        """The code of a case filed elsewhere was given here: it may be chosen from now on. True the first time.

        Nothing is kept of who cannot be written to.
        """
        known = self._connection.execute(select(contacts.c.sender).where(contacts.c.sender == sender)).scalar()
        if known is None:
            return False
        made = self._connection.execute(
            insert_into(self._connection, notice_places)
            .values(number=number, sender=sender, shown_at=now.astimezone(UTC))
            .on_conflict_do_nothing()
            .returning(notice_places.c.number)
        )
        return made.scalar() is not None

    def told(self, sender: SenderId, now: datetime) -> bool:
        """Whether a notice was sent to somebody in the last days."""
        sent = _sent_to(sender, now).where(outbox.c.kind == Kind.NOTICE).limit(1)
        return self._connection.execute(sent).first() is not None

    def told_last(self, sender: SenderId, conversation: SenderId, now: datetime) -> bool:
        """Whether a notice of the last days is what somebody was sent last, after every answer of a conversation."""
        newest = _sent_to(sender, now).order_by(outbox.c.changed_at.desc(), outbox.c.id.desc()).limit(1)
        sent = self._connection.execute(newest).one_or_none()
        if sent is None or sent.kind != Kind.NOTICE:
            return False
        answered = select(turns.c.at).where(turns.c.sender == conversation).order_by(turns.c.id.desc()).limit(1)
        at = self._connection.execute(answered).scalar()
        return at is None or in_utc(at) <= in_utc(sent.changed_at)

    def of_case(self, number: CaseNumber) -> tuple[Place, ...]:
        """The places of a case: the chosen ones, the newest choice first, where it was filed, and the others."""
        ours = and_(notice_places.c.number == number, notice_places.c.sender == contacts.c.sender)
        query = (
            select(contacts, notice_places.c.shown_at, notice_places.c.chosen_at, notice_places.c.excluded,
                   notice_places.c.language.label("wished"), cases.c.sender.label("filer"))
            .join_from(contacts, cases, cases.c.number == number)
            .outerjoin(notice_places, ours)
            .where(or_(contacts.c.sender == cases.c.sender, notice_places.c.sender.is_not(None)))
        )  # fmt: skip
        rows = self._connection.execute(query).all()
        newest = sorted(rows, key=lambda row: in_utc(row.shown_at) if row.shown_at else _NEVER, reverse=True)
        found = [
            Place(
                SenderId(row.sender), row.channel, row.kind or row.channel,
                row.wished or row.notice_language or row.language, row.notices,
                row.reachable and (self._channels is None or row.channel in self._channels),
                row.sender == row.filer, row.chosen_at and in_utc(row.chosen_at), bool(row.excluded),
            )
            for row in newest
        ]  # fmt: skip
        return tuple(sorted(found, key=_order))

    def cases_of(self, sender: SenderId) -> tuple[CaseNumber, ...]:
        """The cases a sender filed or showed the code of, the newest first."""
        shown = select(notice_places.c.number).where(notice_places.c.sender == sender)
        own = or_(cases.c.sender == sender, cases.c.number.in_(shown))
        query = select(cases.c.number).where(own).order_by(cases.c.filed_at.desc(), cases.c.number.desc())
        return tuple(map(CaseNumber, self._connection.execute(query.limit(NEWEST_CASES)).scalars()))

    def choose(
        self, number: CaseNumber, sender: SenderId, now: datetime, only: bool = False, by: SenderId | None = None
    ) -> None:
        """Tell of a case at one place first, or there alone; else where it was asked for (`by`) comes next."""
        self._all(number, excluded=only)
        if by is not None and by != sender and not only:
            self._keep(number, by, chosen_at=now - JUST_BEFORE, excluded=False)
        self._keep(number, sender, chosen_at=now, excluded=False)

    def choose_none(self, number: CaseNumber) -> None:
        """Tell of a case nowhere."""
        self._all(number, excluded=True)

    def speaks_of(self, number: CaseNumber, sender: SenderId, language: str) -> None:
        """The language in which one case is told of at a place; its other notices come as they did."""
        self._keep(number, sender, language=language)

    def speaks(self, sender: SenderId) -> None:
        """A place said itself in which language it is told: that holds for all cases."""
        own = notice_places.c.sender == sender
        self._connection.execute(update(notice_places).where(own).values(language=None))

    def filer(self, number: CaseNumber) -> SenderId | None:
        """Whose case it is; None for an unknown number."""
        found = self._connection.execute(select(cases.c.sender).where(cases.c.number == number)).scalar()
        return None if found is None else SenderId(found)

    def forget(self, sender: SenderId) -> None:
        """A contact that was erased is no place any more."""
        self._connection.execute(delete(notice_places).where(notice_places.c.sender == sender))

    def _all(self, number: CaseNumber, excluded: bool) -> None:
        filer = self.filer(number)
        if filer is not None:
            self._keep(number, filer, excluded=excluded)
        self._connection.execute(
            update(notice_places).where(notice_places.c.number == number).values(excluded=excluded)
        )

    def _keep(self, number: CaseNumber, sender: SenderId, **values: Any) -> None:
        kept = {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in values.items()}
        self._connection.execute(
            insert_into(self._connection, notice_places)
            .values(number=number, sender=sender, **kept)
            .on_conflict_do_update(index_elements=[notice_places.c.number, notice_places.c.sender], set_=kept)
        )


_NEVER = datetime.min.replace(tzinfo=UTC)


def _sent_to(sender: SenderId, now: datetime) -> Select[Any]:
    """What somebody was sent in the last days, when and why."""
    arrived = outbox.c.state.in_((State.SENT, State.UNKNOWN))
    fresh = outbox.c.changed_at >= (now - TOLD_FOR).astimezone(UTC)
    return select(outbox.c.kind, outbox.c.changed_at).where(outbox.c.sender == sender, arrived, fresh)


def _order(place: Place) -> tuple[int, float]:
    if place.chosen_at is not None:
        return 0, -place.chosen_at.timestamp()
    return (1 if place.filed else 2), 0.0


def first_of(places: Sequence[Place]) -> Place | None:
    """Where a notice goes now; None where nowhere, as after a stop at the place that comes first."""
    first = next((place for place in places if place.allowed and place.reachable), None)
    return first if first is not None and first.notices else None
