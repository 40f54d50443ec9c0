"""The form's state: the demands told so far, what is missing, and how a message changes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.cases.case import CaseDraft, DemandType, draft_from_json
from bot.nlu.entities import Entity, find_entities, likeliest_place
from bot.nlu.parse import Parse
from bot.nlu.said import kept_and_negated, named_field, value_told, without_lead_ins
from bot.tracker import Event, Tracker

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
MAX_WHOLE_ANSWER = 60
NOT_TIME = {"location", "phone", "email", "plate"}
CONTACT_MARK = "\x00"
CONTACT_LEAD = re.compile(
    r"[,，。.;；\s]*(?:我的?|联系|my|and my|call me (?:at|on)?|reach me (?:at|on)?)?\s*"
    r"(?:手机号?码?|电话|联系方式|联系电话|phone(?: number)?|number|mobile|tel|email|邮箱)?"
    r"\s*(?:是|为|is|:|：)?\s*\x00",
    re.I,
)
HANGING = re.compile(r"(?:[\s,，]|\b(?:in|at|of|on|near))+$", re.I)


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


def take_values(state: FormState, parse: Parse, requested: str | None, change: bool) -> FormState:
    """The state with every place, time and contact of the message; a change replaces, else gaps are filled.

    The value of the requested slot always replaces.
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
        state = _with_place(state, place, only_place, kept, negated, replacing)
    times = [entity.text for entity in kept if entity.label == "time"]
    if times:
        value = "，".join(dict.fromkeys(times)) if not times[0].isascii() else ", ".join(dict.fromkeys(times))
        replacing = (change and (requested != "location" or place is None)) or requested == "occurred_at"
        state = state.fill("occurred_at", value, only_missing=not replacing)
    return state


def take_named_value(state: FormState, parse: Parse) -> tuple[FormState, str | None]:
    """The state after "the place is …": the named field with the told value; the name when no value was told."""
    name = named_field(parse.text)
    if name is None or name == "contact":
        return state, name
    value = value_told(parse.text)
    if value is None or not value:
        return state, name
    return state.fill(name, value[:MAX_VALUE_CHARS], only_missing=False), None


def _with_place(
    state: FormState,
    place: Entity,
    only_place: str | None,
    kept: list[Entity],
    negated: list[Entity],
    replacing: bool,
) -> FormState:
    area = {
        "district": next((e.value for e in kept if e.label == "district"), None)
        or next((e.district for e in kept if e.district), None),
        "subdistrict": next((e.value for e in kept if e.label == "subdistrict"), None),
    }
    detailed = any(e.label in ("road", "landmark") for e in kept) or len(place.text) > 8
    language = "en" if place.text.isascii() else "zh"

    def move(draft: CaseDraft) -> CaseDraft:
        if draft.location is not None and not replacing:
            return draft
        text = only_place or place.text
        if draft.location is not None and negated and not detailed:
            text = _exchange(draft.location, place.text, language)
        return replace(draft, location=text, district=area["district"], subdistrict=area["subdistrict"])

    return state.each(move)


def _exchange(old: str, new: str, language: str) -> str:
    """The new district or sub-district with the road or estate kept from the old place."""
    detail = old
    for entity in find_entities(old, language):
        if entity.label in ("district", "subdistrict"):
            detail = detail.replace(entity.text, "", 1)
    detail = HANGING.sub("", detail).lstrip(" ,，")
    return f"{detail}, {new}" if detail.isascii() and detail else new + detail
