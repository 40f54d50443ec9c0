"""What speaks for and against two reports telling of one event, as named signs with a value each."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from bot.cases.alignment import alignment
from bot.cases.matters import FACETS
from bot.cases.reports import Report
from bot.cases.usual import Usual, matter_key, read_usual
from bot.cases.whereabouts import ESTATE, OTHER, ROAD, PlaceName, Whereabouts, part_kinds

KINDS = (ROAD, ESTATE, OTHER)
RARE = 5.5
FAR_DAYS = 21
LONG = 60
NATS = 5
Signs = dict[str, float]


def pair_signs(one: Report, other: Report) -> Signs:
    """The signs of a pair, the same in either order; a sign that is absent is 0."""
    signs: Signs = {}
    cross = one.language != other.language
    usual = read_usual()
    told = alignment(one.spoken, other.spoken, usual)
    for name, value in (*_meaning(one, other), *_words(one, other, usual), *_matters(one, other, usual), *told):
        signs[name] = value
        if cross:
            signs[f"cross_{name}"] = value
    signs.update(_names(one.where, other.where))
    signs.update(_parts(one.where, other.where))
    signs.update(_when(one, other))
    signs.update(_joined(signs))
    if cross:
        signs["cross"] = 1.0
    signs["short"] = max(0.0, 1 - min(len(one.told.text), len(other.told.text)) / LONG)
    return signs


def _meaning(one: Report, other: Report) -> Iterator[tuple[str, float]]:
    """Cosines, of the whole, of the matter and of clauses, and how far they outdo those of ordinary demands."""
    yield "whole", float(one.whole @ other.whole)
    yield "matter", float(one.matter @ other.matter)
    yield "ordinary", one.ordinary + other.ordinary
    yield "ordinary_matter", one.ordinary_matter + other.ordinary_matter
    table = one.clauses @ other.clauses.T
    yield "best_clause", float(table.max())
    ahead, back = float(table.max(axis=1).mean()), float(table.max(axis=0).mean())
    yield "clauses", max(ahead, back)
    yield "clauses_both", min(ahead, back)
    beyond = 2 * table - one.ordinary_clauses[:, None] - other.ordinary_clauses[None]
    yield "best_beyond", float(beyond.max())
    yield "beyond", float(beyond.max(axis=1).mean() + beyond.max(axis=0).mean()) / 2
    for name in one.heads:
        yield f"same_{name}", float(np.sqrt(one.heads[name] * other.heads[name]).sum())


def _words(one: Report, other: Report, usual: Usual) -> Iterator[tuple[str, float]]:
    shared = [usual.weight(pair) for pair in one.words & other.words]
    sizes = [sum(map(usual.weight, report.words)) for report in (one, other)]
    total = sum(shared)
    yield "words", total / math.sqrt(max(1.0, sizes[0]) * max(1.0, sizes[1]))
    yield "words_of_shorter", total / max(1.0, min(sizes))
    rare = sum(weight > RARE for weight in shared)
    yield "rare_words", math.log1p(rare)
    yield "rarest_word", max(shared, default=0.0) / NATS


def _matters(one: Report, other: Report, usual: Usual) -> Iterator[tuple[str, float]]:
    """Things and troubles that both name, and what each names that the other does not."""
    for facet in FACETS:
        ours, theirs = one.matters[facet], other.matters[facet]
        weights = {concept: usual.weight(matter_key(concept)) for concept in ours | theirs}
        here, there = sum(weights[c] for c in ours), sum(weights[c] for c in theirs)
        shared = [weights[concept] for concept in ours & theirs]
        total = sum(shared)
        yield f"{facet}_shared", total / NATS
        yield f"{facet}_cosine", total / math.sqrt(max(1.0, here) * max(1.0, there))
        yield f"{facet}_of_shorter", total / max(1.0, min(here, there))
        yield f"{facet}_rarest", max(shared, default=0.0) / NATS
        yield f"{facet}_apart", float(bool(ours and theirs) and not shared)
        yield f"{facet}_untold", float(not ours or not theirs)
        yield f"{facet}_left", min(here, there) / NATS - total / NATS


def _names(one: Whereabouts, other: Whereabouts) -> Signs:
    signs: Signs = {}
    for kind in KINDS:
        here, there = ([name for name in where.names if name.kind == kind] for where in (one, other))
        found = [*(_tells(other, name) for name in here), *(_tells(one, name) for name in there)]
        if any(found):
            signs[f"{kind}_shared"] = 1.0
            signs[f"{kind}_all_shared"] = float(all(found))
        elif here and there:
            signs[f"{kind}_other"] = 1.0
        elif found:
            signs[f"{kind}_one_sided"] = 1.0
    for name, ours, theirs in (
        ("district", one.districts, other.districts),
        ("subdistrict", one.subdistricts, other.subdistricts),
    ):
        if ours and theirs:
            signs[f"{name}_same" if ours & theirs else f"{name}_other"] = 1.0
    if not one.names or not other.names:
        signs["unplaced"] = 1.0
    return signs


def _tells(where: Whereabouts, name: PlaceName) -> bool:
    """Whether a text tells a name: all its sounds, or the last of a name whose front may be no part of it."""
    least = max(2, len(name.core) - 3)
    return any(where.tells(name.core[start:]) for start in range(len(name.core) - least + 1))


def _parts(one: Whereabouts, other: Whereabouts) -> Signs:
    signs: Signs = {}
    same = different = 0
    for kind in part_kinds():
        ours, theirs = one.parts.get(kind, frozenset()), other.parts.get(kind, frozenset())
        if ours and theirs:
            agreed = bool(ours & theirs)
            signs[f"{kind}_same" if agreed else f"{kind}_other"] = 1.0
            same, different = same + agreed, different + (not agreed)
        elif ours or theirs:
            signs["parts_one_sided"] = 1.0
    signs["parts_same"], signs["parts_other"] = float(min(same, 2)), float(min(different, 2))
    return signs


def _when(one: Report, other: Report) -> Signs:
    apart = abs(one.told.day - other.told.day)
    signs = {"days": math.log1p(apart), "far": float(apart > FAR_DAYS), "days_many": min(apart, 60.0) / 60}
    if one.again != other.again:
        signs["again_one"] = 1.0
    if one.again and other.again:
        signs["again_both"] = 1.0
    return signs


def _joined(signs: Signs) -> Iterator[tuple[str, float]]:
    """Signs that only count together: the same matter at the same place."""
    placed = max(signs.get(f"{kind}_shared", 0.0) for kind in KINDS)
    yield "placed", placed
    yield "matter_placed", placed * signs["matter"]
    yield "item_placed", placed * signs["same_service_item"]
    yield "misplaced", float(not placed and any(signs.get(f"{kind}_other") for kind in KINDS))
    yield "least_matter", min(0.0, signs["matter"] - 0.5)
    yield "item_apart", min(0.0, signs["same_service_item"] - 0.3)
