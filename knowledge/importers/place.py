"""Where items get their place in our catalogue: codes that never change, units and shelves by name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from knowledge.catalogue import Catalogue, Kind, Record, Service, ServiceCode, Text
from knowledge.importers.national import Item
from knowledge.importers.row import ImportFault

FIRST_LETTER, LAST_LETTER = "N", "Z"
A_LETTER = 9999
PATTERN = re.compile(r"^[A-Z]\d{2,4}$")


class Codes:
    """The catalogue code of every identity ever imported; a code once given is never given to another."""

    def __init__(self, known: Mapping[str, str], taken: set[str]) -> None:
        self.by_identity = dict(known)
        self._taken = taken | set(known.values())
        self._next = 0

    def code(self, item: Item) -> ServiceCode:
        """The code of an item, its own where it comes with a free one of our form."""
        if (known := self.by_identity.get(item.identity)) is not None:
            return ServiceCode(known)
        own = item.code if PATTERN.match(item.code) and item.code not in self._taken else ""
        self.keep(item.identity, own or self._free())
        return ServiceCode(self.by_identity[item.identity])

    def keep(self, identity: str, code: str) -> None:
        """Give a code to an identity for good."""
        self.by_identity[identity] = code
        self._taken.add(code)

    def _free(self) -> str:
        while True:
            letter = ord(FIRST_LETTER) + self._next // A_LETTER
            if letter > ord(LAST_LETTER):
                raise ImportFault("the catalogue is full: no code is left")
            code = f"{chr(letter)}{self._next % A_LETTER + 1:04}"
            self._next += 1
            if code not in self._taken:
                return code


class Names:
    """Keys of a table by the name of its rows; a name not known yet gets the next free key."""

    def __init__(self, table: Mapping[str, Text], letter: str) -> None:
        self.table = dict(table)
        self._letter = letter
        self._by_name = {name: key for key, text in table.items() for name in (text.zh, text.en) if name}

    def key(self, text: Text) -> str:
        """The key of a row with this name."""
        for name in (text.zh, text.en):
            if name and name in self._by_name:
                return self._by_name[name]
        number = len(self.table) + 1
        while (key := f"{self._letter}{number:03}") in self.table:
            number += 1
        self.table[key] = text
        self._by_name |= {name: key for name in (text.zh, text.en) if name}
        return key


def service_of(item: Item, code: ServiceCode, agencies: Names, groups: Names, base: Catalogue, source: str) -> Service:
    """The item as one of our catalogue; a life event or category that we do not know stays among the details."""
    events = {name: key for key, text in base.life_events.items() for name in (key, text.zh, text.en)}
    strange = [name for name in item.life_events if name not in events]
    known = {name: category.zh for category in base.categories for name in (category.zh, category.en)}
    category = known.get(item.category or "") if item.kind is Kind.DEMAND else None
    details = dict(item.details)
    if strange:
        details["life_event"] = "; ".join(strange)
    if item.category and not category:
        details["category"] = item.category
    return Service(
        code=code,
        kind=item.kind,
        group=groups.key(item.group),
        name=item.name,
        everyday_name=item.everyday_name,
        aliases=item.aliases,
        description=item.description,
        audience=list(item.audience),
        agency=agencies.key(item.agency),
        life_events=list(dict.fromkeys(events[name] for name in item.life_events if name in events)),
        related=[],
        agency_note=item.agency_note,
        must_capture=item.must_capture,
        category=category,
        record=Record(source, dict(item.local_codes), details),
        **item.facts,
    )
