"""The formats that an import reads, and how a file's format is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from knowledge.importers.cpsv import read_public_services
from knowledge.importers.open311 import read_services
from knowledge.importers.row import Row
from knowledge.importers.rows import Source, read_rows

HEAD = 65_536
BY_ENDING = {".jsonld": "cpsv", ".ttl": "cpsv", ".xml": "open311"}
MARKS = (("cpsv", re.compile(rb'"@context"|"@graph"')), ("open311", re.compile(rb'"service_code"')))


class Format(StrEnum):
    """What a file to import holds."""

    AUTO = "auto"
    NATIONAL = "national"
    CPSV = "cpsv"
    OPEN311 = "open311"


IMPORTERS: Mapping[Format, Callable[[Source], Iterator[Row]]] = {
    Format.NATIONAL: read_rows,
    Format.CPSV: read_public_services,
    Format.OPEN311: read_services,
}


def format_of(source: Source) -> Format:
    """The format told by the ending of the name, and for JSON by its first part."""
    ending = source.path.suffix.lower()
    if ending in BY_ENDING:
        return Format(BY_ENDING[ending])
    if ending != ".json":
        return Format.NATIONAL
    with source.path.open("rb") as content:
        head = content.read(HEAD)
    return Format(next((name for name, mark in MARKS if mark.search(head)), "national"))
