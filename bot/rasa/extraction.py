"""action_extract_slots: after each message the slots are filled as their mappings say."""

from __future__ import annotations

from typing import Any

from bot.rasa.domain import KNOWLEDGE_BASE_SLOTS, REQUESTED_SLOT, SESSION_METADATA_SLOT, VALIDATE_MAPPINGS, Domain
from bot.rasa.events import Event, SlotSet
from bot.rasa.slots import MappingType, Slot, SlotMapping, SlotType
from bot.rasa.stage import Stage, run_for_slots
from bot.rasa.tracker import Tracker

OWN_SLOTS = {REQUESTED_SLOT, SESSION_METADATA_SLOT, *KNOWLEDGE_BASE_SLOTS}


def extract_slots(tracker: Tracker, stage: Stage) -> list[Event]:
    """The slots that the last message fills, validated where the project has an action for it."""
    events: list[Event] = []
    ran: set[str] = set()
    for slot in stage.domain.slots.values():
        if slot.name in OWN_SLOTS:
            continue
        for mapping in slot.mappings:
            if not _applies(slot, mapping, tracker, stage.domain):
                continue
            if values := _values(mapping, tracker):
                value = values if slot.type == SlotType.LIST else values[-1]
                if value is not None or tracker.slots.get(slot.name) is not None:
                    events.append(SlotSet(slot.name, value))
                    break
            if mapping.type == MappingType.CUSTOM and mapping.action and mapping.action not in ran:
                ran.add(mapping.action)
                events.extend(run_for_slots(mapping.action, tracker, stage))
    return _validated(events, tracker, stage)


def _validated(events: list[Event], tracker: Tracker, stage: Stage) -> list[Event]:
    slots = [event for event in events if isinstance(event, SlotSet)]
    if VALIDATE_MAPPINGS not in stage.domain.user_actions:
        return list(slots)
    candidate = Tracker(tracker.sender_id, stage.domain, [*tracker.since_restart(), *slots])
    told = run_for_slots(VALIDATE_MAPPINGS, candidate, stage)
    named = {event.name for event in told if isinstance(event, SlotSet)}
    return [*told, *(event for event in slots if event.name not in named)]


def _applies(slot: Slot, mapping: SlotMapping, tracker: Tracker, domain: Domain) -> bool:
    return (
        _is_valid(mapping, domain)
        and _intent_fits(mapping, tracker, domain)
        and _conditions_fit(slot, mapping, tracker)
        and not _is_anothers_entity(slot, mapping, tracker, domain)
    )


def _is_valid(mapping: SlotMapping, domain: Domain) -> bool:
    if mapping.type == MappingType.FROM_ENTITY:
        return mapping.entity in domain.entities
    if mapping.type == MappingType.FROM_INTENT:
        return all(intent in domain.all_intents for intent in mapping.intents)
    return True


def _intent_fits(mapping: SlotMapping, tracker: Tracker, domain: Domain) -> bool:
    unwanted = set(mapping.not_intents)
    loop = tracker.active_loop
    if loop and (not mapping.conditions or any(c.active_loop == loop for c in mapping.conditions)):
        form = domain.forms.get(loop)
        unwanted |= set(form.ignored_intents) if form else set()
    intent = tracker.latest_message.intent if tracker.latest_message else None
    return (not mapping.intents and intent not in unwanted) or intent in mapping.intents


def _conditions_fit(slot: Slot, mapping: SlotMapping, tracker: Tracker) -> bool:
    if not mapping.conditions or mapping.type == MappingType.FROM_TRIGGER_INTENT:
        return True
    if tracker.loop and tracker.loop.rejected and tracker.requested_slot == slot.name:
        return False
    for condition in mapping.conditions:
        if condition.active_loop and condition.active_loop == tracker.active_loop:
            if not condition.requested_slot or condition.requested_slot == tracker.requested_slot:
                return True
        elif condition.active_loop is None and tracker.active_loop is None:
            return True
    return False


def _is_anothers_entity(slot: Slot, mapping: SlotMapping, tracker: Tracker, domain: Domain) -> bool:
    """Whether in a form the same entity could fill several of its slots, and this is not the one asked for."""
    loop = tracker.active_loop
    if mapping.type != MappingType.FROM_ENTITY or not loop or tracker.requested_slot == slot.name:
        return False
    form = domain.forms.get(loop)
    if form is None or slot.name not in form.required_slots:
        return False
    same = sum(
        other == mapping
        for name in form.required_slots
        if name in domain.slots
        for other in domain.slots[name].mappings
        if other.type == MappingType.FROM_ENTITY
    )
    return same != 1


def _values(mapping: SlotMapping, tracker: Tracker) -> list[Any]:
    if mapping.type == MappingType.FROM_ENTITY:
        return tracker.entity_values(mapping.entity, mapping.role, mapping.group)
    if mapping.type == MappingType.FROM_INTENT:
        return [mapping.value]
    if mapping.type == MappingType.FROM_TEXT:
        return [tracker.latest_message.text if tracker.latest_message else None]
    if mapping.type == MappingType.FROM_TRIGGER_INTENT:
        loops = [condition.active_loop for condition in mapping.conditions]
        loop = tracker.active_loop
        return [mapping.value] if loop is not None and (not loops or loop in loops) else []
    return []
