"""The Open311 endpoint of a running server: its offices put together from the assistant."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fastapi import FastAPI

from bot.assistant import Assistant
from bot.database import migrate, open_database
from bot.domain import Domain
from bot.settings import Settings
from bot.store import Store
from connectors.open311.office import Office
from connectors.open311.router import create_open311

# A rehearsal's cases are told apart by their numbers.
TEST_PREFIX = "TT"
TEST_DATABASE = "open311-test.sqlite3"
URGENCIES = ("emergency", "urgent", "normal")


def open311_of(settings: Settings, assistant: Callable[[], Assistant], domain: Domain) -> FastAPI:
    """The application to mount at /open311; it goes along when the server takes up newly trained models."""
    rehearsal = _Rehearsal(settings, assistant)

    def office() -> Office:
        return _office(settings, assistant(), assistant().store)

    return create_open311(office, lambda: _office(settings, assistant(), rehearsal.store()), domain)


def _office(settings: Settings, assistant: Assistant, store: Store) -> Office:
    def urgency(text: str) -> str:
        start = text[: settings.max_message_chars]
        if assistant.understanding.parse(start).in_danger():
            return URGENCIES[0]
        found = {demand.urgency for demand in assistant.analyst.analyse(start)}
        return next((one for one in URGENCIES if one in found), "normal")

    return Office(
        store,
        assistant.store,
        assistant.catalogue,
        assistant.domain,
        assistant.analyst.city,
        urgency,
        settings.open311_read_key,
    )


class _Rehearsal:
    """The database of the test endpoint, made when it is first asked."""

    def __init__(self, settings: Settings, assistant: Callable[[], Assistant]) -> None:
        self._settings, self._assistant = settings, assistant
        self._lock = threading.Lock()
        self._store: Store | None = None

    def store(self) -> Store:
        with self._lock:
            if self._store is None:
                engine = open_database(f"sqlite:///{self._settings.data_dir / TEST_DATABASE}")
                migrate(engine)
                self._store = Store(engine, TEST_PREFIX, self._assistant().clock)
            return self._store
