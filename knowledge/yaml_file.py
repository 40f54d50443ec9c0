"""YAML files as we read them: YAML 1.2 scalars (so `no` and `22:00` stay words) with a line for every value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml


class ContentError(Exception):
    """A content file is wrong; the text names the file, the line where known, and the problem."""

    def __init__(self, file: Path, line: int | None, problem: str) -> None:
        self.file, self.line, self.problem = file, line, problem
        super().__init__(f"{file}:{line}: {problem}" if line else f"{file}: {problem}")


class _Loader(yaml.CSafeLoader):
    """PyYAML's fast loader with the implicit types of YAML 1.2's core schema."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
_Loader.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", re.compile(r"^$")))


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; raises ContentError with the line of a syntax error or double key."""
    return _construct(path, _node(path))


def read_with_lines(path: Path) -> tuple[Any, dict[tuple[str | int, ...], int]]:
    """The content of a YAML file and, for the path of keys to every value, its line."""
    node = _node(path)
    lines: dict[tuple[str | int, ...], int] = {}
    if node is not None:
        _note_lines(path, node, (), lines)
    return _construct(path, node), lines


def _node(path: Path) -> yaml.Node | None:
    try:
        with path.open(encoding="utf-8") as text:
            return yaml.compose(text, Loader=_Loader)
    except FileNotFoundError:
        raise ContentError(path, None, "the file is missing") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "is not UTF-8"
        raise ContentError(path, mark.line + 1 if mark else None, f"not YAML: {problem}") from None


def _construct(path: Path, node: yaml.Node | None) -> Any:
    if node is None:
        return None
    _refuse_double_keys(path, node)
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except yaml.constructor.ConstructorError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ContentError(path, line, f"not plain YAML: {error.problem}") from None
    finally:
        loader.dispose()


def _refuse_double_keys(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise ContentError(path, key.start_mark.line + 1, f"key {key.value!r} stands twice")
            seen.add(key.value)
            _refuse_double_keys(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_double_keys(path, item)


def _note_lines(
    path: Path, node: yaml.Node, at: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]
) -> None:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _note_lines(path, value, (*at, key.value), lines)
            lines[(*at, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(path, item, (*at, index), lines)
