"""Finding the long answer to a Chinese question: BM25 alone against BM25 with the arms that our own search has.

Arms are standardised over the answers and summed, as in `knowledge.retriever`; their weights are chosen on other
documents than those that test. An answer is searched at two levels, as a text of a service is: by its own words, and by
the words of all answers of its document. Its dense score is the best of its sentences and of the whole, as a service's
is the best of its texts.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import bm25s
import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import Catalogue, Service
from knowledge.encoder import Encoder
from knowledge.figures import Interval, bootstrap
from knowledge.normal import canonical
from knowledge.public_sets import bucket
from knowledge.queries import Query
from knowledge.words import search_terms

Scores = NDArray[np.float32]
LONG = 20
BASELINE = "characters"
GRID = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
PASSES = 2
SENTENCE = re.compile(r"[^。！？；!?;\n]+[。！？；!?;]?")
HAN_OR_WORD = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]+")


@dataclass(frozen=True)
class Questions:
    """Questions, the answers to choose from, each answer's document, and the place of each question's right answer."""

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    documents: tuple[str, ...]
    right: tuple[int, ...]


@dataclass(frozen=True)
class AnswerSet:
    """Questions that choose weights, and others, on other documents, that test."""

    name: str
    inner: Questions
    test: Questions


@dataclass(frozen=True)
class Found:
    """How well one way of searching finds the answers; `first` holds 1 for each question answered in first place."""

    name: str
    recall_at_1: float
    recall_at_5: float
    mrr: float
    first: tuple[float, ...]


@dataclass(frozen=True)
class AnswersCompared:
    """BM25 and the hybrid on one set, the hybrid's weights, and the paired difference of recall@1."""

    set_name: str
    questions: int
    answers: int
    baseline: Found
    hybrid: Found
    weights: Mapping[str, float]
    gain: Interval


def policy_answers(folder: Path, sample: int = 0) -> AnswerSet | None:
    """Questions on policies and long answers (set B: measured only), halves by document; None without the file."""
    path = folder / "ncp_policies_qa" / "qa_train.jsonl"
    if not path.exists():
        return None
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = sorted(
        (row for row in rows if len(row["answer"]) >= LONG), key=lambda row: hashlib.sha256(row["id"].encode()).digest()
    )
    if sample:
        rows = rows[:sample]
    halves = [[row for row in rows if bucket(row["docid"], 2) == half] for half in (0, 1)]
    inner, test = (_questions([(row["question"], row["answer"], row["docid"]) for row in half]) for half in halves)
    return AnswerSet("policies (ncp)", inner, test)


def catalogue_answers(catalogue: Catalogue, queries: Sequence[Query], sample: int = 0) -> AnswerSet:
    """The Chinese dev questions and what the catalogue tells of each service, its names left out; halves by service."""
    told = {service.code: telling(service) for service in catalogue}
    pairs = [(query.text, query.code) for query in queries if query.language == "zh" and not query.accept]
    pairs = pairs[:sample] if sample else pairs
    halves = [[(text, told[code], code) for text, code in pairs if bucket(code, 2) == half] for half in (0, 1)]  # type: ignore[index]
    inner, test = (_questions(half) for half in halves)
    return AnswerSet("own catalogue", inner, test)


def telling(service: Service) -> str:
    """Description and facts of a service in Chinese as one text."""
    about = [service.description.zh] if service.description else []
    return "\n".join((*about, *(item.zh for _, fact in service.facts() for item in fact.items)))


def _questions(rows: Sequence[tuple[str, str, str]]) -> Questions:
    """Of question, answer and document; an answer that stands twice belongs to its first document."""
    document: dict[str, str] = {}
    for _, answer, name in rows:
        document.setdefault(answer, name)
    place = {answer: number for number, answer in enumerate(document)}
    right = tuple(place[answer] for _, answer, _ in rows)
    return Questions(tuple(question for question, _, _ in rows), tuple(document), tuple(document.values()), right)


def compare_answers(given: AnswerSet, encoder: Encoder) -> AnswersCompared:
    """BM25 over characters against the weighted sum of all arms."""
    weights = chosen_weights(arms_of(given.inner, encoder), given.inner.right)
    arms = arms_of(given.test, encoder)
    baseline = judged(BASELINE, arms[BASELINE], given.test.right)
    hybrid = judged("hybrid", _sum(arms, weights), given.test.right)
    gain = bootstrap([ours - theirs for ours, theirs in zip(hybrid.first, baseline.first, strict=True)])
    count, pool = len(given.test.questions), len(given.test.answers)
    return AnswersCompared(given.name, count, pool, baseline, hybrid, weights, gain)


def arms_of(given: Questions, encoder: Encoder) -> dict[str, Scores]:
    """The standardised scores of each arm, shape (questions, answers) each."""
    questions = [canonical(question, cantonese=True) for question in given.questions]
    answers = [canonical(answer) for answer in given.answers]
    asked = encoder.encode_query(questions)
    whole = asked @ encoder.encode_document(answers).T
    return {
        BASELINE: _standardised(_lexical(questions, answers, character_terms)),
        "terms": _standardised(_lexical(questions, answers, lambda text: list(search_terms(text)))),
        "document": _standardised(_by_document(questions, answers, given.documents)),
        "dense": _standardised(np.maximum(whole, _best_sentence(asked, given.answers, encoder))),
        "dense whole": _standardised(whole),
    }


def character_terms(text: str) -> list[str]:
    """Chinese characters and pairs of them; other words whole."""
    terms: list[str] = []
    for run in HAN_OR_WORD.findall(text):
        if run[0].isascii():
            terms.append(run)
        else:
            terms.extend(run)
            terms.extend(one + other for one, other in itertools.pairwise(run))
    return terms


def _lexical(questions: Sequence[str], answers: Sequence[str], terms: Callable[[str], list[str]]) -> Scores:
    index = bm25s.BM25()
    index.index([terms(answer) for answer in answers], show_progress=False)
    nothing = np.zeros(len(answers), dtype=np.float32)
    asked = [terms(question) for question in questions]
    return np.array([index.get_scores(row) if row else nothing for row in asked], dtype=np.float32)


def _by_document(questions: Sequence[str], answers: Sequence[str], documents: Sequence[str]) -> Scores:
    """For each answer the score of all answers of its document taken together."""
    names = list(dict.fromkeys(documents))
    place = {name: number for number, name in enumerate(names)}
    texts = [""] * len(names)
    for answer, document in zip(answers, documents, strict=True):
        texts[place[document]] += answer + "\n"
    scores = _lexical(questions, texts, character_terms)
    return scores[:, [place[document] for document in documents]]


def _best_sentence(asked: Scores, answers: Sequence[str], encoder: Encoder) -> Scores:
    """The cosine of the nearest sentence of each answer."""
    pieces = [SENTENCE.findall(answer) or [answer] for answer in answers]
    starts = np.cumsum([0, *(len(piece) for piece in pieces)])[:-1]
    rows = encoder.encode_document([canonical(sentence) for piece in pieces for sentence in piece])
    return np.asarray(np.maximum.reduceat(asked @ rows.T, starts, axis=1), dtype=np.float32)


def _standardised(scores: Scores) -> Scores:
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1), dtype=np.float32)


def _sum(arms: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    total = sum(weight * arms[arm] for arm, weight in weights.items() if weight)
    assert isinstance(total, np.ndarray)
    return total


def chosen_weights(arms: Mapping[str, Scores], right: Sequence[int]) -> dict[str, float]:
    """The weight of each arm that gives the best MRR, one arm after the other; the baseline's stays 1."""
    weights = {arm: 1.0 if arm == BASELINE else 0.0 for arm in arms}
    for _ in range(PASSES):
        for arm in arms:
            if arm != BASELINE:
                tried = {value: judged("", _sum(arms, weights | {arm: value}), right).mrr for value in GRID}
                weights[arm] = max(GRID, key=lambda value: (tried[value], -value))
    return weights


def judged(name: str, scores: Scores, right: Sequence[int]) -> Found:
    """Recall and MRR of ranked answers; ties count against the right one."""
    own = scores[np.arange(len(right)), list(right)]
    ranks = (scores >= own[:, None]).sum(axis=1)
    return Found(
        name,
        float((ranks <= 1).mean()),
        float((ranks <= 5).mean()),
        float((1 / ranks).mean()),
        tuple((ranks <= 1).astype(float)),
    )
