"""What a call was about in a few lines of either language, told from the structured fields alone."""

from __future__ import annotations

from dataclasses import replace

from bot.assist.call import Call
from bot.assist.draft import Draft
from bot.assist.matter import Matter
from bot.assist.rendering import place_in_chinese, time_in_chinese
from bot.assist.voice import Voice
from knowledge.city import City


def summary(call: Call, drafts: tuple[Draft, ...], voice: Voice, city: City) -> str:
    """Every matter of a call in order."""
    matters = [matter for matter, _ in call.told()]
    lines = [voice.text("utter_assist_summary_danger")] if call.danger is not None else []
    blocks = [_matter(call, matter, draft, voice, city) for matter, draft in zip(matters, drafts, strict=True)]
    for number, block in enumerate(blocks, start=1):
        if len(blocks) > 1:
            lines.append(voice.text("utter_summary_number", number=number))
        lines.append(block)
    if call.case_number is not None:
        lines.append(voice.text("utter_assist_summary_case", number=call.case_number.value))
    return "\n".join(lines or [voice.text("utter_assist_summary_none")])


def _matter(call: Call, matter: Matter, draft: Draft, voice: Voice, city: City) -> str:
    if not matter.files_it and matter.best is not None:
        service = voice.catalogue[matter.best[0]]
        asked = [voice.text(f"utter_label_{name}") for name in matter.aspects if name != "online"]
        return voice.text(
            "utter_assist_summary_service",
            name=service.name.in_language(voice.language),
            asked=voice.listed(asked) or voice.text("utter_assist_asked_generally"),
            agency=voice.catalogue.agency_name(service).in_language(voice.language),
        )
    missing = voice.text("utter_value_not_given")
    place, time = draft.value("location"), draft.value("occurred_at")
    return voice.text(
        "utter_assist_summary_demand",
        type=voice.text(f"utter_type_{draft.type}"),
        matter=_name(draft, voice),
        location=_place(place, voice, city) if place else missing,
        occurred_at=_time(time, voice) if time else missing,
        contact=_contact(call, voice),
        agency=voice.catalogue.agency_name(draft.item).in_language(voice.language)
        if draft.item
        else voice.text("utter_agency_open"),
    )


def _name(draft: Draft, voice: Voice) -> str:
    if draft.item is not None:
        return draft.item.name.in_language(voice.language)
    names = {text.zh: text for text in voice.catalogue.categories}
    category = draft.value("category")
    return names[category].in_language(voice.language) if category in names else voice.text("utter_category_open")


def _contact(call: Call, voice: Voice) -> str:
    hidden = call.unnamed is not None and call.unnamed.value == "true"
    if call.contact is None:
        return voice.text("utter_contact_anonymous" if hidden else "utter_contact_none")
    told = voice.text("utter_contact_phone", contact=call.contact.value)
    return voice.text("utter_assist_contact_hidden", contact=told) if hidden else told


def _place(place: str, voice: Voice, city: City) -> str:
    """A place as the reader has it."""
    return place_in_chinese(place, city) if voice.language == "zh" and place.isascii() else place


def _time(time: str, voice: Voice) -> str:
    """A time as the reader has it."""
    return time_in_chinese(time) if voice.language == "zh" and time.isascii() else time


def in_chinese(call: Call, drafts: tuple[Draft, ...], voice: Voice, city: City) -> str:
    """The Chinese rendering of a call in English."""
    return summary(call, drafts, replace(voice, language="zh"), city)
