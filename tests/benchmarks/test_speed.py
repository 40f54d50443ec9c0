"""How long the steps of a turn take, each text said once: `pytest -m bench`. No bounds: machines are noisy."""

from __future__ import annotations

import itertools

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bot.assistant import Assistant
from bot.messages import SenderId, UserMessage

pytestmark = pytest.mark.bench
QUERY = "驾照快到期了，在南山哪里换，需要带什么"
DEMAND = "民治大道路灯坏了三天没人修，还有楼下垃圾没人清"


def test_parse(benchmark: BenchmarkFixture, assistant: Assistant) -> None:
    numbers = itertools.count()
    assert benchmark(lambda: assistant.understanding.parse(f"{QUERY} {next(numbers)}")).intents


def test_search(benchmark: BenchmarkFixture, assistant: Assistant) -> None:
    parse, numbers = assistant.understanding.parse(QUERY), itertools.count()
    assert benchmark(lambda: assistant.retriever.search(f"{parse.canonical} {next(numbers)}", parse.vector)).hits


def test_analyse(benchmark: BenchmarkFixture, assistant: Assistant) -> None:
    numbers = itertools.count()
    assert benchmark(lambda: assistant.analyst.analyse(f"{DEMAND} {next(numbers)}"))


def test_turn(benchmark: BenchmarkFixture, assistant: Assistant) -> None:
    numbers = itertools.count()
    assert benchmark(lambda: assistant.handle(UserMessage(SenderId("bench"), f"{QUERY} {next(numbers)}")))
