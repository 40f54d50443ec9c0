"""The subset readers refuse what they do not know, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain import read_domain
from bot.nlu.training_data import read_example, read_nlu
from bot.rules import read_rules
from knowledge.yaml_file import ContentError

DOMAIN = """version: "3.1"
intents: [greet]
slots:
  language: {type: categorical, values: [zh, en], mappings: [{type: custom}]}
responses:
  utter_greet:
    - condition: [{type: slot, name: language, value: zh}]
      text: 你好
    - condition: [{type: slot, name: language, value: en}]
      text: Hello
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.yml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("intents: [greet]", "intents: [greet]\ne2e_actions: []", 3, "e2e_actions"),
        ("type: categorical", "type: magic", 4, "magic"),
        ("      text: Hello", "      texts: Hello", 10, "texts"),
        ("value: en", "value: fr", 9, "language"),
        ("    - condition: [{type: slot, name: language, value: en}]\n      text: Hello\n", "", 6, "en"),
        ("intents: [greet]", "intents: [{greet: {use_entities: []}}]", 2, "plain names"),
    ],
)
def test_domain_errors_name_the_line(tmp_path: Path, old: str, new: str, line: int, word: str) -> None:
    assert old in DOMAIN
    path = write(tmp_path, DOMAIN.replace(old, new))
    with pytest.raises(ContentError) as error:
        read_domain(path)
    assert f"{path}:{line}:" in str(error.value)
    assert word in str(error.value)


def test_domain_reads(tmp_path: Path) -> None:
    domain = read_domain(write(tmp_path, DOMAIN))
    assert domain.text("utter_greet", "en") == "Hello"


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ('version: "3.1"\nnlu:\n- synonym: a\n  examples: |\n    - b\n', 3, "synonym"),
        ('version: "3.1"\nnlu:\n- intent: a\n  examples: |\n    * b\n', 5, "- "),
        ('version: "3.1"\nstories: []\nnlu: []\n', 2, "stories"),
        ('version: "3.1"\nnlu:\n- intent: a\n  examples: |\n    - [b]{"role": "x", "entity": "y"}\n', 5, "role"),
    ],
)
def test_training_data_errors_name_the_line(tmp_path: Path, text: str, line: int, word: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ContentError) as error:
        read_nlu(path)
    assert f"{path}:{line}:" in str(error.value)
    assert word in str(error.value)


def test_annotations_leave_the_plain_text() -> None:
    example = read_example("inform", '在[民治](location)的[路灯]{"entity": "thing", "value": "lamp"}', Path("x"), 1)
    assert example.text == "在民治的路灯"
    assert [(a.entity, a.value, a.start, a.end) for a in example.annotations] == [
        ("location", "民治", 1, 3),
        ("thing", "lamp", 4, 6),
    ]


@pytest.mark.parametrize(
    ("steps", "word"),
    [
        ("- intent: greet\n    - action: utter_unknown", "utter_unknown"),
        ("- intent: unknown\n    - action: utter_greet", "unknown"),
        ("- checkpoint: a", "checkpoint"),
    ],
)
def test_rules_are_checked(tmp_path: Path, steps: str, word: str) -> None:
    path = write(tmp_path, f'version: "3.1"\nrules:\n- rule: a\n  steps:\n    {steps}\n')
    with pytest.raises(ContentError) as error:
        read_rules(read_domain(), path)
    assert f"{path}:3:" in str(error.value)
    assert word in str(error.value)
