"""Many cases at once, into the database and out of it, a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from sqlalchemy import JSON, Connection, Table, insert, literal, select, tuple_

from bot.cases.counter import raise_to
from bot.cases.record import COLUMNS, CaseRecord, EventRecord, HandoverRecord, MarkRecord, Part, RatingRecord
from bot.cases.rows import local
from bot.cases.tables import case_events, case_marks, cases, handovers, ratings
from bot.database import POSTGRESQL

BATCH = 500


@dataclass(frozen=True)
class _Kept:
    """Where a part of a record is kept, and in which order."""

    table: Table
    record: type[Part]
    order: tuple[str, ...]


_PARTS: Mapping[str, _Kept] = {
    "events": _Kept(case_events, EventRecord, ("id",)),
    "handovers": _Kept(handovers, HandoverRecord, ("id",)),
    "ratings": _Kept(ratings, RatingRecord, ("round",)),
    "marks": _Kept(case_marks, MarkRecord, ("mark",)),
}


def put(connection: Connection, records: Sequence[CaseRecord], zone: tzinfo | None) -> int:
    """Write those cases that are not there yet, with all their parts; gives how many they were."""
    known = set(
        connection.execute(select(cases.c.number).where(cases.c.number.in_([one.number for one in records]))).scalars()
    )
    fresh = {one.number: one for one in reversed(records) if one.number not in known}
    _write(connection, cases, [one.row(zone) for one in fresh.values()])
    for name, kept in _PARTS.items():
        _write(
            connection,
            kept.table,
            [{"number": one.number, **_row(part)} for one in fresh.values() for part in getattr(one, name)],
        )
    last: dict[str, int] = {}
    for number in fresh:
        last[number[2:8]] = max(last.get(number[2:8], 0), int(number[9:15]))
    for day, running in sorted(last.items()):
        raise_to(connection, _day(day), running)
    return len(fresh)


def pages(connection: Connection, since: datetime | None, after: CaseRecord | None, zone: tzinfo) -> list[CaseRecord]:
    """The next batch of cases by time of filing, after one or from a time on; empty at the end."""
    query = select(cases).order_by(cases.c.filed_at, cases.c.number).limit(BATCH)
    if since is not None:
        query = query.where(cases.c.filed_at >= since.astimezone(UTC))
    if after is not None:
        place = literal(after.filed_at.astimezone(UTC), cases.c.filed_at.type), literal(after.number)
        query = query.where(tuple_(cases.c.filed_at, cases.c.number) > tuple_(*place))
    rows = connection.execute(query).mappings().all()
    numbers = [row["number"] for row in rows]
    parts = {name: _parts(connection, kept, numbers, zone) for name, kept in _PARTS.items()}
    return [
        CaseRecord.model_construct(
            None,
            **_told({name: row[name] for name in COLUMNS}, zone),
            **{name: found.get(row["number"], []) for name, found in parts.items()},
        )
        for row in rows
    ]


def _parts(connection: Connection, kept: _Kept, numbers: Iterable[str], zone: tzinfo) -> dict[str, list[Part]]:
    fields = list(kept.record.model_fields)
    query = select(kept.table.c.number, *(kept.table.c[name] for name in fields))
    query = query.where(kept.table.c.number.in_(numbers)).order_by(*(kept.table.c[name] for name in kept.order))
    found: dict[str, list[Part]] = {}
    for row in connection.execute(query).mappings():
        values = _told({name: row[name] for name in fields}, zone)
        found.setdefault(row["number"], []).append(kept.record.model_construct(**values))
    return found


def _told(values: dict[str, Any], zone: tzinfo) -> dict[str, Any]:
    """Values of a row with moments in local time."""
    return {name: local(value, zone) if isinstance(value, datetime) else value for name, value in values.items()}


def _row(part: Part) -> dict[str, Any]:
    return {
        name: value.astimezone(UTC) if isinstance(value, datetime) else str(value) if isinstance(value, str) else value
        for name, value in part
    }


def _write(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; by COPY where there is one, which takes a fraction of the time."""
    if not rows:
        return
    if connection.dialect.name != POSTGRESQL:
        connection.execute(insert(table), rows)
        return
    names = list(rows[0])
    as_json = {name for name in names if isinstance(table.c[name].type, JSON)}
    cursor = connection.connection.cursor()
    columns = ", ".join(f'"{name}"' for name in names)
    with cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
        for row in _lines(rows, names, as_json):
            copy.write_row(row)
    cursor.close()


def _lines(rows: Iterable[dict[str, Any]], names: Sequence[str], as_json: set[str]) -> Iterator[list[Any]]:
    for row in rows:
        yield [json.dumps(row[n]) if n in as_json and row[n] is not None else row[n] for n in names]


def _day(digits: str) -> date:
    return datetime.strptime(digits, "%y%m%d").date()
