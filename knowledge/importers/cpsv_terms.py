"""The terms of CPSV-AP 3 that we read and write, and how our facts stand in them."""

from __future__ import annotations

from dataclasses import dataclass

from rdflib import Namespace
from rdflib.namespace import DCTERMS, RDF, SKOS
from rdflib.term import URIRef

CPSV = Namespace("http://purl.org/vocab/cpsv#")
CV = Namespace("http://data.europa.eu/m8g/")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
CHENGDA = Namespace("urn:chengda:")
PREFIXES = {"cpsv": CPSV, "cv": CV, "dct": DCTERMS, "dcat": DCAT, "skos": SKOS, "chengda": CHENGDA}
NAMES = (DCTERMS.title, SKOS.prefLabel)


@dataclass(frozen=True)
class Term:
    """A fact of ours: its field in the item model, the properties it is read from, and the class of its nodes."""

    fact: str
    field: str
    properties: tuple[URIRef, ...]
    node: URIRef


FACTS = (
    Term("eligibility", "eligibility", (CV.holdsRequirement,), CV.Requirement),
    Term("materials", "materials", (CPSV.hasInput, CV.hasInput), CV.Evidence),
    Term("steps", "steps", (CPSV.follows,), CPSV.Rule),
    Term("channels", "channels", (CV.hasChannel,), CV.Channel),
    Term("time_limit", "time_limit", (CHENGDA.timeLimit,), CHENGDA.TimeLimit),
    Term("fee", "fees", (CV.hasCost,), CV.Cost),
    Term("phone", "contact_phone", (CV.hasContactPoint,), CV.ContactPoint),
)
CODES = {"basic_code", "implementation_code", "handling_item_code", "local_code"}
TYPE = RDF.type
