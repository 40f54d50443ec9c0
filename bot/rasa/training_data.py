"""NLU training data of a Rasa project: examples with annotations, synonyms, regexes, lookups, retrieval responses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bot.rasa.refusals import Remark, Source

# `[text](entity)`, `[text](entity:value)`, `[text]{"entity": …}`, `[text][{…}, {…}]`
ANNOTATION = re.compile(
    r"\[(?P<text>[^\]]+?)\](?:\((?P<entity>[^:)]+?)(?::(?P<value>[^)]+))?\)|\{(?P<marks>[^}]+?)\}|\[(?P<many>.*?)\])"
)
_ONE_OF_MANY = re.compile(r"\{([^}]+?)\}")
MARK_KEYS = {"entity", "value", "role", "group"}
SECTIONS = {"intent", "synonym", "regex", "lookup"}
RESPONSE_MARK = "/"
# Under this name a reading has a retrieval intent with its key.
FULL_INTENT = "full_retrieval_intent_name"


@dataclass(frozen=True)
class Annotation:
    """A marked span of an example, in characters of its plain text; `value` as Rasa stores it."""

    start: int
    end: int
    entity: str
    role: str | None = None
    group: str | None = None
    value: str | int | float | None = None


@dataclass(frozen=True)
class Example:
    """One training sentence; `response` is the key of a retrieval intent (`faq/ask_hours` → `ask_hours`)."""

    text: str
    intent: str
    response: str | None
    annotations: tuple[Annotation, ...]
    metadata: Any = field(hash=False, compare=False, default=None)
    file: Path = Path()
    line: int = 0

    @property
    def full_intent(self) -> str:
        """`faq/ask_hours`, or the plain intent."""
        return f"{self.intent}{RESPONSE_MARK}{self.response}" if self.response else self.intent


@dataclass(frozen=True)
class Synonym:
    """What the variants are to be read as."""

    value: str
    variants: tuple[str, ...]


@dataclass(frozen=True)
class Regex:
    """Patterns under one name (an entity's for the RegexEntityExtractor)."""

    name: str
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Lookup:
    """Words under one name (an entity's for the RegexEntityExtractor)."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class TrainingData:
    """Everything the understanding is trained on; `response_texts` by `intent/key`, for retrieval by the answer."""

    examples: tuple[Example, ...] = ()
    synonyms: tuple[Synonym, ...] = ()
    regexes: tuple[Regex, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    response_texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def retrieval_intents(self) -> tuple[str, ...]:
        """Intents with response keys, sorted."""
        return tuple(sorted({example.intent for example in self.examples if example.response}))

    def merged(self, other: TrainingData) -> TrainingData:
        """Both, this one's first."""
        return TrainingData(
            self.examples + other.examples,
            self.synonyms + other.synonyms,
            self.regexes + other.regexes,
            self.lookups + other.lookups,
            {**self.response_texts, **other.response_texts},
        )


def split_intent(name: str) -> tuple[str, str | None]:
    """`faq/ask_hours` → (`faq`, `ask_hours`)."""
    intent, mark, key = name.partition(RESPONSE_MARK)
    return (intent, key) if mark and key else (intent, None)


def read_training_data(source: Source) -> TrainingData:
    """The `nlu:` list of one file; what is wrong is noted in its findings."""
    data = TrainingData()
    for index, entry in enumerate(source.items(source.content.get("nlu"), "nlu")):
        at = ("nlu", index)
        kinds = SECTIONS & set(entry) if isinstance(entry, dict) else set()
        if len(kinds) != 1:
            source.refuse("an entry of `nlu` is one of 每项须为其一: `intent`, `synonym`, `regex`, `lookup`", *at)
            continue
        kind = kinds.pop()
        body = source.mapping(entry, {kind, "examples", "metadata"}, *at)
        name = body[kind]
        if not isinstance(name, str) or not name:
            source.refuse(f"`{kind}` needs a name 须有名称", *at, kind)
        elif kind == "intent":
            data = data.merged(TrainingData(examples=tuple(_examples(source, name, body, index))))
        else:
            words = tuple(text for text, _ in _rows(source, body.get("examples"), *at, "examples"))
            data = data.merged(_table(source, kind, name, words, *at))
    return data


def _table(source: Source, kind: str, name: str, words: tuple[str, ...], *at: str | int) -> TrainingData:
    """A synonym, regex or lookup as training data of its own."""
    if kind == "synonym":
        return TrainingData(synonyms=(Synonym(name, words),))
    if kind == "regex":
        for pattern in words:
            try:
                re.compile(pattern)
            except re.error as error:
                source.refuse(f"regex {pattern!r} is broken 写法有误: {error}", *at, "examples")
        return TrainingData(regexes=(Regex(name, words),))
    if any(word.endswith(".txt") for word in words):
        source.tell(f"lookup `{name}` names a file; Rasa 3 reads it as a word Rasa 3 当作词而不是文件", *at, "examples")
    return TrainingData(lookups=(Lookup(name, words),))


def _examples(source: Source, name: str, body: dict[str, Any], index: int) -> Iterator[Example]:
    intent, response = split_intent(name)
    at: tuple[str | int, ...] = ("nlu", index, "examples")
    rows: list[tuple[str, int, Any]] = []
    if isinstance(listed := body.get("examples"), list):
        for place, row in enumerate(listed):
            entry = source.mapping(row, {"text", "metadata"}, *at, place)
            text = entry.get("text")
            if not isinstance(text, str) or not text.strip():
                source.refuse("an example needs a `text` 须有 `text`", *at, place)
                continue
            rows.append((text.strip("\n\r "), source.line(*at, place) or 0, entry.get("metadata")))
    else:
        rows = [(text, line, None) for text, line in _rows(source, listed, *at)]
    for text, line, metadata in rows:
        plain, marks = read_annotations(text, partial(source.refuse_line, line=line))
        own = body.get("metadata") if metadata is None else metadata
        yield Example(plain, intent, response, marks, own, source.path, line)


def _rows(source: Source, block: object, *at: str | int) -> Iterator[tuple[str, int]]:
    """The `- ` rows of a block of text, with their lines in the file."""
    if block is None:
        source.tell("has no examples 没有例句", *at)
        return
    if not isinstance(block, str):
        source.refuse("`examples` is a block of text with rows that start with `- ` 须为以 `- ` 开头的多行文字", *at)
        return
    first = source.line(*at) or 0
    for offset, row in enumerate(block.splitlines(), start=1):
        if not row.strip():
            continue
        if not row.startswith("-"):
            problem = f"does not start with `- `, so Rasa leaves it out 不以 `- ` 开头，Rasa 忽略此行: {row[:40]!r}"
            source.findings.told.append(Remark(problem, source.path, first + offset))
        elif text := row[1:].strip("\n\r "):
            yield text, first + offset


def read_annotations(text: str, refuse: Callable[[str], None]) -> tuple[str, tuple[Annotation, ...]]:
    """The plain text of an annotated sentence, and its marks."""
    plain, marks, at = "", [], 0
    for match in ANNOTATION.finditer(text):
        plain += text[at : match.start()]
        start, words = len(plain), match["text"]
        plain += words
        at = match.end()
        if match["entity"]:
            marks.append(Annotation(start, len(plain), match["entity"], value=match["value"] or words))
            continue
        for body in [match["marks"]] if match["marks"] else _ONE_OF_MANY.findall(match["many"]):
            if mark := _mark(body, words, start, refuse):
                marks.append(mark)
    return plain + text[at:], tuple(marks)


def _mark(body: str, words: str, start: int, refuse: Callable[[str], None]) -> Annotation | None:
    try:
        keys = json.loads(f"{{{body}}}")
    except json.JSONDecodeError:
        refuse(f"annotation is not JSON 标注不是 JSON: {{{body}}}")
        return None
    if unknown := sorted(set(keys) - MARK_KEYS):
        refuse(f"annotation key `{unknown[0]}` is not supported 不支持此标注")
        return None
    if not isinstance(keys.get("entity"), str):
        refuse("annotation without `entity` 标注缺少 `entity`")
        return None
    for key in ("role", "group"):
        if not isinstance(keys.get(key), str | int | None):
            refuse(f"annotation `{key}` must be a text 须为文字")
            return None
    role, group = (None if keys.get(key) is None else str(keys[key]) for key in ("role", "group"))
    value = keys.get("value", words)
    if isinstance(value, list | dict):
        refuse("annotation `value` must be a text or a number 须为文字或数字")
        return None
    return Annotation(start, start + len(words), keys["entity"], role, group, value)
