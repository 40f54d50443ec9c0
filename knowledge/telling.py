"""Which words of a text speak for a class of a linear head."""

from __future__ import annotations

import re

import numpy as np

from knowledge.linear_head import LinearHead, keys_of
from knowledge.words import UNIT, features, stem

PREFIX = re.compile(r"^(?:w:|e:)")
AT_MOST = 3


def telling_words(head: LinearHead, text: str, label: str, at_most: int = AT_MOST) -> tuple[str, ...]:
    """The words of a canonical text that raise a class most against the others, in their order in the text."""
    terms = [term for term in dict.fromkeys(features(text)) if PREFIX.match(term) and " " not in term]
    if not terms or label not in head.labels:
        return ()
    keys = keys_of(terms)
    places = np.minimum(np.searchsorted(head.terms.keys, keys), len(head.terms.keys) - 1)
    known = head.terms.keys[places] == keys
    rows = head.weights[places[known]]
    own = head.labels.index(label)
    raised = (rows[:, own] - rows.mean(axis=1)) * head.terms.weights[places[known]]
    ranked = sorted(zip(raised.tolist(), np.array(terms)[known].tolist(), strict=True), reverse=True)
    best = {PREFIX.sub("", term) for worth, term in ranked[:at_most] if worth > 0}
    units = [word for unit in UNIT.findall(text) for word in ([unit] if unit.isascii() else _inside(unit, best))]
    return tuple(dict.fromkeys(word for word in units if word in best or stem(word) in best))


def _inside(unit: str, words: set[str]) -> list[str]:
    """Those words that stand in a run of Chinese characters, in their order."""
    return sorted((word for word in words if word in unit), key=unit.find)
