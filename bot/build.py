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
from bot.live import LiveDesk
from bot.nlu.parse import Understanding
from bot.nlu.paths import PathFinder
from bot.rules import read_rules
from bot.settings import Settings
from bot.store import Store
from bot.training import Models, load_or_train
from knowledge.city import find_city, wording_of
from knowledge.facts import FactFinder
from knowledge.live import read_spots
from knowledge.paths import paths_of
from knowledge.retriever import Retriever

# One text a language, so that the first citizen does not wait for the pipelines to be made.
WARM_UP = ("在哪里办护照", "where to get a passport")


def build_assistant(
    settings: Settings, progress: Callable[[str], None] = lambda step: None, live: LiveDesk | None = None
) -> Assistant:
    """Load or train the models, open and migrate the database, and wire the engine."""
    city = find_city(settings.city, settings.data_dir)
    models = load_or_train(settings.data_dir, settings.encoder, progress, city)
    progress("database")
    return assistant_of(models, settings, live)


def assistant_of(models: Models, settings: Settings, live: LiveDesk | None = None) -> Assistant:
    """The engine for models at hand."""
    engine = open_database(settings.effective_database_url)
    migrate(engine)
    city = models.city
    given = settings.model_fields_set
    zone = ZoneInfo(settings.timezone if "timezone" in given else city.profile.timezone)
    prefix = settings.case_prefix if "case_prefix" in given else city.profile.case_prefix

    def clock() -> datetime:
        return datetime.now(zone)

    domain = read_domain(wording=wording_of(city))
    retriever = Retriever(models.catalogue, models.index)
    understanding = Understanding(models.encoder, models.intents, models.safety, city)
    for text in WARM_UP:
        parse = understanding.parse(text)
        retriever.search(parse.canonical, parse.vector)
    splitter = Splitter(models.split, models.encoder, models.demands)
    return Assistant(
        domain,
        read_rules(domain),
        models.catalogue,
        understanding,
        PathFinder(paths_of(city), models.paths),
        retriever,
        FactFinder(models.encoder),
        DemandAnalyst(models.encoder, models.demands, retriever, splitter, city),
        Store(engine, prefix, clock),
        clock,
        settings.max_message_chars,
        settings.session_minutes,
        live or LiveDesk(read_spots(city.key)),
    )
