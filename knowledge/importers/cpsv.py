"""CPSV-AP 3 in JSON-LD or Turtle, as rows of our item model."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from rdflib import Graph
from rdflib.exceptions import ParserError
from rdflib.namespace import DCTERMS
from rdflib.plugins.parsers.notation3 import BadSyntax
from rdflib.term import Literal, Node, URIRef

from knowledge.importers.cpsv_terms import CHENGDA, CODES, CPSV, CV, DCAT, FACTS, NAMES, PREFIXES, TYPE, Term
from knowledge.importers.row import ImportFault, Row
from knowledge.importers.rows import Source

MAX_BYTES = 200_000_000
OURS = "https://semiceu.github.io/CPSV-AP/"
LAST = 10_000


def read_public_services(source: Source) -> Iterator[Row]:
    """One row a cpsv:PublicService in the order of identifiers; raises ImportFault."""
    graph = read_graph(source)
    found = sorted(
        set(graph.subjects(TYPE, CPSV.PublicService)), key=lambda node: (_identifier(graph, node), str(node))
    )
    if not found:
        raise ImportFault(f"{source.path}: no cpsv:PublicService")
    for number, service in enumerate(found, start=1):
        yield Row(number, dict(_values(graph, service)))


def read_graph(source: Source) -> Graph:
    """The triples of a file; a context elsewhere is refused, for nothing is fetched from the network."""
    if source.size > MAX_BYTES:
        raise ImportFault(f"{source.path}: more than {MAX_BYTES // 10**6} MB of RDF")
    text = source.path.read_text(encoding=source.encoding)
    turtle = source.path.suffix.lower() == ".ttl"
    graph = Graph()
    try:
        if not turtle:
            text = json.dumps(_with_own_context(json.loads(text)))
        with warnings.catch_warnings():
            # rdflib 7's own JSON-LD parser still uses a class that rdflib 7 calls deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            graph.parse(data=text, format="turtle" if turtle else "json-ld")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadSyntax, ParserError) as error:
        raise ImportFault(f"{source.path}: no {'Turtle' if turtle else 'JSON-LD'}: {error}") from None
    return graph


def _with_own_context(value: Any) -> Any:
    """The document with the published CPSV-AP context in our prefixes; raises ValueError for any other address."""
    if isinstance(value, list):
        return [_with_own_context(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _with_own_context(one) for key, one in value.items() if key != "@context"}
    return {"@context": _context(value["@context"]), **found} if "@context" in value else found


def _context(context: Any) -> Any:
    if isinstance(context, list):
        return [_context(one) for one in context]
    if isinstance(context, str):
        if context.startswith(OURS):
            return {name: str(namespace) for name, namespace in PREFIXES.items()}
        raise ValueError(f"the context {context!r} would have to be fetched; write it into the document")
    if isinstance(context, dict) and ("@import" in context or any(_scoped(one) for one in context.values())):
        raise ValueError("a context that imports another is not read")
    return context


def _scoped(term: Any) -> bool:
    return isinstance(term, dict) and "@context" in term


def _values(graph: Graph, service: Node) -> Iterator[tuple[str, Any]]:
    for field, properties in (("name", NAMES), ("description", (DCTERMS.description,))):
        yield from _by_language(field, graph, service, properties)
    yield from _by_language("everyday_name", graph, service, (CHENGDA.everydayName,))
    yield from _by_language("must_capture", graph, service, (CHENGDA.mustCapture,))
    yield from _by_language("agency_note", graph, service, (CHENGDA.agencyNote,))
    yield from _keywords(graph, service)
    for field, property_ in (("competent_authority", CV.hasCompetentAuthority), ("topic_person", CV.thematicArea)):
        for node in sorted(graph.objects(service, property_), key=str)[:1]:
            yield from _by_language(field, graph, node, NAMES)
    yield from _codes(graph, service)
    events = sorted(_name(graph, node) for node in graph.objects(service, CV.isGroupedBy))
    if events:
        yield "life_event", events
    audience = sorted(_local(node) for node in graph.objects(service, DCTERMS.audience))
    if audience:
        yield "audience", audience
    for key, property_ in (("kind", CHENGDA.kind), ("category", CHENGDA.category), ("code", CHENGDA.code)):
        for value in graph.objects(service, property_):
            yield key, str(value)
    for term in FACTS:
        if fact := _fact(graph, service, term):
            yield term.field, fact
    for value in graph.objects(service, CHENGDA.details):
        yield from _details(str(value))


def _keywords(graph: Graph, service: Node) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for literal in sorted(graph.objects(service, DCAT.keyword), key=str):
        tag = _tag(literal) if isinstance(literal, Literal) else ""
        found.setdefault(f"aliases_{tag}" if tag else "aliases", []).append(str(literal))
    yield from found.items()


def _details(text: str) -> Iterator[tuple[str, Any]]:
    found = json.loads(text)
    if isinstance(found, dict):
        yield from ((str(key), value) for key, value in found.items())


def _by_language(field: str, graph: Graph, node: Node, properties: Iterable[URIRef]) -> Iterator[tuple[str, str]]:
    """The literals of a node, each under its language; a node that is a literal itself tells its own text."""
    literals = [node] if isinstance(node, Literal) else _objects(graph, node, properties)
    for literal in literals:
        if isinstance(literal, Literal) and str(literal).strip():
            yield f"{field}_{_tag(literal)}" if _tag(literal) else field, str(literal)


def _tag(literal: Literal) -> str:
    """zh, en or yue of a language tag, empty for any other."""
    tag = (literal.language or "").lower()
    return next((name for name in ("yue", "zh", "en") if tag == name or tag.startswith(f"{name}-")), "")


def _objects(graph: Graph, node: Node, properties: Iterable[URIRef]) -> list[Node]:
    return [found for one in properties for found in graph.objects(node, one)]


def _name(graph: Graph, node: Node) -> str:
    names = sorted(str(one) for one in _objects(graph, node, NAMES))
    return names[0] if names else _local(node)


def _local(node: Node) -> str:
    """The last part of an address, or the text of a literal."""
    return str(node).rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1].rsplit(":", 1)[-1]


def _identifier(graph: Graph, node: Node) -> str:
    return min((str(one) for one in graph.objects(node, DCTERMS.identifier)), default="")


def _codes(graph: Graph, service: Node) -> Iterator[tuple[str, str]]:
    """The list's own codes; a foreign list has one identifier, which is its local code."""
    own = {field: str(value) for field in sorted(CODES) for value in graph.objects(service, CHENGDA[field])}
    yield from own.items()
    exported = any(graph.objects(service, CHENGDA.code))
    if not own and not exported:
        yield "local_code", _identifier(graph, service) or str(service)


def _fact(graph: Graph, service: Node, term: Term) -> dict[str, Any] | None:
    nodes = sorted(_objects(graph, service, term.properties), key=lambda node: (_order(graph, node), str(node)))
    items = [item for node in nodes if (item := _item(graph, node))]
    if not items:
        return None
    told = {str(one) for node in nodes for one in graph.objects(node, CHENGDA.confidence)}
    return {"items": items, **({"confidence": told.pop()} if len(told) == 1 else {})}


def _order(graph: Graph, node: Node) -> int:
    return next((int(str(one)) for one in graph.objects(node, CHENGDA.order)), LAST)


def _item(graph: Graph, node: Node) -> dict[str, str]:
    told = (DCTERMS.title, DCTERMS.description, CV.telephone, CV.value)
    pairs = [pair for one in told for pair in _by_language("text", graph, node, (one,))]
    found: dict[str, str] = {}
    for key, text in pairs:
        found.setdefault(key.rpartition("_")[2] if "_" in key else ("zh" if not text.isascii() else "en"), text)
    return {key: text for key, text in found.items() if key in ("zh", "en")}
