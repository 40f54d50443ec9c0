"""Workers on the cases that are killed in the middle: `python -m tests.killed_work URL LOG KILLS`.

Two workers at a time, each in a process of its own: most kill themselves at the nth statement they send, before or
after the database has answered, n counting up through all the steps; others are killed at any moment. What a worker
was told stands in the log: `try KEY`, `filed KEY NUMBER`, `moved NUMBER EVENT`, `failed N`, `killed N`.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, event

from bot.cases.attempts import hand_over
from bot.cases.case import CITIZEN, Actor, CaseDraft, DemandType, Facts
from bot.cases.delivery import InHouse
from bot.cases.number import CaseNumber
from bot.cases.schedule import sweep
from bot.cases.states import TRANSITIONS, Move, Role
from bot.database import open_database
from bot.errors import CaseError
from bot.messages import SenderId
from bot.store import Store

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
# Moments of the sweeps of a round, so that each alarm of its own rings for some case.
LATER = (timedelta(hours=3), timedelta(days=9), timedelta(days=40))
DRAFT = CaseDraft("路灯坏了", DemandType.COMPLAINT, "市政设施", "H08", "UMB")
DESK = Actor(Role.DISPATCHER, "d1")
UNIT = Actor(Role.UNIT, "u1", "UMB:南山区")
LONGEST = 0.4
# Statements and commits of one round of `work`.
STEPS = 170


class Log:
    """What was promised, in a file that outlives who writes it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


def read(path: Path) -> list[list[str]]:
    """The lines of a log as words."""
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def unconfirmed(path: Path, worker: int) -> list[str]:
    """Requests of a worker's that were sent and never answered."""
    lines = read(path)
    answered = {line[1] for line in lines if line[0] == "filed"}
    return [line[1] for line in lines if line[0] == "try" and line[1] not in answered and line[1][0] == str(worker)]


def file(store: Store, log: Log, key: str) -> CaseNumber:
    log.note("try", key)
    with store.work() as work:
        case = work.cases.file(DRAFT, SenderId(key), "zh", None, True, "open311", key)
    log.note("filed", key, case.number)
    return case.number


def move(store: Store, log: Log, number: CaseNumber, what: Move, actor: Actor, facts: Facts = Facts()) -> None:  # noqa: B008
    with store.work() as work:
        work.cases.move(number, what, actor, facts)
    log.note("moved", number, TRANSITIONS[what].event)


def work(store: Store, log: Log, worker: int, place: int, waiting: list[str], chance: random.Random) -> None:
    """A round of all that is done to cases, over and over."""
    for key in waiting:
        file(store, log, key)
    for turn in range(1000):
        one, two = (file(store, log, f"{worker}-{place}-{turn}-{letter}") for letter in "ab")
        move(store, log, one, Move.ACCEPT, DESK)
        move(store, log, one, Move.DISPATCH, DESK, Facts(unit=UNIT.unit, assisting=("PSB:南山区",)))
        move(store, log, two, Move.MERGE, DESK, Facts(leader=one))
        hand_over(store, NOON, InHouse())
        move(store, log, one, Move.SIGN, UNIT)
        move(store, log, two, Move.UNMERGE, DESK, Facts(reason="不是一回事"))
        if place // 2 % 2:
            # Left out in every other round, as it takes up all that the dead left, and the steps after it are met too.
            swept = sweep(store, NOON + chance.choice(LATER), batch=5)
            log.note("failed", swept.failed)
        move(store, log, two, Move.ACCEPT, DESK)
        move(store, log, two, Move.DISPATCH, DESK, Facts(unit=UNIT.unit))
        with suppress(CaseError):
            # Into any case of whoever: refused where that one is merged or closed.
            move(store, log, two, Move.MERGE, DESK, Facts(leader=any_case(store, chance)))
        move(store, log, one, Move.REPLY, UNIT, Facts(reply="已修好"))
        move(store, log, one, Move.RATE, CITIZEN)


def any_case(store: Store, chance: random.Random) -> CaseNumber:
    with store.work() as work:
        numbers = work.connection.exec_driver_sql("SELECT number FROM cases ORDER BY number DESC LIMIT 50")
        return CaseNumber(chance.choice(numbers.scalars().all()))


def die_at(engine: Engine, statement: int, answered: bool) -> None:
    """Kill this process at the nth statement, before it is sent or once it is answered; a commit counts as one."""
    left = [statement]

    def count(*given: object, **named: object) -> None:
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "after_cursor_execute" if answered else "before_cursor_execute", count)
    event.listen(engine, "commit", count)


def started(url: str, log: Path, worker: int, place: int, arm: Callable[[Engine], None]) -> int:
    """A worker in a process of its own; gives its id."""
    waiting = unconfirmed(log, worker)
    child = os.fork()
    if child:
        return child
    try:
        engine = open_database(url)
        arm(engine)
        work(Store(engine, "SZ", lambda: NOON), Log(log), worker, place, waiting, random.Random(place))
    except BaseException as error:
        Log(log).note("broke", type(error).__name__, str(error).replace("\n", " ")[:300])
    os._exit(1)


def kill_many(url: str, log: Path, kills: int) -> None:
    """Start and kill workers in pairs: three of four at a statement told, the statements in turn, one at any moment."""
    chance = random.Random(kills)
    for place in range(kills // 2):
        workers = []
        for worker in (0, 1):
            index = worker * kills // 2 + place
            at_once = index % 4 == 3
            statement, answered = 1 + index * STEPS // kills, index % 2 == 0
            arm = (lambda engine: None) if at_once else partial(die_at, statement=statement, answered=answered)
            workers.append((started(url, log, worker, place, arm), at_once))
        for child, at_once in workers:
            if at_once:
                time.sleep(chance.uniform(0.02, LONGEST))
                os.kill(child, signal.SIGKILL)
        for child, _ in workers:
            _, status = os.waitpid(child, 0)
            Log(log).note("killed" if os.WIFSIGNALED(status) else "ended", child)


if __name__ == "__main__":
    kill_many(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
