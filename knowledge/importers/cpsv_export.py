"""Our catalogue as CPSV-AP 3 in JSON-LD, and as a table of the item model's fields."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any, TextIO

from knowledge.catalogue import Catalogue, Service, Text
from knowledge.importers.cpsv_terms import FACTS, PREFIXES

LANGUAGES = ("zh", "en")
COLUMNS = (
    "code", "kind", "name_zh", "name_en", "everyday_name_zh", "everyday_name_en", "aliases_zh", "aliases_en",
    "aliases_yue", "description_zh", "description_en", "audience", "competent_authority_zh", "competent_authority_en",
    "topic_person_zh", "topic_person_en", "life_event", "basic_code", "implementation_code", "handling_item_code",
    "local_code", "category",
)  # fmt: skip
FACT_COLUMNS = tuple(f"{term.field}_{language}" for term in FACTS for language in LANGUAGES)
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def write_json_ld(catalogue: Catalogue, city: str, out: TextIO) -> None:
    """Every item as a cpsv:PublicService, streamed; the context stands in the document."""
    context = {name: str(namespace) for name, namespace in PREFIXES.items()}
    out.write(f'{{"@context": {json.dumps(context)},\n"@graph": [\n')
    for number, service in enumerate(catalogue):
        out.write(",\n" if number else "")
        out.write(json.dumps(_node(service, catalogue, city), ensure_ascii=False))
    out.write("\n]}\n")


def write_csv(catalogue: Catalogue, out: TextIO) -> None:
    """Every item as a line that `chengda import` reads back; no cell is one that a spreadsheet runs."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*COLUMNS, *FACT_COLUMNS))
    for service in catalogue:
        cells = _cells(service, catalogue)
        writer.writerow(_harmless(cells.get(name, "")) for name in (*COLUMNS, *FACT_COLUMNS))


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(DANGEROUS) else cell


def _cells(service: Service, catalogue: Catalogue) -> dict[str, str]:
    agency, group = catalogue.agency_name(service), catalogue.groups[service.group]
    cells: dict[str, str] = {
        "code": service.code,
        "kind": str(service.kind),
        "audience": ";".join(service.audience),
        "life_event": ";".join(service.life_events),
        "category": service.category or "",
        **(service.record.local_codes if service.record else {}),
    }
    texts = {
        "name": service.name,
        "everyday_name": service.everyday_name,
        "description": service.description,
        "competent_authority": agency,
        "topic_person": group,
    }
    for name, text in texts.items():
        cells |= {f"{name}_zh": text.zh, f"{name}_en": text.en} if text else {}
    cells |= {f"aliases_{language}": ";".join(names) for language, names in _aliases(service)}
    for term in FACTS:
        if fact := service.fact(term.fact):
            cells[f"{term.field}_zh"] = "\n".join(item.zh for item in fact.items)
            cells[f"{term.field}_en"] = "\n".join(item.en for item in fact.items)
    return cells


def _aliases(service: Service) -> tuple[tuple[str, list[str]], ...]:
    return (("zh", service.aliases.zh), ("en", service.aliases.en), ("yue", service.aliases.yue))


def _tagged(text: Text) -> list[dict[str, str]]:
    told = (("zh", text.zh), ("en", text.en))
    return [{"@value": value, "@language": language} for language, value in told if value]


def _node(service: Service, catalogue: Catalogue, city: str) -> dict[str, Any]:
    at = f"urn:chengda:{city}"
    node: dict[str, Any] = {
        "@id": f"{at}:service:{service.code}",
        "@type": "cpsv:PublicService",
        "dct:identifier": service.code,
        "dct:title": _tagged(service.name),
        "dcat:keyword": [
            {"@value": name, "@language": language} for language, names in _aliases(service) for name in names
        ],
        "cv:hasCompetentAuthority": {
            "@id": f"{at}:agency:{service.agency}",
            "@type": "cv:PublicOrganisation",
            "dct:title": _tagged(catalogue.agency_name(service)),
        },
        "cv:thematicArea": {
            "@id": f"{at}:group:{service.group}",
            "@type": "skos:Concept",
            "skos:prefLabel": _tagged(catalogue.groups[service.group]),
        },
        "cv:isGroupedBy": [
            {"@id": f"{at}:event:{key}", "@type": "cv:Event", "dct:title": _tagged(catalogue.life_events[key])}
            for key in service.life_events
        ],
        "dct:audience": [{"@id": f"urn:chengda:audience:{audience}"} for audience in service.audience],
        "dct:relation": [{"@id": f"{at}:service:{code}"} for code in service.related],
        "chengda:kind": str(service.kind),
        "chengda:code": service.code,
        "chengda:everydayName": _tagged(service.everyday_name),
    }
    node |= dict(_optional(service))
    node |= dict(_facts(service, f"{at}:service:{service.code}"))
    return {key: value for key, value in node.items() if value not in ([], "")}


def _optional(service: Service) -> Iterator[tuple[str, Any]]:
    texts = (
        ("dct:description", service.description),
        ("chengda:mustCapture", service.must_capture),
        ("chengda:agencyNote", service.agency_note),
    )
    yield from ((name, _tagged(text)) for name, text in texts if text)
    if service.category:
        yield "chengda:category", service.category
    if service.record:
        yield from ((f"chengda:{field}", code) for field, code in service.record.local_codes.items())
        yield "chengda:details", json.dumps(service.record.details, ensure_ascii=False, sort_keys=True)


def _facts(service: Service, at: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    names = {str(namespace): name for name, namespace in PREFIXES.items()}

    def short(address: str) -> str:
        namespace = next(one for one in names if address.startswith(one))
        return f"{names[namespace]}:{address.removeprefix(namespace)}"

    for term in FACTS:
        fact = service.fact(term.fact)
        if fact is None:
            continue
        yield (
            short(str(term.properties[0])),
            [
                {
                    "@id": f"{at}:{term.fact}:{number}",
                    "@type": short(str(term.node)),
                    "dct:description": _tagged(item),
                    "chengda:order": number,
                    "chengda:confidence": str(fact.confidence),
                }
                for number, item in enumerate(fact.items)
            ],
        )
