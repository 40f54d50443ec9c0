"""A case's progress in words of one language: units, lines of the track, what is left, what comes next."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bot.cases.case import Case
from bot.cases.hastening import Effect
from bot.cases.progress import PLACES, Due, Holder, Progress, Seen, Stage, Station
from bot.cases.states import Status
from bot.domain import Domain
from knowledge.catalogue import Catalogue
from knowledge.queries import NLU_DATA

TIME_FORMAT = "%Y-%m-%d %H:%M"
TO_ASSIGN = (None, "ANY")


@lru_cache(maxsize=1)
def _districts(path: Path = NLU_DATA / "lookups" / "subdistricts.csv") -> Mapping[str, str]:
    """English names of districts by the Chinese ones."""
    with path.open(encoding="utf-8", newline="") as rows:
        return {row["district_zh"]: row["district_en"] for row in csv.DictReader(rows)}


@dataclass(frozen=True)
class Telling:
    """Words for cases in one language."""

    domain: Domain
    catalogue: Catalogue
    language: str

    def text(self, response: str, **values: object) -> str:
        """The text of a response."""
        return self.domain.text(response, self.language, **values)

    def unit(self, key: str | None) -> str:
        """The name of a unit, "UMB" or "UMB:南山区", or that it is still to be assigned."""
        if key is None or key in TO_ASSIGN:
            return self.text("utter_agency_open")
        agency, _, place = key.partition(":")
        known = self.catalogue.agencies.get(agency)
        name = known.in_language(self.language) if known else agency
        if not place:
            return name
        where = place if self.language == "zh" else _districts().get(place, place)
        return self.text("utter_unit_of_place", name=name, place=where)

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


def words_needed() -> set[str]:
    """Every response this module builds the name of."""
    return {
        *(f"utter_holder_{holder}" for holder in Holder if holder is not Holder.UNIT),
        *(f"utter_status_{status}" for status in Status),
        *(f"utter_next_{status}" for status in PLACES if status is not Status.MERGED),
        *(f"utter_due_{due}" for due in Due if due is not Due.DONE),
        *(f"utter_hasten_{effect}" for effect in Effect),
        *(f"utter_stage_{stage}" for stage in Stage),
    }


def told_by(case: Case) -> str:
    """The language a case was filed in, for what is told without a conversation."""
    return "en" if case.language == "en" else "zh"
