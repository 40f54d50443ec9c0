"""An invented month of 5,000 cases: what rulings teach in its first half lowers the returns of its second."""

from __future__ import annotations

import pytest

from bot.cases.belief import read_belief
from bot.cases.duty import Matter, duty_of
from bot.cases.units import Place
from bot.database import migrate, open_database
from bot.dispatch_month import CASES, HIDDEN, Outcome, hidden_list, month, replay
from bot.labelled_demands import read_labelled
from bot.store import Store
from knowledge.catalogue import read_catalogue
from knowledge.city import find_city
from knowledge.encoder import load_encoder
from knowledge.trainer import RememberingEncoder


@pytest.fixture(scope="module")
def encoder() -> RememberingEncoder:
    return RememberingEncoder(load_encoder("static"), "month")


@pytest.fixture(scope="module")
def outcome(encoder: RememberingEncoder) -> Outcome:
    engine = open_database("sqlite://")
    migrate(engine)
    return replay(
        read_labelled(), duty_of(find_city()), read_catalogue(), read_belief(), encoder.encode_query,
        lambda clock: Store(engine, "SZ", clock),
    )  # fmt: skip


def test_the_hidden_list_differs_as_documented() -> None:
    duty = duty_of(find_city())
    hidden = hidden_list(duty)
    for name, districts, lead in HIDDEN:
        matter = Matter(name) if name[0] == "H" else Matter(None, name)
        for district in districts or ("南山区", "大鹏新区"):
            line, shipped = hidden.line(matter, Place(district)), duty.line(matter, Place(district))
            assert line is not None and shipped is not None
            assert line.lead == lead != shipped.lead


def test_the_second_half_has_other_texts(encoder: RememberingEncoder) -> None:
    told = month(read_labelled(), duty_of(find_city()), encoder.encode_query)
    assert len(told) > CASES * 0.98
    first, second = ({one.demand.text for one in half} for half in (told[: len(told) // 2], told[len(told) // 2 :]))
    assert not first & second


def test_rulings_lower_the_returns_and_hurt_nobody(outcome: Outcome) -> None:
    assert outcome.proposed > outcome.approved > outcome.rules > 0
    assert outcome.taught.value <= outcome.without.value * 2 / 3
    assert outcome.drop.low > 0
    assert outcome.unruled_cases > 500
    assert outcome.unruled.value >= -1.0
