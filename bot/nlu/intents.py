"""What a message wants: intents by a linear head over terms and encoder vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.nlu.training_data import Example, read_nlu
from knowledge.catalogue import Catalogue, Kind, ServiceCode
from knowledge.linear_head import LinearHead
from knowledge.normal import canonical
from knowledge.queries import NLU_DATA, Query
from knowledge.trainer import Trainer

NLU_FILES = ("nlu.zh.yml", "nlu.en.yml")
CAP = 4500
ALIAS_STEP = 3
DENSE_WEIGHT = 1.5
COST = 0.3


def read_examples(folder: Path = NLU_DATA) -> tuple[Example, ...]:
    """The annotated examples of both languages."""
    return tuple(example for name in NLU_FILES for example in read_nlu(folder / name))


def train_intents(
    examples: Sequence[Example],
    safety: Sequence[tuple[str, str]],
    queries: Sequence[Query],
    demands: Sequence[dict[str, str]],
    catalogue: Catalogue,
    trainer: Trainer,
) -> LinearHead:
    """Fit the intent head; service queries join as asking, those for hotline items and demands as filing."""
    texts = [example.text for example in examples] + [text for text, _ in safety]
    labels = [example.intent for example in examples] + [intent for _, intent in safety]
    for intent, kind in (("ask_service", Kind.SERVICE), ("file_demand", Kind.DEMAND)):
        lines = [query.text for query in queries if catalogue.services[ServiceCode(query.code)].kind is kind]
        lines += [alias for item in catalogue if item.kind is kind for alias in item.aliases.all()[::ALIAS_STEP]]
        lines += [row["text"] for row in demands] if kind is Kind.DEMAND else []
        step = max(1, len(lines) // CAP)
        texts += lines[::step]
        labels += [intent] * len(lines[::step])
    return trainer.fit([canonical(text, cantonese=True) for text in texts], labels, DENSE_WEIGHT, COST)
