"""Words by which values of a list are known, and what they read as: `wording.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from knowledge.catalogue import Audience, Text
from knowledge.yaml_file import read_yaml

FILE = Path(__file__).with_name("wording.yml")


@dataclass(frozen=True, eq=False)
class Wording:
    """The tables of `wording.yml`."""

    limits: Mapping[str, Text]
    units: Mapping[str, Text]
    channels: Mapping[str, Text]
    audience: Mapping[str, tuple[Audience, ...]]
    texts: Mapping[str, Text]
    nothing: frozenset[str]
    yes: frozenset[str]
    no: frozenset[str]
    item_types: Mapping[str, str]
    instant: frozenset[str]
    commitment: frozenset[str]
    depth_four: frozenset[str]
    result_types: Mapping[str, str]

    def is_nothing(self, value: str) -> bool:
        """Whether a value says that there is none."""
        return value.strip().lower() in self.nothing

    def is_yes(self, value: str) -> bool:
        """Whether a value says yes."""
        return value.strip().lower() in self.yes

    def is_no(self, value: str) -> bool:
        """Whether a value says no."""
        return value.strip().lower() in self.no


def _words(values: list[Any]) -> frozenset[str]:
    return frozenset(str(value).lower() for value in values)


def _by_form(rows: list[dict[str, Any]]) -> dict[str, Text]:
    return {str(form).lower(): Text(row["zh"], row["en"]) for row in rows for form in row["forms"]}


@lru_cache(maxsize=1)
def wording() -> Wording:
    """The tables, read once."""
    table = read_yaml(FILE)
    lint = table["lint"]
    audience = {
        str(form).lower(): tuple(Audience(one) for one in row["as"])
        for row in table["audience"]
        for form in row["forms"]
    }
    named = ("free", "other_group", "reports_group", "unknown_agency")
    return Wording(
        limits={key: Text(**text) for key, text in table["limits"].items()},
        units=_by_form(table["units"]),
        channels=_by_form(table["channels"]),
        audience=audience,
        texts={key: Text(**table[key]) for key in named},
        nothing=_words(table["nothing"]) | {"none"},
        yes=_words(table["yes"]),
        no=_words(table["no"]),
        item_types={str(key): str(value) for key, value in table["item_types"].items()},
        instant=frozenset(map(str, lint["instant"])),
        commitment=frozenset(map(str, lint["commitment"])),
        depth_four=frozenset(map(str, lint["depth_four"])),
        result_types=lint["result_types"],
    )
