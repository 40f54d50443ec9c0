"""A trained understanding on disk: JSON and arrays, nothing that could run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bot.errors import UnfitModel
from bot.rasa.config import Part
from bot.rasa.intent_head import load_intent_head
from bot.rasa.patterns import Pattern
from bot.rasa.selectors import Selector
from bot.rasa.tagger import EntityTagger, Field
from bot.rasa.understanding import Keyword, ProjectNlu
from knowledge.encoder import BUILTIN, Encoder, Vectors, load_encoder

FORMAT = "chengda-rasa-nlu-1"
BODY, INTENTS, ENTITIES = "understanding.json", "intents", "entities"
PROBE = "reads the same 读得一样"
CLOSE = 1e-3


def save(nlu: ProjectNlu, folder: Path) -> None:
    """Write an understanding to a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    body: dict[str, Any] = {
        "format": FORMAT,
        "encoder": nlu.encoder.name,
        "probe": _probe(nlu.encoder).astype(float).round(5).tolist(),
        "pipeline": [{"name": part.name, "options": dict(part.options), "line": part.line} for part in nlu.pipeline],
        "tokenizer": nlu.tokenizer,
        "patterns": _rows(nlu.patterns),
        "finders": {place: _rows(patterns) for place, patterns in nlu.finders.items()},
        "keywords": [[word.text, word.intent] for word in nlu.keywords],
        "synonyms": dict(nlu.synonyms),
        "selectors": {place: [one.name, one.keys, one.head is not None] for place, one in nlu.selectors.items()},
        "retrieval_intents": nlu.retrieval_intents,
        "responses": dict(nlu.responses),
        "intents": nlu.intents is not None,
        "entities": None,
    }
    if nlu.intents is not None:
        nlu.intents.save(folder, INTENTS)
    for place, selector in nlu.selectors.items():
        if selector.head is not None:
            selector.head.save(folder, f"responses-{place}")
    if nlu.tagger is not None:
        body["entities"] = {kind: nlu.tagger.known[kind] for kind in nlu.tagger.kinds}
        (folder / f"{ENTITIES}.crf").write_bytes(nlu.tagger.entities.model)
        for kind, crf in nlu.tagger.kinds.items():
            (folder / f"{ENTITIES}-{kind}.crf").write_bytes(crf.model)
    (folder / BODY).write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")


def load(folder: Path, encoder: Encoder | None = None) -> ProjectNlu:
    """The understanding of a folder; raises UnfitModel where it is not one, or another encoder made it."""
    encoder = encoder or load_encoder(BUILTIN)
    try:
        body = json.loads((folder / BODY).read_text(encoding="utf-8"))
        if body.get("format") != FORMAT:
            raise UnfitModel(f"{folder / BODY} is not of format {FORMAT}")
        probe = np.array(body["probe"], dtype=np.float32)
        if len(probe) != encoder.dimension or not np.allclose(probe, _probe(encoder), atol=CLOSE):
            raise UnfitModel(f"{folder} was trained with another encoder ({body['encoder']}); train it anew")
        return _read(folder, body, encoder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnfitModel(f"{folder} holds no readable understanding: {error}") from error


def _read(folder: Path, body: dict[str, Any], encoder: Encoder) -> ProjectNlu:
    patterns = _patterns(body["patterns"])
    return ProjectNlu(
        tuple(Part(row["name"], row["options"], row["line"]) for row in body["pipeline"]),
        body["tokenizer"],
        encoder,
        patterns,
        load_intent_head(folder, INTENTS) if body["intents"] else None,
        None if body["entities"] is None else _tagger(folder, body["entities"], patterns),
        {int(place): _patterns(rows) for place, rows in body["finders"].items()},
        tuple(Keyword(text, intent) for text, intent in body["keywords"]),
        body["synonyms"],
        {
            int(place): Selector(name, tuple(keys), load_intent_head(folder, f"responses-{place}") if several else None)
            for place, (name, keys, several) in body["selectors"].items()
        },
        tuple(body["retrieval_intents"]),
        {key: tuple(texts) for key, texts in body["responses"].items()},
    )


def _tagger(folder: Path, known: dict[str, dict[str, list[str]]], patterns: tuple[Pattern, ...]) -> EntityTagger:
    kinds = {kind: Field((folder / f"{ENTITIES}-{kind}.crf").read_bytes()) for kind in known}
    return EntityTagger(Field((folder / f"{ENTITIES}.crf").read_bytes()), kinds, known, patterns)


def _rows(patterns: tuple[Pattern, ...]) -> list[list[Any]]:
    return [[pattern.name, pattern.pattern, pattern.flags] for pattern in patterns]


def _patterns(rows: list[list[Any]]) -> tuple[Pattern, ...]:
    return tuple(Pattern(*row) for row in rows)


def _probe(encoder: Encoder) -> Vectors:
    """What an encoder makes of one fixed text: other weights make something else."""
    row: Vectors = encoder.encode_query([PROBE])[0]
    return row
