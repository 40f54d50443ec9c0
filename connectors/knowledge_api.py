"""The catalogue over HTTP: search and whole services."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException

from bot.assistant import Assistant
from bot.language import detect
from connectors.rest import Engine
from connectors.schemas import SearchRequest
from knowledge.catalogue import LANGUAGES, Catalogue, Service, Text, items_naming
from knowledge.retriever import Hit
from knowledge.verdict import Verdict

router = APIRouter(prefix="/knowledge")
OUT_OF_SCOPE = 0.6
OUTCOMES = {
    Verdict.ANSWERED: "answered",
    Verdict.CLARIFY: "clarify",
    Verdict.VAGUE: "clarify",
    Verdict.NO_SERVICE: "no_service",
}


@router.post("/search")
def search(body: SearchRequest, assistant: Engine) -> dict[str, Any]:
    """Ranked services for a need told in words."""
    parse = assistant.understanding.parse(body.query)
    if not parse.canonical:
        return {"outcome": "no_service", "hits": []}
    found = assistant.retriever.search(parse.canonical, parse.vector, body.top_k, body.audience)
    language = body.language or ("en" if detect(body.query).language == "en" else "zh")
    outside = parse.probability("out_of_scope") > OUT_OF_SCOPE and found.verdict is not Verdict.ANSWERED
    outcome = "out_of_scope" if outside else OUTCOMES[found.verdict]
    return {
        "outcome": outcome,
        "hits": [_hit_json(assistant, hit, parse.canonical, language, body) for hit in found.hits],
    }


def _hit_json(assistant: Assistant, hit: Hit, canonical: str, language: str, body: SearchRequest) -> dict[str, Any]:
    """A hit; with a district asked for, also the ways to apply that name it: no service is a district's own."""
    service = hit.service
    found = {
        "code": service.code,
        "name": service.name.in_language(language),
        "score": round(hit.score, 4),
        "agency_responsible": assistant.catalogue.agency_name(service).in_language(language),
        "why": list(assistant.retriever.why(service, canonical)),
    }
    if body.district is not None:
        local = [item.in_language(language) for item in items_naming(service, body.district)]
        found |= {"district": body.district, "in_district": local}
    return found


@router.get("/services/{code}")
def service(code: str, assistant: Engine, language: str = "zh") -> dict[str, Any]:
    """A whole service in one language, every fact with its confidence and sources."""
    if code not in assistant.catalogue:
        raise HTTPException(404)
    return _service_json(assistant, assistant.catalogue[code], "en" if language.startswith("en") else "zh")


def _service_json(assistant: Assistant, item: Service, language: str) -> dict[str, Any]:
    catalogue = assistant.catalogue

    def told(text: Text | None) -> str | None:
        return text.in_language(language) if text else None

    return {
        "code": item.code,
        "kind": str(item.kind),
        "group": told(catalogue.groups[item.group]),
        "name": told(item.name),
        "everyday_name": told(item.everyday_name),
        "aliases": {"zh": item.aliases.zh, "yue": item.aliases.yue, "en": item.aliases.en},
        "description": told(item.description),
        "audience": [str(audience) for audience in item.audience],
        "agency_responsible": told(catalogue.agency_name(item)),
        "agency_note": told(item.agency_note),
        "life_events": [told(catalogue.life_events[event]) for event in item.life_events],
        "related": [{"code": code, "name": told(catalogue[code].name)} for code in item.related],
        "category": item.category,
        "local_codes": item.record.local_codes if item.record else {},
        "details": item.record.details if item.record else {},
        "only_language": next((one for one in LANGUAGES if not item.name.known_in(_other(one))), None),
        "must_capture": told(item.must_capture),
        "facts": {
            name: {
                "items": [text.in_language(language) for text in fact.items],
                "confidence": str(fact.confidence),
                "confirmed": fact.certain,
                "sources": [_source_json(catalogue, key, language) for key in fact.sources],
            }
            for name, fact in item.facts()
        },
        "language": language,
    }


def _other(language: str) -> str:
    return "en" if language == "zh" else "zh"


def _source_json(catalogue: Catalogue, key: str, language: str) -> dict[str, Any]:
    source = catalogue.sources[key]
    return {"id": key, "title": source.title.in_language(language), "url": source.url, "checked_on": source.checked_on}
