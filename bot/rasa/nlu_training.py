"""Training the understanding of a Rasa project on its examples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from threadpoolctl import threadpool_limits

from bot.errors import UntrainableProject
from bot.rasa.config import Config, Part
from bot.rasa.intent_fitting import fit_intent_head
from bot.rasa.intent_head import IntentHead, dense_rows
from bot.rasa.patterns import FINDER, patterns_of, synonyms_of
from bot.rasa.selectors import DEFAULT, Selector
from bot.rasa.tagger_fitting import fit_tagger
from bot.rasa.tokens import JIEBA, WHITESPACE
from bot.rasa.training_data import Example, TrainingData
from bot.rasa.understanding import (
    KEYWORDS,
    SELECTOR,
    Keyword,
    ProjectNlu,
    learns_entities,
    learns_intents,
    one_intent,
    selector_name,
    too_little,
)
from knowledge.encoder import BUILTIN, Encoder, Vectors, load_encoder

FEATURIZER = "RegexFeaturizer"
HAN_LANGUAGE = "zh"

Progress = Callable[[str], None]


def train(
    data: TrainingData,
    config: Config,
    encoder: Encoder | None = None,
    progress: Progress = lambda step: None,
) -> ProjectNlu:
    """The understanding of a project's data by its pipeline; raises UntrainableProject where the data are too few.

    `encoder` is the built-in one when not given. The same data give the same understanding.
    """
    pipeline = config.pipeline
    if problem := too_little(data):
        raise UntrainableProject(problem)
    learning = any(map(learns_intents, pipeline)) and one_intent(data, pipeline) is None
    encoder = encoder or load_encoder(BUILTIN)
    seen = next((part.options for part in pipeline if part.name == FEATURIZER), None)
    patterns = () if seen is None else patterns_of(data, seen, None)
    texts = [example.text for example in data.examples]
    progress("encoder")
    dense = dense_rows(texts, encoder, patterns)
    # One thread: the matrices are small, and more threads wait for each other longer than they work.
    with threadpool_limits(1):
        progress("intents")
        labels = [example.intent for example in data.examples]
        intents = fit_intent_head(texts, labels, dense) if learning else None
        progress("entities")
        tagger = fit_tagger(data.examples, patterns) if any(map(learns_entities, pipeline)) else None
        progress("responses")
        selectors = _selectors(data, pipeline, dense)
    names = frozenset(mark.entity for example in data.examples for mark in example.annotations)
    return ProjectNlu(
        pipeline,
        tokenizer_of(config),
        encoder,
        patterns,
        intents,
        tagger,
        {i: patterns_of(data, part.options, names) for i, part in enumerate(pipeline) if part.name == FINDER},
        _keywords(data.examples) if any(part.name == KEYWORDS for part in pipeline) else (),
        synonyms_of(data),
        selectors,
        data.retrieval_intents,
        {key: tuple(texts) for key, texts in data.response_texts.items()},
    )


def tokenizer_of(config: Config) -> str:
    """The tokenizer whose tokens are told: the pipeline's, or that of the language."""
    names = [part.name for part in config.pipeline if part.name.endswith("Tokenizer")]
    return JIEBA if JIEBA in names or str(config.language).startswith(HAN_LANGUAGE) else WHITESPACE


def _selectors(data: TrainingData, pipeline: Sequence[Part], dense: Vectors) -> dict[int, Selector]:
    """A selector for each ResponseSelector that has response keys to choose among, by its place in the pipeline."""
    found = {}
    for place, part in enumerate(pipeline):
        name = selector_name(part) if part.name == SELECTOR else None
        rows = [i for i, e in enumerate(data.examples) if e.response and name in (DEFAULT, e.intent)]
        if rows:
            found[place] = _selector(str(name), [data.examples[row] for row in rows], dense[rows])
    return found


def _selector(name: str, examples: Sequence[Example], dense: Vectors) -> Selector:
    keys = [example.full_intent for example in examples]
    several = len(set(keys)) > 1
    head: IntentHead | None = fit_intent_head([e.text for e in examples], keys, dense) if several else None
    return Selector(name, tuple(sorted(set(keys))), head)


def _keywords(examples: Sequence[Example]) -> tuple[Keyword, ...]:
    """Sentences in their order; one that stands under two intents tells nothing."""
    intents: defaultdict[str, set[str]] = defaultdict(set)
    for example in examples:
        intents[example.text].add(example.intent)
    return tuple(Keyword(text, min(names)) for text, names in intents.items() if len(names) == 1)
