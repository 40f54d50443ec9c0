"""What a server settles on is passed over by the collector, and what went before is still freed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from connectors.heap import settle


class Models:
    """Something that points to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def unsettled() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_settled_objects_are_passed_over() -> None:
    models = Models()
    settle()
    assert gc.get_freeze_count() > 0
    assert not any(one is models for one in gc.get_objects())


def test_models_swapped_for_others_are_freed_when_the_next_settle() -> None:
    models = Models()
    settle()
    old = weakref.ref(models)
    models = Models()
    settle()
    assert old() is None
