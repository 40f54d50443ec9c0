"""Trains and measures the built-in static encoder: `python -m knowledge.train_encoder`."""

import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from sklearn.linear_model import LogisticRegression

from knowledge.distillation import Bags, Schedule, TrainingSet, distil
from knowledge.encoder import (
    CONFIG_FILE,
    FORMAT,
    ROWS_FILE,
    SCALES_FILE,
    STATIC_FOLDER,
    UNITS_FILE,
    Encoder,
    StaticEncoder,
    Vectors,
)
from knowledge.encoder_bench import first_hits
from knowledge.encoder_corpus import Corpus, read_corpus
from knowledge.encoder_start import choose_vocabulary, fallback_rows, start_rows
from knowledge.teacher import TEACHER_NAME, TEACHER_SHA256, Taught, teacher_words
from knowledge.vocabulary import Vocabulary, is_han

NAME = "chengda-static-zh-en"
SCHEDULE = Schedule(steps=1200, pairs=600, singles=900, rate=3e-3)
CACHE = Path(".chengda/encoder")

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Report:
    """What a training made: rows, size on disk, time, figures on the held-back slices (%)."""

    rows: int
    megabytes: float
    seconds: float
    figures: dict[str, float] = field(default_factory=dict)


def train_static(data_dir: Path, out: Path, threads: int, seed: int) -> Report:
    """Train on the set A folders below `data_dir`, write the model to `out`, measure it."""
    began = time.monotonic()
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    corpus = read_corpus(data_dir)
    vocabulary = choose_vocabulary(corpus, teacher_words())
    english_units = [unit for unit in vocabulary.units if not is_han(unit)]
    taught = Taught([corpus.english_texts(), corpus.meanings(), english_units], CACHE)
    start = start_rows(corpus, vocabulary, taught)
    table = _distil_with_progress(start, training_set(corpus, vocabulary, taught), seed)
    known = table[: len(vocabulary.units)]
    table = np.concatenate((known, fallback_rows(vocabulary, known)))
    save_static(out, vocabulary, table, seed)
    seconds = time.monotonic() - began
    size = sum(file.stat().st_size for file in out.iterdir()) / 1e6
    return Report(len(table), size, seconds, evaluate(StaticEncoder.load(out), corpus))


def training_set(corpus: Corpus, vocabulary: Vocabulary, taught: Taught) -> TrainingSet:
    """Pairs aim at the teacher's row of their English, headwords at the mean of their meanings."""
    words = list(corpus.glosses)
    singles = [*corpus.english, *words]
    sentences = len(taught.vectors)
    return TrainingSet(
        chinese=Bags.read(vocabulary, [chinese for chinese, _english in corpus.pairs]),
        english=Bags.read(vocabulary, [english for _chinese, english in corpus.pairs]),
        singles=Bags.read(vocabulary, singles),
        pair_targets=np.array([taught.place[english] for _chinese, english in corpus.pairs]),
        single_targets=np.concatenate(
            ([taught.place[text] for text in corpus.english], sentences + np.arange(len(words)))
        ).astype(np.int64),
        targets=np.concatenate((taught.vectors, taught.means(list(corpus.glosses.values())))),
    )


def save_static(out: Path, vocabulary: Vocabulary, table: Vectors, seed: int) -> None:
    """Write the folder that StaticEncoder.load reads; rows become int8 with one scale each."""
    scales = (np.abs(table).max(axis=1) / 127).astype(np.float16)
    divisors = np.maximum(scales.astype(np.float32), 1e-12)[:, None]
    rows = np.clip(np.rint(table / divisors), -127, 127).astype(np.int8)
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / ROWS_FILE, rows)
    np.save(out / SCALES_FILE, scales)
    (out / UNITS_FILE).write_text("".join(f"{unit}\n" for unit in vocabulary.units), "utf-8")
    shortest, longest = vocabulary.grams
    config = {
        "format": FORMAT,
        "name": NAME,
        "dimension": table.shape[1],
        "buckets": vocabulary.buckets,
        "shortest_gram": shortest,
        "longest_gram": longest,
        "teacher": TEACHER_NAME,
        "teacher_sha256": TEACHER_SHA256,
        "training": {**asdict(SCHEDULE), "seed": seed},
    }
    (out / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def evaluate(encoder: Encoder, corpus: Corpus) -> dict[str, float]:
    """Held-back figures in percent: retrieval both ways, with slips, and intents."""
    figures: dict[str, float] = {}
    for name, pairs in corpus.held_back.items():
        chinese = encoder.encode_query([pair[0] for pair in pairs])
        english = encoder.encode_document([pair[1] for pair in pairs])
        figures[f"{name} zh>en"] = first_hits(chinese, english, pairs)
        figures[f"{name} en>zh"] = first_hits(english, chinese, [pair[::-1] for pair in pairs])
    pairs = corpus.held_back["MASSIVE dev"]
    misspelt = encoder.encode_query([misspell(english) for _chinese, english in pairs])
    chinese = encoder.encode_document([pair[0] for pair in pairs])
    figures["MASSIVE dev misspelt en>zh"] = first_hits(misspelt, chinese, [pair[::-1] for pair in pairs])
    for place in ("zh-CN", "en-US"):
        figures[f"MASSIVE dev intent {place}"] = _intent_accuracy(encoder, corpus, place)
    figures["milliseconds a query"] = milliseconds_a_query(encoder, [pair[0] for pair in pairs])
    return figures


def misspell(text: str) -> str:
    """The longest word with two inner letters swapped, chosen by the text alone."""
    word = max(text.split(), key=len, default="")
    if len(word) < 4:
        return text
    at = random.Random(text).randrange(1, len(word) - 2)
    return text.replace(word, word[:at] + word[at + 1] + word[at] + word[at + 2 :], 1)


def milliseconds_a_query(encoder: Encoder, texts: Sequence[str]) -> float:
    """Median time of encoding one text alone."""
    times = []
    for text in texts:
        began = time.perf_counter()
        encoder.encode_query([text])
        times.append(1000 * (time.perf_counter() - began))
    return float(np.median(times))


def _intent_accuracy(encoder: Encoder, corpus: Corpus, place: str) -> float:
    taught, asked = corpus.intents_train[place], corpus.intents_held_back[place]
    head = LogisticRegression(C=10, max_iter=300)
    head.fit(
        encoder.encode_document([example.text for example in taught]),
        [example.label for example in taught],
    )
    rows = encoder.encode_query([example.text for example in asked])
    return 100 * float(head.score(rows, [example.label for example in asked]))


def _distil_with_progress(start: Vectors, training: TrainingSet, seed: int) -> Vectors:
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("distil", total=SCHEDULE.steps)

        def report(step: int, loss: float) -> None:
            bar.update(task, completed=step, description=f"distil, loss {loss:.3f}")

        return distil(start, training, SCHEDULE, seed, report)


@app.command()
def main(
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")] = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="Model folder to write or measure.")] = STATIC_FOLDER,
    threads: Annotated[int, typer.Option(help="Processor threads.")] = 1,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 7,
    evaluate_only: Annotated[
        bool, typer.Option("--evaluate", help="Measure the model in the folder, no training.")
    ] = False,
) -> None:
    """Train the built-in encoder, or measure the one that is there."""
    if evaluate_only:
        figures = evaluate(StaticEncoder.load(out), read_corpus(data))
    else:
        report = train_static(data, out, threads, seed)
        typer.echo(f"{report.rows} rows, {report.megabytes:.1f} MB, {report.seconds:.0f} s")
        figures = report.figures
    for name, value in figures.items():
        typer.echo(f"{name:32} {value:6.2f}")


if __name__ == "__main__":
    app()
