"""The hotline items as Open311 services: the list, and what each asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.cases.case import DemandType
from bot.domain import Domain
from connectors.open311.posted import Posted
from connectors.open311.problems import Kind, Problem
from knowledge.catalogue import Catalogue, Service, ServiceCode
from knowledge.catalogue import Kind as ItemKind
from knowledge.open311 import Jurisdiction

TYPE, WHEN, ANONYMOUS, DETAIL = "type", "occurred_at", "anonymous", "detail_"
YES, NO = "yes", "no"
SEPARATORS = {"zh": "、", "en": ", "}
CHOICES: Mapping[str, tuple[str, ...]] = {TYPE: tuple(DemandType), ANONYMOUS: (NO, YES)}


@dataclass(frozen=True)
class Attribute:
    """One thing asked for beyond the protocol's own fields; `values` by key for a choice."""

    code: str
    description: str
    values: Mapping[str, str] | None = None

    def tree(self, order: int) -> dict[str, Any]:
        """As the tree to write."""
        told: dict[str, Any] = {
            "variable": True,
            "code": self.code,
            "datatype": "singlevaluelist" if self.values else "string",
            "required": False,
            "datatype_description": None,
            "order": order,
            "description": self.description,
        }
        if self.values:
            told["values"] = [{"key": key, "name": name} for key, name in self.values.items()]
        return told


@dataclass(frozen=True)
class ServiceList:
    """The services of a city in one language."""

    catalogue: Catalogue
    city: Jurisdiction
    domain: Domain
    language: str

    def items(self) -> Iterator[Service]:
        """Every hotline item, in the catalogue's order."""
        return (item for item in self.catalogue if item.kind is ItemKind.DEMAND)

    def find(self, code: str) -> Service | None:
        """The item of a service code."""
        item = self.catalogue.services.get(ServiceCode(code))
        return item if item is not None and item.kind is ItemKind.DEMAND else None

    def trees(self) -> list[dict[str, Any]]:
        """The list as the tree to write."""
        return [self._tree(item) for item in self.items()]

    def _tree(self, item: Service) -> dict[str, Any]:
        names = item.aliases.en if self.language == "en" else [*item.aliases.zh, *item.aliases.yue]
        told = item.description.in_language(self.language) if item.description else None
        if item.code in self.city.not_filed and item.must_capture:
            told = " ".join(part for part in (told, item.must_capture.in_language(self.language)) if part)
        return {
            "service_code": item.code,
            "service_name": item.name.in_language(self.language),
            "description": told,
            "metadata": item.code not in self.city.not_filed,
            "type": "realtime",
            "keywords": ",".join(name.replace(",", " ") for name in names) or None,
            "group": self.group_of(item),
        }

    def group_of(self, item: Service) -> str | None:
        """The first-level category of an item."""
        known = {category.zh: category for category in self.catalogue.categories}
        category = known.get(item.category or "")
        return category.in_language(self.language) if category else item.category

    def definition(self, item: Service) -> dict[str, Any]:
        """What an item asks for, as the tree to write."""
        attributes = [one.tree(order) for order, one in enumerate(self.attributes(item), start=1)]
        return {"service_code": item.code, "attributes": attributes}

    def attributes(self, item: Service) -> tuple[Attribute, ...]:
        """The attributes of an item: what the hotline must know of it, then what it asks of every demand."""
        if item.code in self.city.not_filed:
            return ()
        return (
            *(Attribute(code, text) for code, text in self._details(item)),
            Attribute(WHEN, self._word(WHEN)),
            *(
                Attribute(code, self._word(code), {key: self._word(f"{code}_{key}") for key in keys})
                for code, keys in CHOICES.items()
            ),
        )

    def _details(self, item: Service) -> Iterator[tuple[str, str]]:
        if item.must_capture is None:
            return
        zh = item.must_capture.in_language("zh").split(SEPARATORS["zh"])
        told = item.must_capture.in_language(self.language).split(SEPARATORS[self.language])
        names = told if len(told) == len(zh) else zh
        for place, (asked, name) in enumerate(zip(zh, names, strict=True), start=1):
            if asked not in self.city.asked_elsewhere:
                yield f"{DETAIL}{place}", name

    def _word(self, name: str) -> str:
        return self.domain.text(f"utter_open311_attribute_{name}", self.language)

    def problems_of(self, posted: Posted) -> Iterator[Problem]:
        """What is wrong with a form's service and attributes."""
        code = posted.get("service_code")
        if code is None:
            yield Problem(Kind.SERVICE_MISSING)
            return
        item = self.find(code)
        if item is None:
            yield Problem(Kind.SERVICE_UNKNOWN, {"code": code[:20]})
            return
        if item.code in self.city.not_filed:
            what = item.must_capture.in_language(self.language) if item.must_capture else ""
            yield Problem(Kind.NOT_FILED, {"service": item.name.in_language(self.language), "what": what})
        for name, keys in CHOICES.items():
            values = posted.attributes.get(name, ())
            if len(values) > 1 or not set(values) <= set(keys):
                yield Problem(Kind.ATTRIBUTE_WRONG, {"code": name, "values": ", ".join(keys)})

    def described(self, posted: Posted, item: Service) -> str:
        """The words of a demand with the details asked for, a line each; the item's name where nothing is told."""
        lines = [posted.get("description") or item.name.in_language(self.language)]
        for code, name in self._details(item):
            if values := posted.attributes.get(code):
                lines.append(f"{name}: {SEPARATORS[self.language].join(values)}")
        return "\n".join(lines)

    def beyond(self, posted: Posted, item: Service) -> str | None:
        """What a form brings that has no place in a case: links and attributes nobody asked for."""
        known = {attribute.code for attribute in self.attributes(item)}
        lines = [
            f"{code}: {SEPARATORS[self.language].join(values)}"
            for code, values in posted.attributes.items()
            if code not in known
        ]
        return "\n".join([*posted.media, *lines]) or None


def endpoints(city: Jurisdiction, base: str, test_base: str, language: str) -> Mapping[str, object]:
    """The discovery document; `base` is the address of the production endpoint."""
    return {
        "changeset": city.changeset,
        "contact": city.contact.in_language(language),
        "key_service": city.key_service.in_language(language),
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": url,
                "changeset": city.changeset,
                "type": kind,
                "formats": ["text/xml", "application/json"],
            }
            for kind, url in (("production", base), ("test", test_base))
        ],
    }
