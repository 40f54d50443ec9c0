"""The understanding of a project as it stands: from the model folder, or trained where something of it changed."""

from __future__ import annotations

import hashlib
import importlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.errors import UnfitModel
from bot.model_folder import ModelFolder
from bot.rasa.nlu_folder import FORMAT, load, save
from bot.rasa.project import Project
from bot.rasa.understanding import ProjectNlu
from knowledge.encoder import BUILTIN, Encoder, load_encoder

PART = "rasa"
DONE = "learnt"
log = logging.getLogger(__name__)


def understanding_of(
    project: Project, data_dir: Path, encoder: Encoder | None = None, tell: Callable[[str], None] = lambda step: None
) -> ProjectNlu:
    """The trained understanding, kept in the data folder; raises UntrainableProject where the data are too few.

    `tell` hears of each step of the learning, and of its end (`DONE`).
    """
    encoder = encoder or load_encoder(BUILTIN)
    folder = ModelFolder(data_dir)
    part = folder.part(PART, _mark(project))
    if part.exists():
        try:
            return load(part, encoder)
        except UnfitModel as unfit:
            log.warning("%s", unfit)
    # Imported here, not at the top: a server with a trained model must start without scikit-learn, which costs 100 MB.
    training: Any = importlib.import_module("bot.rasa.nlu_training")
    nlu: ProjectNlu = training.train(project.training, project.config, encoder, tell)
    tell(DONE)
    with folder.making(part) as fresh:
        save(nlu, fresh)
    return nlu


def _mark(project: Project) -> str:
    """A digest of all that is learnt from."""
    data, config = project.training, project.config
    digest = hashlib.sha256(FORMAT.encode())
    for example in data.examples:
        digest.update(repr((example.text, example.full_intent, example.annotations)).encode())
    learnt = (data.synonyms, data.regexes, data.lookups, sorted(data.response_texts.items()))
    pipeline = [(part.name, sorted(part.options.items())) for part in config.pipeline]
    digest.update(repr((learnt, config.language, pipeline)).encode())
    return digest.hexdigest()
