"""What a city tells over Open311: its id and contact, and which items may be listed in public."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

from pydantic import ConfigDict, TypeAdapter

from knowledge.catalogue import CATALOGUE, Text, validated
from knowledge.city import City
from knowledge.yaml_file import read_yaml

FILE = "open311.yml"


@dataclass(frozen=True)
class Jurisdiction:
    """The content of `open311.yml`; items are codes of the catalogue."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    jurisdiction_id: str
    changeset: str
    contact: Text
    key_service: Text
    public: frozenset[str]
    not_filed: frozenset[str] = frozenset()
    asked_elsewhere: frozenset[str] = field(default=frozenset())


@lru_cache(maxsize=4)
def jurisdiction_of(city: City) -> Jurisdiction:
    """What a city tells; raises ContentError. A city without a file goes by its key and the home city's lists."""
    own = next((folder / FILE for folder in reversed(city.folders) if (folder / FILE).exists()), None)
    path = own or CATALOGUE / FILE
    told = validated(path, FILE, TypeAdapter(Jurisdiction), read_yaml(path))
    if own is not None:
        return told
    name, hotline = city.profile.name, city.profile.hotline
    contact = Text(f"{name.zh}{hotline}" if name.zh else "", f"{name.en} {hotline}" if name.en else "")
    return replace(told, jurisdiction_id=city.key, contact=contact)
