"""The candidate beside the live assistant: disagreements are written masked, and nothing reaches the citizen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from bot.assistant import Assistant
from bot.errors import ChengdaError
from bot.messages import SenderId, UserMessage
from bot.nlu.parse import Understanding
from bot.settings import Settings
from bot.shadow import Candidate, Reading, Shadow, disagreements, load_candidate
from bot.training import Models
from connectors.shadow import disagreement_table, read_disagreements, start_shadow
from knowledge.catalogue import read_catalogue
from knowledge.city import find_city
from knowledge.retriever import Retriever
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[1]


class Deaf(Understanding):
    """Reads every message as a greeting and searches for nothing."""

    def parse(self, text: str, hint: str | None = None):  # type: ignore[no-untyped-def]
        return super().parse("你好", hint)


@pytest.fixture
def watched(assistant: Assistant, models: Models, tmp_path: Path) -> Callable[[Callable[[], Candidate]], Counter[str]]:
    """Say a few things with a candidate beside; gives its counters."""

    def run(load: Callable[[], Candidate], *texts: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        shadow = Shadow(load, assistant.retriever, tmp_path / "d.jsonl", assistant.clock, lambda r: counts.update([r]))
        assistant.watchers.append(shadow.take)
        for text in texts:
            assert assistant.handle(UserMessage(SenderId("秘密"), text))
        shadow.close()
        return counts

    return run


def test_a_disagreement_is_written_masked(watched, models: Models, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    retriever = Retriever(models.catalogue, models.index)
    candidate = Candidate("deaf", Deaf(models.encoder, models.intents, models.safety), retriever)
    counts = watched(lambda: candidate, "驾照快到期了怎么换，我电话13800138000", "？", "/greet")
    assert counts["read"] == 1 and counts["failed"] == 0
    (line,) = read_disagreements(tmp_path / "d.jsonl")
    assert "13800138000" not in json.dumps(line) and "秘密" not in json.dumps(line, ensure_ascii=False)
    assert line["live"]["service"] == "C01" and line["other"]["intent"] == "greet"
    assert "service" in line["differs"] and "intent" in line["differs"]
    table = disagreement_table([line], "service", 5)
    assert table.row_count == 1


def test_the_same_models_agree(watched, models: Models, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    retriever = Retriever(models.catalogue, models.index)
    same = Candidate("same", Understanding(models.encoder, models.intents, models.safety), retriever)
    counts = watched(lambda: same, "驾照快到期了怎么换", "要多少钱", "where do I get a passport")
    assert counts == {"read": 3} and not (tmp_path / "d.jsonl").exists()


def test_a_broken_candidate_never_raises(watched) -> None:  # type: ignore[no-untyped-def]
    def broken() -> Candidate:
        raise ChengdaError("no such model")

    assert watched(broken, "驾照快到期了怎么换") == {"failed": 1}


def test_a_candidate_that_is_long_in_coming_keeps_no_server_from_ending(assistant: Assistant, tmp_path: Path) -> None:
    held = Event()

    def load() -> Candidate:
        held.wait(PATIENCE)
        raise ChengdaError("no such model")

    shadow = Shadow(load, assistant.retriever, tmp_path / "d.jsonl", assistant.clock, lambda result: None)
    shadow.close(0.1)
    held.set()
    shadow.close(PATIENCE)


def test_what_the_live_one_lacks_is_not_compared() -> None:
    assert disagreements(Reading("greet", None, None), Reading("greet", "answered", "A01")) == []
    assert disagreements(Reading("ask_service", "answered", "A01"), Reading("ask_service", "clarify", "A02")) == [
        "verdict", "service",
    ]  # fmt: skip


def test_a_trained_folder_is_a_candidate(assistant: Assistant, models: Models, tmp_path: Path) -> None:
    candidate = load_candidate(str(ROOT / ".chengda"), models.encoder, find_city(), tmp_path)
    assert candidate.read("驾照快到期了怎么换", None).service == "C01"
    assert set(models.index.codes) == set(read_catalogue().services)
    assert start_shadow(Settings(data_dir=tmp_path, _env_file=None), assistant) is None  # type: ignore[call-arg]
