"""Fixtures: the trained models once a session, and a fresh assistant on an in-memory database."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pytest

from bot.assistant import Assistant
from bot.build import assistant_of
from bot.messages import MessageId, SenderId, UserMessage
from bot.settings import Settings
from bot.training import Models, load_or_train
from tests.office import both_engines
from tests.postgres import postgres, postgres_engine, postgres_url
from tests.web_city import site, web_folder, web_server, web_store

__all__ = [
    "both_engines",
    "postgres",
    "postgres_engine",
    "postgres_url",
    "site",
    "web_folder",
    "web_server",
    "web_store",
]
# For people who run the tests: where Rasa is, and where pictures go.
TOLD = frozenset({"CHENGDA_RASA_ENV", "CHENGDA_SCREENSHOTS"})
ROOT = Path(__file__).resolve().parents[1]
ZONE = ZoneInfo("Asia/Shanghai")


def pytest_configure() -> None:
    """What was set for a run of one's own is none of the tests', nor of their servers; no example has to be quick.

    No proxy of this machine's stands between tests and their servers.
    """
    for name in [name for name in os.environ if name.startswith("CHENGDA_") and name not in TOLD]:
        del os.environ[name]
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
    Settings.model_config["env_file"] = None
    patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.register_profile("patient", patient)
    hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session")
def models() -> Models:
    """Models of the repository's data folder, trained once and kept between runs."""
    return load_or_train(ROOT / ".chengda", "builtin")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a test: its own data folder and an in-memory database, which no second thread may share."""
    return Settings(data_dir=tmp_path, database_url="sqlite://", sweep_seconds=0, _env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def assistant(models: Models, settings: Settings) -> Assistant:
    """A fresh assistant."""
    return assistant_of(models, settings)


@pytest.fixture
def talk(assistant: Assistant) -> Callable[..., dict[str, Any]]:
    """Say something as a citizen; gives `custom.turn` with all bubbles' text under `text`."""

    def say(text: str, sender: str = "citizen", message_id: str | None = None) -> dict[str, Any]:
        message = UserMessage(SenderId(sender), text, MessageId(message_id) if message_id else None)
        answer = assistant.handle(message)
        turn: dict[str, Any] = dict(answer[-1]["custom"]["turn"])
        turn["text"] = "\n".join(bubble["text"] for bubble in answer)
        turn["buttons"] = [button for bubble in answer for button in bubble.get("buttons", ())]
        return turn

    return say


@pytest.fixture
def noon() -> datetime:
    """A fixed moment: Saturday 2026-11-21, 12:00 in Shenzhen."""
    return datetime(2026, 11, 21, 12, 0, tzinfo=ZONE)
