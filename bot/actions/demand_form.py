"""The form's state: the demands told so far, what is missing, and how a message changes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.actions.place_correction import corrected, is_numbered, numbered
from bot.cases.areas import alone
from bot.cases.case import CaseDraft, DemandType, draft_from_json
from bot.nlu.entities import Entity, likeliest_place
from bot.nlu.parse import Parse
from bot.nlu.said import kept_and_negated, named_field, names_field, value_told, without_lead_ins
from bot.tracker import Event, Tracker
from knowledge.city import City

DEMAND_FORM = "demand_form"
CONFIRM = "confirm"
NEEDED: dict[DemandType, tuple[str, ...]] = {
    DemandType.COMPLAINT: ("location", "occurred_at"),
    DemandType.REPORT: ("location", "occurred_at"),
    DemandType.HELP: ("location", "occurred_at"),
    DemandType.SUGGESTION: ("location",),
    DemandType.PRAISE: ("location",),
    DemandType.CONSULT: (),
}
MAX_VALUE_CHARS = 80
MAX_PLACE_CHARS = 160
DAY_OR_HOUSE = re.compile(r"[0-9〇零一二三四五六七八九十]+[号號]")
MAX_WHOLE_ANSWER = 60
NOT_TIME = {"location", "phone", "email", "plate"}
CONTACT_MARK = "\x00"
CONTACT_LEAD = re.compile(
    r"[,，。.;；\s]*(?:我的?|联系|my|and my|call me (?:at|on)?|reach me (?:at|on)?)?\s*"
    r"(?:手机号?码?|电话|联系方式|联系电话|phone(?: number)?|number|mobile|tel|email|邮箱)?"
    r"\s*(?:是|为|is|:|：)?\s*\x00",
    re.I,
)


@dataclass(frozen=True)
class FormState:
    """Demands on their way, shared contact, and the questions the citizen chose to skip.

    `place` and `time` are those told before any matter was.
    """

    drafts: tuple[CaseDraft, ...] = ()
    contact: str | None = None
    anonymous: bool = False
    skipped: frozenset[str] = field(default_factory=frozenset)
    place: str | None = None
    time: str | None = None

    def missing(self) -> str:
        """The next slot to ask for; `confirm` when nothing else is."""
        if not self.drafts:
            return "description"
        for name in ("location", "occurred_at"):
            wanted = any(name in NEEDED[d.type] and getattr(d, name) is None for d in self.drafts)
            if wanted and name not in self.skipped:
                return name
        return CONFIRM

    def skip(self, name: str) -> FormState:
        """The state without asking for a slot again."""
        return replace(self, skipped=self.skipped | {name})

    def fill(self, name: str, value: str, only_missing: bool = True) -> FormState:
        """A value for every demand that lacks it, or for all of them."""
        drafts = tuple(
            draft if only_missing and getattr(draft, name) is not None else _with(draft, name, value)
            for draft in self.drafts
        )
        return replace(self, drafts=drafts)

    def each(self, change: Callable[[CaseDraft], CaseDraft]) -> FormState:
        """The state with every demand changed."""
        return replace(self, drafts=tuple(map(change, self.drafts)))

    def events(self, set_slot: Callable[[str, object], Event]) -> tuple[Event, ...]:
        """The slots that hold this state."""
        first = self.drafts[0] if self.drafts else None
        return (
            set_slot("demands", [draft.as_json() for draft in self.drafts] or None),
            set_slot("description", first.description if first else None),
            set_slot("location", first.location if first else self.place),
            set_slot("occurred_at", first.occurred_at if first else self.time),
            set_slot("contact", self.contact),
            set_slot("anonymous", self.anonymous or None),
            set_slot("skipped", sorted(self.skipped) or None),
        )


def _with(draft: CaseDraft, name: str, value: str) -> CaseDraft:
    match name:
        case "location":
            return replace(draft, location=value)
        case "occurred_at":
            return replace(draft, occurred_at=value)
        case _:
            return replace(draft, description=value)


def state_of(tracker: Tracker) -> FormState:
    """The form's state as the slots hold it."""
    drafts = tuple(draft_from_json(draft) for draft in tracker.slot("demands") or ())
    return FormState(
        drafts,
        tracker.slot("contact"),
        bool(tracker.slot("anonymous")),
        frozenset(tracker.slot("skipped") or ()),
        None if drafts else tracker.slot("location"),
        None if drafts else tracker.slot("occurred_at"),
    )


def take_contact(state: FormState, parse: Parse) -> FormState:
    """The state with a phone number or e-mail told in the message."""
    contact = parse.first("phone", "email")
    return replace(state, contact=contact.value, anonymous=False) if contact else state


def without_contact(text: str, parse: Parse) -> str:
    """What happened, without the phone number or address to write to, which have a field of their own."""
    for entity in parse.all("phone", "email"):
        text = CONTACT_LEAD.sub("", text.replace(entity.text, CONTACT_MARK))
    return text.strip(" ,，.。") or CONTACT_MARK


def take_values(
    state: FormState, parse: Parse, requested: str | None, change: bool, city: City | None = None
) -> FormState:
    """The state with every place, time and contact of the message; a change replaces, else gaps are filled.

    The value of the requested slot always replaces. Of a place told before, the coarser parts stay.
    """
    kept, negated = kept_and_negated(parse.entities, parse.text)
    state = take_contact(state, parse)
    labels = {entity.label for entity in kept}
    first = min((entity.start for entity in kept if entity.label in ("location", "time")), default=None)
    whole = without_lead_ins(parse.text, first) if len(parse.text) <= MAX_WHOLE_ANSWER and not change else None
    told = sum(len(entity.text) for entity in kept if entity.label == "time")
    if whole and requested == "occurred_at" and told * 2 >= len(whole) and not labels & NOT_TIME:
        return state.fill("occurred_at", whole, only_missing=False)
    place = likeliest_place(kept)
    if place is not None:
        more = requested == "occurred_at" and "time" not in labels
        replacing = change or more or requested == "location"
        only_place = whole if requested == "location" and not labels & {"time", "phone", "email"} else None
        state = _with_place(state, parse.text, only_place or place.text, kept, negated, replacing, city)
    times = [entity.text for entity in kept if entity.label == "time"]
    if times and not (change and place is None and _house_told(parse.text, times)):
        value = "，".join(dict.fromkeys(times)) if not times[0].isascii() else ", ".join(dict.fromkeys(times))
        replacing = (change and (requested != "location" or place is None)) or requested == "occurred_at"
        state = state.fill("occurred_at", value, only_missing=not replacing)
    return state


def _house_told(message: str, times: list[str]) -> bool:
    """Whether what looks like a day of the month is the house number of a place that the message names."""
    told = names_field("location", message) and not names_field("occurred_at", message)
    return told and all(DAY_OR_HOUSE.fullmatch(one) for one in times)


def take_named_value(state: FormState, parse: Parse, city: City | None = None) -> tuple[FormState, str | None]:
    """The state after "the place is …": the named field with the told value; the name when no value was told.

    A numbered part of a place alone ("it should be building 5") needs no name.
    """
    name, value = named_field(parse.text), (value_told(parse.text) or "")[:MAX_VALUE_CHARS]
    if name is None and value and is_numbered(value, city):
        name = "location"
    if name in (None, "contact") or not value:
        return state, name
    if name == "location":
        kept, negated = kept_and_negated(parse.entities, parse.text)
        return _with_place(state, parse.text, numbered(value, parse.text), kept, negated, True, city), None
    return state.fill(name, value, only_missing=False), None


def _with_place(
    state: FormState,
    message: str,
    text: str,
    kept: list[Entity],
    negated: list[Entity],
    replacing: bool,
    city: City | None,
) -> FormState:
    """The state with a place told, in the message's `kept` entities as far as it is known."""
    district = next((e.value for e in kept if e.label == "district"), None)
    subdistrict = next((e.value for e in kept if e.label == "subdistrict"), None)
    inferred = next((e.district for e in kept if e.district), None)

    def move(draft: CaseDraft) -> CaseDraft:
        if draft.location is None:
            return replace(draft, location=text, district=district or inferred, subdistrict=subdistrict)
        if not replacing:
            return draft
        moved = corrected(draft, text, alone(kept, message), negated, city)
        return replace(moved, location=(moved.location or "")[:MAX_PLACE_CHARS] or None)

    return state.each(move)
