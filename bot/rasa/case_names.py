"""Names in test cases that the assistant does not have: what is expected not to come would never fail."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bot.rasa.case_reader import Case, Done, Filled, Said
from bot.rasa.domain import UTTER, Domain


@dataclass(frozen=True)
class Names:
    """What cases may name."""

    responses: Collection[str]
    slots: Collection[str]
    actions: Collection[str]


def names_of(domain: Domain) -> Names:
    """The names of a Rasa project."""
    responses = (name for name in domain.actions if name.startswith(UTTER))
    return Names({*domain.responses, *responses}, domain.slots, {*domain.actions, *domain.responses})


def strangers(case: Case, names: Names) -> Iterator[tuple[str, int]]:
    """Each name of a case that is none of these, as problem and line."""
    for slot in case.slots:
        if slot not in names.slots:
            yield f"no slot is called `{slot}` 没有此槽位", case.line
    for turn in case.turns:
        for expected in turn.expected:
            if isinstance(expected, Done) and expected.action not in names.actions:
                yield f"no action is called `{expected.action}` 没有此动作", expected.line
            if isinstance(expected, Filled) and expected.name not in names.slots:
                yield f"no slot is called `{expected.name}` 没有此槽位", expected.line
            if isinstance(expected, Said) and expected.response not in (None, *names.responses):
                yield f"no response is called `{expected.response}` 没有此回复", expected.line
