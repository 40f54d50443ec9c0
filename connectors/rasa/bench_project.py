"""A labelled set as the folder of a Rasa project: the same files are learnt by both engines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from bot.errors import ChengdaError
from bot.rasa.project import read_project
from bot.rasa.training_data import Example
from connectors.rasa.nlu_sets import nlu_yaml

EPOCHS, SEED = 100, 7
VERSION = "3.1"
TOKENIZERS = {"zh": "JiebaTokenizer", "en": "WhitespaceTokenizer"}
ANSWER = "utter_{}"
REST = "rest:\n"
# What the files' notation would read as something else; a space of the same width keeps every mark's place.
_TAKEN = re.compile(r"[\\\[\]\s]")
Written = tuple[str, str, tuple[tuple[str, int, int], ...]]


class NotWrittenAlike(ChengdaError):
    """What was written to a project does not read back as it was."""


def project_files(
    examples: Iterable[Example], language: str, epochs: int = EPOCHS, answers: bool = False
) -> dict[str, str]:
    """The project's files by name; with `answers` each intent is answered by a rule.

    Raises KeyError on a language without a tokenizer.
    """
    wanted = tuple(plain(example) for example in examples)
    intents = sorted({example.intent for example in wanted})
    files = {
        "config.yml": _yaml(_config(language, epochs)),
        "domain.yml": _yaml(_domain(intents, wanted, answers)),
        "credentials.yml": REST,
        "data/nlu.yml": nlu_yaml(wanted),
    }
    if answers:
        files["data/rules.yml"] = _yaml(_rules(intents))
    return files


def write_project(
    examples: Sequence[Example], language: str, folder: Path, epochs: int = EPOCHS, answers: bool = False
) -> None:
    """Write the project; raises NotWrittenAlike."""
    for name, text in project_files(examples, language, epochs, answers).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    check_written([plain(example) for example in examples], folder)


def check_written(wanted: Sequence[Example], folder: Path) -> None:
    """Compare what was to be written with what is read; raises NotWrittenAlike."""
    project = read_project(folder)
    if project.findings.refused:
        raise NotWrittenAlike(f"{folder}: {project.findings.refused[0].problem}")
    there, read = (Counter(map(written, some)) for some in (wanted, project.training.examples))
    if odd := (there - read) + (read - there):
        raise NotWrittenAlike(f"{folder}: reads otherwise than it was meant: {next(iter(odd))}")


def written(example: Example) -> Written:
    """What both engines learn of an example."""
    marks = sorted((mark.entity, mark.start, mark.end) for mark in example.annotations)
    return example.text, example.full_intent, tuple(marks)


def plain(example: Example) -> Example:
    """An example without what the notation takes for its own, its marks moved along."""
    text = _TAKEN.sub(" ", example.text)
    cut = len(text) - len(text.lstrip())
    marks = (replace(mark, start=mark.start - cut, end=mark.end - cut, value=None) for mark in example.annotations)
    return replace(example, text=text.strip(), annotations=tuple(marks))


def pipeline(language: str, epochs: int) -> list[dict[str, Any]]:
    """Rasa's own parts as its default configuration has them, DIET from a fixed seed."""
    return [
        {"name": TOKENIZERS[language]},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": epochs, "constrain_similarities": True, "random_seed": SEED},
    ]


def _config(language: str, epochs: int) -> dict[str, Any]:
    # Rules alone: whatever else Rasa trains for dialogue would only cost it time.
    return {
        "recipe": "default.v1",
        "assistant_id": "bench",
        "language": language,
        "pipeline": pipeline(language, epochs),
        "policies": [{"name": "RulePolicy"}],
    }


def _domain(intents: Sequence[str], examples: Iterable[Example], answers: bool) -> dict[str, Any]:
    entities = sorted({mark.entity for example in examples for mark in example.annotations})
    domain: dict[str, Any] = {"version": VERSION, "intents": list(intents), "entities": entities}
    if answers:
        domain["responses"] = {ANSWER.format(name): [{"text": f"Answer: {name}."}] for name in intents}
        domain["session_config"] = {"session_expiration_time": 60, "carry_over_slots_to_new_session": True}
    return domain


def _rules(intents: Sequence[str]) -> dict[str, Any]:
    rules = [
        {"rule": f"answer {name}", "steps": [{"intent": name}, {"action": ANSWER.format(name)}]} for name in intents
    ]
    return {"version": VERSION, "rules": rules}


def _yaml(body: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(body, allow_unicode=True, sort_keys=False, width=1000)
    return text
