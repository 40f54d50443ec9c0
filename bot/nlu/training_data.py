"""Reader of Rasa 3 NLU training data: intents with annotated examples; anything else is refused by name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.yaml_file import ContentError, read_with_lines

ANNOTATION = re.compile(r"\[(?P<text>[^\]]+)\](?:\((?P<entity>[\w]+)\)|(?P<json>\{[^}]*\}))")
JSON_KEYS = {"entity", "value"}


@dataclass(frozen=True)
class Annotation:
    """A marked span of an example, in characters of its plain text."""

    entity: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Example:
    """One training sentence of an intent."""

    intent: str
    text: str
    annotations: tuple[Annotation, ...]
    file: Path
    line: int


def read_nlu(path: Path) -> tuple[Example, ...]:
    """The examples of one file in order; raises ContentError with file and line."""
    content, lines = read_with_lines(path)
    if not isinstance(content, dict) or not isinstance(content.get("nlu"), list):
        raise ContentError(path, 1, "has no `nlu:` list")
    for key in content:
        if key not in ("version", "nlu"):
            raise ContentError(path, lines[(key,)], f"key `{key}` is not supported here")
    examples: list[Example] = []
    for index, entry in enumerate(content["nlu"]):
        line = lines[("nlu", index)]
        examples.extend(_intent_examples(path, line, lines.get(("nlu", index, "examples")), entry))
    return tuple(examples)


def _intent_examples(path: Path, line: int, at: int | None, entry: object) -> Iterator[Example]:
    if not isinstance(entry, dict) or set(entry) != {"intent", "examples"}:
        unknown = sorted(set(entry) - {"intent", "examples"}) if isinstance(entry, dict) else []
        problem = f"`{unknown[0]}` is not supported" if unknown else "needs `intent` and `examples`"
        raise ContentError(path, line, problem)
    if not isinstance(entry["intent"], str) or not isinstance(entry["examples"], str):
        raise ContentError(path, line, "`intent` is a name and `examples` a block of text")
    for offset, row in enumerate(entry["examples"].splitlines(), start=1):
        if not row.strip():
            continue
        row_line = (at or line) + offset
        if not row.startswith("- "):
            raise ContentError(path, row_line, f"an example starts with `- `: {row[:40]!r}")
        yield read_example(entry["intent"], row[2:].strip(), path, row_line)


def read_example(intent: str, text: str, path: Path, line: int) -> Example:
    """One example line with its annotations taken out of the text."""
    plain, annotations, at = "", [], 0
    for match in ANNOTATION.finditer(text):
        plain += text[at : match.start()]
        start = len(plain)
        plain += match["text"]
        entity, value = match["entity"], match["text"]
        if match["json"]:
            entity, value = _json_annotation(match["json"], value, path, line)
        annotations.append(Annotation(entity, value, start, len(plain)))
        at = match.end()
    plain += text[at:]
    if not plain:
        raise ContentError(path, line, "an empty example")
    return Example(intent, plain, tuple(annotations), path, line)


def _json_annotation(text: str, default: str, path: Path, line: int) -> tuple[str, str]:
    try:
        marks = json.loads(text)
    except json.JSONDecodeError:
        raise ContentError(path, line, f"annotation is not JSON: {text}") from None
    if unknown := sorted(set(marks) - JSON_KEYS):
        raise ContentError(path, line, f"annotation key `{unknown[0]}` is not supported")
    if "entity" not in marks:
        raise ContentError(path, line, "annotation without `entity`")
    return str(marks["entity"]), str(marks.get("value", default))
