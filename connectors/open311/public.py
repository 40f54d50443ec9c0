"""What the public reads of a case: words masked, places coarse, never a name or a number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from bot.cases.case import Case, CaseEvent
from bot.cases.states import ENDED, Status
from bot.domain import Domain
from bot.nlu.entities import find_entities
from bot.privacy import redact
from connectors.open311.records import Note, ServiceRequest, Update
from knowledge.catalogue import Catalogue, ServiceCode

# About 100 m.
DECIMALS = 3
TEXTS_KEPT = 20_000
# Events whose note the office wrote for the citizen to read.
_TOLD = frozenset({"replied", "answered"})
# Status words of the update extension, as mySociety's clients know them.
WORDS: Mapping[Status, str] = {
    Status.SUBMITTED: "OPEN",
    Status.ACCEPTED: "INVESTIGATING",
    Status.RETURNED: "INVESTIGATING",
    Status.DISPATCHED: "IN_PROGRESS",
    Status.SIGNED: "IN_PROGRESS",
    Status.HANDLING: "IN_PROGRESS",
    Status.SUSPENDED: "ACTION_SCHEDULED",
    Status.REPLIED: "IN_PROGRESS",
    Status.CALLBACK: "IN_PROGRESS",
    Status.REDO: "IN_PROGRESS",
    Status.MERGED: "DUPLICATE",
    Status.NOT_ACCEPTED: "NO_FURTHER_ACTION",
    Status.TRANSFERRED: "NO_FURTHER_ACTION",
    Status.CLOSED: "CLOSED",
    Status.WITHDRAWN: "CLOSED",
}
_NUMBERED = re.compile(
    r"\d|[一二三四五六七八九十百零〇]+(?:号|栋|座|幢|单元|室|楼|层)|\b(?:no\.?|room|flat|unit)\b", re.I
)
_ROAD = re.compile(r"[\u4e00-\u9fff]{1,8}?(?:大道|大街|公路|快速路|立交|高速|路|街|巷|桥)(?![道区])")
_AREA = re.compile(r".*(?:[省市区县镇乡]|街道|社区)|^(?:我|家|住|就|在|靠近|旁边?|附近|门口|对面|的)+")
_NO_ROAD = frozenset({"道路", "马路", "公路", "小路", "大街", "街道", "这条路", "那条路", "人行道路"})


@dataclass(frozen=True)
class Teller:
    """Tells cases to the outside in one language."""

    catalogue: Catalogue
    domain: Domain
    language: str

    def request(self, case: Case, own: bool, extensions: bool = False) -> ServiceRequest:
        """A case as a service request; the key that filed it reads the words it sent, others read them masked."""
        draft, status = case.draft, case.status
        item = self.catalogue.services.get(ServiceCode(draft.service_item or ""))
        return ServiceRequest(
            service_request_id=case.number,
            status="closed" if status in ENDED else "open",
            status_notes=self.notes_of(case),
            service_name=item.name.in_language(self.language) if item else None,
            service_code=draft.service_item,
            description=draft.description if own else masked(draft.description),
            agency_responsible=self._agency(case),
            requested_datetime=case.filed_at,
            updated_datetime=case.handling.updated_at or case.filed_at,
            expected_datetime=case.expected_at,
            address=draft.location if own else coarse(draft.location, draft.district, draft.subdistrict, self.language),
            lat=draft.latitude if own else _rounded(draft.latitude),
            long=draft.longitude if own else _rounded(draft.longitude),
            notes=[self._note(event) for event in _changes(case)] if extensions else None,
            extended_attributes=self._extended(case) if extensions else None,
        )

    def notes_of(self, case: Case) -> str:
        """The status in our words, with the reply once there is one."""
        reply = case.handling.reply if case.status is not Status.SUBMITTED else None
        return self._joined(self._word(case.status), masked(reply) if reply else None)

    def updates(self, case: Case, start: datetime, end: datetime) -> Iterator[Update]:
        """The changes of a case between two moments."""
        told = _changes(case)
        for place, event in enumerate(case.timeline, start=1):
            if event.status and event in told and start <= event.at <= end:
                yield Update(
                    update_id=f"{case.number}.{place}",
                    service_request_id=case.number,
                    status=WORDS[Status(event.status)],
                    updated_datetime=event.at,
                    description=self._note(event).description,
                )

    def _note(self, event: CaseEvent) -> Note:
        word = self._word(Status(event.status)) if event.status else None
        told = masked(event.note) if event.note and event.kind in _TOLD else None
        return Note(datetime=event.at, description=self._joined(word or event.kind, told), type=event.kind)

    def _extended(self, case: Case) -> dict[str, Any]:
        return {
            "case_status": str(case.status),
            "demand_type": str(case.draft.type),
            "category": case.draft.category,
            "district": case.draft.district,
            "subdistrict": case.draft.subdistrict,
            "closed_datetime": case.handling.closed_at,
        }

    def _agency(self, case: Case) -> str | None:
        for key in (case.handling.unit, case.draft.agency):
            name = self.catalogue.agencies.get((key or "").partition(":")[0])
            if name is not None and key != "ANY":
                return name.in_language(self.language)
        return None

    def _word(self, status: Status) -> str:
        return self.domain.text(f"utter_status_{status}", self.language)

    def _joined(self, word: str, told: str | None) -> str:
        return f"{word}{'：' if self.language == 'zh' else ': '}{told}" if told else word


def _changes(case: Case) -> tuple[CaseEvent, ...]:
    """The events that brought another status, and replies; what the citizen added or staff noted is not public."""
    found: list[CaseEvent] = []
    before: str | None = None
    for event in case.timeline:
        if (event.status and event.status != before) or event.kind in _TOLD:
            found.append(event)
        before = event.status or before
    return tuple(found)


def _rounded(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, DECIMALS)


@lru_cache(maxsize=TEXTS_KEPT)
def masked(text: str) -> str:
    """The text without personal data; numbers of cases stay."""
    return redact(text).text


@lru_cache(maxsize=TEXTS_KEPT)
def coarse(location: str | None, district: str | None, subdistrict: str | None, language: str) -> str | None:
    """A place by road, sub-district and district: no house, no shop, no estate."""
    road = _road(location) if location else None
    parts = [part for part in (district, subdistrict, road) if part]
    return ("".join(parts) if language == "zh" else ", ".join(reversed(parts))) or None


def _road(location: str) -> str | None:
    """The road of a place: one the city knows, else what is named like one before the first number."""
    language = "zh" if re.search("[\u4e00-\u9fff]", location) else "en"
    known = next((entity.text for entity in find_entities(location, language) if entity.label == "road"), None)
    if known:
        return known
    rest = _AREA.sub("", _NUMBERED.split(location, maxsplit=1)[0])
    found = next((match.group() for match in _ROAD.finditer(rest) if match.group() not in _NO_ROAD), None)
    return found
