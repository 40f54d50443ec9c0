"""XML and JSON of GeoReport v2: one tree of values, written and read in both; plural wrappers collapse to arrays."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bot.errors import ChengdaError

# Plural element -> the element of one member.
MEMBERS: Mapping[str, str] = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
    "notes": "note",
    "service_request_updates": "request_update",
}
_NOT_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Format(StrEnum):
    """The formats of every method."""

    XML = "xml"
    JSON = "json"


MEDIA_TYPES: Mapping[Format, str] = {
    Format.XML: "text/xml; charset=utf-8",
    Format.JSON: "application/json; charset=utf-8",
}


class Unreadable(ChengdaError):
    """A body is no XML or JSON of this protocol."""


def clean(text: str) -> str:
    """The text without characters that XML cannot carry, its line ends as XML reads them."""
    return _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def write(form: Format, root: str, value: Any) -> bytes:
    """A tree of dicts, lists and plain values as a body; `root` is the outermost element, JSON leaves it out."""
    return _to_xml(root, value) if form is Format.XML else _to_json(value)


def read(form: Format, body: bytes) -> Any:
    """The tree of a body, in XML all values as text or None; raises Unreadable."""
    try:
        if form is Format.JSON:
            return json.loads(body)
        return _tree(fromstring(body, forbid_dtd=True))
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise Unreadable(f"no {form}: {type(error).__name__}") from None


def _to_json(value: Any) -> bytes:
    return json.dumps(_cleaned(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return clean(value) if isinstance(value, str) else value


def _to_xml(root: str, value: Any) -> bytes:
    element = Element(root)
    _fill(element, value)
    return ('<?xml version="1.0" encoding="utf-8"?>\n' + str(tostring(element, encoding="unicode"))).encode()


def _fill(element: Element, value: Any) -> None:
    if isinstance(value, dict):
        for name, one in value.items():
            _fill(SubElement(element, name), one)
    elif isinstance(value, list):
        for one in value:
            _fill(SubElement(element, MEMBERS[element.tag]), one)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif value is not None:
        element.text = clean(str(value))


def _tree(element: Element) -> Any:
    children = list(element)
    if element.tag in MEMBERS and (children or not (element.text or "").strip()):
        return [_tree(child) for child in children]
    if children:
        return {child.tag: _tree(child) for child in children}
    return element.text or None
