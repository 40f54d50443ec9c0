"""The events of a Rasa tracker, as dataclasses and in Rasa's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a conversation; `timestamp` in seconds since 1970."""

    kind: ClassVar[str] = ""
    timestamp: float | None = field(default=None, compare=False)
    # Neither compared nor shown: two events that differ in nothing else are the same.
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Rasa's JSON of it."""
        return {"event": self.kind, "timestamp": self.timestamp, "metadata": dict(self.metadata), **self._body()}

    def _body(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("timestamp", "metadata")}


@dataclass(frozen=True)
class UserUttered(Event):
    """A person's message, understood; `parse_data` in Rasa's shape."""

    kind: ClassVar[str] = "user"
    text: str | None = None
    parse_data: Mapping[str, Any] = field(default_factory=dict, hash=False)
    input_channel: str | None = None
    message_id: str | None = None

    @property
    def intent(self) -> str | None:
        """The name of the intent."""
        return (self.parse_data.get("intent") or {}).get("name")

    @property
    def entities(self) -> list[dict[str, Any]]:
        """The entities, as dicts of Rasa."""
        return list(self.parse_data.get("entities") or ())


@dataclass(frozen=True)
class BotUttered(Event):
    """Words of the assistant with buttons, image, attachment, custom in `data`."""

    kind: ClassVar[str] = "bot"
    text: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class ActionExecuted(Event):
    """An action ran; `unpredictable` ones of training are not learnt."""

    kind: ClassVar[str] = "action"
    name: str
    policy: str | None = None
    confidence: float | None = None
    action_text: str | None = None
    hide_rule_turn: bool = False
    unpredictable: bool = field(default=False, compare=False)

    def _body(self) -> dict[str, Any]:
        body = super()._body()
        del body["unpredictable"]
        return body


@dataclass(frozen=True)
class ActionExecutionRejected(Event):
    """An action, mostly a form, would not run."""

    kind: ClassVar[str] = "action_execution_rejected"
    name: str
    policy: str | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class SlotSet(Event):
    """A slot got a value."""

    kind: ClassVar[str] = "slot"
    name: str
    value: Any = field(default=None, hash=False)


@dataclass(frozen=True)
class ActiveLoop(Event):
    """A form started or, None, ended."""

    kind: ClassVar[str] = "active_loop"
    name: str | None = None


@dataclass(frozen=True)
class LoopInterrupted(Event):
    """The form comes back after another turn and does not take the message as its answer."""

    kind: ClassVar[str] = "loop_interrupted"
    is_interrupted: bool = True


@dataclass(frozen=True)
class FollowupAction(Event):
    """This action comes next."""

    kind: ClassVar[str] = "followup"
    name: str


@dataclass(frozen=True)
class UserFeaturization(Event):
    """Whether the last message was read by its words (never here) or its intent."""

    kind: ClassVar[str] = "user_featurization"
    use_text_for_featurization: bool = False


@dataclass(frozen=True)
class EntitiesAdded(Event):
    """More entities for the last message."""

    kind: ClassVar[str] = "entities"
    entities: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)


@dataclass(frozen=True)
class AgentUttered(Event):
    """A person at the desk spoke."""

    kind: ClassVar[str] = "agent"
    text: str | None = None
    data: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True)
class ReminderScheduled(Event):
    """An intent is to be triggered at a date and time in ISO 8601; without a zone it is of this machine's."""

    kind: ClassVar[str] = "reminder"
    intent: str | None = None
    date_time: str | None = None
    entities: Any = field(default=None, hash=False)
    name: str | None = None
    kill_on_user_msg: bool = True


@dataclass(frozen=True)
class ReminderCancelled(Event):
    """A reminder is dropped."""

    kind: ClassVar[str] = "cancel_reminder"
    intent: str | None = None
    entities: Any = field(default=None, hash=False)
    name: str | None = None


@dataclass(frozen=True)
class StoryExported(Event):
    """A story was to be written to a file; kept, nothing is written."""

    kind: ClassVar[str] = "export"
    path: str | None = None


@dataclass(frozen=True)
class Restarted(Event):
    """Everything before is forgotten."""

    kind: ClassVar[str] = "restart"


@dataclass(frozen=True)
class UserUtteranceReverted(Event):
    """The last message and what came of it are taken back."""

    kind: ClassVar[str] = "rewind"


@dataclass(frozen=True)
class ActionReverted(Event):
    """The last action is taken back."""

    kind: ClassVar[str] = "undo"


@dataclass(frozen=True)
class AllSlotsReset(Event):
    """All slots have their first values."""

    kind: ClassVar[str] = "reset_slots"


@dataclass(frozen=True)
class ConversationPaused(Event):
    """The assistant is silent."""

    kind: ClassVar[str] = "pause"


@dataclass(frozen=True)
class ConversationResumed(Event):
    """The assistant speaks again."""

    kind: ClassVar[str] = "resume"


@dataclass(frozen=True)
class SessionStarted(Event):
    """A new session began."""

    kind: ClassVar[str] = "session_started"


@dataclass(frozen=True)
class SessionEnded(Event):
    """A session ended (newer action servers)."""

    kind: ClassVar[str] = "session_ended"
