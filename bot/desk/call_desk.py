"""What one member of the staff does beside telephone calls in one transaction, recorded in the audit log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.cases.case import Case, CaseDraft
from bot.cases.duplicate_finder import Found
from bot.cases.number import CaseNumber
from bot.cases.telling import Telling
from bot.desk.joining import UNTOLD, Guest, Known, Shown, Way, join, joined_to, known_cases
from bot.errors import UnknownCall
from bot.language import detect
from bot.messages import SenderId
from bot.phone.calls import CallRecord
from bot.phone.segment import LANGUAGES, Speaker
from bot.phone.speech import speech_of
from bot.staff.accounts import Account
from bot.staff.audit import Action
from bot.staff.desk import CaseDesk
from bot.store import Work

SOURCE = "phone"
ToldIn = Callable[[str], Telling]
Find = Callable[[Work, CaseDraft], Sequence[Found]]
JOINED = {Way.FOLLOW: "utter_call_joined_following", Way.MERGE: "utter_call_joined_merged"}


@dataclass(frozen=True)
class ToldJoin:
    """How a caller was joined to a case, and the words by which the agent tells so."""

    way: Way
    words: str
    language: str


class CallDesk:
    """Calls as one account may work on them: a call is nobody's own, what two do at once is done once."""

    def __init__(self, work: Work, account: Account, now: datetime, address: str | None, told_in: ToldIn) -> None:
        self._work, self._account, self._now, self._address = work, account, now, address
        self._told_in = told_in

    def file(self, call_id: str, draft: CaseDraft, contact: str | None, anonymous: bool, key: str) -> Case:
        """File the case of a call, once a key; raises UnknownCall."""
        record, guest = self._held(call_id)
        request, language = _request(call_id, key), self._language(record)
        made = self._work.cases.file(draft, guest.sender, language, contact, anonymous, SOURCE, request)
        self._work.audit.write(self._account, Action.CASE_FILED, self._address, made.number, [f"call:{call_id}"])
        return made

    def known(self, call_id: str, draft: CaseDraft, find: Find) -> tuple[Known, ...]:
        """The cases found on what a call is about; raises UnknownCall. Nothing is written."""
        self._call(call_id)
        found = find(self._work, draft)
        return known_cases(self._work, _guest(call_id), self._account.role, draft, self._now, found)

    def join(self, call_id: str, leader: CaseNumber, shown: Shown = UNTOLD) -> ToldJoin:
        """Join the caller to a case that others filed, instead of or after filing one; once each way.

        Raises UnknownCall, UnknownCase, NotJoinable or JoinChanged, as joining in a talk does.
        """
        record, guest = self._held(call_id)
        by = joined_to(self._work, guest).get(leader)
        cases = CaseDesk(self._work, self._account, self._now, self._address)
        done = () if by is None else (by,)
        joined = join(self._work, cases, guest, self._account.role, leader, self._now, done, shown.way)
        case = self._work.cases.by_number(leader)
        if not joined.again:
            if (used := shown.used(case, self._account.login, None)) is not None:
                self._work.suggestions.write(used, self._now)
            told = [f"call:{call_id}", joined.way]
            self._work.audit.write(self._account, Action.CASE_JOINED, self._address, leader, told)
        language = self._language(record)
        return ToldJoin(joined.way, self._words(case, joined.way, language), language)

    def _words(self, case: Case, way: Way, language: str) -> str:
        """What the agent says, as it is read out: number and status, nothing else of another's case."""
        telling = self._told_in(language)
        status = telling.status(self._work.closing.progress(case, self._now))
        text = telling.text(JOINED[way], number=case.number, status=status)
        return speech_of([{"text": text}], language, telling.domain).text

    def _held(self, call_id: str) -> tuple[CallRecord, Guest]:
        """A call that nobody else files or joins for until the transaction ends."""
        record, guest = self._call(call_id), _guest(call_id)
        self._work.hold(guest.sender)
        return record, guest

    def _call(self, call_id: str) -> CallRecord:
        record = self._work.calls.of(call_id)
        if record is None:
            raise UnknownCall(call_id)
        return record

    def _language(self, record: CallRecord) -> str:
        """The language the caller speaks, else the one told by who brings the call."""
        said = (one.text for _, one in self._work.calls.said(record.id) if one.speaker is Speaker.CALLER)
        spoken = detect(" ".join(said)).language
        return next((one for one in (spoken, record.language) if one in LANGUAGES), LANGUAGES[0])


def _guest(call_id: str) -> Guest:
    return Guest(SenderId(f"phone:{call_id}"[:200]), SOURCE)


def _request(call_id: str, key: str) -> str:
    """The key of a filing: of all of both, as gateways give calls names that begin alike."""
    return f"call:{hashlib.sha256(json.dumps([call_id, key]).encode()).hexdigest()}"
