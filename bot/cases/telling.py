"""A case's progress in words of one language: units, lines of the track, what is left, what comes next."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cases.progress import Due, Holder, Progress, Seen, Station
from bot.cases.units import units_of
from bot.domain import Domain
from knowledge.catalogue import Catalogue
from knowledge.city import City

TIME_FORMAT = "%Y-%m-%d %H:%M"
TO_ASSIGN = (None, "ANY")


@dataclass(frozen=True)
class Telling:
    """Words for cases in one language."""

    domain: Domain
    catalogue: Catalogue
    city: City
    language: str

    def text(self, response: str, **values: object) -> str:
        """The text of a response."""
        return self.domain.text(response, self.language, **values)

    def unit(self, key: str | None) -> str:
        """The name of a unit of the duty list or of a body of the catalogue, or that it is still to be assigned."""
        if key is None or key in TO_ASSIGN:
            return self.text("utter_agency_open")
        body = self.catalogue.agencies.get(key)
        return (body or units_of(self.city).name(key)).in_language(self.language)

    def holder(self, progress: Progress) -> str:
        """Who holds the case now."""
        if progress.holder is Holder.UNIT:
            return self.unit(progress.unit)
        return self.text(f"utter_holder_{progress.holder}")

    def status(self, progress: Progress) -> str:
        """The status; of a merged case also that of the one in the lead."""
        own = self.text(f"utter_status_{progress.case.status}")
        if progress.case is progress.shown:
            return own
        return self.text("utter_status_both", own=own, shown=self.text(f"utter_status_{progress.shown.status}"))

    def due(self, progress: Progress) -> str:
        """How long is left; empty when nothing is due any more."""
        if progress.due is Due.DONE:
            return ""
        return self.text(f"utter_due_{progress.due}", count=progress.left)

    def next_step(self, progress: Progress) -> str:
        """What comes next."""
        return self.text(f"utter_next_{progress.shown.status}", unit=self.unit(progress.unit))

    def hasten(self, progress: Progress) -> str:
        """What hastening does now."""
        return self.text(f"utter_hasten_{progress.hasten}")

    def event(self, seen: Seen) -> str:
        """What happened, without its note."""
        event = seen.event
        if event.kind == "dispatched" and event.name:
            return self.text("utter_note_dispatched_to", unit=self.unit(event.name))
        if event.kind == "redo" and (seen.leading or event.name):
            return self.text("utter_note_redo_by_another")
        return self.text(f"utter_note_{event.kind}")

    def line(self, seen: Seen) -> str:
        """One line of the track with its time and note."""
        told = self.text("utter_track_line", at=f"{seen.event.at:{TIME_FORMAT}}", event=self.event(seen))
        return self.text("utter_track_note", line=told, note=seen.note) if seen.note else told

    def stage(self, station: Station) -> str:
        """The name of a station of the track."""
        return self.text(f"utter_stage_{station.stage}")
