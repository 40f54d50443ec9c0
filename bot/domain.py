"""The domain: what the assistant knows of intents, slots, forms and wording, read from Rasa 3's domain.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.messages import BotMessage, Button
from knowledge.yaml_file import ContentError, read_with_lines

DOMAIN_FILE = Path(__file__).with_name("domain.yml")
LANGUAGES = ("zh", "en")
SECTIONS = {"version", "intents", "entities", "slots", "forms", "responses", "actions", "session_config"}
SLOT_KEYS = {"type", "influence_conversation", "mappings", "initial_value", "values"}
SLOT_TYPES = {"text", "bool", "float", "list", "categorical", "any"}
VARIATION_KEYS = {"text", "buttons", "condition"}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Form:
    """A form and the slots it asks for, in order."""

    name: str
    required_slots: tuple[str, ...]


@dataclass(frozen=True)
class Wording:
    """One response in one language."""

    text: str
    buttons: tuple[Button, ...]


@dataclass(frozen=True)
class Domain:
    """The content of domain.yml; wording by response name and language."""

    intents: tuple[str, ...]
    entities: tuple[str, ...]
    slots: Mapping[str, Any]
    forms: Mapping[str, Form]
    responses: Mapping[str, Mapping[str, Wording]]
    actions: tuple[str, ...]

    def say(self, response: str, language: str, **values: object) -> BotMessage:
        """A response in the citizen's language with its placeholders filled.

        Raises KeyError for a response or placeholder the domain does not know.
        """
        wording = self.responses[response][language]
        return BotMessage(
            _fill(wording.text, values),
            tuple(Button(_fill(b.title, values), _fill(b.payload, values)) for b in wording.buttons),
        )

    def text(self, response: str, language: str, **values: object) -> str:
        """Only the text of `say`."""
        return self.say(response, language, **values).text


def _fill(text: str, values: Mapping[str, object]) -> str:
    return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), text)


class _Reader:
    """One reading of a domain file, with a line for every complaint."""

    def __init__(self, path: Path, wording: Mapping[str, str]) -> None:
        self.path = path
        self.city_names = wording
        self.content, self.lines = read_with_lines(path)
        if not isinstance(self.content, dict):
            raise ContentError(path, 1, "is no domain")

    def refuse(self, problem: str, *at: str | int) -> ContentError:
        return ContentError(self.path, self.lines.get(at), problem)

    def keys(self, value: object, allowed: set[str], *at: str | int) -> dict[str, Any]:
        """The value as a mapping with no key beyond the allowed ones."""
        if not isinstance(value, dict):
            raise self.refuse(f"`{at[-1]}` must be a mapping", *at)
        for key in value:
            if key not in allowed:
                raise self.refuse(f"`{key}` is not supported", *at, key)
        return value

    def names(self, section: str) -> tuple[str, ...]:
        found = self.content.get(section, [])
        for index, name in enumerate(found):
            if not isinstance(name, str):
                raise self.refuse(f"{section} are plain names", section, index)
        return tuple(found)

    def slots(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, body in self.content.get("slots", {}).items():
            slot = self.keys(body, SLOT_KEYS, "slots", name)
            if slot.get("type") not in SLOT_TYPES:
                raise self.refuse(f"slot type {slot.get('type')!r} is not supported", "slots", name)
            found[name] = slot.get("initial_value")
        return found

    def forms(self, slots: Mapping[str, Any]) -> dict[str, Form]:
        found: dict[str, Form] = {}
        for name, body in self.content.get("forms", {}).items():
            required = self.keys(body, {"required_slots"}, "forms", name).get("required_slots", [])
            for index, slot in enumerate(required):
                if slot not in slots:
                    at = ("forms", name, "required_slots", index)
                    raise self.refuse(f"slot `{slot}` is not in the domain", *at)
            found[name] = Form(name, tuple(required))
        return found

    def responses(self) -> dict[str, dict[str, Wording]]:
        found: dict[str, dict[str, Wording]] = {}
        for name, variations in self.content.get("responses", {}).items():
            wording: dict[str, Wording] = {}
            for index, variation in enumerate(variations or []):
                at = ("responses", name, index)
                body = self.keys(variation, VARIATION_KEYS, *at)
                language = self._language(body, *at)
                if language in wording:
                    raise self.refuse(f"`{name}` has two wordings in {language}", *at)
                wording[language] = self._wording(body, *at)
            for language in LANGUAGES:
                if language not in wording:
                    raise self.refuse(f"`{name}` has no wording in {language}", "responses", name)
            found[name] = wording
        return found

    def _language(self, body: dict[str, Any], *at: str | int) -> str:
        condition = body.get("condition")
        if (
            not isinstance(condition, list)
            or len(condition) != 1
            or condition[0].get("type") != "slot"
            or condition[0].get("name") != "language"
            or condition[0].get("value") not in LANGUAGES
        ):
            raise self.refuse("a wording needs one condition: the slot `language` is zh or en", *at)
        return str(condition[0]["value"])

    def _wording(self, body: dict[str, Any], *at: str | int) -> Wording:
        if not isinstance(body.get("text"), str):
            raise self.refuse("a wording needs a `text`", *at)
        buttons = tuple(
            Button(**self.keys(button, {"title", "payload"}, *at, "buttons", index))
            for index, button in enumerate(body.get("buttons", []))
        )
        text = body["text"].rstrip("\n")
        for home, own in self.city_names.items():
            text = text.replace(home, own)
        return Wording(text, buttons)


def read_domain(path: Path = DOMAIN_FILE, wording: Mapping[str, str] | None = None) -> Domain:
    """The domain of a file; raises ContentError with file and line for what is wrong or not supported.

    `wording` puts another city's names in place of the home city's that the responses carry.
    """
    reader = _Reader(path, wording or {})
    for section in reader.content:
        if section not in SECTIONS:
            raise reader.refuse(f"section `{section}` is not supported", section)
    slots = reader.slots()
    return Domain(
        intents=reader.names("intents"),
        entities=reader.names("entities"),
        slots=slots,
        forms=reader.forms(slots),
        responses=reader.responses(),
        actions=reader.names("actions"),
    )
