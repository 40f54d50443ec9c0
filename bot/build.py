"""The assistant put together from settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from threadpoolctl import threadpool_limits

from bot.assistant import Assistant
from bot.cases.analysis import DemandAnalyst
from bot.cases.belief import read_belief
from bot.cases.dispatch import Dispatcher
from bot.cases.duplicate_finder import finder_of
from bot.cases.duty import duty_of
from bot.cases.split import Splitter
from bot.cases.taught import TaughtDispatcher
from bot.cases.weighing import weigher
from bot.database import migrate, open_database
from bot.desk.approval import Approval
from bot.desk.hours import read_hours
from bot.domain import read_domain
from bot.learning.queue import Limits
from bot.live import LiveDesk
from bot.nlu.parse import Understanding
from bot.nlu.paths import PathFinder
from bot.rules import read_rules
from bot.settings import Settings
from bot.store import Store
from bot.subject import SubjectFinder
from bot.subject_signs import Witnesses
from bot.training import Models, load_or_train
from knowledge.catalogue import read_catalogue
from knowledge.city import City, catalogue_of, city_in, find_city, wording_of
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
    models = load_or_train(settings.data_dir, settings.encoder, progress, city, settings.effective_learned_dir)
    progress("database")
    assistant = assistant_of(models, settings, live)
    if assistant.duplicates is not None:
        with assistant.store.work() as work:
            assistant.duplicates.load(work.connection)
    return assistant


def rebuilt(assistant: Assistant, settings: Settings) -> Assistant:
    """The engine with the models now in use, on the database of the one before; raises StaleModels."""
    for read in (find_city, city_in, catalogue_of, read_catalogue):
        read.cache_clear()
    city, learned = find_city(settings.city, settings.data_dir), settings.effective_learned_dir
    models = load_or_train(settings.data_dir, settings.encoder, city=city, learned_dir=learned, train=False)
    return assistant_of(models, settings, before=assistant)


def open_store(settings: Settings, city: City) -> Store:
    """The database, brought to the newest version."""
    engine = open_database(settings.effective_database_url)
    migrate(engine)
    clock = clock_of(settings, city)
    prefix = settings.case_prefix if "case_prefix" in settings.model_fields_set else city.profile.case_prefix
    return Store(engine, prefix, clock, Limits(settings.queue_max, settings.queue_days), settings.open311_unit)


def clock_of(settings: Settings, city: City) -> Callable[[], datetime]:
    """The time in the city."""
    zone = ZoneInfo(settings.timezone if "timezone" in settings.model_fields_set else city.profile.timezone)
    return lambda: datetime.now(zone)


def assistant_of(
    models: Models, settings: Settings, live: LiveDesk | None = None, before: Assistant | None = None
) -> Assistant:
    """The engine for models at hand; one that follows another goes on with its database."""
    # A turn multiplies one vector at a time: a second thread only burns the processor that another turn needs.
    threadpool_limits(1, user_api="blas")
    city = models.city
    clock = before.clock if before else clock_of(settings, city)
    domain = read_domain(wording=wording_of(city))
    retriever = Retriever(models.catalogue, models.index)
    understanding = Understanding(models.encoder, models.intents, models.safety, city)
    for text in WARM_UP:
        parse = understanding.parse(text)
        retriever.search(parse.canonical, parse.vector)
    facts = FactFinder(models.encoder, models.facts)
    splitter = Splitter(models.split, models.encoder, models.demands)
    analyst = DemandAnalyst(models.encoder, models.demands, retriever, splitter, city)
    dispatcher = Dispatcher(
        duty_of(city), models.catalogue, analyst.analyse, read_belief(), weigher(analyst, models.encoder)
    )
    assistant = Assistant(
        domain,
        read_rules(domain),
        models.catalogue,
        understanding,
        PathFinder(paths_of(city), models.paths),
        retriever,
        facts,
        SubjectFinder(Witnesses(models.catalogue, retriever, facts, models.encoder)),
        analyst,
        before.store if before else open_store(settings, city),
        clock,
        TaughtDispatcher(dispatcher, models.encoder.encode_query),
        settings.max_message_chars,
        settings.session_minutes,
        live or (before.live if before else LiveDesk(read_spots(city.key))),
    )
    assistant.parts = models.parts
    assistant.hours = read_hours(settings.desk_hours)
    assistant.approval = Approval(settings.approval_below, settings.approval_seconds)
    assistant.duplicates = finder_of(models.encoder, models.demands, city)
    assistant.watchers = before.watchers if before else []
    assistant.stand_in = before.stand_in if before else None
    return assistant
