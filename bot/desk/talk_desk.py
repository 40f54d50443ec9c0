"""What one member of the staff does with talks in one transaction, recorded in the audit log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from bot.actions.file_demand import CLOSED_SLOTS
from bot.assistant import Assistant
from bot.cases.case import Case, CaseDraft
from bot.cases.number import CaseNumber
from bot.cases.states import Role
from bot.cases.telling import TIME_FORMAT, Telling
from bot.desk.joining import SOURCE, UNTOLD, Shown, Way, guest_of, join
from bot.desk.learnt import Learnt, Returned
from bot.desk.speaker import AGENT_SAID, ROLE, Speaker
from bot.desk.talks import Ending, SaidTurn, Talk, TalkState
from bot.errors import NotYourTalk, TalkOver
from bot.messages import BotMessage, MessageId
from bot.staff.accounts import Account
from bot.staff.audit import Action
from bot.staff.desk import CaseDesk
from bot.store import Work
from bot.tracker import Event, Mode, Tracker, fold

HIDDEN_CODE = "********"
JOINED = {Way.FOLLOW: "utter_joined_following", Way.MERGE: "utter_joined_merged"}


class TalkDesk:
    """Talks as one account may see and change them."""

    def __init__(self, work: Work, account: Account, now: datetime, address: str | None, assistant: Assistant) -> None:
        self._work, self._account, self._now, self._address = work, account, now, address
        self._assistant, self._domain = assistant, assistant.domain
        self._speaker = Speaker(work, now)

    def claim(self, number: int) -> Talk:
        """Take a waiting talk; raises UnknownTalk, TalkOver or TalkTaken. Claiming one's own again changes nothing."""
        talk = self._work.talks.by_number(number)
        self._work.hold(talk.sender)
        if self._work.talks.claim(number, self._account.login, self._now):
            tracker = self._work.tracker(talk.sender)
            language = _language(tracker, talk)
            joined = self._domain.say("utter_agent_joined", language)
            # No messenger brings this: some let us send only few messages, and the agent's own words follow.
            self._speaker.say(tracker, language, (joined,), (self._mode(Mode.MANUAL),), push=False)
            self._record(Action.TALK_CLAIMED, talk)
        return self._work.talks.by_number(number)

    def look(self, number: int, after: int = 0, record: bool = True) -> tuple[Talk, Tracker, tuple[SaidTurn, ...]]:
        """A talk with its conversation, by who holds it or by a supervisor; the first look is recorded.

        Without `record` nothing is written, not even that its holder looks at it.
        """
        talk = self._work.talks.by_number(number)
        if talk.claimed_by == self._account.login:
            if record and talk.state is TalkState.HELD:
                self._work.talks.seen(number, self._now)
        elif self._account.role is not Role.SUPERVISOR:
            raise NotYourTalk(f"talk {number}", {"login": talk.claimed_by or "–"})
        if record and not after:
            self._record(Action.TALK_VIEWED, talk)
        return talk, self._work.tracker(talk.sender), self._work.talks.transcript(talk.sender, after)

    def say(self, number: int, text: str, key: str) -> None:
        """Say something; the same key again says nothing. Raises UnknownTalk, TalkOver or NotYourTalk."""
        talk, tracker = self._mine(number)
        once = MessageId(f"desk:{number}:{key}"[:200])
        if self._work.answer_of(talk.sender, once) is not None:
            return
        event = self._speaker.event(AGENT_SAID, login=self._account.login, text=text)
        bubble = BotMessage(text, custom=dict(ROLE))
        self._speaker.say(tracker, _language(tracker, talk), (bubble,), (event,), once)
        self._record(Action.TALK_SAID, talk)

    def release(self, number: int) -> None:
        """Put a talk back into the queue; the supervisor may do that with anybody's."""
        talk, tracker = self._mine(number, also=Role.SUPERVISOR)
        self._work.talks.release(number)
        language = _language(tracker, talk)
        left = self._domain.say("utter_agent_left", language)
        self._speaker.say(tracker, language, (left,), (self._mode(Mode.AUTO),))
        self._record(Action.TALK_RELEASED, talk)

    def hand_back(self, number: int, returned: Returned) -> None:
        """Let the bot go on, which knows what the human said; the question of a form under way is asked again."""
        talk, tracker = self._mine(number)
        events = (self._mode(Mode.AUTO), *self._learnt(talk, tracker, returned))
        language = _language(tracker, talk)
        question = self._assistant.form_question(fold(tracker, events), self._work, language)
        messages = (self._domain.say("utter_handed_back", language), *question[-1:])
        self._speaker.say(tracker, language, messages, events)
        self._work.talks.close(number, Ending.HANDED_BACK, returned.note, self._now)
        self._record(Action.TALK_ENDED, talk, [Ending.HANDED_BACK])

    def close(self, number: int, outcome: Ending, returned: Returned) -> None:
        """End a talk whose matter is settled: the form under way ends with it."""
        talk, tracker = self._mine(number)
        known = self._learnt(talk, tracker, replace(returned, values={}, heard={}))
        events = [self._mode(Mode.AUTO), *known, *self._form_ended(tracker)]
        language = _language(tracker, talk)
        self._speaker.say(tracker, language, (self._domain.say("utter_talk_closed", language),), events)
        self._work.talks.close(number, outcome, returned.note, self._now)
        self._record(Action.TALK_ENDED, talk, [outcome])

    def file(self, number: int, draft: CaseDraft, contact: str | None, anonymous: bool, key: str) -> Case:
        """File a case for the citizen, once a key; number and query code are told to the citizen."""
        talk, tracker = self._mine(number)
        request = f"desk:{number}:{key}"[:80]
        language = _language(tracker, talk)
        case = self._work.cases.file(draft, talk.sender, language, contact, anonymous, SOURCE, request)
        once = MessageId(request)
        if self._work.answer_of(talk.sender, once) is not None:
            return case
        city, catalogue = self._assistant.analyst.city, self._assistant.catalogue
        told = self._domain.say(
            "utter_case_filed", language, number=case.number, code=case.query_code,
            agency=Telling(self._domain, catalogue, city, language).unit(case.draft.agency),
            expected=f"{case.expected_at:{TIME_FORMAT}}",
        )  # fmt: skip
        events = (*self._form_ended(tracker), self._slot("case_number", case.number))
        self._speaker.say(tracker, language, (replace(told, custom=dict(ROLE)),), events, once)
        self._work.audit.write(self._account, Action.CASE_FILED, self._address, case.number, [f"talk:{number}"])
        return case

    def join(self, number: int, leader: CaseNumber, shown: Shown = UNTOLD) -> Way:
        """Join the citizen to a case that others filed, instead of or after filing one; once each way.

        Raises UnknownCase, NotJoinable for the citizen's own, an ended or an anonymous case and without the right, or
        JoinChanged where it goes by another way by now than was `shown`.
        """
        talk, tracker = self._mine(number)
        cases = CaseDesk(self._work, self._account, self._now, self._address)
        done = [way for way in Way if self._work.answer_of(talk.sender, _joining(number, leader, way)) is not None]
        joined = join(self._work, cases, guest_of(talk), self._account.role, leader, self._now, done, shown.way)
        if joined.again:
            return joined.way
        language = _language(tracker, talk)
        telling = Telling(self._domain, self._assistant.catalogue, self._assistant.analyst.city, language)
        case = self._work.cases.by_number(leader)
        status = telling.status(self._work.closing.progress(case, self._now))
        own = joined.own.number if joined.own else ""
        told = self._domain.say(JOINED[joined.way], language, number=leader, own=own, status=status)
        events = self._form_ended(tracker)
        once = _joining(number, leader, joined.way)
        self._speaker.say(tracker, language, (replace(told, custom=dict(ROLE)),), events, once)
        if (used := shown.used(case, self._account.login, number)) is not None:
            self._work.suggestions.write(used, self._now)
        told_to = [f"talk:{number}", joined.way]
        self._work.audit.write(self._account, Action.CASE_JOINED, self._address, leader, told_to)
        return joined.way

    def _learnt(self, talk: Talk, tracker: Tracker, returned: Returned) -> tuple[Event, ...]:
        return tuple(Learnt(self._work, self._assistant, talk, tracker, self._now).events(returned))

    def _form_ended(self, tracker: Tracker) -> tuple[Event, ...]:
        if tracker.active_form is None:
            return ()
        ended = self._speaker.event("active_loop")
        return (ended, *(self._slot(name, None) for name in CLOSED_SLOTS if name in tracker.slots))

    def _mine(self, number: int, also: Role | None = None) -> tuple[Talk, Tracker]:
        talk = self._work.talks.by_number(number)
        self._work.hold(talk.sender)
        if also is not None and self._account.role is also:
            talk = self._work.talks.by_number(number)
            if talk.state is not TalkState.HELD:
                raise TalkOver(f"talk {number} is held by nobody")
        else:
            talk = self._work.talks.check_own(number, self._account.login)
            self._work.talks.seen(number, self._now)
        return talk, self._work.tracker(talk.sender)

    def _mode(self, mode: Mode) -> Event:
        return self._speaker.event("mode", mode)

    def _slot(self, name: str, value: object) -> Event:
        return self._speaker.event("slot", value, name)

    def _record(self, action: Action, talk: Talk, fields: Collection[str] = ()) -> None:
        told = [f"talk:{talk.number}", *fields]
        self._work.audit.write(self._account, action, self._address, None, told)


def without_codes(text: str, cases: Collection[Case]) -> str:
    """A text without the query codes of cases, which nobody but the citizen may see."""
    for case in cases:
        text = text.replace(case.query_code, HIDDEN_CODE)
    return text


def _joining(number: int, leader: CaseNumber, way: Way) -> MessageId:
    return MessageId(f"desk:{number}:join:{leader}:{way}")


def _language(tracker: Tracker, talk: Talk) -> str:
    return str(tracker.slot("language") or talk.language)
