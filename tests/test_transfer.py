"""Cases out to files and in again: exact, safe for spreadsheets, streaming, nothing half taken in."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, insert, select
from typer.testing import CliRunner

from bot.cases import tables
from bot.cases.bulk import BATCH, put
from bot.cases.case import CITIZEN, Actor, CaseDraft, DemandType, Facts
from bot.cases.number import CaseNumber
from bot.cases.record import PERSONAL, CaseRecord
from bot.cases.states import Move, Role, Status
from bot.cases.synthetic import synthetic_cases
from bot.cases.transfer import FORMULAS, Format, Imported, TransferFault, _cell, _told, exported, import_file, write
from bot.database import migrate, open_database
from bot.messages import SenderId
from bot.store import Store
from connectors.cli import app

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 21, 12, 0, 0, 7, tzinfo=ZONE)
UNIT = Actor(Role.UNIT, "u1", "UMB:南山区")
DESK = Actor(Role.DISPATCHER, "d1")
TEXTS = (
    "=1+1",
    "'quoted",
    "''",
    "-5",
    "+86",
    "@home",
    "\ttab",
    "\rreturn",
    "two\r\nlines",
    'a "word", b',
    "＝1",
    "路灯",
    " ",
)
RUN = CliRunner()


def made(engine: Engine) -> Store:
    migrate(engine)
    return Store(engine, "SZ", lambda: NOON)


@pytest.fixture
def store() -> Store:
    return made(open_database("sqlite://"))


@pytest.fixture
def other() -> Store:
    return made(open_database("sqlite://"))


def fill(store: Store) -> CaseNumber:
    """Cases with odd texts, and one with all there is to a case."""
    with store.work() as work:
        for text in TEXTS:
            draft = CaseDraft(text, DemandType.HELP, location=text, latitude=-22.5, longitude=114.0)
            work.cases.file(draft, SenderId(text), "en", text, False, "open311", f"key{text}")
        number = work.cases.file(
            CaseDraft("路灯坏了，电话13800138000", DemandType.COMPLAINT), SenderId("a"), "zh", None, True
        ).number
        for move, actor, facts in (
            (Move.ACCEPT, DESK, Facts()),
            (Move.DISPATCH, DESK, Facts(unit=UNIT.unit, assisting=("PSB", "=x"), duty_line="D1", confidence=0.5)),
            (Move.SIGN, UNIT, Facts()),
            (Move.REPLY, UNIT, Facts(reply="请拨13800138000")),
        ):
            work.cases.move(number, move, actor, facts)
        work.cases.mark(number, "due_soon:1")
        work.connection.execute(
            insert(tables.ratings).values(number=number, round=0, speed=1, satisfied=False, reason="慢", at=NOON)
        )
    return number


def text_of(store: Store, form: Format, personal: bool = True) -> bytes:
    file = io.StringIO(newline="")
    write(exported(store, ZONE, personal=personal), file, form, personal)
    return file.getvalue().encode()


def taken(store: Store, content: bytes, form: Format) -> Imported:
    return import_file(store, io.BytesIO(content), form, ZONE)


def count(store: Store, table: str = "cases") -> int:
    with store.work() as work:
        return int(
            work.connection.execute(select(func.count()).select_from(tables.metadata.tables[table])).scalar_one()
        )


def test_json_lines_are_exact_with_all_parts(store: Store, other: Store) -> None:
    number = fill(store)
    content = text_of(store, Format.JSONL)
    assert taken(other, content, Format.JSONL).new == len(TEXTS) + 1
    assert text_of(other, Format.JSONL) == content
    with store.work() as one, other.work() as two:
        assert one.cases.by_number(number) == two.cases.by_number(number)
        assert two.cases.marks(number) == {"due_soon:1"}
        assert [h.unit for h in two.handovers.of(number)] == [UNIT.unit, "PSB", "=x"]
    assert count(other, "ratings") == 1


@pytest.mark.parametrize("form", Format)
def test_all_that_a_file_holds_comes_back_on_postgresql(form: Format, store: Store, postgres_engine: Engine) -> None:
    fill(store)
    content = text_of(store, form)
    other = Store(postgres_engine, "SZ", lambda: NOON)
    assert taken(other, content, form).new == len(TEXTS) + 1
    assert taken(other, content, form) == Imported(known=len(TEXTS) + 1)
    assert text_of(other, form) == content
    with other.work() as work:
        assert (
            work.cases.file(CaseDraft("新", DemandType.HELP), SenderId("b"), "zh", None, True).number[9:15] > "000014"
        )


def test_csv_is_exact_and_no_formula(store: Store, other: Store) -> None:
    fill(store)
    content = text_of(store, Format.CSV)
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    for row, text in zip(rows, TEXTS, strict=False):
        assert not row["description"].startswith(FORMULAS[:-1])
        assert row["description"] in (text, f"'{text}")
    assert taken(other, content, Format.CSV).new == len(TEXTS) + 1
    assert text_of(other, Format.CSV) == content
    with store.work() as one, other.work() as two:
        for text in TEXTS:
            assert [case.draft for case in one.cases.of_sender(SenderId(text))] == [
                case.draft for case in two.cases.of_sender(SenderId(text))
            ]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_every_text_lives_through_a_cell(text: str) -> None:
    cell = _cell("description", text)
    assert _told("description", cell) == text
    assert not cell.startswith(FORMULAS[:-1])


def test_nothing_personal_unless_told(store: Store, other: Store) -> None:
    number = fill(store)
    for form in Format:
        told = text_of(store, form, personal=False).decode()
        assert "13800138000" not in told
        assert not {f'"{name}"' for name in PERSONAL} & set(told.split()) and "d1" not in told
    content = text_of(store, Format.JSONL, personal=False)
    assert taken(other, content, Format.JSONL).new == len(TEXTS) + 1
    with store.work() as one, other.work() as two:
        before, after = one.cases.by_number(number), two.cases.by_number(number)
        assert after.query_code != before.query_code
        assert (after.status, after.sender, after.contact) == (before.status, "imported", None)
        assert after.draft.description == "路灯坏了，电话[phone]"


def lines(many: int) -> list[str]:
    records = synthetic_cases(many, "SZ", NOON)
    return [json.dumps(one.model_dump(mode="json", exclude_none=True)) for one in records]


def test_a_batch_with_a_fault_is_left_out_and_can_be_sent_again(store: Store) -> None:
    told = lines(2 * BATCH + 10)
    broken = list(told)
    broken[BATCH + 3] = broken[BATCH + 3].replace('"status": "', '"status": "un', 1)
    broken[BATCH + 5] = "{"
    done = taken(store, "\n".join(broken).encode(), Format.JSONL)
    assert (done.new, done.known, done.left, done.wrong) == (BATCH + 10, 0, BATCH, 2)
    assert [(fault.line, fault.field) for fault in done.faults] == [(BATCH + 4, "status"), (BATCH + 6, "")]
    assert count(store) == BATCH + 10
    events = count(store, "case_events")
    done = taken(store, "\n".join(told).encode(), Format.JSONL)
    assert (done.new, done.known, done.left, done.wrong) == (BATCH, BATCH + 10, 0, 0)
    assert taken(store, "\n".join(told).encode(), Format.JSONL).new == 0
    assert count(store, "case_events") > events
    assert count(store) == 2 * BATCH + 10


def test_a_clash_inside_the_database_leaves_the_batch_out(store: Store) -> None:
    told = [json.loads(line) for line in lines(2)]
    for one in told:
        one["request_key"] = "same"
    done = taken(store, "\n".join(map(json.dumps, told)).encode(), Format.JSONL)
    assert (done.new, done.left, done.wrong) == (0, 2, 1)
    assert count(store) == count(store, "case_events") == 0


GOOD = {
    "number": "SZ261120-000001-8", "type": "help", "description": "x", "status": "submitted",
    "filed_at": "2026-11-20T09:00:00", "expected_at": "2026-11-27T18:00:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "where", "told"),
    [
        ({"number": "SZ261120-000001-9"}, "number", "case number"),
        ({"number": "SZ269920-000001-9"}, "number", "case number"),
        ({"type": "rant"}, "type", "allowed"),
        ({"filed_at": "soon"}, "filed_at", "time"),
        ({"description": None}, "description", ""),
        ({"colour": "red"}, "colour", "unknown"),
        ({"agency": "x" * 21}, "agency", "long"),
        ({"status": "signed"}, "", "unit"),
        ({"status": "merged"}, "", "leads"),
        ({"description": "a\0b"}, "description", "character"),
        ({"description": "a\ud800"}, "description", ""),
        ({"latitude": 91}, "latitude", "range"),
        ({"events": [{"kind": "filed", "at": "2026-11-20", "actor": "citizen", "status": "closed"}]}, "", "last event"),
    ],
)
def test_faults_are_told_by_line_in_both_languages(
    store: Store, wrong: dict[str, object], where: str, told: str
) -> None:
    done = taken(store, json.dumps({**GOOD, **wrong}).encode(), Format.JSONL)
    assert done.new == 0
    fault = done.faults[0]
    assert (fault.line, fault.field) == (1, where)
    assert told in str(fault) and "第 1 行 line 1" in str(fault)
    assert any(char >= "\u4e00" for char in fault.problem)


def test_a_table_from_elsewhere(store: Store) -> None:
    """Names of the open data, no time zone, an open case whose unit has it already."""
    head = "REPORT_NUM,CREATE_TIME,expected_at,MAIN_TYPE,EVENT_PROPERTY,DISPOSE_UNIT,status,description\r\n"
    row = "SZ261120-000001-8,2026-11-20 09:00,2026-11-27 18:00,市政设施,complaint,UMB:南山区,signed,路灯坏了\r\n"
    done = taken(store, b"\xef\xbb\xbf" + (head + row).encode(), Format.CSV)
    assert (done.new, done.faults) == (1, [])
    with store.work() as work:
        case = work.cases.by_number(CaseNumber("SZ261120-000001-8"))
        assert case.filed_at == datetime(2026, 11, 20, 9, tzinfo=ZONE)
        assert [event.status for event in case.timeline] == ["submitted", "signed"]
        assert [one.state for one in work.handovers.of(case.number)] == ["acknowledged"]
        assert work.cases.move(case.number, Move.REPLY, UNIT, Facts(reply="修好了")).status is Status.REPLIED
        assert work.cases.move(case.number, Move.RATE, CITIZEN).status is Status.CLOSED


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"number,colour\n", "colour"),
        (b"description\n", "number"),
        (b"number,number\n", "twice"),
        (b"", "number"),
    ],
)
def test_a_heading_that_is_none(store: Store, content: bytes, problem: str) -> None:
    with pytest.raises(TransferFault, match=problem):
        taken(store, content, Format.CSV)


@pytest.mark.parametrize("content", [b"number,type\nSZ\n", b'number\n"SZ\n', b"number\n\xff\xfe\n"])
def test_rows_that_are_none(store: Store, content: bytes) -> None:
    done = taken(store, content, Format.CSV)
    assert (done.new, done.left >= 1 or done.wrong) and done.faults[0].line == 2


class Endless(io.RawIOBase):
    """A file of synthetic lines, made as they are read."""

    def __init__(self, many: int) -> None:
        self._lines: Iterator[str] = iter(lines_one_by_one(many))
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, room: bytearray) -> int:  # type: ignore[override]
        while len(self._rest) < len(room) and (line := next(self._lines, None)) is not None:
            self._rest += line.encode() + b"\n"
        part, self._rest = self._rest[: len(room)], self._rest[len(room) :]
        room[: len(part)] = part
        return len(part)

    def tell(self) -> int:
        return 0


def lines_one_by_one(many: int) -> Iterator[str]:
    for one in synthetic_cases(many, "SZ", NOON):
        yield json.dumps(one.model_dump(mode="json", exclude_none=True))


class Nowhere(io.TextIOBase):
    """Takes what is written and forgets it."""

    def write(self, text: str) -> int:
        return len(text)


def peak_mb(act: object) -> float:
    tracemalloc.start()
    act()  # type: ignore[operator]
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    for many in (BATCH, 3 * BATCH):
        store = made(open_database(f"sqlite:///{tmp_path / f'{many}.sqlite3'}"))
        taken_in = peak_mb(
            lambda many=many, store=store: import_file(store, io.BufferedReader(Endless(many)), Format.JSONL, ZONE)
        )
        out = peak_mb(lambda store=store: write(exported(store, ZONE, personal=True), Nowhere(), Format.JSONL, True))
        assert count(store) == many
        store.engine.dispose()
        peaks.append((taken_in, out))
    (small_in, small_out), (large_in, large_out) = peaks
    assert large_in < 1.7 * small_in
    assert large_out < 1.7 * small_out


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'a.sqlite3'}"
    monkeypatch.setenv("CHENGDA_DATABASE_URL", url)
    engine = open_database(url)
    store = made(engine)
    with store.work() as work:
        put(work.connection, list(synthetic_cases(40, "SZ", NOON, days=4)), ZONE)
    out, since = tmp_path / "out.csv", (NOON - timedelta(days=2)).date()
    done = RUN.invoke(app, ["cases", "export", "--to", str(out), "--since", str(since), "--with-personal", "--excel"])
    assert done.exit_code == 0, done.output
    assert out.read_bytes().startswith(b"\xef\xbb\xbf") and len(out.read_text().splitlines()) == 21
    monkeypatch.setenv("CHENGDA_DATABASE_URL", f"sqlite:///{tmp_path / 'b.sqlite3'}")
    done = RUN.invoke(app, ["cases", "import", str(out)])
    assert done.exit_code == 0 and "20 imported" in done.output
    out.write_text(out.read_text().replace(",closed,", ",shut,"))
    done = RUN.invoke(app, ["cases", "import", str(out)])
    assert done.exit_code == 1 and "line 2" in done.output and "行" in done.output
    assert RUN.invoke(app, ["cases", "import", str(tmp_path / "out.csv"), "--format", "jsonl"]).exit_code == 1
    assert isinstance(RUN.invoke(app, ["cases", "export", "--to", str(tmp_path / "x.xls")]).exception, TransferFault)
    engine.dispose()


def test_a_record_is_the_table() -> None:
    """No column of a case is forgotten when the table gets another."""
    assert set(CaseRecord.model_fields) - {"events", "handovers", "ratings", "marks"} == {
        column.name for column in tables.cases.columns
    } - {"check_at"}
