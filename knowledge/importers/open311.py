"""Service lists of Open311 GeoReport v2, JSON or XML, as rows of our item model: each is something to report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from knowledge.importers.row import ImportFault, Level, Problem, Row
from knowledge.importers.rows import Source

MAX_BYTES = 50_000_000
FIELDS = {
    "service_code": "local_code",
    "service_name": "name",
    "description": "description",
    "keywords": "aliases",
    "group": "topic_business",
}


def read_services(source: Source) -> Iterator[Row]:
    """One row a service; a JSON list, or lists by group as some cities give them; raises ImportFault."""
    if source.size > MAX_BYTES:
        raise ImportFault(f"{source.path}: a service list of more than {MAX_BYTES // 10**6} MB")
    text = source.path.read_text(encoding=source.encoding)
    services = _xml(source, text) if text.lstrip().startswith("<") else _json(source, text)
    for number, service in enumerate(services, start=1):
        if not isinstance(service, Mapping) or not str(service.get("service_code") or "").strip():
            problem = Problem(number, "service_code", Level.ERROR, "is missing")
            yield Row(number, {}, problem)
            continue
        told = {FIELDS[key]: value for key, value in service.items() if key in FIELDS and value}
        yield Row(number, {**told, "kind": "demand"})


def _json(source: Source, text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ImportFault(f"{source.path}: no JSON: {error}") from None
    if isinstance(found, list):
        return found
    groups = found.items() if isinstance(found, dict) else ()
    services = [
        {"group": group, **service} if isinstance(service, dict) else service
        for group, listed in groups
        if isinstance(listed, list)
        for service in listed
    ]
    if not services:
        raise ImportFault(f"{source.path}: no list of services")
    return services


def _xml(source: Source, text: str) -> list[Any]:
    try:
        root = fromstring(text.encode())
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ImportFault(f"{source.path}: no plain XML: {error or type(error).__name__}") from None
    return [{part.tag: (part.text or "").strip() for part in service} for service in root.iter("service")]
