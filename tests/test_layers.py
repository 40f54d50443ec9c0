"""The house: imports point one way, no drawers, modules stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("knowledge", "bot", "connectors")
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py") if "migrations" not in path.parts)
FORBIDDEN = {"utils", "common", "shared", "core", "base", "helpers", "constants"}
MAY_IMPORT = {"knowledge": {"knowledge"}, "bot": {"knowledge", "bot"}, "connectors": set(PACKAGES)}
MAX_LINES = 330
STANDALONE = ("bot/__init__.py", "bot/language.py")
RASA_SIDE = ROOT / "bot" / "rasa_components.py"


def imported(path: Path) -> set[str]:
    """Top-level names a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).split(".")[0])
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    assert imported(path) & set(PACKAGES) <= MAY_IMPORT[package]
    assert not FORBIDDEN & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = [
        n
        for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef)
        for n in ast.walk(f)
        if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    assert not hidden, "imports stand at the top of the file"


@pytest.mark.parametrize("name", STANDALONE)
def test_read_by_rasa(name: str) -> None:
    """Rasa's process imports these: standard library only, syntax of Python 3.10."""
    path = ROOT / name
    assert imported(path) <= {"__future__", "re", "dataclasses"}
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))


def test_one_file_imports_rasa_and_nothing_of_ours_but_the_language() -> None:
    """It runs inside Rasa's process, on Python 3.10 and without our packages."""
    assert [path.name for path in MODULES if "rasa" in imported(path)] == [RASA_SIDE.name]
    tree = ast.parse(RASA_SIDE.read_text(encoding="utf-8"), feature_version=(3, 10))
    ours = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert {name for name in ours if name.split(".")[0] in PACKAGES} == {"bot.language"}
    assert imported(RASA_SIDE) <= {"__future__", "logging", "os", "typing", "requests", "rasa", "bot"}


def test_no_citizen_sentence_in_code() -> None:
    """Chinese sentences live in domain.yml and data files; code holds only words it recognises."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "请您" not in node.value and "抱歉" not in node.value, path
