"""The assistant: a message in, a turn out, everything of it in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot import caution, form_policy, policies
from bot.action_table import ASKED_AGAIN, act
from bot.actions import (
    hand_off,
    notice_wish,
    notices,
    say,
    several,
)
from bot.answer import render
from bot.bookkeeping import ALARMS, kept_in_mind
from bot.case_detail import case_detail
from bot.cases.analysis import DemandAnalyst
from bot.cases.duplicate_finder import DuplicateFinder, KnownCases
from bot.cases.taught import TaughtDispatcher
from bot.cases.units import units_of
from bot.desk.approval import Approval
from bot.desk.hours import ALWAYS, DeskHours
from bot.desk.silence import freed, silent
from bot.domain import Domain
from bot.giving_up import without_dropping
from bot.learning.queue import Rating, ToldTurn
from bot.live import BUDGET as LIVE_BUDGET
from bot.live import LiveDesk, LiveWanted
from bot.messages import BotMessage, MessageId, SenderId, UserMessage
from bot.nlu.parse import Parse, Understanding
from bot.nlu.paths import PathFinder
from bot.nlu.said import says_false_alarm
from bot.nlu.wants_person import asks_person
from bot.policies import SURE_SHARE, SURE_SIMILARITY, Decision
from bot.rating_policy import rating
from bot.reply_language import reply_language
from bot.second_wish import answers_it, second_wish
from bot.store import Store, Work
from bot.subject import SubjectFinder
from bot.tracker import Event, Mode, Tracker, fold
from bot.turn import ActionResult, Outcome, Turn, TurnContext
from knowledge.catalogue import Catalogue
from knowledge.facts import FactFinder
from knowledge.retriever import Retriever
from knowledge.verdict import Verdict

DROPS = "action_cancel_form"
ALL_CLEAR = "utter_all_clear"
# Decides and acts in a turn; gives what was done and the intent that was read.
Run = Callable[[TurnContext, Work], tuple[ActionResult, str]]
# Told of a turn once it is stored; must neither wait nor raise.
Watcher = Callable[[UserMessage, Parse, list[dict[str, Any]]], None]
# Done in the transaction of a turn with its answer, also when the turn was stored before.
AndThen = Callable[[Work, list[dict[str, Any]]], None]

# Answers in the assistant's place, over its `handle`.
StandIn = Callable[["Assistant", UserMessage, AndThen | None], list[dict[str, Any]]]


class Assistant:
    """The engine behind every channel."""

    def __init__(
        self,
        domain: Domain,
        rules: Mapping[str, str],
        catalogue: Catalogue,
        understanding: Understanding,
        paths: PathFinder,
        retriever: Retriever,
        facts: FactFinder,
        subjects: SubjectFinder,
        analyst: DemandAnalyst,
        store: Store,
        clock: Callable[[], datetime],
        dispatcher: TaughtDispatcher,
        max_chars: int,
        session_minutes: int,
        live: LiveDesk | None = None,
    ) -> None:
        self.domain = domain
        self.catalogue = catalogue
        self.understanding = understanding
        self.paths = paths
        self.retriever = retriever
        self.facts = facts
        self.subjects = subjects
        self.analyst = analyst
        self.store = store
        self.clock = clock
        self.dispatcher = dispatcher
        self.live = live or LiveDesk()
        self.parts: tuple[str, ...] = ()
        self.duplicates: DuplicateFinder | None = None
        self.hours: DeskHours = ALWAYS
        self.approval = Approval()
        self.max_chars = max_chars
        self._session_seconds = session_minutes * 60
        self.watchers: list[Watcher] = []
        self.stand_in: StandIn | None = None
        self._policies: tuple[policies.Policy, ...] = (
            policies.all_clear,
            policies.safety,
            policies.emergency_call,
            policies.notices,
            policies.call_back,
            policies.person,
            policies.language,
            policies.identity,
            rating,
            policies.path,
            policies.choice,
            form_policy.form,
            case_detail,
            policies.several,
            policies.Rules(rules),
        )

    def handle(
        self, message: UserMessage, and_then: AndThen | None = None, run: Run | None = None
    ) -> list[dict[str, Any]]:
        """Answer a message, by another `run` where given; the same `message_id` again gets the same answer."""
        parse = self.understanding.parse(message.text[: self.max_chars], message.language_hint)
        live, deadline = self.live, time.monotonic() + LIVE_BUDGET
        while True:
            try:
                return self._handled(message, parse, live, and_then, run)
            except LiveWanted as wanted:
                # The turn was rolled back: nobody else waits for the database while a live source is asked.
                live = live.looked_up(wanted.asks, self.clock(), deadline)

    def _handled(
        self, message: UserMessage, parse: Parse, live: LiveDesk, and_then: AndThen | None, run: Run | None
    ) -> list[dict[str, Any]]:
        with self.store.work() as work:
            # First who writes, then the conversation behind: one order for all turns.
            work.hold(message.sender)
            if message.kept_as != message.sender:
                work.hold(message.kept_as)
            known = work.answer_of(message.kept_as, message.message_id)
            if known is not None:
                if and_then is not None:
                    and_then(work, known)
                return known
            now = self.clock()
            before, opening = self.opened(work.tracker(message.kept_as), work, now)
            held = silent(message, parse, before, work, now, self.max_chars, self.domain)
            if held is not None:
                notice_wish.keep_wish(message.text, message.sender, work.mailing)
            turn, after = held or self._turn(message, parse, before, work, now, live, run or self.run)
            if self.approval.wanted(turn):
                kept = render(self.approval.held(turn), message.sender, self.catalogue, units_of(self.analyst.city))
                turn = self.approval.asked(work.drafts, message, turn, kept, self.domain, now)
            answer = render(turn, message.sender, self.catalogue, units_of(self.analyst.city))
            number = work.save(after, message.message_id, (*opening, *turn.events), answer, now)
            if held is None and run is None:
                told = ToldTurn(number, message.text, answer)
                work.learning.note(told, lambda: work.told(message.kept_as, before=number), self.domain, now.date())
            if and_then is not None:
                and_then(work, answer)
        for watch in self.watchers if run is None else ():
            watch(message, parse, answer)
        return answer

    def rate(self, sender: SenderId, message_id: MessageId | None, rating: Rating) -> bool:
        """Take a rating of the turn of a message, or of the last turn; False when there is no such turn."""
        with self.store.work() as work:
            work.hold(sender)
            told = work.told(sender, message_id)
            if told is not None:
                work.learning.rate(told, rating, self.domain, self.clock().date())
        return told is not None

    def opened(self, tracker: Tracker, work: Work, now: datetime) -> tuple[Tracker, tuple[Event, ...]]:
        """The tracker with a fresh session after a long silence, unless a person holds the conversation."""
        opening = freed(tracker, work.talks, now)
        held = fold(tracker, opening).mode is Mode.MANUAL
        if not held and now.timestamp() - tracker.last_at > self._session_seconds:
            opening = (*opening, Event("session_started", now.timestamp()))
        return fold(tracker, opening), opening

    def _turn(
        self, message: UserMessage, parse: Parse, tracker: Tracker, work: Work, now: datetime, live: LiveDesk, run: Run
    ) -> tuple[Turn, Tracker]:
        language = reply_language(parse, tracker, message.language_hint)
        context = self.context(message, parse, tracker, language, work, now, live)
        result, intent = run(context, work)
        events = (
            Event("user", now.timestamp(), name=intent, text=message.text[: self.max_chars]),
            *((context.slot("language", language),) if tracker.slot("language") != language else ()),
            *result.events,
            *(Event("bot", now.timestamp(), text=bubble.text) for bubble in result.messages),
        )
        after = fold(tracker, events)
        turn = Turn(
            result.outcome, language, result.messages, intent, parse.confidence, events, result.hits,
            result.sources, result.cases, result.reveal_code, after.active_form, after.requested_slot,
            parse.detected.traditional, result.belief, result.follows, result.told,
            result.leads,
        )  # fmt: skip
        return turn, after

    def context(
        self, message: UserMessage, parse: Parse, tracker: Tracker, language: str, work: Work, now: datetime,
        live: LiveDesk,
    ) -> TurnContext:  # fmt: skip
        """What actions get, in a transaction."""
        return TurnContext(
            message, parse, tracker, language, now, self.domain, self.catalogue, self.retriever,
            self.analyst, work.cases, work.handoffs, self.understanding.parse,
            self.facts, self.paths, self.subjects, work.closing,
            KnownCases(self.duplicates, work.connection, work.cases, work.followers, now) if self.duplicates else None,
            live, self.hours, work.mailing.places,
        )  # fmt: skip

    def form_question(self, tracker: Tracker, work: Work, language: str) -> tuple[BotMessage, ...]:
        """The question of the running form once more, nothing when none runs."""
        again = ASKED_AGAIN.get(tracker.active_form or "")
        if again is None:
            return ()
        message = UserMessage(tracker.sender, "")
        parse = self.understanding.parse("", language)
        return again(self.context(message, parse, tracker, language, work, self.clock(), self.live)).messages

    def service_named(self, text: str) -> str | None:
        """The service a text surely speaks of, None when it is not sure."""
        parse = self.understanding.parse(text[: self.max_chars])
        found = self.retriever.search(parse.canonical, parse.vector)
        sure = found.verdict is Verdict.ANSWERED and found.best.score >= SURE_SHARE
        return found.best.service.code if sure and found.similarity >= SURE_SIMILARITY else None

    def run(
        self, turn: TurnContext, work: Work, told: Callable[[Decision], None] | None = None
    ) -> tuple[ActionResult, str]:
        """Decide, which is `told`, and act; gives what was done and the intent that was read."""
        length = len(turn.message.text)
        if length > self.max_chars:
            refusal = turn.say("utter_too_long", length=length, limit=self.max_chars)
            return ActionResult(Outcome.CLARIFY, (refusal,)), "none"
        if not any(char.isalnum() for char in turn.parse.canonical) and turn.parse.payload is None:
            return say.utter(turn, "utter_empty", Outcome.CLARIFY), "none"
        decision, result = self._decided(turn, work)
        if told is not None:
            told(decision)
        rest = second_wish(turn, result) if decision.action == DROPS else None
        if rest is not None and answers_it(rest, answer := self._decided(rest, work)[1]):
            result = several.merged((result, answer))
        in_danger = decision.action in ALARMS
        if in_danger and asks_person(turn.parse.canonical):
            result = replace(result, messages=(*result.messages, *hand_off.in_danger(turn).messages))
        result = notices.with_notices(turn, result, work.notices)
        return result, (turn.parse if in_danger or turn.parse.payload else turn.parse.ordinary()).intent

    def decide(self, turn: TurnContext, without: policies.Policy | None = None) -> Decision:
        """What is to be done, by the first policy that knows."""
        asked = (policy for policy in self._policies if policy is not without)
        return next(found for policy in asked if (found := policy(turn)) is not None)

    def _decided(self, turn: TurnContext, work: Work) -> tuple[Decision, ActionResult]:
        """What is to be done and what came of it; danger in doubt counts where nothing else is answered."""
        decision = self.decide(turn)
        # Behind another engine what else a message says is not ours to answer.
        weighs = self.stand_in is None
        if decision.action in ALARMS and weighs and caution.in_doubt(turn):
            ordinary = caution.read_ordinarily(turn)
            other = self.decide(ordinary, without=policies.safety)
            if caution.answers(found := self._done(ordinary, other, work)):
                return other, caution.with_caution(turn, found, anyhow=True)
            decision = Decision(ALL_CLEAR) if says_false_alarm(turn.parse.canonical) else decision
        result = self._done(turn, decision, work)
        return decision, caution.with_word(turn, decision, result) if weighs else result

    def _done(self, turn: TurnContext, decision: Decision, work: Work) -> ActionResult:
        """What came of a decision, with a running form's question after a digression."""
        if decision.rest:
            turn = without_dropping(turn)
        result = act(turn, decision, work)
        result = replace(result, events=(*kept_in_mind(turn, decision, result), *result.events))
        again = ASKED_AGAIN.get(turn.tracker.active_form or "")
        if decision.digression and again is not None and not _changes_form(result):
            question = again(turn).messages
            result = replace(result, messages=(*result.messages, *question), follows=result.follows + len(question))
        return result


def _changes_form(result: ActionResult) -> bool:
    """Whether a result began or ended a form."""
    return any(event.event == "active_loop" for event in result.events)
