"""A small spaCy tagger of places and times, trained in seconds, to be measured against the rules."""

from __future__ import annotations

import random
from collections.abc import Sequence

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed  # type: ignore[attr-defined]

from bot.nlu.spans import LABELS, Finder, Marked, Span, by_rules
from bot.nlu.tokens import pipeline
from knowledge.city import find_city
from knowledge.normal import NormalText, normalise

SEED = 7
EPOCHS = 30
BATCH = 16
WIDTH = 64
DROPOUT = 0.3
FEATURES = ("NORM", "PREFIX", "SUFFIX", "SHAPE", "TAG")
RULE_FEATURE = "LEMMA"
OUTSIDE = "O"


class SpanTagger:
    """A trained tagger of one language; with `rules`, what the rules found is one of its features."""

    def __init__(self, language: str, rules: bool, rows: Sequence[Marked]) -> None:
        self._language = language
        self._rules = rules
        self._nlp = _blank(language, (*FEATURES, RULE_FEATURE) if rules else FEATURES)
        self._train([row for row in rows if row.language == language])

    def find(self, row: Marked) -> list[Span]:
        """Places and times of a sentence, in its characters."""
        normal = normalise(row.text)
        doc = self._nlp.get_pipe("ner")(self._doc(row, normal))
        spans = [(*normal.original_span(ent.start_char, ent.end_char), ent.label_) for ent in doc.ents]
        return [Span(*span) for span in spans]

    def _train(self, rows: Sequence[Marked]) -> None:
        fix_random_seed(SEED)
        examples = [self._example(row) for row in rows]
        optimizer = self._nlp.initialize(lambda: examples)
        order = random.Random(SEED)
        for _ in range(EPOCHS):
            order.shuffle(examples)
            for start in range(0, len(examples), BATCH):
                self._nlp.update(examples[start : start + BATCH], sgd=optimizer, drop=DROPOUT)

    def _example(self, row: Marked) -> Example:
        normal = normalise(row.text)
        doc, marked = self._doc(row, normal), self._doc(row, normal)
        marked.ents = _token_spans(marked, normal, row.spans)
        return Example(doc, marked)

    def _doc(self, row: Marked, normal: NormalText) -> Doc:
        """The words of a sentence without entities, each with what the rules say of it."""
        words = pipeline(self._language, find_city()).make_doc(normal.text)
        doc = Doc(
            self._nlp.vocab,
            words=[word.text for word in words],
            spaces=[bool(word.whitespace_) for word in words],
            tags=[word.tag_ or OUTSIDE for word in words],
        )
        told = _token_spans(doc, normal, by_rules(row)) if self._rules else []
        for word in doc:
            word.lemma_ = OUTSIDE
        for span in told:
            for word in span:
                word.lemma_ = ("B-" if word.i == span.start else "I-") + span.label_
        return doc


def _blank(language: str, features: Sequence[str]) -> Language:
    nlp = spacy.blank(language)
    embed = {
        "@architectures": "spacy.MultiHashEmbed.v2",
        "width": WIDTH,
        "attrs": list(features),
        "rows": [1000] * len(features),
        "include_static_vectors": False,
    }
    encode = {
        "@architectures": "spacy.MaxoutWindowEncoder.v2",
        "width": WIDTH,
        "window_size": 1,
        "maxout_pieces": 3,
        "depth": 3,
    }
    model = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": WIDTH,
        "maxout_pieces": 2,
        "use_upper": True,
        "tok2vec": {"@architectures": "spacy.Tok2Vec.v2", "embed": embed, "encode": encode},
    }
    ner = nlp.add_pipe("ner", config={"model": model})
    for label in LABELS:
        ner.add_label(label)  # type: ignore[attr-defined]
    return nlp


def _token_spans(doc: Doc, normal: NormalText, spans: Sequence[Span]) -> list[spacy.tokens.Span]:
    """Spans as whole words, without overlaps, the longest first."""
    found = []
    for span in spans:
        inside = [at for at, origin in enumerate(normal.origin) if span.start <= origin < span.end]
        words = doc.char_span(inside[0], inside[-1] + 1, span.label, alignment_mode="expand") if inside else None
        if words is not None:
            found.append(words)
    return spacy.util.filter_spans(found)


def joined(first: Finder, second: Finder) -> Finder:
    """What the first finds, and what the second finds where the first found nothing of any label."""

    def find(row: Marked) -> list[Span]:
        told = list(first(row))
        free = [span for span in second(row) if not any(s.start < span.end and span.start < s.end for s in told)]
        return [*told, *free]

    return find
