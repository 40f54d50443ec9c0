"""Test results as JUnit XML, as CI servers read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
# What XML 1.0 cannot hold, even escaped.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


@dataclass(frozen=True)
class JunitCase:
    """One test; `failures` are messages, none where it passed; `seconds` it took."""

    name: str
    file: str
    line: int
    seconds: float
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class JunitSuite:
    """The tests of one file."""

    name: str
    cases: tuple[JunitCase, ...]


def junit_xml(suites: Sequence[JunitSuite]) -> str:
    """The XML of all suites."""
    root = ET.Element("testsuites", _counts([case for suite in suites for case in suite.cases]))
    for suite in suites:
        node = ET.SubElement(root, "testsuite", {"name": _clean(suite.name), **_counts(suite.cases)})
        for case in suite.cases:
            told = {"name": case.name, "classname": suite.name, "file": case.file}
            told |= {"line": str(case.line), "time": f"{case.seconds:.3f}"}
            one = ET.SubElement(node, "testcase", {key: _clean(value) for key, value in told.items()})
            for failure in case.failures:
                message = _clean(failure)
                ET.SubElement(one, "failure", {"message": message.partition("\n")[0]}).text = message
    ET.indent(root)
    return f"{DECLARATION}\n{ET.tostring(root, encoding='unicode')}\n"


def _counts(cases: Sequence[JunitCase]) -> dict[str, str]:
    seconds = sum(case.seconds for case in cases)
    failed = sum(bool(case.failures) for case in cases)
    return {
        "tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": "0", "time": f"{seconds:.3f}",
    }  # fmt: skip


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
