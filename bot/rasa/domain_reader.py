"""Reads the domain of a Rasa project from one file or several, with file and line for what is not supported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.rasa.domain import (
    Domain,
    Entity,
    Form,
    Intent,
    ResponseCondition,
    SessionConfig,
    Variation,
)
from bot.rasa.refusals import Source
from bot.rasa.slot_reader import read_slot
from bot.rasa.slots import Slot

SECTIONS = {
    "version",
    "intents",
    "entities",
    "slots",
    "forms",
    "responses",
    "actions",
    "session_config",
    "config",
    "e2e_actions",
}
# A file with one of these in the domain folder belongs to the domain.
DOMAIN_KEYS = SECTIONS - {"version", "config"}
SAYING = {"text", "image", "custom", "buttons", "attachment", "elements", "quick_replies"}
RETRIEVAL = "is_retrieval_intent"
OLD_RESPONSES = "templates"
LISTS = ("buttons", "elements", "quick_replies")
VARIATION_KEYS = SAYING | {"channel", "metadata", "condition", "id", "button_type"}
# A file that says no more than this leaves the word to the next, as in Rasa.
SESSION_DEFAULT = {"session_expiration_time": 60, "carry_over_slots_to_new_session": True}


class DomainReader:
    """Gathers the domain from its files; of a name given twice the first one counts, as in Rasa."""

    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.entities: dict[str, Entity] = {}
        self.slots: dict[str, Slot] = {}
        self.forms: dict[str, Form] = {}
        self.responses: dict[str, tuple[Variation, ...]] = {}
        self.actions: list[str] = []
        self.retrieval: dict[str, None] = {}
        self.session: SessionConfig | None = None
        self.content: dict[str, Any] = {}

    def read(self, source: Source) -> None:
        """Add one file."""
        body = source.mapping(source.content, SECTIONS | {OLD_RESPONSES}, strict=False)
        if body.pop(OLD_RESPONSES, None):
            source.refuse("`templates` are called `responses` since Rasa 2 请改为 `responses`", OLD_RESPONSES)
        source.check_version()
        if body.get("e2e_actions"):
            source.refuse("`e2e_actions` (end-to-end training) is not supported 不支持端到端训练", "e2e_actions")
        if source.mapping(body.get("config"), None, "config").get("store_entities_as_slots") is False:
            source.refuse("`store_entities_as_slots: false` is not supported 不支持", "config")
        self._read_intents(source, body.get("intents"))
        self._read_entities(source, body.get("entities"))
        for name, entry in source.mapping(body.get("slots"), None, "slots").items():
            if (slot := read_slot(source, name, entry)) and not self._twice(source, self.slots, name, "slots", name):
                self.slots[name] = slot
        self._read_forms(source, body.get("forms"))
        self.read_responses(source, body.get("responses"))
        self._read_actions(source, body.get("actions"))
        self._read_session(source, body.get("session_config"))
        self._merge(body)

    def domain(self, retrieval_intents: Sequence[str] = ()) -> Domain:
        """The domain of all files read."""
        session = self.session or SessionConfig()
        content = {
            "version": "3.1",
            "session_config": {
                "session_expiration_time": session.expiration_minutes,
                "carry_over_slots_to_new_session": session.carry_over_slots,
            },
            **{section: [] for section in ("intents", "entities", "actions")},
            **{section: {} for section in ("slots", "forms", "responses")},
            **self.content,
        }
        return Domain(
            self.intents,
            self.entities,
            self.slots,
            self.forms,
            self.responses,
            tuple(self.actions),
            session,
            tuple({**dict.fromkeys(retrieval_intents), **self.retrieval}),
            content,
        )

    def read_responses(self, source: Source, value: object, override: bool = False) -> None:
        """Add the responses of a domain file; those of a training file override it, as in Rasa."""
        for name, variations in source.mapping(value, None, "responses").items():
            if not override and self._twice(source, self.responses, name, "responses", name):
                continue
            items = source.items(variations, "responses", name)
            found = (_variation(source, entry, "responses", name, index) for index, entry in enumerate(items))
            self.responses[name] = tuple(variation for variation in found if variation is not None)
            self.content.setdefault("responses", {})[name] = variations

    def _twice(self, source: Source, known: Mapping[str, object], name: str, *at: str | int) -> bool:
        if name in known:
            source.tell(f"`{name}` is declared twice in {at[0]}; the first one counts 重复，以第一个为准", *at)
        return name in known

    def _merge(self, body: Mapping[str, Any]) -> None:
        for section, value in body.items():
            if isinstance(value, list):
                kept = {_key(entry): entry for entry in self.content.get(section, ())}
                for entry in value:
                    kept.setdefault(_key(entry), entry)
                self.content[section] = list(kept.values())
            elif isinstance(value, dict) and section not in ("responses", "session_config"):
                self.content[section] = {**value, **self.content.get(section, {})}

    def _read_intents(self, source: Source, value: object) -> None:
        here: set[str] = set()
        for index, entry in enumerate(source.items(value, "intents")):
            at = ("intents", index)
            name, options = _named(source, entry, {"use_entities", "ignore_entities", RETRIEVAL}, *at, strict=False)
            if name is None:
                continue
            if name in here:
                source.refuse(f"intent `{name}` stands twice 重复", *at)
                continue
            here.add(name)
            if options.get(RETRIEVAL) is True:
                self.retrieval[name] = None
            use = options.get("use_entities", True)
            used = None if use is True else self._names(source, use or [], *at, name, "use_entities")
            ignored = options.get("ignore_entities")
            ignore = None if ignored is None else self._names(source, ignored, *at, name, "ignore_entities")
            if not self._twice(source, self.intents, name, *at):
                self.intents[name] = Intent(name, used, ignore)

    def _read_entities(self, source: Source, value: object) -> None:
        for index, entry in enumerate(source.items(value, "entities")):
            at = ("entities", index)
            name, options = _named(source, entry, {"roles", "groups", "influence_conversation"}, *at, strict=False)
            if name is None:
                continue
            roles, groups = (self._names(source, options.get(key), *at, name, key) for key in ("roles", "groups"))
            shown = options.get("influence_conversation")
            influence = source.flag(shown, True, *at, name, "influence_conversation")
            if not self._twice(source, self.entities, name, *at):
                self.entities[name] = Entity(name, roles, groups, influence)

    def _read_forms(self, source: Source, value: object) -> None:
        if isinstance(value, list):
            source.refuse("forms are a mapping with `required_slots` since Rasa 3 表单须为键值对", "forms")
            return
        for name, entry in source.mapping(value, None, "forms").items():
            body = source.mapping(entry, {"required_slots", "ignored_intents"}, "forms", name)
            ignored = body.get("ignored_intents")
            if ignored is not None and "required_slots" not in body:
                source.refuse("`ignored_intents` needs `required_slots` 须有 `required_slots`", "forms", name)
            listed = source.names(ignored, "forms", name, "ignored_intents")
            slots = self._names(source, body.get("required_slots"), "forms", name, "required_slots")
            if not self._twice(source, self.forms, name, "forms", name):
                self.forms[name] = Form(name, slots, listed)

    def _names(self, source: Source, value: object, *at: str | int) -> tuple[str, ...]:
        return source.names(source.items(value, *at), *at)

    def _read_actions(self, source: Source, value: object) -> None:
        for index, entry in enumerate(source.items(value, "actions")):
            name, _ = _named(source, entry, {"send_domain"}, "actions", index)
            if name is None:
                continue
            if name in self.actions:
                source.tell(f"action `{name}` stands twice 重复", "actions", index)
                continue
            self.actions.append(name)

    def _read_session(self, source: Source, value: object) -> None:
        allowed = {"session_expiration_time", "carry_over_slots_to_new_session"}
        body = source.mapping(value, allowed, "session_config", strict=False)
        if value is None or body == SESSION_DEFAULT or self.session is not None:
            return
        at, keep = ("session_config", "session_expiration_time"), "carry_over_slots_to_new_session"
        minutes = source.number(body.get("session_expiration_time"), SessionConfig.expiration_minutes, *at)
        if minutes < 0:
            source.refuse("`session_expiration_time` is a number of minutes 须为分钟数", *at)
        self.session = SessionConfig(float(minutes), source.flag(body.get(keep), True, "session_config", keep))
        self.content["session_config"] = body


def _key(entry: object) -> str:
    """What an entry of a list is told apart by: its name, with options or without."""
    return str(next(iter(entry), "")) if isinstance(entry, dict) else str(entry)


def _named(
    source: Source, entry: object, allowed: set[str], *at: str | int, strict: bool = True
) -> tuple[str | None, dict[str, Any]]:
    """A list's entry: a name alone, or a name with options."""
    if isinstance(entry, str):
        return entry, {}
    if not isinstance(entry, dict) or len(entry) != 1:
        source.refuse(f"`{at[0]}` are names, or one name with its options 须为名称，或名称加选项", *at)
        return None, {}
    name, options = next(iter(entry.items()))
    if options is None:
        source.refuse(f"`{name}:` has no options; Rasa wants the name without a colon 请去掉冒号", *at)
        return None, {}
    return str(name), source.mapping(options, allowed, *at, name, strict=strict)


def _variation(source: Source, entry: object, *at: str | int) -> Variation | None:
    body = source.mapping(entry, VARIATION_KEYS, *at)
    if not isinstance(entry, dict | None):
        return None
    if not SAYING & set(body):
        source.refuse(f"a wording needs one of 须有其一: {', '.join(sorted(SAYING))}", *at)
        return None
    conditions = []
    for index, condition in enumerate(source.items(body.get("condition"), *at, "condition")):
        told = source.mapping(condition, {"type", "name", "value"}, *at, "condition", index)
        if told.get("type") != "slot" or not isinstance(told.get("name"), str) or "value" not in told:
            source.refuse("a condition has `type: slot`, `name` and `value` 条件须有三者", *at, "condition", index)
            continue
        conditions.append(ResponseCondition(told["name"], told["value"]))
    source.text(body.get("text"), *at, "text")
    for key in LISTS:
        for index, part in enumerate(source.items(body.get(key), *at, key)):
            source.mapping(part, None, *at, key, index)
    return Variation(body, source.text(body.get("channel"), *at, "channel"), tuple(conditions))
