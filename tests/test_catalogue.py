"""The catalogue against the domain facts, and its schema check."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pytest

from knowledge.catalogue import CATALOGUE, Kind, read_catalogue
from knowledge.encoder import load_encoder
from knowledge.facts import FactFinder, FactRows, fact_texts
from knowledge.yaml_file import ContentError

SERVICES = Path(__file__).resolve().parents[2] / "shared" / "domain" / "services.csv"


def test_all_items_are_there() -> None:
    catalogue = read_catalogue()
    assert sum(service.kind is Kind.SERVICE for service in catalogue) == 157
    assert sum(service.kind is Kind.DEMAND for service in catalogue) == 30


@pytest.mark.skipif(not SERVICES.exists(), reason="the shared domain facts are not here")
def test_names_codes_and_certainty_follow_the_facts() -> None:
    catalogue = read_catalogue()
    with SERVICES.open(encoding="utf-8") as rows:
        facts = list(csv.DictReader(rows))
    assert {row["code"] for row in facts} == set(catalogue.services)
    order = ["unsourced", "secondary", "mirror", "official"]
    for row in facts:
        service = catalogue[row["code"]]
        for _, fact in service.facts():
            assert order.index(fact.confidence) <= order.index(row["confidence"]), row["code"]


@pytest.mark.skipif(not SERVICES.exists(), reason="the shared domain facts are not here")
def test_no_phone_number_is_invented() -> None:
    known = SERVICES.read_text(encoding="utf-8") + (SERVICES.parent / "domain.md").read_text(encoding="utf-8")
    for service in read_catalogue():
        for name, fact in service.facts():
            for item in fact.items:
                for number in re.findall(r"\d{5,}", item.zh + " " + item.en):
                    assert number in known, (service.code, name, number)


def broken(tmp_path: Path, code: str, old: str, new: str) -> Path:
    folder = tmp_path / "knowledge"
    shutil.copytree(CATALOGUE, folder, ignore=shutil.ignore_patterns("models", "__pycache__"))
    path = folder / "services" / f"{code}.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("agency: PSB", "agency: NOBODY", ("A01", "agency", "NOBODY")),
        ("kind: service", "kind: thing", ("A01", "kind")),
        ("related: [A02", "related: [Z99", ("A01", "related", "Z99")),
        ("confidence: secondary", "confidence: rumour", ("A01", "confidence")),
        ("sources: [S18]", "sources: [S999]", ("A01", "S999")),
        ("group: identity", "grupo: identity", ("A01", "grupo")),
        ("code: A01", "code: A01\ncode: A01", ("A01.yml", "code")),
        ("code: A01", "code: [", ("A01.yml",)),
    ],
)
def test_an_error_names_file_code_and_field(tmp_path: Path, old: str, new: str, named: tuple[str, ...]) -> None:
    with pytest.raises(ContentError) as error:
        read_catalogue(broken(tmp_path, "A01", old, new))
    for word in ("A01.yml", *named):
        assert word in str(error.value)


def test_facts_encoded_beforehand_point_as_those_encoded_when_asked(tmp_path: Path) -> None:
    encoder, service = load_encoder("static"), read_catalogue()["A01"]
    FactRows.of(fact_texts(read_catalogue()), encoder).save(tmp_path)
    prepared = FactFinder(encoder, FactRows.load(tmp_path))
    for language, text in (("zh", "要带什么材料"), ("en", "how much does it cost")):
        vector = encoder.encode_query([text])[0]
        asked = FactFinder(encoder).pointed(service, language, text, vector)
        assert prepared.pointed(service, language, text, vector) == asked
        assert FactFinder(encoder, FactRows.of(["a"], encoder)).pointed(service, language, text, vector) == asked
