"""Slots of a Rasa domain: their types, mappings and what a policy sees of a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

OTHER_VALUE = "__other__"
SHOULD_NOT_BE_SET = "should_not_be_set"


class SlotType(StrEnum):
    """The types of Rasa."""

    TEXT = "text"
    BOOL = "bool"
    CATEGORICAL = "categorical"
    FLOAT = "float"
    LIST = "list"
    ANY = "any"


class MappingType(StrEnum):
    """Where a value comes from."""

    FROM_ENTITY = "from_entity"
    FROM_TEXT = "from_text"
    FROM_INTENT = "from_intent"
    FROM_TRIGGER_INTENT = "from_trigger_intent"
    CUSTOM = "custom"


@dataclass(frozen=True)
class MappingCondition:
    """When a mapping counts: `active_loop` None means no loop runs, `requested_slot` None means any."""

    active_loop: str | None
    requested_slot: str | None = None


@dataclass(frozen=True)
class SlotMapping:
    """One way to fill a slot."""

    type: MappingType
    entity: str | None = None
    role: str | None = None
    group: str | None = None
    intents: tuple[str, ...] = ()
    not_intents: tuple[str, ...] = ()
    value: Any = field(default=None, hash=False)
    action: str | None = None
    conditions: tuple[MappingCondition, ...] = ()


@dataclass(frozen=True)
class Slot:
    """A slot as the domain declares it; `values` of a categorical one are lower case."""

    name: str
    type: SlotType
    mappings: tuple[SlotMapping, ...] = ()
    initial_value: Any = field(default=None, hash=False)
    influence_conversation: bool = True
    values: tuple[str, ...] = ()
    min_value: float = 0.0
    max_value: float = 1.0

    def stored(self, value: Any) -> Any:
        """The value as the tracker keeps it: a list slot holds a list."""
        return [value] if self.type == SlotType.LIST and value and not isinstance(value, list) else value

    def features(self, value: Any) -> tuple[float, ...]:
        """What a policy sees of a value; nothing for a slot that does not influence the conversation."""
        if not self.influence_conversation or self.type == SlotType.ANY:
            return ()
        return _FEATURES[self.type](self, value)


def _text(slot: Slot, value: Any) -> tuple[float, ...]:
    return (1.0 if value is not None else 0.0,)


def _list(slot: Slot, value: Any) -> tuple[float, ...]:
    return (1.0 if isinstance(value, list | str | tuple | dict) and len(value) else 0.0,)


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool | float | int):
        return value == 1
    if isinstance(value, str):
        if value.isnumeric():
            return float(value) == 1.0
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def _bool(slot: Slot, value: Any) -> tuple[float, ...]:
    truth = _truth(value)
    return (0.0, 0.0) if truth is None else (1.0, float(truth))


def _float(slot: Slot, value: Any) -> tuple[float, ...]:
    try:
        capped = max(slot.min_value, min(slot.max_value, float(value)))
    except (TypeError, ValueError):
        return (0.0, 0.0)
    return (1.0, (capped - slot.min_value) / ((slot.max_value - slot.min_value) or 1.0))


def _categorical(slot: Slot, value: Any) -> tuple[float, ...]:
    values = (*slot.values, OTHER_VALUE) if OTHER_VALUE not in slot.values else slot.values
    if value is None:
        return (0.0,) * len(values)
    name = str(value).lower() if str(value).lower() in values else OTHER_VALUE
    return tuple(float(known == name) for known in values)


_FEATURES = {
    SlotType.TEXT: _text,
    SlotType.LIST: _list,
    SlotType.BOOL: _bool,
    SlotType.FLOAT: _float,
    SlotType.CATEGORICAL: _categorical,
}
