"""Postmen that are killed in the middle: `python -m tests.killed_post URL API LOG KILLS`.

Two workers at a time change cases and send the notices of it to an API with keys against doubles; each kills itself at
the nth statement of its own, before it is sent or once it is answered, or is killed at any moment, also while the API
is asked. What was committed stands in the log: `moved NUMBER EVENT`; deaths as `killed N`.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path

import httpx
from fastapi import APIRouter
from sqlalchemy import Engine

from bot.cases.case import Facts
from bot.cases.states import Move
from bot.cases.telling import Telling
from bot.channels.capability import Capabilities
from bot.channels.contacts import Contact, Window
from bot.channels.parcel import Parcel
from bot.channels.plain import Piece
from bot.database import open_database
from bot.domain import Domain, read_domain
from bot.messages import SenderId
from bot.store import Store
from connectors.channels.channel import Arrival, Progress, Push, Pushed
from connectors.channels.postman import Postman
from connectors.channels.sending import call, send_pieces
from knowledge.catalogue import Catalogue
from knowledge.city import City, catalogue_of, find_city
from tests.killed_work import DESK, DRAFT, UNIT, Log, die_at
from tests.office import ZONE

LONGEST = 0.6
# Statements and commits of the changes and the sending of one case.
STEPS = 60


class Keyed:
    """A channel whose API takes a key once, as WeChat's templates and WeCom do."""

    name = kind = "keyed"
    capabilities = Capabilities(4096)

    def __init__(self, url: str) -> None:
        self._api = httpx.Client(base_url=url, timeout=60)

    def window(self, arrival: Arrival) -> Window | None:
        return None

    def router(self) -> APIRouter:
        return APIRouter()

    def keyed(self, parcel: Parcel, contact: Contact) -> bool:
        return True

    def push(self, parcel: Parcel, contact: Contact, progress: Progress) -> Pushed:
        def send(piece: Piece) -> Pushed:
            body = {"key": parcel.key, "text": piece.text}
            return call(self._api, "/send", body, lambda status, _: Pushed(Push.SENT if status == 200 else Push.LATER))

        return send_pieces(parcel, self.capabilities, progress, send)

    def close(self) -> None:
        self._api.close()


def now() -> datetime:
    return datetime.now(ZONE)


@lru_cache(maxsize=1)
def words() -> tuple[Domain, Catalogue, City]:
    """What notices are worded with, read once."""
    city = find_city("shenzhen")
    return read_domain(), catalogue_of(city), city


def postman_of(store: Store, url: str) -> Postman:
    """A postman that words notices without any model."""
    domain, catalogue, city = words()
    postman = Postman(lambda: store, [Keyed(url)])
    postman.telling = lambda language: Telling(domain, catalogue, city, language)
    return postman


def work(store: Store, postman: Postman, log: Log, name: str) -> None:
    """Cases filed, changed and told of, over and over."""
    for turn in range(1000):
        sender = SenderId(f"keyed:{name}-{turn}")
        with store.work() as one:
            one.contacts.wrote(sender, "keyed", "zh", now(), None)
            number = one.cases.file(DRAFT, sender, "zh", None, False).number
        for move, facts in ((Move.ACCEPT, Facts()), (Move.DISPATCH, Facts(unit=UNIT.unit))):
            with store.work() as one:
                event = one.cases.move(number, move, DESK, facts).timeline[-1].kind
            log.note("moved", number, event)
            while postman.round():
                pass


def started(url: str, api: str, log: Path, place: int, arm: partial[None] | None) -> int:
    """A worker in a process of its own; gives its id."""
    child = os.fork()
    if child:
        return child
    try:
        engine: Engine = open_database(url)
        store = Store(engine, "SZ", now)
        postman = postman_of(store, api)
        if arm is not None:
            arm(engine)
        work(store, postman, Log(log), str(place))
    except BaseException as error:
        Log(log).note("broke", type(error).__name__, str(error).replace("\n", " ")[:300])
    os._exit(1)


def kill_many(url: str, api: str, log: Path, kills: int) -> None:
    """Start and kill workers in pairs: two of three at a statement told, one at any moment."""
    chance = random.Random(kills)
    for pair in range(kills // 2):
        workers = []
        for worker in (0, 1):
            place = 2 * pair + worker
            at_once = place % 3 == 2
            arm = partial(die_at, statement=1 + place * STEPS // kills, answered=place % 2 == 0)
            workers.append((started(url, api, log, place, None if at_once else arm), at_once))
        for child, at_once in workers:
            if at_once:
                time.sleep(chance.uniform(0.1, LONGEST))
                os.kill(child, signal.SIGKILL)
        for child, _ in workers:
            _, status = os.waitpid(child, 0)
            Log(log).note("killed" if os.WIFSIGNALED(status) else "ended", child)


if __name__ == "__main__":
    # Read once, before the workers are made of this process.
    words()
    kill_many(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
