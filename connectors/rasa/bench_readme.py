"""Where the table of a comparison stands in a README: between two marks, one pair for each run that it shows."""

from __future__ import annotations

from pathlib import Path

from bot.errors import ChengdaError


class NoMarks(ChengdaError):
    """A file has no place for the table."""


def marks(block: str = "") -> tuple[str, str]:
    """The lines of a file between which a table stands; a block has a name where the file shows several runs."""
    name, option = (f" {block}", f" --block {block}") if block else ("", "")
    opening = f"<!-- bench rasa{name}: `chengda bench rasa{option} --write` writes this -->"
    return opening, f"<!-- end of bench rasa{name} -->"


def write_readme(path: Path, text: str, block: str = "") -> None:
    """Put the text between the marks of a block of a file; raises NoMarks."""
    opening, closing = marks(block)
    whole = path.read_text(encoding="utf-8")
    before, begin, rest = whole.partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end:
        raise NoMarks(f"{path} has no lines `{opening}` and `{closing}`")
    path.write_text(f"{before}{opening}\n{text}\n{closing}{after}", encoding="utf-8")
