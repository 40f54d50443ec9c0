"""What a reading of a Rasa project complains of: refused, left alone, or told; each with file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import ChengdaError
from knowledge.yaml_file import ContentError, read_with_lines

# Of what Rasa reads as little as this does.
NEITHER = "has no effect, in Rasa neither 不起作用，Rasa 亦然"
VERSIONS = ("2.0", "3.0", "3.1")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def expanded(word: str, environment: Mapping[str, str], missing: Callable[[str], None]) -> str:
    """A word with variables in place of their names, told of every `${NAME}` that the environment lacks.

    As Rasa does, `$NAME` is read beside a `${NAME}` and stays as it is where it is not set.
    """
    for braced, _ in _VARIABLE.findall(word):
        if braced and braced not in environment:
            missing(f"the environment has no {braced} 环境变量未设置")
    return _VARIABLE.sub(lambda match: environment.get(match[1] or match[2], match[0]), word)


def section_of(lines: Mapping[tuple[str | int, ...], int], line: int) -> str:
    """The uppermost key that a line of a file stands under."""
    begun = [(first, str(at[0])) for at, first in lines.items() if len(at) == 1 and first <= line]
    return max(begun, default=(0, ""))[1]


@dataclass(frozen=True)
class Remark:
    """One thing found in a file of the project."""

    problem: str
    file: Path
    line: int | None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}" if self.line else f"{self.file}: {self.problem}"


class ProjectRefused(ChengdaError):
    """A project holds what we do not run; `remarks` name it all."""

    def __init__(self, remarks: tuple[Remark, ...]) -> None:
        super().__init__("\n".join(map(str, remarks)))
        self.remarks = remarks


@dataclass
class Findings:
    """What one reading gathers: refused (does not run), left alone (read, without effect), told (Rasa warns too)."""

    refused: list[Remark] = field(default_factory=list)
    left_alone: list[Remark] = field(default_factory=list)
    told: list[Remark] = field(default_factory=list)


class Source:
    """One YAML file as it is read, with a line for every remark; a broken file is refused and reads as empty.

    `${NAME}` in unquoted words stands for a variable of the environment, as in Rasa; one that is not set is refused,
    but not in the sections of the file that are `idle` here.
    """

    def __init__(
        self,
        path: Path,
        findings: Findings,
        environment: Mapping[str, str] = os.environ,
        idle: Callable[[str], bool] = lambda section: False,
    ) -> None:
        self.path, self.findings = path, findings
        self.content: dict[str, Any] = {}
        self.lines: dict[tuple[str | int, ...], int] = {}
        unset: list[tuple[str, int]] = []
        try:
            content, self.lines = read_with_lines(
                path, lambda word, line: expanded(word, environment, lambda problem: unset.append((problem, line)))
            )
        except ContentError as error:
            findings.refused.append(Remark(error.problem, error.file, error.line))
            return
        for problem, line in unset:
            if not idle(section_of(self.lines, line)):
                self.refuse_line(problem, line)
        if isinstance(content, dict):
            self.content = content
        elif content is not None:
            self.refuse("is no mapping 须为键值对")

    def line(self, *at: str | int) -> int | None:
        """The line of the value there, or of the nearest above it."""
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at)

    def refuse(self, problem: str, *at: str | int) -> None:
        """Note what is not run."""
        self.findings.refused.append(Remark(problem, self.path, self.line(*at)))

    def refuse_line(self, problem: str, line: int) -> None:
        """Note what is not run, at a line inside a block of text."""
        self.findings.refused.append(Remark(problem, self.path, line))

    def leave_alone(self, problem: str, *at: str | int) -> None:
        """Note what is read and has no effect here."""
        self.findings.left_alone.append(Remark(problem, self.path, self.line(*at)))

    def tell(self, problem: str, *at: str | int) -> None:
        """Note what Rasa warns of as well."""
        self.findings.told.append(Remark(problem, self.path, self.line(*at)))

    def mapping(self, value: object, allowed: set[str] | None, *at: str | int, strict: bool = True) -> dict[str, Any]:
        """The value as a mapping; keys beyond the allowed ones are left out and refused.

        Where Rasa does not read such keys either (not `strict`) they are only told.
        """
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.refuse(f"{_called(at)} must be a mapping 须为键值对", *at)
            return {}
        for key in value:
            if allowed is not None and key not in allowed:
                if strict:
                    self.refuse(f"`{key}` is not supported 不支持", *at, key)
                else:
                    self.leave_alone(f"`{key}` {NEITHER}", *at, key)
        return {str(key): body for key, body in value.items() if allowed is None or key in allowed}

    def items(self, value: object, *at: str | int) -> list[Any]:
        """The value as a list; nothing is an empty one."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(f"{_called(at)} must be a list 须为列表", *at)
            return []
        return value

    def text(self, value: object, *at: str | int) -> str | None:
        """The value as a word; numbers and flags are none, nothing is None."""
        if value is None or isinstance(value, str):
            return value
        self.refuse(f"`{at[-1]}` must be a text 须为文字", *at)
        return None

    def number(self, value: object, otherwise: float, *at: str | int) -> float:
        """The value as a number; nothing, and what is refused, is the other one."""
        if value is None:
            return otherwise
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        self.refuse(f"`{at[-1]}` must be a number 须为数字", *at)
        return otherwise

    def flag(self, value: object, otherwise: bool, *at: str | int) -> bool:
        """The value as true or false; nothing, and what is refused, is the other one."""
        if value is None:
            return otherwise
        if isinstance(value, bool):
            return value
        self.refuse(f"`{at[-1]}` must be true or false 须为 true 或 false", *at)
        return otherwise

    def names(self, value: object, *at: str | int) -> tuple[str, ...]:
        """The value as a list of names, or one name alone; numbers are read as words."""
        listed = value if isinstance(value, list) else [] if value is None else [value]
        for entry in listed:
            if isinstance(entry, list | dict) or entry is None:
                self.refuse(f"`{at[-1]}` are names 须为名称", *at)
        return tuple(str(entry) for entry in listed if not isinstance(entry, list | dict) and entry is not None)

    def check_version(self) -> None:
        """Refuse a format newer than Rasa 3.6 knows (Rasa leaves such a file out with a warning)."""
        version = self.content.get("version")
        if version is not None and str(version).strip("\"'") not in VERSIONS:
            self.refuse(f"version {version!r} is not one of 版本须为其一: {', '.join(VERSIONS)}", "version")


def _called(at: tuple[str | int, ...]) -> str:
    """What stands at a place, in words: its key, or the list it is an entry of."""
    if not at:
        return "the file 文件"
    if isinstance(at[-1], int):
        return f"an entry of `{next((key for key in reversed(at) if isinstance(key, str)), '')}` 其中一项"
    return f"`{at[-1]}`"
