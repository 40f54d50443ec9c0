"""Forms: asking for the required slots one by one, with validation by the project's own actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bot.errors import ActionRejected
from bot.rasa.domain import LISTEN, REQUESTED_SLOT, UTTER, Form
from bot.rasa.events import ActionExecuted, ActionExecutionRejected, ActiveLoop, Event, Restarted, SlotSet
from bot.rasa.extraction import extract_slots
from bot.rasa.stage import Stage, run_remote
from bot.rasa.tracker import Tracker

Run = Callable[[str, Tracker, Stage], list[Event]]


class FormRun:
    """One run of a form; `run` runs the action that asks for a slot."""

    def __init__(self, form: Form, tracker: Tracker, stage: Stage, run: Run) -> None:
        self.form, self.tracker, self.stage, self.run = form, tracker, stage, run
        self.validation = f"validate_{form.name}"

    def events(self) -> list[Event]:
        """What the form does now; raises ActionRejected where the message does not answer its question."""
        events: list[Event] = []
        if self.tracker.active_loop != self.form.name:
            events += self._activate()
        if not _is_done(events):
            events += self._do(events)
        if _is_done(events):
            events.append(ActiveLoop(None))
        return events

    @property
    def _validates(self) -> bool:
        return self.validation in self.stage.domain.action_places

    def _slot_to_fill(self, tracker: Tracker) -> str | None:
        return tracker.requested_slot if tracker.active_loop == self.form.name else None

    def _activate(self) -> list[Event]:
        started: list[Event] = [ActiveLoop(self.form.name)]
        tracker = self.tracker.copy()
        for event in started:
            tracker.update(event)
        extracted = extract_slots(tracker, self.stage)
        for event in extracted:
            tracker.update(event)
        slots: list[Event] = [event for event in extracted if isinstance(event, SlotSet)]
        if not self._validates:
            return started + slots
        filled = {name: tracker.slots.get(name) for name in self.form.required_slots}
        validated = self._validate({k: v for k, v in filled.items() if v is not None}, tracker)
        named = {event.name for event in validated if isinstance(event, SlotSet)}
        return started + validated + [e for e in slots if isinstance(e, SlotSet) and e.name not in named]

    def _do(self, so_far: Sequence[Event]) -> list[Event]:
        events: list[Event] = []
        if all(isinstance(event, ActiveLoop) for event in so_far):
            events = self._validated_answer()
        if not _was_rejected(events):
            events = events + self._ask([*so_far, *events])
        return events

    def _validated_answer(self) -> list[Event]:
        tracker = self.tracker
        interrupted = tracker.loop is not None and tracker.loop.is_interrupted
        if tracker.loop is not None and (tracker.latest_action != LISTEN or interrupted):
            return self._validate({}, tracker)
        candidates = self._candidates(tracker)
        validated = self._validate(candidates, tracker)
        some = any(isinstance(event, SlotSet) and event.name != REQUESTED_SLOT for event in validated)
        wanted = self._slot_to_fill(tracker)
        if wanted and not candidates and not some and not _was_rejected(validated):
            raise ActionRejected(f"nothing said fills {wanted} of {self.form.name}")
        return validated

    def _candidates(self, tracker: Tracker) -> dict[str, Any]:
        """The required slots that were set since the last message."""
        first = 0
        for index in range(len(tracker.events) - 1, -1, -1):
            event = tracker.events[index]
            if isinstance(event, Restarted) or event == tracker.latest_message:
                first = index
                break
        wanted = {*self.form.required_slots, self._slot_to_fill(tracker)}
        return {e.name: e.value for e in tracker.events[first:] if isinstance(e, SlotSet) and e.name in wanted}

    def _validate(self, candidates: dict[str, Any], tracker: Tracker) -> list[Event]:
        if not self._validates:
            return []
        given = [SlotSet(name, value) for name, value in candidates.items()]
        return run_remote(self.validation, self._apart(tracker, given), self.stage)

    def _apart(self, tracker: Tracker, events: Sequence[Event]) -> Tracker:
        """The conversation with the form's run and these events at its end."""
        asked = SlotSet(REQUESTED_SLOT, self._slot_to_fill(tracker))
        history = [*tracker.since_restart(), asked, ActionExecuted(self.form.name), *events]
        return Tracker(tracker.sender_id, self.stage.domain, history)

    def _ask(self, so_far: Sequence[Event]) -> list[Event]:
        if _is_done(so_far):
            return [SlotSet(REQUESTED_SLOT, None)]
        slot = next((e.value for e in so_far if isinstance(e, SlotSet) and e.name == REQUESTED_SLOT), None)
        tracker = self._apart(self.tracker, so_far)
        events: list[Event] = []
        if not slot:
            slot = next((name for name in self.form.required_slots if tracker.slots.get(name) is None), None)
            events.append(SlotSet(REQUESTED_SLOT, slot))
        if not slot:
            return [SlotSet(REQUESTED_SLOT, None)]
        form = self.form.name
        asking = (f"action_ask_{form}_{slot}", f"{UTTER}ask_{form}_{slot}", f"action_ask_{slot}", f"{UTTER}ask_{slot}")
        name = next((action for action in asking if action in self.stage.domain.action_places), None)
        return events + (self.run(name, tracker, self.stage) if name else [])


def _is_done(events: Sequence[Event]) -> bool:
    """Whether the last word on the requested slot, or on the form, is that there is none."""
    if _was_rejected(events):
        return False
    slot = next((e for e in reversed(events) if isinstance(e, SlotSet) and e.name == REQUESTED_SLOT), None)
    loop = next((e for e in reversed(events) if isinstance(e, ActiveLoop)), None)
    return (slot is not None and slot.value is None) or (loop is not None and loop.name is None)


def _was_rejected(events: Sequence[Event]) -> bool:
    return any(isinstance(event, ActionExecutionRejected) for event in events)
