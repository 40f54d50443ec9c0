"""Signs of what a message speaks of: for each service that a conversation brings to mind, and for none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.nlu.parse import Parse
from bot.nlu.persons import audience_of, elliptic, speaks_of
from bot.nlu.phrases import phrases
from knowledge.catalogue import Catalogue, Kind, Service
from knowledge.difference import FIELDS, TOLD_IN_NAMES, told_in
from knowledge.encoder import Encoder
from knowledge.facts import FactFinder
from knowledge.fusion import COVERED
from knowledge.queries import OUTSIDE, UNCOVERED, VAGUE
from knowledge.retriever import Belief, Retriever

NEAREST = 4
LEAST_SHARE = 1e-4
MAX_GAIN = 4.0
MAX_READ = 200
CHAT = ("greet", "goodbye", "thank", "bot_challenge", "capabilities", "repeat", "switch_language", "affirm", "deny")
LONG = 30.0


@dataclass(frozen=True)
class Situation:
    """What was spoken of: the service under discussion, those before it, those offered, and the words of the need."""

    current: str | None = None
    discussed: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    need: str = ""

    @property
    def known(self) -> tuple[str, ...]:
        """Every service spoken of, each once."""
        current = (self.current,) if self.current else ()
        return tuple(dict.fromkeys((*current, *self.offered, *self.discussed)))


@dataclass(frozen=True)
class Witnesses:
    """What the signs are read from."""

    catalogue: Catalogue
    retriever: Retriever
    facts: FactFinder
    encoder: Encoder


def read_signs(
    situation: Situation, parse: Parse, language: str, witnesses: Witnesses
) -> tuple[tuple[str | None, ...], list[dict[str, float]]]:
    """The candidates, None for "none of them" last, and the signs of each; a sign not named is 0."""
    catalogue, retriever = witnesses.catalogue, witnesses.retriever
    alone = retriever.belief(parse.asserted, lambda: parse.vector)
    joined, before = alone, None
    if situation.need:
        joined = _read(f"{situation.need} {parse.asserted}"[-MAX_READ:], witnesses)
        before = _read(situation.need, witnesses)
    known = situation.known
    related = {str(code) for one in known[:1] or situation.offered for code in catalogue[one].related}
    near = {str(code) for one in related for code in catalogue[one].related}
    best = [code for belief in (alone, joined) for code in _best(belief, retriever)]
    candidates = tuple(dict.fromkeys((*known, *sorted(related), *sorted(near), *best)))
    message = _message_signs(situation, parse, language, alone, witnesses)
    rows = [
        _service_signs(code, situation, parse, message, (alone, joined, before), related, near, witnesses)
        for code in candidates
    ]
    none = {f"none_{name}": value for name, value in message.items()} | {"none": 1.0}
    return (*candidates, None), [*rows, none]


def _read(text: str, witnesses: Witnesses) -> Belief:
    return witnesses.retriever.belief(text, lambda: witnesses.encoder.encode_query([text])[0])


def _best(belief: Belief, retriever: Retriever) -> list[str]:
    codes = list(retriever.place)
    return [codes[place] for place in np.argsort(-belief.shares, kind="stable")[:NEAREST]]


def _message_signs(
    situation: Situation, parse: Parse, language: str, alone: Belief, witnesses: Witnesses
) -> dict[str, float]:
    """Signs of the message itself, the same for every candidate."""
    words = cosine = 0.0
    if situation.current:
        service = witnesses.catalogue[situation.current]
        found = witnesses.facts.pointed(service, language, parse.asserted, parse.vector)
        words = max((one.words for one in found), default=0.0)
        cosine = max((one.score - one.words / 2 for one in found), default=0.0)
    share = parse.probability
    return {
        "aspects": float(bool(parse.aspects)),
        "no_topic": float(not parse.topic),
        "elliptic": float(elliptic(parse.asserted)),
        "pronoun": float(bool(phrases("pronouns").search(parse.canonical))),
        "persons": float(bool(parse.persons)),
        "returns": float(bool(phrases("returns").search(parse.canonical))),
        "asks": float(parse.asks()),
        "words": words,
        "cosine": cosine,
        "length": min(len(parse.asserted) / (LONG if not parse.asserted.isascii() else 3 * LONG), 2.0),
        "detail": share("ask_detail"),
        "service": share("ask_service"),
        "file": share("file_demand"),
        "outside": share("out_of_scope"),
        "chat": share(*CHAT),
        "human": share("hand_off"),
        "list": share("list_services", "compare_services"),
        "uncovered": alone.kinds.get(UNCOVERED, 0.0),
        "vague": alone.kinds.get(VAGUE, 0.0),
        "foreign": alone.kinds.get(OUTSIDE, 0.0),
        "covered": alone.kinds.get(COVERED, 1.0),
        "sure": float(alone.shares.max()),
        "similarity": alone.similarity,
        "offered": float(bool(situation.offered)),
        "told": float(any(told_in(field, parse.asserted) for field in TOLD_IN_NAMES)),
    }


BELIEFS = ("alone", "joined", "gain", "likeness")
BELIEFS_WITH = ("no_topic", "returns", "elliptic", "persons", "aspects", "offered")
CURRENT_WITH = (
    "aspects", "no_topic", "elliptic", "pronoun", "persons", "returns", "asks", "words", "cosine", "length", "detail",
    "service", "covered", "sure", "similarity", "told", "offered", "vague",
)  # fmt: skip
NEAR_WITH = ("elliptic", "persons", "told", "no_topic", "aspects", "sure")
BEFORE_WITH = ("returns", "aspects", "elliptic", "no_topic")
OFFERED_WITH = ("length", "elliptic", "no_topic", "told", "aspects")
STRANGE_WITH = (
    "sure", "covered", "similarity", "elliptic", "pronoun", "aspects", "returns", "offered", "length", "detail",
    "no_topic",
)  # fmt: skip


def _service_signs(
    code: str,
    situation: Situation,
    parse: Parse,
    message: Mapping[str, float],
    beliefs: tuple[Belief, Belief, Belief | None],
    related: set[str],
    near: set[str],
    witnesses: Witnesses,
) -> dict[str, float]:
    """Signs of one service: what the words say of it, and how it stands to what was spoken of."""
    catalogue, place = witnesses.catalogue, witnesses.retriever.place[code]
    service = catalogue[code]
    current = catalogue[situation.current] if situation.current else None
    alone, joined, before = beliefs
    logs = [float(np.log(max(float(belief.shares[place]), LEAST_SHARE))) for belief in (alone, joined)]
    told = float(np.log(max(float(before.shares[place]), LEAST_SHARE))) if before else logs[0]
    signs = {
        "alone": logs[0],
        "joined": logs[1],
        "gain": float(np.clip(logs[1] - told, -MAX_GAIN, MAX_GAIN)) if before else 0.0,
        "likeness": float(alone.likeness[place]),
        "coverage": float(alone.coverage[place]),
        "demand": float(service.kind is Kind.DEMAND),
        **_fit_signs(service, current, parse),
    }
    signs |= {
        f"{belief}_{name}": signs[belief] * message[name]
        for belief in BELIEFS
        for name in BELIEFS_WITH
        if message[name]
    }
    own = code == situation.current
    roles = {
        "current": (own, CURRENT_WITH),
        "related": (not own and code in related, NEAR_WITH),
        "near": (not own and code in near and code not in related, NEAR_WITH),
        "before": (not own and code in situation.discussed, BEFORE_WITH),
        "last": (not own and bool(situation.discussed) and code in situation.discussed[-2:], ()),
        "choice": (code in situation.offered, OFFERED_WITH),
        "strange": (code not in {*situation.known, *related, *near}, STRANGE_WITH),
    }
    for role, (holds, names) in roles.items():
        if holds:
            signs[role] = 1.0
            signs |= {f"{role}_{name}": message[name] for name in names}
    return signs


def _fit_signs(service: Service, current: Service | None, parse: Parse) -> dict[str, float]:
    """Whether a service fits the situation and the person told, beside the one under discussion."""
    fits = misfits = parts = 0.0
    for field in TOLD_IN_NAMES:
        told = told_in(field, parse.asserted)
        own = FIELDS[field](service)
        if told:
            fits += bool(told & own)
            misfits += bool(own) and not told & own
            parts += bool(told & own) and current is not None and not told & FIELDS[field](current)
    audience = audience_of(parse.persons)
    listed = audience is not None and audience in service.audience
    return {
        "fits": fits,
        "misfits": misfits,
        "parts": parts,
        "listed": float(listed),
        "unlisted": float(audience is not None and bool(service.audience) and not listed),
        "listed_alone": float(listed and current is not None and audience not in current.audience),
        "speaks_of": float(bool(parse.persons) and speaks_of(service, parse.persons)),
    }


def table_of(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> NDArray[np.float64]:
    """Signs as a table, shape (candidates, names)."""
    return np.array([[row.get(name, 0.0) for name in names] for row in rows])
