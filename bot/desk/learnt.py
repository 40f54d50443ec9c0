"""What the bot knows when a person hands a conversation back: what was said, filled in and filed meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.actions.demand_form import DEMAND_FORM, state_of
from bot.assistant import Assistant
from bot.cases.number import CaseNumber
from bot.desk.filled import HEARD, NAMES, filled
from bot.desk.joining import cases_of, guest_of
from bot.desk.speaker import AGENT_SAID
from bot.desk.talks import Talk
from bot.store import Work
from bot.tracker import Event, Tracker

CASE_NUMBER = re.compile(r"\b[A-Z]{2}\d{6}-\d{6}-\d\b")


@dataclass(frozen=True)
class Returned:
    """What the bot is told when it goes on: the service spoken of, values of the case form, and a note.

    `values` are what the person wrote into the form (None: emptied a field), `heard` what was read off the talk.
    """

    note: str | None = None
    service: str | None = None
    values: Mapping[str, str | None] = field(default_factory=dict)
    heard: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Learnt:
    """What is learnt from one talk, in its transaction."""

    work: Work
    assistant: Assistant
    talk: Talk
    tracker: Tracker
    now: datetime

    def events(self, returned: Returned) -> Iterator[Event]:
        """Slots of the service, the case and the note, and the form with what the person filled in."""
        said = self._said_by_people()
        named = (self.assistant.service_named(text) for text in reversed(said))
        service = returned.service or next((code for code in named if code), None)
        if service is not None and service in self.assistant.catalogue:
            before = self.tracker.slot("discussed") or ()
            yield self._slot("service_code", service)
            yield self._slot("discussed", [service, *(code for code in before if code != service)])
        if (case := self._case(said)) is not None:
            yield self._slot("case_number", case)
        if returned.note:
            yield self._slot("agent_note", returned.note)
        told = {name: value for name, value in returned.values.items() if name in NAMES}
        yield from self._form(told, {name: value for name, value in returned.heard.items() if name in HEARD and value})

    def _form(self, told: Mapping[str, str | None], heard: Mapping[str, str]) -> Iterator[Event]:
        """The form under way with what was filled in, or a new one for a matter that the person wrote down.

        What a case was filed for in this talk begins no new one.
        """
        running, matter = self.tracker.active_form, told.get("description")
        filed = [case.draft.description for case in cases_of(self.work, guest_of(self.talk))]
        if running not in (None, DEMAND_FORM) or not (told or heard):
            return
        if running is None and (not matter or matter in filed):
            return
        state = filled(state_of(self.tracker), told, heard, self.assistant)
        if running is None:
            yield Event("active_loop", self.now.timestamp(), DEMAND_FORM)
        yield from state.events(self._slot)
        yield self._slot("requested_slot", state.missing())

    def _case(self, said: list[str]) -> CaseNumber | None:
        """The case filed in this talk, else the one the person named; never that of somebody else."""
        own = self.work.cases.of_sender(self.talk.sender)
        filed = (one.number for one in cases_of(self.work, guest_of(self.talk)))
        named = [number for text in said for number in CASE_NUMBER.findall(text)]
        numbers = {one.number for one in own}
        return next(filed, None) or next((CaseNumber(one) for one in reversed(named) if one in numbers), None)

    def _said_by_people(self) -> list[str]:
        since = self.talk.claimed_at
        turns = self.work.talks.transcript(self.talk.sender)
        return [
            str(event.get("text") or "")
            for turn in turns
            if since is None or turn.at >= since
            for event in turn.events
            if event["event"] == AGENT_SAID
        ]

    def _slot(self, name: str, value: object) -> Event:
        return Event("slot", self.now.timestamp(), name, value)
