"""The program `chengda`: its whole command line, or only the part for Rasa projects where that is all that is asked."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

WHOLE, PROJECTS = "connectors.cli", "connectors.rasa.project_program"
RASA, PROJECT_COMMANDS = "rasa", frozenset({"check", "train", "shell", "run"})


def module_of(words: Sequence[str]) -> str:
    """The module whose `main` runs these words of a command line."""
    return PROJECTS if words[:1] == [RASA] and PROJECT_COMMANDS & set(words[1:2]) else WHOLE


def main() -> None:
    """Run the command line."""
    # Imported here, not at the top: all of ours costs 200 MB, which a served project would keep as long as it runs.
    importlib.import_module(module_of(sys.argv[1:])).main()


if __name__ == "__main__":
    main()
