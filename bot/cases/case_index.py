"""Open cases by meaning: FAISS over the vectors of the table case_vectors, kept up by the log of events.

Each process has its own index. Before a search it reads the events since its last look, so a case that any process
filed, ended or opened again is known; a vector is stored once and encoded again only for another model. A vector made
in a transaction that only reads is stored at the next look in one that writes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from sqlalchemy import Connection, Row, Select, func, select

from bot.cases.number import CaseNumber
from bot.cases.reports import Floats
from bot.cases.states import OPEN
from bot.cases.tables import case_events, case_vectors, cases
from bot.database import insert_into, only_reads

BATCH = 2000
ENCODED_A_LOOK = 16
# PostgreSQL gives numbers of events before they are committed: the last ones are read once more when any appeared.
OVERLAP = 200
MOST_DEAD = 0.2
Encode = Callable[[str], Floats]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Near:
    """A case and its cosine to what was looked for."""

    number: CaseNumber
    cosine: float


class CaseIndex:
    """All open cases; every method may be called by several threads at once."""

    def __init__(self, model: str, dimension: int, encode: Encode) -> None:
        """`model` names the weights that `encode` makes vectors with."""
        self._model, self._dimension, self._encode = model, dimension, encode
        self._lock = threading.RLock()
        self._seen: int | None = None
        self._last_ones: tuple[int, int] | None = None
        self._late: set[str] = set()
        self._unkept: dict[str, Floats] = {}
        self._numbers: list[str | None] = []
        self._place: dict[str, int] = {}
        self._index = self._empty()

    def __len__(self) -> int:
        return len(self._place)

    def load(self, connection: Connection, progress: Progress = lambda done, count: None) -> int:
        """Read all open cases anew; gives how many had to be encoded."""
        with self._lock:
            self._clear()
            self._seen = _last(connection)
            self._last_ones = _log(connection, self._seen - OVERLAP)[1]
            count = int(connection.execute(select(func.count()).where(cases.c.status.in_(OPEN))).scalar_one())
            encoded, after = 0, ""
            while rows := connection.execute(_open().where(cases.c.number > after).limit(BATCH)).all():
                encoded += self._take(connection, rows)
                after = rows[-1].number
                progress(min(count, len(self)), count)
            return encoded

    def search(self, connection: Connection, vector: Floats, most: int) -> tuple[Near, ...]:
        """The open cases nearest to a vector, nearest first."""
        with self._lock:
            self._look(connection)
            if not self._place:
                return ()
            wanted = min(most + len(self._numbers) - len(self._place), len(self._numbers))
            found, places = self._index.search(vector[None, :].astype(np.float32), wanted)
            near = ((self._numbers[place], value) for place, value in zip(places[0], found[0], strict=True))
            return tuple(Near(CaseNumber(number), float(value)) for number, value in near if number)[:most]

    def refresh(self, connection: Connection) -> None:
        """Read what any process changed since the last look."""
        with self._lock:
            self._look(connection)

    def vector(self, number: CaseNumber) -> Floats | None:
        """The vector of a case, None when it is not open."""
        with self._lock:
            place = self._place.get(number)
            return None if place is None else np.asarray(self._index.reconstruct(place), dtype=np.float32)

    def _look(self, connection: Connection) -> None:
        """Read what changed since the last look."""
        if self._seen is None:
            self.load(connection)
            return
        if self._unkept and not only_reads(connection):
            self._keep_all(connection)
        last, last_ones = _log(connection, self._seen - OVERLAP)
        if (last, last_ones) == (self._seen, self._last_ones) and not self._late:
            return
        # What is committed from here on makes another look.
        self._last_ones = last_ones if last == self._seen else _log(connection, last - OVERLAP)[1]
        changed = select(case_events.c.number).where(case_events.c.id > min(last, self._seen) - OVERLAP)
        numbers = {*connection.execute(changed.distinct()).scalars(), *self._late}
        self._seen, self._late = last, set()
        query = _all().where(cases.c.number.in_(numbers))
        rows = connection.execute(query).all()
        for row in rows:
            if row.status not in OPEN:
                self._drop(row.number)
        fresh = [row for row in rows if row.status in OPEN and row.number not in self._place]
        self._late = {row.number for row in fresh[ENCODED_A_LOOK:] if row.model != self._model}
        self._take(connection, [row for row in fresh if row.number not in self._late])
        if len(self._numbers) > 100 and len(self._place) < (1 - MOST_DEAD) * len(self._numbers):
            self._close_gaps()

    def _take(self, connection: Connection, rows: Sequence[Row[Any]]) -> int:
        """Add cases, encoding those that have no vector of this model; gives how many were encoded."""
        vectors, encoded = [], 0
        for row in rows:
            if row.model == self._model:
                vectors.append(np.frombuffer(row.vector, dtype=np.float16).astype(np.float32))
                continue
            vector = self._encode(row.description)
            encoded += 1
            self._keep(connection, row.number, vector)
            vectors.append(vector.astype(np.float16).astype(np.float32))
        if vectors:
            first = len(self._numbers)
            self._index.add(np.stack(vectors))
            self._numbers += [row.number for row in rows]
            self._place |= {row.number: first + at for at, row in enumerate(rows)}
        return encoded

    def _keep_all(self, connection: Connection) -> None:
        """Store what could not be stored as it was made, of cases that are still there."""
        unkept, self._unkept = self._unkept, {}
        for number in connection.execute(select(cases.c.number).where(cases.c.number.in_(unkept))).scalars():
            self._keep(connection, number, unkept[number])

    def _keep(self, connection: Connection, number: str, vector: Floats) -> None:
        if only_reads(connection):
            self._unkept[number] = vector
            return
        told = {"model": self._model, "vector": vector.astype(np.float16).tobytes()}
        made = insert_into(connection, case_vectors).values(number=number, **told)
        connection.execute(made.on_conflict_do_update(index_elements=[case_vectors.c.number], set_=told))

    def _drop(self, number: str) -> None:
        place = self._place.pop(number, None)
        if place is not None:
            self._numbers[place] = None

    def _close_gaps(self) -> None:
        """Make the index anew without the cases that ended."""
        kept = [(number, self._index.reconstruct(place)) for number, place in self._place.items()]
        self._clear()
        if kept:
            self._index.add(np.stack([vector for _, vector in kept]))
        self._numbers = [number for number, _ in kept]
        self._place = {number: at for at, (number, _) in enumerate(kept)}

    def _clear(self) -> None:
        self._index, self._numbers, self._place = self._empty(), [], {}

    def _empty(self) -> Any:
        return faiss.IndexScalarQuantizer(self._dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def _last(connection: Connection) -> int:
    return int(connection.execute(select(func.max(case_events.c.id))).scalar() or 0)


def _log(connection: Connection, after: int) -> tuple[int, tuple[int, int]]:
    """The last event, and how many come after one, and the sum of their numbers: alike only for the same events."""
    query = select(func.max(case_events.c.id), func.count(), func.sum(case_events.c.id))
    last, count, total = connection.execute(query.where(case_events.c.id > after)).one()
    return _last(connection) if last is None else int(last), (int(count), int(total or 0))


def _all() -> Select[Any]:
    columns = (cases.c.number, cases.c.status, cases.c.description, case_vectors.c.model, case_vectors.c.vector)
    return select(*columns).outerjoin(case_vectors, case_vectors.c.number == cases.c.number)


def _open() -> Select[Any]:
    return _all().where(cases.c.status.in_(OPEN)).order_by(cases.c.number)
