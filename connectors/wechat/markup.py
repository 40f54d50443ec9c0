"""The XML of callbacks, or JSON read as the same: every trick refused, written so that no text breaks out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, SubElement

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bot.errors import BadCallback

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8
DECLARED = re.compile(r"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
FORBIDDEN = re.compile("<!(?:doctype|entity|element|attlist|notation)", re.IGNORECASE)
CDATA = re.compile(r"<!\[CDATA\[.*?\]\]>", re.DOTALL)
# What XML 1.0 has no room for, not even written as a reference.
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Fields:
    """The children of an element, found whatever case their names are written in."""

    element: Element

    def text(self, name: str) -> str:
        """The text of a child, empty where there is none."""
        found = next(self._named(name), None)
        return "" if found is None else (found.text or "").strip()

    def all(self, name: str) -> Iterator[Fields]:
        """The children of a name."""
        return (Fields(child) for child in self._named(name))

    def inside(self, *names: str) -> Iterator[Fields]:
        """What lies at the end of a path of names."""
        if not names:
            yield self
            return
        for child in self.all(names[0]):
            yield from child.inside(*names[1:])

    def _named(self, name: str) -> Iterator[Element]:
        return (child for child in self.element if isinstance(child.tag, str) and child.tag.lower() == name.lower())


def fields_of(body: bytes) -> Fields:
    """The fields of an XML document in UTF-8 without DOCTYPE, or of a JSON object; raises BadCallback for others."""
    if len(body) > MAX_BYTES:
        raise BadCallback
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadCallback from None
    if is_json(body):
        return Fields(_read_json(text))
    declared = DECLARED.match(text)
    if FORBIDDEN.search(CDATA.sub("", text)) or (declared and declared[1].lower() not in ("utf-8", "utf8")):
        raise BadCallback
    try:
        root = fromstring(text.encode(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise BadCallback from None
    if _deeper(root, MAX_DEPTH):
        raise BadCallback
    return Fields(root)


def is_json(body: bytes) -> bool:
    """Whether a body is meant as a JSON object."""
    return body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def document(**fields: str | int | float) -> str:
    """A flat `<xml>` document; texts stand in CDATA, numbers bare."""
    return element("xml", "".join(element(name, escaped(value)) for name, value in fields.items()))


def element(name: str, content: str) -> str:
    """An element around written content."""
    return f"<{name}>{content}</{name}>"


def escaped(value: str | int | float) -> str:
    """A value as content: a text in CDATA that it cannot end, a number as it is."""
    if not isinstance(value, str):
        return str(value)
    return "<![CDATA[" + NO_XML.sub("", value).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _read_json(text: str) -> Element:
    root = Element("xml")
    try:
        _grow(root, json.loads(text), MAX_DEPTH)
    except (ValueError, RecursionError):
        raise BadCallback from None
    return root


def _grow(parent: Element, fields: dict[str, object], deep: int) -> None:
    """The fields of an object as children, those of a list one after the other."""
    if not deep:
        raise BadCallback
    for name, told in fields.items():
        for value in told if isinstance(told, list) else [told]:
            child = SubElement(parent, name)
            if isinstance(value, dict):
                _grow(child, value, deep - 1)
            elif isinstance(value, list):
                raise BadCallback
            elif value is not None:
                child.text = NO_XML.sub("", value if isinstance(value, str) else json.dumps(value))


def _deeper(root: Element, most: int) -> bool:
    """Whether anything is nested deeper than allowed; walks level by level, so that no depth is too much."""
    level = [root]
    for _ in range(most):
        level = [child for one in level for child in one]
        if not level:
            return False
    return True
