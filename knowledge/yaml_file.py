"""YAML files as we read them: YAML 1.2 scalars (so `no` and `22:00` stay words) with a line for every value."""

from __future__ import annotations

import re
from collections.abc import Callable
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


MERGE = "tag:yaml.org,2002:merge"
STRING = "tag:yaml.org,2002:str"
# Values that aliases may repeat in a file, so that a few lines of them cannot fill the memory.
MOST_REPEATED = 50_000
# What stands in place of a plain word, given the word and its line.
Expander = Callable[[str, int], str]
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
_Loader.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", re.compile(r"^$")))


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; raises ContentError with the line of a syntax error or double key."""
    return read_with_lines(path)[0]


def read_with_lines(path: Path, expand: Expander | None = None) -> tuple[Any, dict[tuple[str | int, ...], int]]:
    """The content of a YAML file and, for the path of keys to every value, its line; raises ContentError.

    `expand` is asked for every unquoted word that holds a `${`; what it gives is a word.
    """
    try:
        walk = _Walk(path, expand)
        if (node := _node(path)) is None:
            return None, {}
        walk.note(node, (), ())
        return _construct(path, node), walk.lines
    except RecursionError:
        raise ContentError(path, None, "not plain YAML: too deeply nested 嵌套过深") from None


def _node(path: Path) -> yaml.Node | None:
    try:
        with path.open(encoding="utf-8") as text:
            return yaml.compose(text, Loader=_Loader)
    except FileNotFoundError:
        raise ContentError(path, None, "the file is missing 文件不存在") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "is not UTF-8 不是 UTF-8 编码"
        raise ContentError(path, mark.line + 1 if mark else None, f"not YAML 不是正确的 YAML: {problem}") from None


def _construct(path: Path, node: yaml.Node) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except yaml.constructor.ConstructorError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ContentError(path, line, f"not plain YAML 不是普通的 YAML: {error.problem}") from None
    finally:
        loader.dispose()


class _Walk:
    """One way through a file's nodes: lines are noted, words expanded, and what is no plain content refused."""

    def __init__(self, path: Path, expand: Expander | None) -> None:
        self.path, self.expand = path, expand
        self.lines: dict[tuple[str | int, ...], int] = {}
        self.seen: set[int] = set()
        self.repeated = 0

    def note(self, node: yaml.Node, at: tuple[str | int, ...], above: tuple[yaml.Node, ...]) -> None:
        """Note a value that stands at a path, below others."""
        self.repeated += id(node) in self.seen
        self.seen.add(id(node))
        if self.repeated > MOST_REPEATED:
            raise self._wrong(node, f"aliases repeat more than {MOST_REPEATED:,} values 别名重复过多")
        if node in above:
            raise self._wrong(node, "not plain YAML: an alias stands for what it is part of 别名指向自身")
        self.lines[at] = _line(node)
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, at, (*above, node))
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.note(item, (*at, index), (*above, node))
        elif isinstance(node, yaml.ScalarNode):
            self._word(node)

    def _mapping(self, node: yaml.MappingNode, at: tuple[str | int, ...], above: tuple[yaml.Node, ...]) -> None:
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._wrong(key, "a key must be a word 键须为文字")
            self._word(key)
            if key.value in seen:
                raise self._wrong(key, f"key {key.value!r} stands twice 键重复")
            seen.add(key.value)
            if key.tag == MERGE:
                for merged in value.value if isinstance(value, yaml.SequenceNode) else (value,):
                    self.note(merged, at, above)
        for key, value in node.value:
            if key.tag != MERGE:
                self.note(value, (*at, key.value), above)
                self.lines[(*at, key.value)] = _line(key)
        self.lines[at] = _line(node)

    def _word(self, node: yaml.ScalarNode) -> None:
        if self.expand is not None and not node.style and "${" in node.value:
            node.value, node.tag, node.style = self.expand(node.value, _line(node)), STRING, '"'

    def _wrong(self, node: yaml.Node, problem: str) -> ContentError:
        return ContentError(self.path, _line(node), problem)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
