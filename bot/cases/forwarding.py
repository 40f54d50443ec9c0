"""Cases of a city that another one handles: filed here first, then handed over like to any unit."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.cases.case import SYSTEM, Case, CaseDraft, Facts
from bot.cases.counter import Numbers
from bot.cases.states import Move, Status
from bot.cases.store import CHAT, Clock, DatabaseCases
from bot.messages import SenderId


class ForwardingCases(DatabaseCases):
    """A CaseStore whose new cases go to one unit at once; the row and its hand-over are of one transaction.

    A case without an item stays at our desk: another city can only take what its own list of services has.
    """

    def __init__(self, connection: Connection, prefix: str, clock: Clock, numbers: Numbers, unit: str) -> None:
        super().__init__(connection, prefix, clock, numbers)
        self._unit = unit

    def file(
        self,
        draft: CaseDraft,
        sender: SenderId,
        language: str,
        contact: str | None,
        anonymous: bool,
        source: str = CHAT,
        request_key: str | None = None,
    ) -> Case:
        """Make a case and hand it over; the same `request_key` again gives the case it made before."""
        case = super().file(draft, sender, language, contact, anonymous, source, request_key)
        if case.status is not Status.SUBMITTED or len(case.timeline) > 1 or draft.service_item is None:
            return case
        self.move(case.number, Move.ACCEPT, SYSTEM)
        return self.move(case.number, Move.DISPATCH, SYSTEM, Facts(unit=self._unit))
