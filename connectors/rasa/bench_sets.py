"""What the comparison with Rasa measures: our own first, then the quickest, so that a cut run has shown most."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.nlu.intents import read_examples
from bot.rasa.training_data import Annotation, Example
from connectors.rasa.bench_project import EPOCHS
from connectors.rasa.nlu_sets import SETS, NluSet, read_nlu_set
from knowledge.queries import NLU_DATA

OWN, DIALOGUE = "own", "dialogue"
# Both languages are in one project; Rasa's tokenizer for Chinese reads English, too.
OWN_LANGUAGE = "zh"
DIALOGUE_SHOTS = 10
# Written by a persona who did not see the training lines; what stands under `ordinary` is no intent.
OWN_TESTS = (("intents_zhao.jsonl", "intent"), ("safety_zhao.jsonl", "label"))
NO_INTENT = "ordinary"
# An epoch of a whole public set takes DIET up to five minutes of a core. These take up to an hour a set, and are about
# twice the sentences of its 100 epochs with 10 an intent.
WHOLE_EPOCHS = {"banking": 20, "massive-zh": 10, "massive-en": 10, "clinc": 10}


@dataclass(frozen=True)
class Case:
    """A set with so many sentences an intent, 0 for all."""

    set_name: str
    shots: int = 0

    @property
    def key(self) -> str:
        """Its name in files."""
        return f"{self.set_name}-{self.shots or 'all'}"

    @property
    def language(self) -> str:
        """The language the project names."""
        return SETS[self.set_name][0] if self.set_name in SETS else OWN_LANGUAGE

    @property
    def epochs(self) -> int:
        """How often DIET goes through it."""
        return EPOCHS if self.shots else WHOLE_EPOCHS.get(self.set_name, EPOCHS)

    @property
    def is_dialogue(self) -> bool:
        """Whether turns are measured, not understanding."""
        return self.set_name == DIALOGUE


PLAN = (
    Case(OWN),
    Case(DIALOGUE, DIALOGUE_SHOTS),
    Case("massive-zh", 10),
    Case("massive-en", 10),
    Case("banking", 10),
    Case("clinc", 10),
    Case("banking"),
    Case("massive-zh"),
    Case("massive-en"),
    Case("clinc"),
)
NAMES = tuple(dict.fromkeys(case.set_name for case in PLAN))


def planned(names: Iterable[str] = (), shots: int | None = None) -> tuple[Case, ...]:
    """The cases of these sets (all without any), each with so many sentences an intent where that is given."""
    wanted = set(names) or set(NAMES)
    chosen = [case for case in PLAN if case.set_name in wanted]
    if shots is not None:
        chosen = [case if case.is_dialogue else Case(case.set_name, shots) for case in chosen]
    return tuple(dict.fromkeys(chosen))


def read_case(case: Case, data: Path) -> NluSet:
    """What is learnt and asked; raises FileNotFoundError where a public set is missing."""
    if case.set_name in SETS:
        return read_nlu_set(case.set_name, data, case.shots)
    return own_set().few(case.shots)


def own_set(folder: Path = NLU_DATA) -> NluSet:
    """Our intents in both languages; asked is what another author wrote."""
    learnt = (
        Example(
            one.text, one.intent, None,
            tuple(Annotation(mark.start, mark.end, mark.entity) for mark in one.annotations),
        )
        for one in read_examples(folder)
    )  # fmt: skip
    return NluSet("Chengda's intents, zh and en", tuple(learnt), tuple(_asked(folder / "eval")))


def _asked(folder: Path) -> Iterator[Example]:
    for name, key in OWN_TESTS:
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row[key] != NO_INTENT:
                yield Example(row["text"], row[key], None, ())
