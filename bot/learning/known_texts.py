"""Every sentence the language data has already, so that nothing is taught twice and no dev sentence is ever trained."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.content_check import plain
from bot.nlu.training_data import read_nlu
from knowledge.catalogue import Catalogue
from knowledge.queries import NLU_DATA

TEXT_COLUMNS = ("text", "first", "second")


class KnownTexts:
    """The sentences of the data folder and of learned folders, with the file each stands in."""

    def __init__(self, catalogue: Catalogue, learned: Iterable[Path], folder: Path = NLU_DATA) -> None:
        self._files: dict[str, str] = {}
        for service in catalogue:
            for text in (*service.aliases.all(), service.name.zh, service.name.en):
                self._files.setdefault(plain(text), f"services/{service.code}.yml")
        for path in sorted({*folder.rglob("*.csv"), *folder.rglob("*.jsonl"), *folder.glob("nlu.*.yml")}):
            if path.parent.name != "lookups":
                self._add(path, str(path.relative_to(folder)))
        for place in learned:
            for path in sorted(place.glob("*.csv")):
                self._add(path, path.name)

    def file_of(self, text: str) -> str | None:
        """The file that has the text already, None when it is new; dev files start with `eval/`."""
        return self._files.get(plain(text))

    def add(self, text: str, file: str) -> None:
        """Remember a text just taught."""
        self._files.setdefault(plain(text), file)

    def _add(self, path: Path, name: str) -> None:
        for text in _texts_of(path):
            key = plain(text)
            if key and not (self._files.get(key, "").startswith("eval/")):
                self._files[key] = name


def _texts_of(path: Path) -> Iterator[str]:
    if path.suffix == ".yml":
        yield from (example.text for example in read_nlu(path))
        return
    with path.open(encoding="utf-8", newline="") as lines:
        if path.suffix == ".jsonl":
            for line in lines:
                if line.strip():
                    row = json.loads(line)
                    # A call is its caller's sentences.
                    said = (one["text"] for one in row.get("segments", ()) if one["speaker"] == "caller")
                    yield from (row["text"],) if "text" in row else said
            return
        for row in csv.DictReader(lines):
            yield from (row[name] for name in TEXT_COLUMNS if row.get(name))
