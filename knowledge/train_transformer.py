"""Trains the transformer face of the built-in encoder: distillation, tuning on our own queries, export."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from knowledge.encoder import Encoder, StaticEncoder, TransformerEncoder, Vectors, normalise_rows
from knowledge.encoder_bench import first_hits
from knowledge.encoder_corpus import Corpus, read_corpus
from knowledge.encoder_sets import own_pairs, read_banking, read_clinc
from knowledge.pieces import Pieces
from knowledge.teacher import TEACHER_NAME, TEACHER_SHA256, Taught
from knowledge.transformer import BODY_FILE, FORMAT, PIECES_FILE, ROWS_FILE, SCALES_FILE
from knowledge.transformer_body import DIMENSION, HEADS, LAYERS, POSITIONS, Body
from knowledge.transformer_export import body_model, save_config, save_transformer
from knowledge.transformer_start import INPUT_ROWS, choose_pieces, start_table, teacher_weights
from knowledge.transformer_training import Lesson, Schedule, Student, distil
from knowledge.transformer_tuning import Phrasebook, tune

NAME = "chengda-transformer-zh-en"
SCHEDULE = Schedule(steps=1620, body_rate=2e-4, row_rate=2e-3)
TUNING = Schedule(steps=320, body_rate=5e-5, row_rate=5e-4)
NOISE = 0.2  # points, well below the standard error of any of the figures
SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
WEIGHT_FILES = (ROWS_FILE, SCALES_FILE, PIECES_FILE, BODY_FILE)
Report = Callable[[str, float, float], None]  # stage, loss, share done
ENGLISH_SHARE, GLOSS_SHARE, OWN_REPEAT = 0.2, 0.35, 3.0


@dataclass(frozen=True)
class Course:
    """All that is taught: pieces, lessons and the targets they aim at, the first ones of sentences, then of words."""

    corpus: Corpus
    pieces: Pieces
    lessons: tuple[Lesson, ...]
    targets: Vectors
    sentences: int


def prepare(data: Path, cache: Path) -> Course:
    """Read the sets below `data`; texts that measure the encoder are left out of the lessons."""
    corpus = read_corpus(data)
    pieces = choose_pieces(corpus)
    own = own_pairs()
    own_english = list(dict.fromkeys(english for _chinese, english in own))
    taught = Taught([corpus.english_texts(), corpus.meanings(), own_english], cache)
    held_back = read_clinc(data).held_back() | read_banking(data).held_back()
    own = [pair for pair in own if held_back.isdisjoint(pair)]
    english = [text for text in corpus.english_texts() if text not in held_back]
    words = list(corpus.glosses)
    sentences = [text for text in dict.fromkeys([*corpus.english_texts(), *own_english]) if text not in held_back]
    place = {text: row for row, text in enumerate(sentences)}
    pairs = [pair for pair in corpus.pairs if held_back.isdisjoint(pair)]
    lessons = (
        Lesson([zh for zh, _en in pairs], np.array([place[en] for _zh, en in pairs]), 1.0),
        Lesson([zh for zh, _en in own], np.array([place[en] for _zh, en in own]), OWN_REPEAT),
        Lesson([en for _zh, en in own], np.array([place[en] for _zh, en in own]), 1.0, english=True),
        Lesson(english, np.array([place[text] for text in english]), ENGLISH_SHARE, english=True),
        Lesson(words, len(sentences) + np.arange(len(words)), GLOSS_SHARE),
    )
    targets = np.concatenate(
        (taught.means([[text] for text in sentences]), taught.means(list(corpus.glosses.values())))
    )
    return Course(corpus, pieces, lessons, targets, len(sentences))


def new_student(course: Course, body_rate: float) -> Student:
    """A student that starts from the teacher's body and from rows made of its own."""
    weights = teacher_weights()
    table = start_table(course.corpus, course.pieces, weights[INPUT_ROWS])
    return Student(table, Body.of_teacher(weights), body_rate)


def train_transformer(
    data: Path, out: Path, static: Path, seed: int, threads: int, minutes: float, work: Path, report: Report
) -> None:
    """Distil, tune, write the folder `out` and choose the share of the static face in `static`."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    schedule = replace(SCHEDULE, minutes=minutes)
    course = prepare(data, work)
    student = new_student(course, schedule.body_rate)
    steps = distil(
        student,
        course.pieces,
        course.lessons,
        course.targets,
        course.sentences,
        schedule,
        seed,
        work / "distilled.pt",
        lambda step, loss, done: report("distil", loss, done),
    )
    tune(
        student,
        course.pieces,
        Phrasebook.read(),
        course.lessons,
        course.targets,
        course.sentences,
        TUNING,
        seed,
        lambda step, loss, done: report("tune", loss, done),
    )
    student.save(work / "tuned.pt")
    write(student, course, out, static, {"seed": seed, "distillation": asdict(schedule) | {"done": steps}})


def write(student: Student, course: Course, out: Path, static: Path, training: dict[str, Any]) -> None:
    """Export the student to `out` with the share of the static face that suits the held-back pairs best."""
    weights = {name: tensor.numpy() for name, tensor in student.body.state_dict().items()}
    body = body_model(weights, LAYERS, HEADS)
    config = {
        "format": FORMAT,
        "name": NAME,
        "dimension": DIMENSION,
        "longest": POSITIONS,
        "static_share": 0.0,
        "teacher": TEACHER_NAME,
        "teacher_sha256": TEACHER_SHA256,
        "training": training | {"tuning": asdict(TUNING)},
    }
    save_transformer(out, course.pieces.units, student.table.numpy(), body, config)
    share = best_share(TransformerEncoder.load(out), StaticEncoder.load(static), course.corpus)
    files = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in WEIGHT_FILES}
    save_config(out, config | {"static_share": share, "sha256": files})


def best_share(moving: Encoder, still: Encoder, corpus: Corpus) -> float:
    """The smallest weight of the static rows that finds translations as well as the best one, up to NOISE.

    Counted both ways on all held-back pairs. Smaller, because queries of services gain least from the static rows.
    """
    found = dict.fromkeys(SHARES, 0.0)
    for pairs in corpus.held_back.values():
        back = [pair[::-1] for pair in pairs]
        sides = [[pair[side] for pair in pairs] for side in (0, 1)]
        rows = [(moving.encode_query(texts), still.encode_query(texts)) for texts in sides]
        for share in SHARES:
            chinese, english = (normalise_rows(one + share * other) for one, other in rows)
            found[share] += first_hits(chinese, english, pairs) + first_hits(english, chinese, back)
    ways = 2 * len(corpus.held_back)
    return min(share for share in SHARES if found[share] > max(found.values()) - NOISE * ways)
