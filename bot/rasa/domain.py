"""The domain of a Rasa project: intents, entities, slots, forms, responses, actions and the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bot.rasa.slots import Slot, SlotType
from bot.rasa.training_data import RESPONSE_MARK

UTTER = "utter_"
# Under this name an utterance tells which response it is.
UTTER_ACTION = f"{UTTER}action"
LABEL_MARK = "#"
REQUESTED_SLOT = "requested_slot"
SESSION_METADATA_SLOT = "session_started_metadata"
# What rasa-sdk's knowledge base action keeps in a conversation.
KNOWLEDGE_BASE_ACTION = "action_query_knowledge_base"
KNOWLEDGE_BASE_SLOTS = (
    "knowledge_base_listed_objects",
    "knowledge_base_last_object",
    "knowledge_base_last_object_type",
)
LISTEN = "action_listen"
RESTART = "action_restart"
SESSION_START = "action_session_start"
DEFAULT_FALLBACK = "action_default_fallback"
DEACTIVATE_LOOP = "action_deactivate_loop"
REVERT_FALLBACK = "action_revert_fallback_events"
ASK_AFFIRMATION = "action_default_ask_affirmation"
ASK_REPHRASE = "action_default_ask_rephrase"
TWO_STAGE_FALLBACK = "action_two_stage_fallback"
UNLIKELY_INTENT = "action_unlikely_intent"
BACK = "action_back"
SNIPPET = "..."
EXTRACT_SLOTS = "action_extract_slots"
VALIDATE_MAPPINGS = "action_validate_slot_mappings"
# In Rasa's order: of two actions with one confidence the first one wins.
DEFAULT_ACTIONS = (
    LISTEN,
    RESTART,
    SESSION_START,
    DEFAULT_FALLBACK,
    DEACTIVATE_LOOP,
    REVERT_FALLBACK,
    ASK_AFFIRMATION,
    ASK_REPHRASE,
    TWO_STAGE_FALLBACK,
    UNLIKELY_INTENT,
    BACK,
    SNIPPET,
    EXTRACT_SLOTS,
)
NLU_FALLBACK = "nlu_fallback"
OUT_OF_SCOPE = "out_of_scope"
DEFAULT_INTENTS = ("restart", "back", OUT_OF_SCOPE, "session_start", NLU_FALLBACK)


@dataclass(frozen=True)
class Intent:
    """An intent and which entities its turns show to the policies; `use_entities` None means all."""

    name: str
    use_entities: tuple[str, ...] | None = None
    ignore_entities: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Entity:
    """An entity with its roles and groups."""

    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    influence_conversation: bool = True

    @property
    def labels(self) -> frozenset[str]:
        """`city#from` for each role and group."""
        return frozenset(f"{self.name}{LABEL_MARK}{label}" for label in (*self.roles, *self.groups))


@dataclass(frozen=True)
class Form:
    """A form and the slots it asks for, in order."""

    name: str
    required_slots: tuple[str, ...] = ()
    ignored_intents: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResponseCondition:
    """A slot that must have a value for this wording."""

    slot: str
    value: Any = field(hash=False)


@dataclass(frozen=True)
class Variation:
    """One wording of a response: `content` holds text, buttons, image, custom, attachment, … as in the file."""

    content: Mapping[str, Any] = field(hash=False)
    channel: str | None = None
    conditions: tuple[ResponseCondition, ...] = ()


@dataclass(frozen=True)
class SessionConfig:
    """Minutes until a conversation starts anew (0: never) and whether slots are kept."""

    expiration_minutes: float = 60.0
    carry_over_slots: bool = True


@dataclass(frozen=True)
class Domain:
    """What the project declares; names in the order of the files."""

    intents: Mapping[str, Intent] = field(default_factory=dict)
    entities: Mapping[str, Entity] = field(default_factory=dict)
    declared_slots: Mapping[str, Slot] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)
    responses: Mapping[str, tuple[Variation, ...]] = field(default_factory=dict)
    declared_actions: tuple[str, ...] = ()
    session: SessionConfig = SessionConfig()
    retrieval_intents: tuple[str, ...] = ()
    # The merged content of the domain files, as an action server is given it.
    content: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)

    @cached_property
    def slots(self) -> dict[str, Slot]:
        """The declared slots and those that Rasa adds by itself."""
        slots = dict(self.declared_slots)
        added: tuple[str, ...] = (REQUESTED_SLOT,) if self.forms else ()
        if KNOWLEDGE_BASE_ACTION in self.action_places:
            added += KNOWLEDGE_BASE_SLOTS
        for name in added:
            slots.setdefault(name, Slot(name, SlotType.TEXT, influence_conversation=False))
        slots[SESSION_METADATA_SLOT] = Slot(SESSION_METADATA_SLOT, SlotType.ANY)
        return slots

    @cached_property
    def user_actions(self) -> tuple[str, ...]:
        """Custom actions, then responses by name."""
        retrieval = (f"{UTTER}{intent}" for intent in self.retrieval_intents)
        declared = tuple(dict.fromkeys((*self.declared_actions, *retrieval)))
        return (*declared, *(name for name in sorted(self.responses) if name not in declared))

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """Every action by name in Rasa's order: defaults, the project's, responses, forms."""
        own = (name for name in self.user_actions if name not in DEFAULT_ACTIONS)
        return (*DEFAULT_ACTIONS, *own, *(form for form in self.forms if form not in self.declared_actions))

    @cached_property
    def action_places(self) -> dict[str, int]:
        """The place of each action in that order."""
        return {name: place for place, name in enumerate(self.actions)}

    @cached_property
    def all_intents(self) -> frozenset[str]:
        """The declared intents and Rasa's own."""
        return frozenset((*self.intents, *DEFAULT_INTENTS))

    def is_retrieval_action(self, action: str) -> bool:
        """Whether the answer is chosen by the response selector."""
        return action.startswith(UTTER) and action.removeprefix(UTTER) in self.retrieval_intents

    def used_entities(self, intent: str | None) -> frozenset[str] | None:
        """Entities (and `entity#role`) that a turn of this intent shows to the policies; None means all."""
        return self._used_entities.get(intent) if intent else None

    @cached_property
    def _used_entities(self) -> dict[str, frozenset[str]]:
        return {intent: self._entities_of(intent) for intent in self.all_intents}

    def _entities_of(self, intent: str) -> frozenset[str]:
        declared = self.intents.get(intent) or Intent(intent)
        unseen = {entity.name for entity in self.entities.values() if not entity.influence_conversation}
        if declared.use_entities is None:
            included = {name for name in self.entities if name not in unseen}
            included |= {label for entity in self.entities.values() for label in entity.labels}
        else:
            included = self._with_labels(declared.use_entities)
        ignored = unseen if declared.ignore_entities is None else set(declared.ignore_entities)
        return frozenset(included - self._with_labels(ignored))

    def _with_labels(self, names: set[str] | tuple[str, ...]) -> set[str]:
        labels = {label for name in names if name in self.entities for label in self.entities[name].labels}
        return set(names) | labels


def is_retrieval_response(name: str) -> bool:
    """Whether a response belongs to a key of a retrieval intent (`utter_faq/ask_hours`)."""
    return RESPONSE_MARK in name
