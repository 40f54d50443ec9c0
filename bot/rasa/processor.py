"""A Rasa project at work: message in, events and messages out, as Rasa's message processor does it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from bot.errors import ActionError, ActionRejected
from bot.rasa.action_call import ActionServer
from bot.rasa.actions import run_action
from bot.rasa.conversations import Conversations
from bot.rasa.domain import LISTEN, SESSION_METADATA_SLOT, SESSION_START, Domain
from bot.rasa.events import (
    ActionExecuted,
    ActionExecutionRejected,
    BotUttered,
    Event,
    ReminderScheduled,
    SlotSet,
    UserUttered,
)
from bot.rasa.extraction import extract_slots
from bot.rasa.outside import external, marks_of, new_id, still_counts
from bot.rasa.predictions import Policy, Prediction, choose
from bot.rasa.reminders import Reminders
from bot.rasa.responses import channel_messages
from bot.rasa.shortcut import read_shortcut
from bot.rasa.stage import Stage
from bot.rasa.states import RuleOnly
from bot.rasa.tracker import Tracker
from bot.rasa.training_data import FULL_INTENT

MOST_ACTIONS = 10
# The names Rasa's REST channel goes by: of what answers, and of what asks.
CHANNEL, INPUT_CHANNEL = "collector", "rest"
DEFAULT_SENDER = "default"
_WAITS = (LISTEN, SESSION_START)
log = logging.getLogger(__name__)


class Understanding(Protocol):
    """The understanding of messages, trained on the project."""

    def parse(self, text: str) -> dict[str, Any]:
        """Intent, ranking and entities of a message in Rasa's parse-data shape."""
        ...


@dataclass(frozen=True)
class Policies:
    """What foretells actions, in the order of config.yml."""

    all: tuple[Policy, ...]
    rule_only: RuleOnly

    def predict(self, tracker: Tracker) -> Prediction:
        """The prediction that is followed."""
        return choose([policy.predict(tracker, self.rule_only) for policy in self.all], tracker)

    def following(self, tracker: Tracker) -> Prediction:
        """The next action: the one that was asked for to follow, else what is foretold."""
        if followup := tracker.followup_action:
            tracker.followup_action = None
            if followup in tracker.domain.action_places:
                return Prediction("followup_action", 1, followup, 1.0)
        return self.predict(tracker)


class Processor:
    """Runs the turns of a project; `clock` gives seconds since 1970."""

    def __init__(
        self,
        domain: Domain,
        policies: Policies,
        understanding: Understanding,
        server: ActionServer | None = None,
        clock: Callable[[], float] = time.time,
        stamp: Mapping[str, Any] | None = None,
    ) -> None:
        self.domain, self.policies, self.understanding = domain, policies, understanding
        self.server, self.clock, self.stamp = server, clock, stamp or {}
        self.conversations = Conversations()
        # Told of an action that failed; the conversation goes on without it, as in Rasa.
        self.on_failure: Callable[[str, Exception], None] = _log_failure
        # Where there are none, reminders are kept as events and not fired.
        self.reminders: Reminders | None = None

    def handle(
        self,
        text: str,
        sender: str = DEFAULT_SENDER,
        metadata: Mapping[str, Any] | None = None,
        input_channel: str = INPUT_CHANNEL,
        channel: str = CHANNEL,
        tell: Callable[[dict[str, Any]], None] | None = None,
    ) -> list[dict[str, Any]]:
        """One message: what the channel is given for it (an empty list where there is nothing to say).

        `tell` is given each part of it as soon as it is said. Raises ConversationBusy.
        """
        with self._turn(sender, channel) as turn:
            turn.tell = tell
            turn.open_session(metadata)
            turn.say(self._uttered(text, metadata, input_channel))
            return turn.messages

    def note(self, text: str, sender: str, parsed: Mapping[str, Any] | None = None) -> Tracker:
        """Take a message in and fill the slots with it; nothing is answered. Gives the tracker of the last session.

        `parsed`, where given, is what it says in Rasa's parse-data shape. Raises ConversationBusy.
        """
        with self._turn(sender, CHANNEL) as turn:
            turn.open_session(None)
            turn.note(self._uttered(text, None, None, parsed))
            return turn.tracker

    def trigger(
        self, intent: str, entities: Sequence[Mapping[str, Any]], sender: str, channel: str = CHANNEL
    ) -> list[dict[str, Any]]:
        """An intent from outside, as if it had been said; raises ConversationBusy."""
        with self._turn(sender, channel) as turn:
            turn.open_session(None)
            turn.say(external(intent, entities, turn.tracker))
            return turn.messages

    def begin(self, sender: str, slots: Mapping[str, Any], channel: str = CHANNEL) -> None:
        """Begin a conversation with these slots set, as test cases do; raises ConversationBusy."""
        with self._turn(sender, channel) as turn:
            turn.open_session(None)
            turn.tracker.update_all([SlotSet(name, value) for name, value in slots.items()], self.clock())

    def remind(self, sender: str, reminder: ReminderScheduled) -> None:
        """Trigger a reminder's intent, unless it no longer counts; raises ConversationBusy."""
        with self._turn(sender, CHANNEL) as turn:
            turn.open_session(None)
            if still_counts(reminder, turn.tracker):
                turn.say(external(reminder.intent or "", marks_of(reminder.entities), turn.tracker))

    def tracker(self, sender: str) -> Tracker:
        """The tracker of the conversation's last session."""
        return self._tracker(sender)

    def whole_tracker(self, sender: str) -> Tracker:
        """The tracker of all sessions; of a new conversation one that begins, which is not kept."""
        tracker = self.conversations.whole(sender, self.domain)
        if not tracker.events:
            tracker.stamp = self.stamp
            _Turn(self, tracker, Stage(self.domain, self.server, CHANNEL)).open_session(None)
        return tracker

    def parse(self, text: str) -> dict[str, Any]:
        """What a message says, in Rasa's parse-data shape."""
        parsed = read_shortcut(text, self.domain) or self.understanding.parse(text)
        intent, selector = parsed.get("intent") or {}, parsed.get("response_selector") or {}
        if intent.get("name") in selector.get("all_retrieval_intents", ()):
            key = (selector.get(intent["name"]) or {}).get("response", {}).get("intent_response_key")
            parsed = {**parsed, "intent": {**intent, FULL_INTENT: key}}
        return parsed

    def _uttered(
        self,
        text: str,
        metadata: Mapping[str, Any] | None,
        input_channel: str | None,
        parsed: Mapping[str, Any] | None = None,
    ) -> UserUttered:
        text = text.strip()
        parsed = {"text": text, **(parsed or self.parse(text))}
        message = new_id()
        data = {"message_id": message, "metadata": dict(metadata or {}), **parsed}
        return UserUttered(text, data, input_channel, message, metadata=dict(metadata or {}))

    def _tracker(self, sender: str) -> Tracker:
        tracker = self.conversations.session(sender, self.domain)
        tracker.stamp = self.stamp
        return tracker

    @contextmanager
    def _turn(self, sender: str, channel: str) -> Iterator[_Turn]:
        """A turn of a conversation; what happened in it is kept, also when it breaks. Raises ConversationBusy."""
        with self.conversations.held(sender):
            tracker = self._tracker(sender)
            before = len(tracker.events)
            try:
                yield _Turn(self, tracker, Stage(self.domain, self.server, channel))
            finally:
                self.conversations.keep(sender, tracker.events[before:])


class _Turn:
    """One turn of one conversation."""

    def __init__(self, processor: Processor, tracker: Tracker, stage: Stage) -> None:
        self.processor, self.tracker, self.stage = processor, tracker, stage
        self.messages: list[dict[str, Any]] = []
        self.tell: Callable[[dict[str, Any]], None] | None = None

    def open_session(self, metadata: Mapping[str, Any] | None) -> None:
        """Start a session where there is none, or the last one is too old."""
        if self.tracker.applied_events() and not self._is_expired():
            return
        if metadata:
            self._update([SlotSet(SESSION_METADATA_SLOT, dict(metadata))])
        self._run(Prediction(None, 1, SESSION_START, 1.0))

    def _is_expired(self) -> bool:
        minutes = self.stage.domain.session.expiration_minutes
        said = next((e for e in reversed(self.tracker.applied_events()) if isinstance(e, UserUttered)), None)
        if minutes <= 0 or said is None:
            return False
        return (self.processor.clock() - (said.timestamp or 0.0)) / 60 > minutes

    def note(self, message: UserUttered) -> None:
        """The message is taken in, and slots are filled."""
        self._update([message])
        self._extract()

    def say(self, message: UserUttered) -> None:
        """The message is taken in, slots are filled, and actions run until the assistant listens."""
        self.note(message)
        goes_on = True
        while goes_on and self._may_speak():
            if too_many_actions(self.tracker):
                log.warning("more than %d actions in one turn; it ends here", MOST_ACTIONS)
                return
            goes_on = self._run(self.processor.policies.following(self.tracker))

    def _may_speak(self) -> bool:
        said = self.tracker.latest_message
        return not self.tracker.paused or (said is not None and said.intent == "restart")

    def _run(self, prediction: Prediction) -> bool:
        """Run an action and note what it did; whether another one may follow."""
        name = prediction.chosen
        try:
            trial = self.tracker.copy()
            trial.update_all(prediction.events, self.processor.clock())
            events = run_action(name, trial, self.stage)
        except ActionRejected:
            rejection = ActionExecutionRejected(name, prediction.policy, prediction.confidence)
            self._update([rejection])
            return name not in _WAITS
        except Exception as error:
            self.processor.on_failure(name, error)
            events = []
        if not any(isinstance(event, ActionExecutionRejected) for event in events):
            hide = prediction.hide_rule_turn
            ran = ActionExecuted(name, prediction.policy, prediction.confidence, hide_rule_turn=hide)
            self._update([*prediction.events, ran])
        self._update(events)
        if any(isinstance(event, UserUttered) for event in events):
            self._extract()
        self._send(events)
        if self.processor.reminders is not None:
            self.processor.reminders.note(self.tracker.sender_id, events)
        return name not in _WAITS

    def _extract(self) -> None:
        events = extract_slots(self.tracker, self.stage)
        self._send(events)
        self._update(events)

    def _send(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, BotUttered):
                for message in channel_messages(event, self.tracker.sender_id):
                    self.messages.append(message)
                    if self.tell is not None:
                        self.tell(message)

    def _update(self, events: Sequence[Event]) -> None:
        self.tracker.update_all(events, self.processor.clock())


def _log_failure(action: str, error: Exception) -> None:
    log.error("action %s failed: %s", action, error, exc_info=None if isinstance(error, ActionError) else error)


def too_many_actions(tracker: Tracker) -> bool:
    """Whether the turn has had as many actions as one may have."""
    if tracker.latest_action in _WAITS:
        return False
    count = 0
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecuted):
            if event.name in _WAITS:
                break
            count += 1
    return count >= MOST_ACTIONS
