"""Demands over HTTP, and masking of personal data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter

from bot.answer import agency_json
from bot.cases.analysis import Demand
from bot.cases.demand_heads import read_subcategories
from bot.language import detect
from bot.privacy import redact
from connectors.rest import Engine
from connectors.schemas import ParseRequest

router = APIRouter()


@router.post("/demands/analyse")
def analyse(body: ParseRequest, assistant: Engine) -> dict[str, Any]:
    """The demands of a free text."""
    demands = assistant.analyst.analyse(body.text) if body.text.strip() else ()
    language = "en" if detect(body.text).language == "en" else "zh"
    second = read_subcategories()
    names = {category.zh: category.en for category in assistant.catalogue.categories}
    return {
        "demands": [
            {
                "text": demand.text,
                "type": str(demand.type),
                "category": demand.category,
                "category_zh": demand.category,
                "category_en": names.get(demand.category or ""),
                "service_item": demand.service_item,
                "agency_responsible": agency_json(demand.agency, assistant.catalogue, language),
                "district": demand.district,
                "subdistrict": demand.subdistrict,
                "place": demand.place,
                "time": demand.time,
                "urgency": demand.urgency,
                "subcategory": demand.subcategory,
                "subcategory_en": second[demand.subcategory].name.en if demand.subcategory else None,
                "people": demand.people,
                "areas": [{"district": area.district, "subdistrict": area.subdistrict} for area in demand.areas],
                "evidence": dict(demand.evidence),
                "confidence": demand.confidence,
                "runner_up": demand.runner_up,
                "why": list(demand.why),
            }
            for demand in demands
        ],
        **_known(assistant, demands),
    }


def _known(assistant: Engine, demands: Sequence[Demand]) -> dict[str, Any]:
    """Open cases on the same, the likeliest first, and how many citizens reported the likeliest."""
    if assistant.duplicates is None or not demands:
        return {"duplicates": []}
    with assistant.store.work() as work:
        now = assistant.clock()
        found = [
            one
            for demand in demands
            for one in assistant.duplicates.find(work.connection, work.cases, demand.draft(), now)
        ]
        best = {one.case.number: one for one in sorted(found, key=lambda one: one.share)}
        ranked = sorted(best.values(), key=lambda one: -one.share)
        reported = work.followers.reported(ranked[0].case.number) if ranked else 0
    return {
        "duplicates": [{"case_id": one.case.number, "score": round(one.share, 4)} for one in ranked],
        "reported": reported,
    }


@router.post("/privacy/redact")
def privacy_redact(body: ParseRequest) -> dict[str, Any]:
    """The text with personal data masked, and what was masked."""
    masked = redact(body.text)
    spans = [{"start": span.start, "end": span.end, "kind": span.kind} for span in masked.spans]
    return {"text": masked.text, "spans": spans}
