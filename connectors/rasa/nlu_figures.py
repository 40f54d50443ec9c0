"""How well and how fast the understanding learns a set: `python -m connectors.rasa.nlu_figures banking --shots 10`."""

from __future__ import annotations

import json
import resource
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bot.rasa.config import Config, Part
from bot.rasa.nlu_training import train
from connectors.rasa.nlu_scores import fresh, scores
from connectors.rasa.nlu_sets import SETS, NluSet, read_nlu_set
from connectors.rasa.parsing import read_of
from knowledge.encoder import load_encoder

PIPELINE = (
    Part("WhitespaceTokenizer"),
    Part("CountVectorsFeaturizer"),
    Part("DIETClassifier"),
)
HAN_PIPELINE = (Part("JiebaTokenizer"), *PIPELINE[1:])


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
    rows = []
    for example in taken.test:
        began = time.perf_counter()
        parsed = nlu.parse(example.text)
        rows.append(read_of(parsed, 1000 * (time.perf_counter() - began)))
    times = [row.milliseconds for row in rows]
    found, new = scores(taken, rows), scores(*fresh(taken, rows))
    return NluFigures(
        taken.name,
        len(taken.train),
        len(taken.test),
        found.accuracy,
        found.macro_f1,
        found.entity_f1,
        found.repeats,
        (new.accuracy, new.macro_f1, new.entity_f1),
        None if found.oos_recall is None else (found.oos_recall, found.oos_precision or 0.0),
        training,
        working,
        float(np.percentile(times, 50)),
        float(np.percentile(times, 99)),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


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
