"""Running numbers of a day: one by one inside the transaction, or in blocks for databases with many writers."""

from __future__ import annotations

import threading
from datetime import date
from typing import Protocol

from sqlalchemy import Connection, Engine, create_engine, func
from sqlalchemy.pool import NullPool

from bot.cases.tables import case_counters
from bot.database import SQLITE, insert_into

BLOCK = 100


class Numbers(Protocol):
    """Gives each case of a day another running number."""

    def next(self, connection: Connection, day: date) -> int:
        """A number of the day that nobody had before."""


class OneByOne:
    """Numbers without gaps, counted inside the transaction that uses them; who counts waits for who counted before."""

    def next(self, connection: Connection, day: date) -> int:
        """The day's next number; a transaction rolled back gives it back."""
        return take(connection, day, 1)


class Blocks:
    """Numbers taken a block at a time in a transaction of its own, so that commits never wait for each other.

    Each process uses up its own block; what is left of it when the process or the day ends is a gap.
    """

    def __init__(self, engine: Engine, size: int = BLOCK) -> None:
        # Not from the pool: its connections may all be held by those who wait here.
        self._engine = create_engine(engine.url, hide_parameters=True, poolclass=NullPool)
        self._size = size
        self._lock = threading.Lock()
        self._day: date | None = None
        self._next, self._last = 1, 0

    def next(self, connection: Connection, day: date) -> int:
        """The next number of this process's block."""
        with self._lock:
            if day != self._day or self._next > self._last:
                with self._engine.begin() as own:
                    self._last = take(own, day, self._size)
                self._day, self._next = day, self._last - self._size + 1
            self._next += 1
            return self._next - 1


def numbers_of(engine: Engine) -> Numbers:
    """The way of counting that suits a database."""
    return OneByOne() if engine.dialect.name == SQLITE else Blocks(engine)


def take(connection: Connection, day: date, many: int) -> int:
    """Count a day on by that many; gives the last of them."""
    made = insert_into(connection, case_counters).values(day=f"{day:%Y%m%d}", last=many)
    counted = made.on_conflict_do_update(
        index_elements=[case_counters.c.day], set_={"last": case_counters.c.last + many}
    )
    return int(connection.execute(counted.returning(case_counters.c.last)).scalar_one())


def raise_to(connection: Connection, day: date, number: int) -> None:
    """Count a day on to a number at least, as cases that were imported have the numbers before."""
    made = insert_into(connection, case_counters).values(day=f"{day:%Y%m%d}", last=number)
    higher = func.max if connection.dialect.name == SQLITE else func.greatest
    connection.execute(
        made.on_conflict_do_update(
            index_elements=[case_counters.c.day], set_={"last": higher(case_counters.c.last, number)}
        )
    )
