"""What becomes of notices on their way: never told as sent in vain, never sent twice, nobody else's changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter
from sqlalchemy import Engine, select

from bot.cases.case import Facts
from bot.cases.number import CaseNumber
from bot.cases.states import Move
from bot.cases.telling import Telling
from bot.channels.capability import Capabilities
from bot.channels.contacts import Contact, Window
from bot.channels.outbox import BACK_OFF
from bot.channels.outbox_office import retry_all
from bot.channels.parcel import Kind, Parcel, State
from bot.channels.plain import pieces_of
from bot.channels.tables import outbox
from bot.channels.web_sessions import SILENCE
from bot.messages import SenderId
from bot.settings import Settings
from bot.store import Store
from bot.tables import turns
from connectors.channels.channel import Arrival, Progress, Push, Pushed
from connectors.channels.postman import Postman
from connectors.web.channel import WebPages
from connectors.web.chat import WebChat
from connectors.wechat.codes import HOUR, MENDING, MINUTE
from tests.killed_post import words
from tests.killed_work import DESK, UNIT
from tests.office import MONDAY, Cabinet

ME, PHONE, OTHER = SenderId("one:7"), SenderId("two:139"), SenderId("one:8")
ACCEPT = (Move.ACCEPT, DESK, Facts())
TO_UNIT = (Move.DISPATCH, DESK, Facts(unit=UNIT.unit))
DAY = timedelta(days=1)


@dataclass
class Line:
    """A messenger that answers as told, else takes all; `meanwhile` happens while it does."""

    name: str
    has_key: bool = False
    answers: deque[Pushed | Exception] = field(default_factory=deque)
    taken: list[tuple[str, str]] = field(default_factory=list)
    meanwhile: Callable[[Parcel], None] | None = None
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(4096))

    @property
    def kind(self) -> str:
        return self.name

    def window(self, arrival: Arrival) -> Window | None:
        return None

    def router(self) -> APIRouter:
        return APIRouter()

    def keyed(self, parcel: Parcel, contact: Contact) -> bool:
        return self.has_key

    def push(self, parcel: Parcel, contact: Contact, progress: Progress) -> Pushed:
        """As WeCom does: each piece is noted, the last one too."""
        for number, piece in enumerate(pieces_of(parcel.bubbles, self.capabilities)[parcel.sent :], parcel.sent + 1):
            if self.meanwhile is not None:
                self.meanwhile(parcel)
            answer = self.answers.popleft() if self.answers else Pushed(Push.SENT)
            if isinstance(answer, Exception):
                raise answer
            if answer.outcome is not Push.SENT:
                return answer
            self.taken.append((parcel.sender, piece.text))
            progress(number)
        return Pushed(Push.SENT)

    def close(self) -> None:
        pass


@dataclass
class Post(Cabinet):
    """A cabinet with a postman for two messengers and the web chat."""

    one: Line = field(default_factory=lambda: Line("one"))
    two: Line = field(default_factory=lambda: Line("two"))
    postman: Postman = None  # type: ignore[assignment]

    def knows(self, *senders: SenderId) -> None:
        with self.store.work() as work:
            for sender in senders:
                work.contacts.wrote(sender, sender.split(":")[0], "zh", self.now, None)

    def both(self, choose: bool = True) -> CaseNumber:
        """A case filed at one place whose code was shown at another, which is chosen."""
        self.knows(ME, PHONE)
        number = self.file(ME)
        with self.store.work() as work:
            work.mailing.places.shown(number, PHONE, self.now)
            if choose:
                work.mailing.choose([number], PHONE, by=PHONE)
        return number

    def rounds(self) -> None:
        while self.postman.round():
            pass

    def later(self, wait: timedelta) -> None:
        self.moments.append(self.now + wait)

    def rows(self) -> list[Any]:
        with self.store.read() as work:
            return list(work.connection.execute(select(outbox).order_by(outbox.c.id)).all())

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(row.sender, row.state) for row in self.rows()]

    def failed(self, parcel: Any, closed: bool = False) -> bool:
        with self.store.work() as work:
            return work.mailing.failed_outside(parcel.channel, parcel.external_id, "told later", closed)

    def contact(self, sender: SenderId) -> Contact:
        with self.store.read() as work:
            found = work.contacts.of(sender)
        assert found is not None
        return found

    def marks(self, number: CaseNumber) -> set[str]:
        with self.store.read() as work:
            return set(work.cases.marks(number))


@pytest.fixture
def post(both_engines: Engine) -> Iterator[Post]:
    moments = [MONDAY]
    store = Store(both_engines, "SZ", lambda: moments[-1])
    made = Post(store, moments)
    engine: Any = SimpleNamespace(store=store)
    pages = WebPages(WebChat(lambda: engine, Settings(_env_file=None)))  # type: ignore[call-arg]
    postman = made.postman = Postman(lambda: store, (made.one, made.two, pages))
    domain, catalogue, city = words()
    postman.telling = lambda language: Telling(domain, catalogue, city, language)
    yield made
    postman.stop()


def test_what_failed_later_is_sent_whole_at_the_next_place(post: Post) -> None:
    number = post.both()
    post.do(number, ACCEPT)
    post.rounds()
    (row,) = post.rows()
    assert (row.sender, row.state, row.sent) == (PHONE, State.SENT, 1)
    assert post.failed(row)
    post.rounds()
    assert [who for who, _ in post.one.taken] == [ME] and number in post.one.taken[0][1]
    assert post.states == [(ME, State.SENT)]
    # The failure of the first place, told once more, is none of the second one's.
    assert not post.failed(row)


def test_what_failed_later_is_sent_whole_when_it_is_retried(post: Post) -> None:
    post.knows(ME)
    post.do(post.file(ME), ACCEPT)
    post.rounds()
    assert post.failed(post.rows()[0])
    assert post.states == [(ME, State.FAILED)]
    with post.store.work() as work:
        assert retry_all(work.connection, [State.FAILED], post.now, None, None) == 1
    post.rounds()
    assert len(post.one.taken) == 2 and post.states == [(ME, State.SENT)]


def test_the_next_place_has_its_own_tries(post: Post) -> None:
    number = post.both()
    post.do(number, ACCEPT)
    post.two.answers.extend([*[Pushed(Push.LATER, "busy")] * 8, Pushed(Push.BROKEN, "no")])
    post.one.answers.append(Pushed(Push.LATER, "busy"))
    for _ in range(9):
        post.later(timedelta(hours=4))
        post.rounds()
    assert post.states == [(ME, State.WAITING)]
    post.later(timedelta(minutes=1))
    post.rounds()
    assert post.states == [(ME, State.SENT)]


@pytest.mark.parametrize("wait", [HOUR, MENDING])
def test_what_waits_for_a_quota_or_for_mending_waits_three_days(post: Post, wait: timedelta) -> None:
    """A wrong secret found on Monday is mended on Tuesday: what was answered meanwhile still goes out."""
    post.knows(ME)

    def tried(times: int) -> None:
        post.one.answers.extend([Pushed(Push.LATER, "45009 quota", wait=wait)] * times)
        for _ in range(times):
            post.rounds()
            post.later(wait)

    with post.store.work() as work:
        work.outbox.post("r1", ME, "one", Kind.REPLY, "zh", [{"text": "您好"}], post.now)
    tried(int(timedelta(days=2) / wait))
    assert post.states == [(ME, State.WAITING)] and not post.one.taken
    post.one.answers.extend([Pushed(Push.LATER, "busy")] * 2)
    for _ in range(3):
        post.rounds()
        post.later(BACK_OFF[1])
    assert post.states == [(ME, State.SENT)]
    with post.store.work() as work:
        work.outbox.post("r2", ME, "one", Kind.REPLY, "zh", [{"text": "再见"}], post.now)
    tried(int(timedelta(days=3) / wait) + 2)
    assert post.states[1] == (ME, State.FAILED)
    # Tried anew it has as long again.
    with post.store.work() as work:
        retry_all(work.connection, [State.FAILED], post.now, None, None)
    tried(2)
    assert post.states[1] == (ME, State.WAITING)


def test_a_short_wait_does_not_shorten_the_back_off(post: Post) -> None:
    """The minute's quota is used up nine times: not given up after nine minutes."""
    post.knows(ME)
    post.one.answers.extend([Pushed(Push.LATER, "45011", wait=MINUTE)] * 8)
    with post.store.work() as work:
        work.outbox.post("r1", ME, "one", Kind.REPLY, "zh", [{"text": "您好"}], post.now)
    begun = post.now
    for wait in BACK_OFF:
        post.rounds()
        post.later(max(wait, MINUTE))
    post.rounds()
    assert post.states == [(ME, State.SENT)] and post.now - begun > timedelta(hours=4)


def test_a_failure_told_while_it_is_sent_is_not_told_as_sent(post: Post) -> None:
    number = post.both()
    post.one.answers.append(Pushed(Push.LATER, "busy"))
    post.two.meanwhile = lambda parcel: post.failed(post.rows()[0]) and None
    before = post.marks(number)
    post.do(number, ACCEPT)
    post.rounds()
    assert post.states == [(ME, State.WAITING)] and post.marks(number) == before
    post.later(timedelta(minutes=1))
    post.rounds()
    assert [who for who, _ in post.one.taken] == [ME] and post.states == [(ME, State.SENT)]
    assert len(post.marks(number)) == len(before) + 1


def test_who_was_slower_than_the_lease_changes_nothing_even_after_a_move_and_back(post: Post) -> None:
    number = post.both()
    post.do(number, ACCEPT)
    with post.store.work() as work:
        (slow,) = work.outbox.claim(["two"], post.now)
    post.later(timedelta(minutes=2))
    with post.store.work() as work:
        (quick,) = work.outbox.claim(["two"], post.now)
        assert work.mailing.passed_on(quick, False, "gone") is State.WAITING
        work.mailing.choose([number], PHONE)
        (third,) = work.outbox.claim(["two"], post.now)
        assert third.attempts == slow.attempts and third.sender == slow.sender
        assert not work.outbox.sent(slow, post.now)
        assert work.outbox.settle(slow, State.FAILED, post.now) is None
        assert work.outbox.sent(third, post.now)


@pytest.mark.parametrize("pushed", [Pushed(Push.LATER, "busy"), Pushed(Push.CLOSED, "window")])
def test_a_citizen_who_wants_no_notices_gets_none_that_waits(post: Post, pushed: Pushed) -> None:
    post.knows(ME, OTHER)
    number = post.file(ME)
    with post.store.work() as work:
        work.followers.follow(number, OTHER, post.now)
    post.one.answers.extend([pushed, pushed])
    post.do(number, ACCEPT)
    post.rounds()
    with post.store.work() as work:
        work.mailing.choose_none(number)
        work.outbox.release(ME, post.now)
        work.outbox.release(OTHER, post.now)
    post.later(timedelta(hours=1))
    post.rounds()
    assert [who for who, _ in post.one.taken] == [OTHER]
    assert dict(post.states) == {ME: State.DROPPED, OTHER: State.SENT}


def test_a_choice_made_while_it_is_sent_holds_for_the_next_try(post: Post) -> None:
    number = post.both(choose=False)

    def chosen(parcel: Parcel) -> None:
        with post.store.work() as work:
            work.mailing.choose([number], PHONE, only=True)

    post.one.meanwhile = chosen
    post.one.answers.append(Pushed(Push.LATER, "busy"))
    post.do(number, ACCEPT)
    post.rounds()
    post.later(timedelta(minutes=1))
    post.rounds()
    assert post.one.taken == [] and post.states == [(PHONE, State.SENT)]


def test_no_notices_said_while_it_is_sent_holds_for_the_next_try(post: Post) -> None:
    number = post.both(choose=False)

    def none(parcel: Parcel) -> None:
        with post.store.work() as work:
            work.mailing.choose_none(number)

    post.one.meanwhile = none
    post.one.answers.append(Pushed(Push.LATER, "busy"))
    post.do(number, ACCEPT)
    post.rounds()
    post.later(timedelta(minutes=1))
    post.rounds()
    assert post.one.taken == post.two.taken == [] and post.states == [(ME, State.DROPPED)]


@pytest.mark.parametrize("told", [RuntimeError("invented"), Pushed(Push.UNKNOWN, "ReadTimeout")])
def test_what_may_have_arrived_is_not_sent_again_without_a_key(post: Post, told: Pushed | Exception) -> None:
    number = post.both()
    post.two.answers.append(told)
    post.do(number, ACCEPT)
    post.rounds()
    post.later(DAY)
    post.rounds()
    assert post.states == [(PHONE, State.UNKNOWN)] and post.one.taken == post.two.taken == []


def test_what_may_have_arrived_with_a_key_is_sent_again_only_with_one(post: Post) -> None:
    number = post.both()
    post.two.has_key = True
    post.two.answers.extend([Pushed(Push.UNKNOWN, "ReadTimeout"), Pushed(Push.LATER, "ConnectError")])
    post.do(number, ACCEPT)
    post.rounds()
    assert [(row.state, row.begun) for row in post.rows()] == [(State.WAITING, True)]
    # A choice of another place leaves it, as it may have arrived.
    with post.store.work() as work:
        work.mailing.choose([number], ME)
        work.mailing.choose([number], PHONE)
    post.later(timedelta(minutes=1))
    post.rounds()
    assert [(row.sender, row.state, row.begun) for row in post.rows()] == [(PHONE, State.WAITING, True)]
    post.two.has_key = False
    post.later(timedelta(minutes=1))
    post.rounds()
    assert post.states == [(PHONE, State.UNKNOWN)] and post.two.taken == []


def test_an_answer_that_may_have_arrived_is_sent_again(post: Post) -> None:
    post.knows(ME)
    post.one.answers.append(RuntimeError("invented"))
    with post.store.work() as work:
        work.outbox.post("r1", ME, "one", Kind.REPLY, "zh", [{"text": "您好"}], post.now)
    post.rounds()
    assert post.states == [(ME, State.WAITING)]
    post.later(timedelta(minutes=2))
    post.rounds()
    assert post.states == [(ME, State.SENT)] and post.one.taken == [(ME, "您好")]


def of_web(post: Post) -> tuple[SenderId, Any, CaseNumber]:
    """A case filed on the web whose code was shown in a messenger, which is the second place."""
    with post.store.work() as work:
        session, _ = work.web.open("zh", post.now)
    post.knows(session.sender, PHONE)
    number = post.file(session.sender)
    with post.store.work() as work:
        work.mailing.places.shown(number, PHONE, post.now)
        work.mailing.choose([number], PHONE)
        work.mailing.choose([number], session.sender)
    return session.sender, session, number


def written(post: Post) -> int:
    with post.store.read() as work:
        return len(work.connection.execute(select(turns.c.id)).all())


def test_a_web_conversation_is_told_of_once(post: Post) -> None:
    sender, _, number = of_web(post)
    post.do(number, ACCEPT)
    post.rounds()
    assert post.states == [(sender, State.SENT)] and written(post) == 1


@pytest.mark.parametrize("swept", [True, False])
def test_a_web_conversation_that_went_silent_is_no_place(post: Post, swept: bool) -> None:
    _, _, number = of_web(post)
    post.later(SILENCE + DAY)
    if swept:
        with post.store.work() as work:
            assert work.web.sweep(post.now) == 1
    post.do(number, ACCEPT)
    post.rounds()
    assert written(post) == 0 and post.states == [(PHONE, State.SENT)]
    post.do(number, TO_UNIT)
    assert post.rows()[-1].sender == PHONE


def test_nothing_is_written_into_a_web_conversation_that_was_erased(post: Post) -> None:
    sender, session, number = of_web(post)
    post.do(number, ACCEPT)
    with post.store.work() as work:
        (parcel,) = work.outbox.claim(["web"], post.now)
        contact = work.contacts.of(sender)
    with post.store.work() as work:
        work.hold(sender)
        work.mailing.erased(sender)
        work.web.erase(session, post.now)
    assert contact is not None
    assert post.postman.channels["web"].push(parcel, contact, lambda _: None).outcome is Push.REFUSED
    post.rounds()
    assert written(post) == 0 and post.states == [(PHONE, State.SENT)]


def test_a_channel_that_is_not_served_any_more_is_no_place(post: Post) -> None:
    number = post.both()
    post.do(number, ACCEPT)
    post.store.channels = frozenset({"one"})
    with post.store.work() as work:
        assert [place.sender for place in work.mailing.places.of_case(number) if place.reachable] == [ME]
        work.mailing.unserved()
    assert post.states == [(ME, State.WAITING)]
    post.do(number, TO_UNIT)
    assert [row.sender for row in post.rows()] == [ME, ME]
    # Who has no other place is told there once it is served again.
    post.store.channels = frozenset({"two"})
    alone = post.file(OTHER)
    post.knows(OTHER)
    post.do(alone, ACCEPT)
    with post.store.work() as work:
        work.mailing.unserved()
    assert post.states[-1] == (OTHER, State.WAITING)


def test_a_window_that_was_over_already_lets_it_wait(post: Post) -> None:
    post.knows(ME)
    with post.store.work() as work:
        work.contacts.wrote(ME, "one", "zh", post.now, Window(post.now + DAY))
    number = post.file(ME)
    post.do(number, ACCEPT)
    post.rounds()
    assert post.failed(post.rows()[0], closed=True)
    assert post.states == [(ME, State.HELD)] and not post.contact(ME).open_at(post.now)
    with post.store.work() as work:
        work.contacts.wrote(ME, "one", "zh", post.now, Window(post.now + DAY))
        work.outbox.release(ME, post.now)
    post.rounds()
    assert len(post.one.taken) == 2 and post.states == [(ME, State.SENT)]


def test_a_window_that_was_over_already_sends_it_to_the_next_place(post: Post) -> None:
    number = post.both()
    post.do(number, ACCEPT)
    post.rounds()
    assert post.failed(post.rows()[0], closed=True)
    assert post.states == [(ME, State.WAITING)]
    post.one.answers.append(Pushed(Push.REFUSED, "blocked"))
    post.rounds()
    assert post.states == [(PHONE, State.HELD)]


def test_a_failure_for_who_follows_a_case_is_none_of_its_citizen(post: Post) -> None:
    post.knows(ME, PHONE)
    number = post.file(ME)
    with post.store.work() as work:
        work.followers.follow(number, PHONE, post.now)
    post.do(number, ACCEPT)
    post.rounds()
    told = post.marks(number)
    assert post.failed(next(row for row in post.rows() if row.sender == PHONE))
    assert post.marks(number) == told


def test_a_place_that_chooses_itself_gets_what_waits_although_it_had_stopped(post: Post) -> None:
    number = post.both(choose=False)
    with post.store.work() as work:
        work.contacts.prefer(PHONE, notices=False)
    post.one.answers.append(Pushed(Push.LATER, "busy"))
    post.do(number, ACCEPT)
    post.rounds()
    with post.store.work() as work:
        work.mailing.choose([number], PHONE, by=PHONE)
    assert post.states == [(PHONE, State.WAITING)]
    post.rounds()
    assert post.states == [(PHONE, State.SENT)]


@pytest.mark.parametrize("by", [None, PHONE])
def test_who_knows_one_case_changes_nothing_of_the_others(post: Post, by: SenderId | None) -> None:
    number = post.both()
    post.later(timedelta(minutes=1))
    with post.store.work() as work:
        work.contacts.prefer(ME, notices=False)
        work.mailing.choose([number], ME, by=by)
    assert not post.contact(ME).notices
    with post.store.work() as work:
        work.contacts.prefer(ME, notices=True)
        work.mailing.wish(PHONE, language="en", notices=True)
    assert post.contact(ME).told_in == "zh"
    own = post.file(ME)
    post.do(number, ACCEPT)
    post.do(own, ACCEPT)
    post.rounds()
    of_both, of_own = (text for _, text in post.one.taken)
    assert of_both.startswith("Case") and not of_own.startswith("Case")
    # What the place itself says holds for all of its cases.
    with post.store.work() as work:
        work.mailing.wish(ME, language="zh", notices=True)
    post.do(number, TO_UNIT)
    post.rounds()
    assert not post.one.taken[-1][1].startswith("Case")
