"""How well and how fast the understanding learns a set: `python -m connectors.rasa.nlu_figures banking --shots 10`."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from bot.rasa.config import Config, Part
from bot.rasa.nlu_training import train
from bot.rasa.training_data import Example
from connectors.rasa.nlu_sets import OUT_OF_SCOPE, SETS, NluSet, read_nlu_set
from knowledge.encoder import load_encoder

PIPELINE = (
    Part("WhitespaceTokenizer"),
    Part("CountVectorsFeaturizer"),
    Part("DIETClassifier"),
)
HAN_PIPELINE = (Part("JiebaTokenizer"), *PIPELINE[1:])
Found = tuple[str, int, int]


@dataclass(frozen=True)
class NluFigures:
    """Shares in percent, training in seconds (clock, processors) without loading the encoder, memory in MB.

    `repeated` test sentences are learnt word for word; `without_repeats` are the figures of the others. `outside` is
    recall and precision of what belongs to no intent, None where nothing does.
    """

    name: str
    learnt: int
    asked: int
    accuracy: float
    macro_f1: float
    entity_f1: float | None
    repeated: int
    without_repeats: tuple[float, float, float | None]
    outside: tuple[float, float] | None
    training_s: float
    training_cpu_s: float
    parse_p50_ms: float
    parse_p99_ms: float
    peak_mb: float


def measure(taken: NluSet, config: Config) -> NluFigures:
    """Learn the data and ask every test sentence once, one at a time."""
    encoder = load_encoder("builtin")
    encoder.encode_query(["warm up"])
    began, worked = time.perf_counter(), time.process_time()
    nlu = train(taken.data, config, encoder)
    training, working = time.perf_counter() - began, time.process_time() - worked
    nlu.parse("warm up 热身")
    parsed, times = [], []
    for example in taken.test:
        began = time.perf_counter()
        parsed.append(nlu.parse(example.text))
        times.append(1000 * (time.perf_counter() - began))
    rows = list(zip(taken.test, parsed, strict=True))
    new = [row for row, repeated in zip(rows, taken.repeated, strict=True) if not repeated]
    return NluFigures(
        taken.name,
        len(taken.train),
        len(taken.test),
        *_scores(rows),
        len(rows) - len(new),
        _scores(new),
        label_scores([e.intent for e, _ in rows], [str(row["intent"]["name"]) for _, row in rows], OUT_OF_SCOPE),
        training,
        working,
        float(np.percentile(times, 50)),
        float(np.percentile(times, 99)),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _scores(rows: Sequence[tuple[Example, dict[str, Any]]]) -> tuple[float, float, float | None]:
    """Accuracy, macro F1 and the F1 of entities."""
    accuracy, macro = intent_scores([e.intent for e, _ in rows], [str(row["intent"]["name"]) for _, row in rows])
    return accuracy, macro, entity_f1([example for example, _ in rows], [row for _, row in rows])


def label_scores(truth: Sequence[str], found: Sequence[str], label: str) -> tuple[float, float] | None:
    """Recall and precision of one label in percent; None where the truth lacks it."""
    if label not in truth:
        return None
    right = sum(one == other == label for one, other in zip(truth, found, strict=True))
    return 100 * right / truth.count(label), 100 * right / max(1, found.count(label))


def intent_scores(truth: Sequence[str], found: Sequence[str]) -> tuple[float, float]:
    """Accuracy, and the mean F1 over the labels of the truth, in percent."""
    pairs = list(zip(truth, found, strict=True))
    scores = []
    for label in set(truth):
        right = sum(one == other == label for one, other in pairs)
        scores.append(2 * right / max(1, truth.count(label) + found.count(label)))
    right = sum(one == other for one, other in pairs)
    return 100 * right / max(1, len(pairs)), 100 * float(np.mean(scores or [0.0]))


def entity_f1(test: Sequence[Example], parsed: Sequence[dict[str, Any]]) -> float | None:
    """F1 of entities with the right name and ends, in percent; None where none is annotated."""
    wanted = [{(mark.entity, mark.start, mark.end) for mark in example.annotations} for example in test]
    if not any(wanted):
        return None
    found = [{(e["entity"], e["start"], e["end"]) for e in row["entities"]} for row in parsed]
    right = sum(len(one & other) for one, other in zip(wanted, found, strict=True))
    return 100 * 2 * right / max(1, sum(map(len, wanted)) + sum(map(len, found)))


def main(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(SETS)}.")],
    shots: Annotated[int, typer.Option(help="Sentences an intent; 0 for all.")] = 10,
    data: Annotated[Path, typer.Option(help="The folder of data sets.")] = Path("../shared/data"),
    most: Annotated[int, typer.Option(help="Ask that many sentences only; 0 for all.")] = 0,
) -> None:
    """Print the figures of a public set as JSON."""
    language = SETS[name][0]
    taken = read_nlu_set(name, data, shots)
    if most:
        taken = replace(taken, test=taken.test[:: max(1, len(taken.test) // most)])
    config = Config(language, pipeline=HAN_PIPELINE if language == "zh" else PIPELINE)
    print(json.dumps(asdict(measure(taken, config)), ensure_ascii=False))


if __name__ == "__main__":
    typer.run(main)
