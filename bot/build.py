"""The assistant put together from settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.assistant import Assistant
from bot.cases.analysis import DemandAnalyst
from bot.cases.split import Splitter
from bot.database import migrate, open_database
from bot.domain import read_domain
from bot.nlu.parse import Understanding
from bot.rules import read_rules
from bot.settings import Settings
from bot.store import Store
from bot.training import Models, load_or_train
from knowledge.facts import FactFinder
from knowledge.retriever import Retriever

# One text a language, so that the first citizen does not wait for the pipelines to be made.
WARM_UP = ("在哪里办护照", "where to get a passport")


def build_assistant(settings: Settings, progress: Callable[[str], None] = lambda step: None) -> Assistant:
    """Load or train the models, open and migrate the database, and wire the engine."""
    models = load_or_train(settings.data_dir, settings.encoder, progress)
    progress("database")
    return assistant_of(models, settings)


def assistant_of(models: Models, settings: Settings) -> Assistant:
    """The engine for models at hand."""
    engine = open_database(settings.effective_database_url)
    migrate(engine)
    zone = ZoneInfo(settings.timezone)

    def clock() -> datetime:
        return datetime.now(zone)

    domain = read_domain()
    retriever = Retriever(models.catalogue, models.index)
    understanding = Understanding(models.encoder, models.intents, models.safety)
    for text in WARM_UP:
        parse = understanding.parse(text)
        retriever.search(parse.canonical, parse.vector)
    splitter = Splitter(models.split, models.encoder, models.demands)
    return Assistant(
        domain,
        read_rules(domain),
        models.catalogue,
        understanding,
        retriever,
        FactFinder(models.encoder),
        DemandAnalyst(models.encoder, models.demands, retriever, splitter),
        Store(engine, settings.case_prefix, clock),
        clock,
        settings.max_message_chars,
        settings.session_minutes,
    )
