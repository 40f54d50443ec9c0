"""How long the steps of a turn take: `pytest -m bench`. Figures only, no bounds: machines are noisy."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bot.assistant import Assistant
from bot.messages import SenderId, UserMessage

pytestmark = pytest.mark.bench
QUERY = "驾照快到期了，在南山哪里换，需要带什么"
DEMAND = "民治大道路灯坏了三天没人修，还有楼下垃圾没人清"


def test_parse(benchmark: BenchmarkFixture, assistant: Assistant) -> None:
    assert benchmark(assistant.understanding.parse, QUERY).intents


def test_search(benchmark: BenchmarkFixture, assistant: Assistant) -> None:
    parse = assistant.understanding.parse(QUERY)
    assert benchmark(assistant.retriever.search, parse.canonical, parse.vector).hits


def test_analyse(benchmark: BenchmarkFixture, assistant: Assistant) -> None:
    assert benchmark(assistant.analyst.analyse, DEMAND)


def test_turn(benchmark: BenchmarkFixture, assistant: Assistant) -> None:
    assert benchmark(assistant.handle, UserMessage(SenderId("bench"), QUERY))
