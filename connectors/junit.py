"""Test results as JUnit XML, as CI servers read it: valid by the schema of Jenkins' xUnit plugin (junit-10.xsd)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
# What XML 1.0 cannot hold, even escaped.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
# A CI server takes what stands behind the last full stop for the class, the rest for its package.
_PARTS = re.compile(r"[\\/]+")


@dataclass(frozen=True)
class JunitCase:
    """One test; `failures` are what came otherwise than expected, `errors` what kept it from being held properly."""

    name: str
    seconds: float
    failures: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class JunitSuite:
    """The tests of one file."""

    file: str
    cases: tuple[JunitCase, ...]

    @property
    def class_name(self) -> str:
        """The file without its ending, its folders joined by full stops."""
        return ".".join(part for part in _PARTS.split(self.file.rpartition(".")[0] or self.file) if part.strip("."))


def junit_xml(suites: Sequence[JunitSuite], began: datetime) -> str:
    """The XML of all suites of a run that began then."""
    root = ET.Element("testsuites", {"name": "chengda test", **_counts([c for suite in suites for c in suite.cases])})
    for suite in suites:
        told = {"name": _clean(suite.file), "file": _clean(suite.file), "timestamp": f"{began:%Y-%m-%dT%H:%M:%S}"}
        node = ET.SubElement(root, "testsuite", {**told, **_counts(suite.cases), "skipped": "0"})
        for case in suite.cases:
            names = {"name": _clean(case.name), "classname": _clean(suite.class_name)}
            one = ET.SubElement(node, "testcase", {**names, "time": f"{case.seconds:.3f}"})
            # One element for a test, as every reader takes it; an error tells of more than the failures it made.
            kind, problems = ("error", case.errors) if case.errors else ("failure", case.failures)
            if problems:
                whole = _clean("\n".join((*problems, *(case.failures if case.errors else ()))))
                ET.SubElement(one, kind, {"type": kind, "message": whole.partition("\n")[0]}).text = whole
    ET.indent(root)
    return f"{DECLARATION}\n{ET.tostring(root, encoding='unicode')}\n"


def _counts(cases: Sequence[JunitCase]) -> dict[str, str]:
    errors = sum(bool(case.errors) for case in cases)
    failures = sum(bool(case.failures) and not case.errors for case in cases)
    seconds = sum(case.seconds for case in cases)
    return {"tests": str(len(cases)), "failures": str(failures), "errors": str(errors), "time": f"{seconds:.3f}"}


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
