"""Reads one slot of a domain with its mappings."""

from __future__ import annotations

from collections.abc import Mapping

from bot.rasa.refusals import Source
from bot.rasa.slots import MappingCondition, MappingType, Slot, SlotMapping, SlotType

SLOT_KEYS = {
    "type",
    "influence_conversation",
    "initial_value",
    "values",
    "min_value",
    "max_value",
    "mappings",
    "value_reset_delay",
}
# Rasa writes the class of a type into the domains it saves.
CLASSES = "rasa.shared.core.slots"
RASAS_OWN: Mapping[str, SlotType] = {
    **{str(kind): kind for kind in SlotType},
    **{f"{CLASSES}.{kind.capitalize()}Slot": kind for kind in SlotType if kind != SlotType.BOOL},
    f"{CLASSES}.BooleanSlot": SlotType.BOOL,
}
UNFEATURIZED = ("unfeaturized", f"{CLASSES}.UnfeaturizedSlot")
MAPPING_KEYS = {"type", "entity", "role", "group", "intent", "not_intent", "value", "action", "conditions"}
NEEDED: Mapping[MappingType, str | None] = {
    MappingType.FROM_ENTITY: "entity",
    MappingType.FROM_INTENT: "value",
    MappingType.FROM_TRIGGER_INTENT: "value",
    MappingType.FROM_TEXT: None,
    MappingType.CUSTOM: None,
}


def read_slot(source: Source, name: str, entry: object) -> Slot | None:
    """The slot; None where it is refused."""
    at = ("slots", name)
    body = source.mapping(entry, SLOT_KEYS, *at)
    named = body.get("type")
    kind = RASAS_OWN.get(named) if isinstance(named, str) else None
    if kind is None:
        since = "; since Rasa 3 it is `any` 请用 `any`" if named in UNFEATURIZED else " 不支持"
        source.refuse(f"slot type {named!r} is not supported{since}", *at, "type")
        return None
    influence = source.flag(body.get("influence_conversation"), kind != SlotType.ANY, *at, "influence_conversation")
    if kind == SlotType.ANY and influence:
        source.refuse("a slot of type any cannot influence the conversation any 类型不能影响对话", *at)
        return None
    if "mappings" not in body:
        source.refuse(f"slot `{name}` has no `mappings`, which Rasa 3 wants 缺少 `mappings`", *at)
        return None
    items = source.items(body["mappings"], *at, "mappings")
    found = (_mapping(source, mapping, *at, "mappings", index) for index, mapping in enumerate(items))
    low = source.number(body.get("min_value"), 0.0, *at, "min_value")
    high = source.number(body.get("max_value"), 1.0, *at, "max_value")
    if kind == SlotType.FLOAT and not low < high:
        source.refuse("`min_value` must be below `max_value` 最小值须小于最大值", *at)
        return None
    values = tuple(str(value).lower() for value in source.items(body.get("values"), *at, "values") if value is not None)
    return Slot(
        name,
        kind,
        tuple(mapping for mapping in found if mapping is not None),
        body.get("initial_value"),
        influence,
        values,
        float(low),
        float(high),
    )


def _mapping(source: Source, entry: object, *at: str | int) -> SlotMapping | None:
    body = source.mapping(entry, MAPPING_KEYS, *at, strict=False)
    if not isinstance(named := body.get("type"), str) or named not in set(MappingType):
        source.refuse(f"slot mapping {named!r} is not supported 不支持", *at)
        return None
    kind = MappingType(named)
    if (needed := NEEDED[kind]) and body.get(needed) is None:
        source.refuse(f"a mapping {kind} needs `{needed}` 缺少 `{needed}`", *at)
        return None
    conditions = []
    for index, condition in enumerate(source.items(body.get("conditions"), *at, "conditions")):
        told = source.mapping(condition, {"active_loop", "requested_slot"}, *at, "conditions", index)
        loop, slot = (
            source.text(told.get(key), *at, "conditions", index, key) for key in ("active_loop", "requested_slot")
        )
        conditions.append(MappingCondition(loop, slot))
    entity, role, group, action = (
        source.text(body.get(key), *at, key) for key in ("entity", "role", "group", "action")
    )
    intent, not_intent = (source.names(body.get(key), *at, key) for key in ("intent", "not_intent"))
    return SlotMapping(kind, entity, role, group, intent, not_intent, body.get("value"), action, tuple(conditions))
