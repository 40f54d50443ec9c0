"""The national item model: a row of its fields, in any of their names, as an item of our catalogue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.catalogue import FACT_FIELDS, Aliases, Audience, Confidence, Fact, Kind, Text
from knowledge.importers.columns import by_field, roles
from knowledge.importers.lint import findings
from knowledge.importers.row import Level, Problem, Row
from knowledge.importers.wording import Wording, wording

MAX_NAME = 300
HAN = re.compile("[\u3400-\u9fff]")
LISTED = re.compile(r"\s*(?:[\n；;]+|\|)\s*")
NUMBERED = re.compile(r"^(?:[(（]?\d{1,2}[)）.、]|[一二三四五六七八九十]{1,2}、|[-•·])\s*")
OTHER_FACTS = {"fees": "fee", "contact_phone": "phone", "locations": "channels"}
CODE_FIELDS = ("handling_item_code", "implementation_code", "local_code")

Values = Mapping[str, list[tuple[str | None, Any]]]


@dataclass(frozen=True)
class Item:
    """An item as its list tells it, before it has a place in our catalogue; `agency` and `group` by name."""

    number: int
    identity: str
    code: str
    kind: Kind
    name: Text
    everyday_name: Text
    aliases: Aliases
    description: Text | None
    audience: tuple[Audience, ...]
    agency: Text
    agency_code: str
    group: Text
    life_events: tuple[str, ...]
    facts: Mapping[str, Fact]
    local_codes: Mapping[str, str]
    details: Mapping[str, str]
    agency_note: Text | None
    must_capture: Text | None
    category: str | None


def read_item(row: Row, confidence: Confidence, source: str) -> tuple[Item | None, list[Problem]]:
    """The item of a row, None when it has to be refused, and every problem found in it."""
    words = wording()
    values = by_field(row.values)
    name = _text(values, "name")
    refusal = _refusal(name, values)
    if name is None or refusal:
        return None, [Problem(row.number, "name", Level.ERROR, refusal or "is missing")]
    details = _details(values, words)
    problems = [
        Problem(row.number, field, Level.WARNING, text) for field, text in findings(_flat(values, words), words)
    ]
    facts = dict(_facts(values, words, confidence, source))
    codes = {
        field: _plain(values, field) for field, role in roles().items() if role == "local_code" and field in values
    }
    agency = _text(values, "competent_authority")
    if agency is None:
        problems.append(Problem(row.number, "competent_authority", Level.WARNING, "is missing"))
    kind = Kind.DEMAND if _plain(values, "kind") == Kind.DEMAND else Kind.SERVICE
    item = Item(
        row.number,
        _identity(name, agency, codes, values),
        _plain(values, "code"),
        kind,
        name,
        _text(values, "everyday_name") or name,
        _aliases(values),
        _text(values, "description"),
        _audience(values, words),
        agency or words.texts["unknown_agency"],
        _plain(values, "authority_code"),
        _group(values, words, kind),
        tuple(part for field in ("life_event", "business_event") for part in _parts(values, field)),
        facts,
        codes,
        details,
        _text(values, "agency_note") or _text(values, "joint_authorities"),
        _text(values, "must_capture"),
        _plain(values, "category") or None,
    )
    return item, problems


def _refusal(name: Text | None, values: Values) -> str | None:
    if name is not None and max(len(name.zh), len(name.en)) > MAX_NAME:
        return f"has more than {MAX_NAME} characters"
    return None


def _language(text: str) -> str:
    return "zh" if HAN.search(text) else "en"


def _string(value: Any) -> str:
    """A value as one text; lists and objects as JSON."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value).strip()


def _pair(told: Sequence[tuple[str | None, str]]) -> Text | None:
    """A text of what is told, by the language said, else by its characters."""
    found: dict[str, str] = {}
    for language, text in told:
        if text:
            found.setdefault(language or _language(text), text)
    kept = {key: found[key] for key in ("zh", "en") if key in found}
    return Text(**kept) if kept else None


def _text(values: Values, field: str) -> Text | None:
    return _pair([(language, _string(value)) for language, value in values.get(field, ())])


def _plain(values: Values, field: str) -> str:
    told = values.get(field)
    return _string(told[0][1]) if told else ""


def _parts(values: Values, field: str) -> list[str]:
    """The parts of a value that lists several."""
    return [part for _, value in values.get(field, ()) for part in _split(value)]


def _split(value: Any) -> list[str]:
    if isinstance(value, list):
        return [_string(part) for part in value]
    return [part for part in re.split(r"\s*[,，、;；|\n]\s*", _string(value)) if part]


def _flat(values: Values, words: Wording) -> dict[str, str]:
    """Single values by field, those that say "none" as empty."""
    plain = {field: _plain(values, field) for field in values}
    return {field: "" if words.is_nothing(value) else value for field, value in plain.items()}


def _with_role(values: Values, *wanted: str) -> list[str]:
    return [field for field, role in roles().items() if role in wanted and field in values]


def _details(values: Values, words: Wording) -> dict[str, str]:
    told = {field: _plain(values, field) for field in _with_role(values, "detail", "source_url", "authority_code")}
    if told.get("item_type") in words.item_types:
        told["item_type"] = words.item_types[told["item_type"]]
    return {field: value for field, value in told.items() if not words.is_nothing(value)}


def _aliases(values: Values) -> Aliases:
    found: dict[str, list[str]] = {"zh": [], "en": [], "yue": []}
    for language, value in values.get("aliases", ()):
        for part in _split(value):
            key = language or _language(part)
            if part not in found[key]:
                found[key].append(part)
    return Aliases(**found)


def _audience(values: Values, words: Wording) -> tuple[Audience, ...]:
    found: dict[Audience, None] = {}
    for part in _parts(values, "audience"):
        known = words.audience.get(part.lower())
        own = (Audience(part),) if part in set(Audience) else ()
        found |= dict.fromkeys(known or own)
    return tuple(found)


def _group(values: Values, words: Wording, kind: Kind) -> Text:
    found = _text(values, "topic_person") or _text(values, "topic_business")
    if found and not any(words.is_nothing(text) for text in (found.zh, found.en) if text):
        return found
    return words.texts["reports_group" if kind is Kind.DEMAND else "other_group"]


def _identity(name: Text, agency: Text | None, codes: Mapping[str, str], values: Values) -> str:
    """What makes an item the same one when its list is read again: its own code, its page, or its name and unit."""
    for field in CODE_FIELDS:
        if codes.get(field):
            return f"{field}={codes[field]}"
    if url := _plain(values, "source_url"):
        return f"url={url}"
    unit = agency.in_language("zh") if agency else ""
    basic = codes.get("basic_code")
    return f"basic_code={basic}@{unit}" if basic else f"name={name.in_language('zh')}@{unit}"


def _facts(values: Values, words: Wording, confidence: Confidence, source: str) -> Iterator[tuple[str, Fact]]:
    """The facts told, each in the form of our catalogue or in the words of the list."""
    told: dict[str, list[Text]] = {}
    for field in values:
        role = OTHER_FACTS.get(field, field)
        if role not in FACT_FIELDS:
            continue
        for _, value in values[field]:
            if isinstance(value, dict) and "items" in value:
                yield role, _whole(value, source)
                break
        else:
            told.setdefault(role, []).extend(_items(values[field], words if role == "channels" else None))
    told.setdefault("time_limit", []).extend(_limits(values, words))
    if not told.get("fee") and words.is_no(_plain(values, "is_fee") or "-"):
        told["fee"] = [words.texts["free"]]
    for name, items in told.items():
        kept = [item for item in items if not any(words.is_nothing(text) for text in (item.zh, item.en) if text)]
        if kept:
            yield name, Fact(confidence, [source], kept)


def _whole(value: dict[str, Any], source: str) -> Fact:
    """A fact as our own export writes it, its confidence kept."""
    items = [Text(str(one.get("zh", "")), str(one.get("en", ""))) for one in value["items"]]
    return Fact(Confidence(value.get("confidence", Confidence.UNSOURCED)), [source], items)


def _items(told: Sequence[tuple[str | None, Any]], words: Wording | None) -> list[Text]:
    """The entries of a list field; entries of two columns in two languages are paired by their place."""
    by_language: dict[str | None, list[str]] = {}
    for language, value in told:
        by_language.setdefault(language, []).extend(_entries(value))
    if {"zh", "en"} <= set(by_language) and len(by_language["zh"]) == len(by_language["en"]):
        return [Text(zh, en) for zh, en in zip(by_language["zh"], by_language["en"], strict=True)]
    found = []
    for language, entries in by_language.items():
        for entry in entries:
            known = words.channels.get(entry.lower()) if words else None
            text = known or _pair([(language, entry)])
            found += [text] if text else []
    return found


def _entries(value: Any) -> list[str]:
    if isinstance(value, list):
        return [_entry(one) for one in value]
    if isinstance(value, dict):
        return [_entry(value)]
    parts = (NUMBERED.sub("", part).strip() for part in LISTED.split(_string(value)))
    return [part for part in parts if part]


def _entry(value: Any) -> str:
    """A material, step or fee of several fields as one text: its name, the rest behind it."""
    if not isinstance(value, dict):
        return _string(value)
    names = ("name", "material_name", "step", "item", "title", "名称")
    main = next((_string(value[key]) for key in names if value.get(key)), "")
    rest = [_string(one) for key, one in value.items() if key not in names and one not in (None, "", False)]
    told = ", ".join(part for part in rest if part)
    return f"{main} ({told})" if main and told else main or told


def _limits(values: Values, words: Wording) -> Iterator[Text]:
    for key in ("promised", "legal"):
        told = values.get(f"{key}_limit")
        if not told:
            continue
        value = told[0][1]
        if isinstance(value, dict):
            number, unit = _string(value.get("n", "")), _string(value.get("unit", ""))
        else:
            number, unit = _string(value), _plain(values, f"{key}_limit_unit")
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(.*)", number)
        if match and not unit:
            number, unit = match[1], match[2]
        if number in words.instant - {"1"} or number == "0":
            yield words.limits["instant"]
        elif known := words.units.get(unit.lower()):
            pattern = words.limits[key]
            yield Text(pattern.zh.format(n=number, unit=known.zh), pattern.en.format(n=number, unit=known.en))
        elif number:
            found = _pair([(None, f"{number}{unit}")])
            yield from [found] if found else []
