"""How likely the labels of a demand are, for dispatching to weigh units by more than what was read."""

from __future__ import annotations

from collections.abc import Callable

from bot.cases.analysis import DemandAnalyst
from bot.cases.demand_heads import matter
from bot.cases.hypotheses import Shares
from bot.language import detect
from knowledge.encoder import Encoder
from knowledge.normal import canonical


def weigher(analyst: DemandAnalyst, encoder: Encoder) -> Callable[[str], Shares]:
    """A function from the text of one demand to the shares of its items, second-level and first-level names."""

    def weigh(text: str) -> Shares:
        clean = canonical(matter(text), detect(text).cantonese)
        vector = encoder.encode_query([clean])[0]
        first, second = analyst.categories(clean, vector)
        return {
            "service_item": analyst.items(clean, vector),
            "subcategory": tuple(second.items()),
            "category": tuple(first.items()),
        }

    return weigh
