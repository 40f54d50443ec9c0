"""The consistency rules that service centres check items by (domain facts 1.1), over one item's fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from knowledge.importers.wording import Wording

Fields = Mapping[str, str]
Finding = tuple[str, str]


def findings(fields: Fields, wording: Wording) -> Iterator[Finding]:
    """Field and problem for every rule that an item breaks; a rule whose fields are not told is not asked."""
    for rule in RULES:
        yield from rule(fields, wording)


def _promised(fields: Fields, wording: Wording) -> Iterator[Finding]:
    promised, kind = fields.get("promised_limit", ""), fields.get("case_type", "")
    if not promised or not kind:
        return
    instant = promised == "0" or promised in wording.instant
    if not instant and kind not in wording.commitment:
        yield "case_type", f"a promised limit of {promised!r} makes it a commitment case, not {kind!r}"
    if instant and kind in wording.commitment:
        yield "case_type", "done at once, yet a commitment case"


def _result(fields: Fields, wording: Wording) -> Iterator[Finding]:
    name, kind = fields.get("outputs", ""), fields.get("output_type", "")
    if not name or not kind:
        return
    for ending, expected in wording.result_types.items():
        if name.endswith(ending) and kind != expected:
            yield "output_type", f"a result whose name ends in {ending} is of type {expected}, not {kind!r}"


def _visits(fields: Fields, wording: Wording) -> Iterator[Finding]:
    visits, reason = fields.get("visits", ""), fields.get("visit_reason", "")
    if not visits:
        return
    if not visits.isdecimal():
        yield "visits", f"{visits!r} is no number"
    elif int(visits) and not reason:
        yield "visit_reason", "visits are needed, but no reason is given"
    elif not int(visits) and reason:
        yield "visit_reason", "no visit is needed, yet a reason for one is given"


def _postal(fields: Fields, wording: Wording) -> Iterator[Finding]:
    if fields.get("visits") != "0" or "online" not in fields:
        return
    if wording.is_no(fields["online"]) and not wording.is_yes(fields.get("postal", "")):
        yield "postal", "neither a visit nor online, so applications by post must be taken"


def _depth(fields: Fields, wording: Wording) -> Iterator[Finding]:
    visits = fields.get("visits", "")
    if fields.get("online_depth") in wording.depth_four and visits.isdecimal() and int(visits):
        yield "visits", "the whole process is online (depth IV), yet visits are needed"


def _type(fields: Fields, wording: Wording) -> Iterator[Finding]:
    kind = fields.get("item_type", "")
    if kind and kind not in wording.item_types and kind not in wording.item_types.values():
        yield "item_type", f"{kind!r} is none of the item types"


RULES: tuple[Callable[[Fields, Wording], Iterator[Finding]], ...] = (
    _promised,
    _result,
    _visits,
    _postal,
    _depth,
    _type,
)
