"""`chengda bench duplicates` on few cases: everything is measured, and no database with cases is touched."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.cases.duplicate_finder import DuplicateFinder
from bot.cases.states import OPEN
from bot.cases.synthetic import synthetic_cases
from bot.database import migrate, open_database
from bot.store import Store
from bot.training import Models
from connectors.case_bench import END, ZONE, NotForMeasuring
from connectors.duplicate_bench import STAGES, Reports, measure


def test_only_open_cases_are_made() -> None:
    made = list(synthetic_cases(200, "SZ", END, only_open=True))
    assert {case.status for case in made} <= OPEN
    assert len({case.number for case in made}) == 200


def test_all_is_measured(models: Models) -> None:
    engine = open_database("sqlite://")
    migrate(engine)
    store, seen = Store(engine, "SZ", lambda: datetime.now(ZONE)), set()

    def fresh() -> DuplicateFinder:
        return DuplicateFinder(models.encoder, models.demands, models.city)

    reports = Reports.of(models.city)
    found = measure(store, fresh, reports, 100, 10, lambda stage, done, total: seen.add(stage))
    assert (found.count, seen) == (100, set(STAGES))
    assert found.encoded > found.built > 0
    for times in (found.adding, found.searching, found.finding, found.finding_cpu):
        assert len(times.took) == 10 and 0 < times.percentile(50) <= times.percentile(95)
    with pytest.raises(NotForMeasuring):
        measure(store, fresh, reports, 100, 10, lambda stage, done, total: None)
    engine.dispose()
