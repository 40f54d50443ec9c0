"""What to do with a search: answer, ask which, ask openly, or say that there is nothing, by expected cost.

The belief is calibrated (`fusion.json`), so a decision is a table of what each mistake costs the person, from 0 for the
right reaction to 1 for a wrong answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from knowledge.queries import OUTSIDE, UNCOVERED, VAGUE


class Verdict(StrEnum):
    """What a search came to; VAGUE asks openly what is wanted."""

    ANSWERED = "answered"
    CLARIFY = "clarify"
    VAGUE = "vague"
    NO_SERVICE = "no_service"


RIGHT, LISTED, OTHER = "right", "listed", "other"
COSTS: Mapping[Verdict, Mapping[str, float]] = {
    # The best is right, one of the choices is, none of them is, and the three kinds that no service answers.
    Verdict.ANSWERED: {RIGHT: 0.0, LISTED: 0.7, OTHER: 0.9, UNCOVERED: 1.0, VAGUE: 1.0, OUTSIDE: 0.9},
    Verdict.CLARIFY: {RIGHT: 0.45, LISTED: 0.15, OTHER: 0.6, UNCOVERED: 0.6, VAGUE: 0.2, OUTSIDE: 0.6},
    Verdict.VAGUE: {RIGHT: 0.6, LISTED: 0.5, OTHER: 0.4, UNCOVERED: 0.6, VAGUE: 0.0, OUTSIDE: 0.6},
    Verdict.NO_SERVICE: {RIGHT: 1.0, LISTED: 0.9, OTHER: 0.8, UNCOVERED: 0.0, VAGUE: 0.6, OUTSIDE: 0.1},
}


# How much less an answer to an open question costs where only one service can be meant.
GUESSED = 0.5


def expected_costs(kinds: Mapping[str, float], covered: float, shares: Sequence[float]) -> dict[Verdict, float]:
    """The cost to expect of each verdict.

    `kinds` are the probabilities of UNCOVERED, VAGUE and OUTSIDE, `covered` the rest, `shares` those of the choices.
    """
    best, listed = shares[0], sum(shares[1:])
    chances = {RIGHT: covered * best, LISTED: covered * listed, OTHER: covered * max(0.0, 1 - best - listed), **kinds}
    found = {
        verdict: sum(chance * costs[truth] for truth, chance in chances.items()) for verdict, costs in COSTS.items()
    }
    found[Verdict.ANSWERED] -= GUESSED * best * kinds.get(VAGUE, 0.0)
    return found


def verdict_of(kinds: Mapping[str, float], covered: float, shares: Sequence[float]) -> Verdict:
    """The cheapest verdict."""
    costs = expected_costs(kinds, covered, shares)
    return min(costs, key=lambda verdict: costs[verdict])
