"""What every implementation of a protocol must do: inherit the class and give the fixture."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import DBAPIError

from bot.cases.case import CITIZEN, SYSTEM, Actor, Case, CaseDraft, DemandType, Facts
from bot.cases.handover import State, Step
from bot.cases.number import CaseNumber, case_number, is_case_number
from bot.cases.states import Move, Role, Status
from bot.cases.tables import cases
from bot.desk.drafts import Decision
from bot.desk.talks import Ending
from bot.domain import read_domain
from bot.errors import DraftDecided, IllegalTransition, MissingForMove, NotAllowed, TalkOver, TalkTaken, UnknownCase
from bot.learning.queue import Rating
from bot.messages import MessageId, SenderId
from bot.store import Store, Work
from bot.tracker import Event, fold

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=ZONE)
DRAFT = CaseDraft(
    "路灯坏了 🔦", DemandType.COMPLAINT, "市政设施", "H08", "UMB", "民治大道", "龙华区", occurred_at="昨晚"
)
A, B = SenderId("a"), SenderId("b")
UNIT = Actor(Role.UNIT, "u1", "UMB:南山区")
DESK = Actor(Role.DISPATCHER, "d1")
THREADS = 8


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def at_once(act: Callable[[int], object]) -> list[object]:
    """Do the same in several threads that start together; gives their results, errors among them."""
    gate, results = threading.Barrier(THREADS), []

    def run(place: int) -> None:
        gate.wait()
        try:
            results.append(act(place))
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def filed(work: Work, sender: SenderId = A, key: str | None = None) -> Case:
    return work.cases.file(DRAFT, sender, "zh", "13800138000", False, "open311" if key else "chat", key)


class CaseStoreContract:
    """Files, finds and changes cases."""

    @pytest.fixture
    def engine(self) -> Engine:
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def store(self, engine: Engine, clock: Clock) -> Store:
        return Store(engine, "SZ", clock)

    def test_what_is_filed_is_what_is_found(self, store: Store) -> None:
        with store.work() as work:
            case = filed(work)
            anonymous = work.cases.file(DRAFT, B, "en", "13900000000", True)
        with store.work() as work:
            assert work.cases.by_number(case.number) == case
            assert work.cases.with_code(case.number, case.query_code.lower()) == case
            assert work.cases.by_number(anonymous.number).contact is None
        assert is_case_number(case.number)
        assert case.filed_at == NOON

    def test_an_unnamed_case_holds_no_number_and_a_place_no_coordinates_in_its_words(self, store: Store) -> None:
        draft = CaseDraft("13900000000说路灯坏了", DemandType.HELP, location="民治大道（22.612345,114.012345）")
        with store.work() as work:
            number = work.cases.file(draft, A, "zh", None, True).number
        with store.work() as work:
            kept = work.cases.by_number(number).draft
        assert "13900000000" not in kept.description and "路灯坏了" in kept.description
        assert (kept.location, kept.latitude, kept.longitude) == ("民治大道", 22.612345, 114.012345)

    def test_a_wrong_code_and_an_unknown_number_are_alike(self, store: Store) -> None:
        with store.work() as work:
            one, two = filed(work), filed(work)
            for number, code in ((one.number, two.query_code), (CaseNumber("SZ000000-000000-0"), "ABCDEFGH")):
                with pytest.raises(UnknownCase):
                    work.cases.with_code(number, code)
            with pytest.raises(UnknownCase):
                work.cases.by_number(CaseNumber("SZ000000-000000-0"))
            with pytest.raises(UnknownCase):
                work.cases.move(CaseNumber("SZ000000-000000-0"), Move.ACCEPT, DESK)

    def test_cases_of_a_sender_newest_first(self, store: Store, clock: Clock) -> None:
        with store.work() as work:
            first = filed(work)
            filed(work, B)
            clock.now += timedelta(minutes=1)
            second = filed(work)
        with store.work() as work:
            assert work.cases.of_sender(A) == (second, first)
            assert work.cases.of_sender(SenderId("nobody")) == ()

    def test_an_error_leaves_nothing(self, store: Store) -> None:
        with pytest.raises(RuntimeError), store.work() as work:
            filed(work)
            raise RuntimeError
        with store.work() as work:
            assert work.cases.of_sender(A) == ()

    def test_a_request_is_filed_once(self, store: Store) -> None:
        with store.work() as work:
            one, two = filed(work, key="k1"), filed(work, key="k1")
            assert one == two
            assert filed(work, key="k2") != one
        with store.work() as work:
            assert filed(work, key="k1") == one

    def test_a_request_sent_by_many_at_once_is_filed_once(self, store: Store) -> None:
        def file(place: int) -> Case:
            with store.work() as work:
                return filed(work, key="same")

        found = at_once(file)
        assert {case.number for case in found if isinstance(case, Case)} and all(case == found[0] for case in found)
        with store.work() as work:
            assert work.connection.execute(select(func.count()).select_from(cases)).scalar() == 1

    def test_numbers_are_unique_also_for_many_at_once(self, store: Store) -> None:
        def file(place: int) -> list[str]:
            made = []
            for _ in range(5):
                with store.work() as work:
                    made.append(filed(work).number)
            return made

        found = [number for numbers in at_once(file) for number in numbers]  # type: ignore[attr-defined]
        assert len(found) == len(set(found)) == 5 * THREADS

    def test_a_number_in_use_is_passed_over(self, store: Store) -> None:
        """As after an import of cases of today from elsewhere."""
        numbers = [case_number("SZ", NOON.date(), running) for running in (1, 2, 3)]
        with store.work() as work:
            work.connection.execute(
                insert(cases),
                [
                    {
                        "number": number, "query_code": "ABCDEFG2", "sender": B, "language": "zh", "description": "…",
                        "type": "help", "anonymous": True, "status": "submitted", "filed_at": NOON.astimezone(UTC),
                        "expected_at": NOON.astimezone(UTC),
                    }
                    for number in numbers
                ],
            )  # fmt: skip
        with store.work() as work:
            assert filed(work).number == case_number("SZ", NOON.date(), 4)

    def test_the_way_of_a_case(self, store: Store) -> None:
        with store.work() as work:
            number = filed(work).number
            for move, actor, facts in (
                (Move.ACCEPT, DESK, Facts()),
                (Move.DISPATCH, DESK, Facts(unit=UNIT.unit, assisting=("PSB:南山区",), duty_line="D8", confidence=0.8)),
                (Move.SIGN, UNIT, Facts()),
                (Move.CONTACT, UNIT, Facts()),
                (Move.REPLY, UNIT, Facts(reply="已修好")),
                (Move.REDO, CITIZEN, Facts(reason="还是不亮")),
            ):
                case = work.cases.move(number, move, actor, facts)
        with store.work() as work:
            again = work.cases.by_number(number)
            states = [(one.unit, one.state) for one in work.handovers.of(number)]
        assert again == case
        assert (case.status, case.handling.assisting, case.handling.redos) == (Status.REDO, ("PSB:南山区",), 1)
        assert states == [(UNIT.unit, State.ACKNOWLEDGED), ("PSB:南山区", State.PENDING)]
        assert [event.kind for event in case.timeline] == [
            "filed", "accepted", "dispatched", "signed", "contacted", "replied", "redo",
        ]  # fmt: skip

    def test_refused_moves_change_nothing(self, store: Store) -> None:
        with store.work() as work:
            case = filed(work)
        for move, actor, refusal in (
            (Move.ACCEPT, CITIZEN, NotAllowed),
            (Move.SIGN, UNIT, NotAllowed),
            (Move.REJECT, DESK, MissingForMove),
            (Move.CLOSE, DESK, IllegalTransition),
        ):
            with pytest.raises(refusal), store.work() as work:
                work.cases.move(case.number, move, actor)
        with store.work() as work:
            assert work.cases.by_number(case.number) == case

    def test_one_of_many_moves_at_once_is_made(self, store: Store) -> None:
        with store.work() as work:
            number = filed(work).number

        def accept(place: int) -> Case:
            with store.work() as work:
                return work.cases.move(number, Move.ACCEPT, DESK)

        found = at_once(accept)
        assert sum(isinstance(one, Case) for one in found) == 1
        assert sum(isinstance(one, IllegalTransition) for one in found) == THREADS - 1
        with store.work() as work:
            assert [event.kind for event in work.cases.by_number(number).timeline] == ["filed", "accepted"]

    def test_merging_and_taking_apart(self, store: Store) -> None:
        with store.work() as work:
            one, two = filed(work), filed(work, B)
            merged = work.cases.move(two.number, Move.MERGE, DESK, Facts(leader=one.number))
            assert (merged.status, merged.handling.merged_into) == (Status.MERGED, one.number)
            for leader in (two.number, CaseNumber("SZ000000-000000-0")):
                with pytest.raises((IllegalTransition, UnknownCase)):
                    work.cases.move(one.number, Move.MERGE, DESK, Facts(leader=leader))
            apart = work.cases.move(two.number, Move.UNMERGE, DESK, Facts(reason="不是一回事"))
            assert (apart.status, apart.handling.merged_into) == (Status.SUBMITTED, None)

    def test_two_cases_are_never_merged_into_each_other(self, store: Store) -> None:
        with store.work() as work:
            pair = (filed(work).number, filed(work, B).number)

        def merge(place: int) -> Case:
            with store.work() as work:
                return work.cases.move(pair[place % 2], Move.MERGE, DESK, Facts(leader=pair[1 - place % 2]))

        found = at_once(merge)
        assert sum(isinstance(one, Case) for one in found) == 1
        assert sum(isinstance(one, IllegalTransition) for one in found) == THREADS - 1, found

    def test_marks_are_set_once(self, store: Store) -> None:
        with store.work() as work:
            number = filed(work).number

        def mark(place: int) -> bool:
            with store.work() as work:
                return work.cases.mark(number, "due_soon:1")

        assert sorted(map(bool, at_once(mark))) == [False] * (THREADS - 1) + [True]
        with store.work() as work:
            assert work.cases.marks(number) == {"due_soon:1"}

    def test_hand_overs_are_tried_with_waits(self, store: Store) -> None:
        with store.work() as work:
            number = filed(work).number
            work.cases.move(number, Move.ACCEPT, DESK)
            work.cases.move(number, Move.DISPATCH, SYSTEM, Facts(unit=UNIT.unit))
        with store.work() as work:
            (one,) = work.handovers.due(NOON, 10)
            work.handovers.step(one, Step.MISS, NOON, "no answer")
            assert work.handovers.due(NOON, 10) == ()
            (again,) = work.handovers.due(NOON + timedelta(minutes=1), 10)
            assert (again.attempts, again.error) == (1, "no answer")
            work.handovers.step(again, Step.SEND, NOON)
            with pytest.raises(IllegalTransition):
                work.handovers.step(work.handovers.of(number)[0], Step.SEND, NOON)

    def test_paging_by_time_of_filing(self, store: Store, clock: Clock) -> None:
        with store.work() as work:
            numbers = []
            for _ in range(7):
                numbers.append(filed(work).number)
                clock.now += timedelta(seconds=1)
        seen: list[str] = []
        query = select(cases).order_by(cases.c.filed_at.desc(), cases.c.number.desc()).limit(3)
        with store.work() as work:
            page = work.cases.found_by(query)
            while page:
                seen += [case.number for case in page]
                page = work.cases.found_by(query.where(cases.c.filed_at < page[-1].filed_at.astimezone(UTC)))
        assert seen == numbers[::-1]

    def test_when_the_clock_looks_next(self, store: Store) -> None:
        with store.work() as work:
            number = filed(work).number
            due = select(cases.c.number).where(cases.c.check_at <= NOON.astimezone(UTC) + timedelta(hours=3))
            assert work.connection.execute(due).scalars().all() == [number]
            work.cases.move(number, Move.WITHDRAW)
            assert work.connection.execute(due).scalars().all() == []


class StoreContract:
    """Turns, the queue for a person and the queue to learn from."""

    @pytest.fixture
    def engine(self) -> Engine:
        raise NotImplementedError

    @pytest.fixture
    def store(self, engine: Engine) -> Store:
        return Store(engine, "SZ", lambda: NOON)

    def test_a_turn_is_kept(self, store: Store) -> None:
        answer = [{"text": "好", "custom": {"turn": {"outcome": "smalltalk"}}}]
        with store.work() as work:
            work.hold(A)
            event = Event("user", NOON.timestamp(), text="你好 \N{GRINNING FACE}")
            number = work.save(fold(work.tracker(A), (event,)), MessageId("m1"), (event,), answer, NOON)
        with store.work() as work:
            assert work.answer_of(A, MessageId("m1")) == answer
            assert work.answer_of(A, MessageId("m2")) is None
            assert work.last_answer(A) == answer
            assert work.events(A) == [event]
            told = work.told(A)
            assert told is not None and (told.number, told.text) == (number, event.text)
        assert store.ready()

    def test_reading_waits_for_no_writer_and_writes_nothing(self, store: Store) -> None:
        with store.work() as work:
            work.handoffs.join(A, "zh", NOON)
            with store.read() as beside:
                assert beside.talks.waiting() == ()
        with store.read() as work:
            assert len(work.talks.waiting()) == 1
        with pytest.raises(DBAPIError), store.read() as work:
            work.handoffs.join(B, "zh", NOON)
        for _ in range(2):
            # The connection that read may write again.
            with store.work() as work:
                work.handoffs.join(B, "zh", NOON)
        with store.read() as work:
            assert len(work.talks.waiting()) == 2

    def test_turns_of_one_sender_wait_for_each_other(self, store: Store) -> None:
        def turn(place: int) -> None:
            with store.work() as work:
                work.hold(A)
                seen = len(work.events(A))
                event = Event("user", NOON.timestamp() + seen, text=str(seen))
                work.save(fold(work.tracker(A), (event,)), MessageId(f"m{place}"), (event,), [], NOON)

        assert at_once(turn) == [None] * THREADS
        with store.work() as work:
            assert [event.text for event in work.events(A)] == [str(place) for place in range(THREADS)]

    def test_one_place_in_the_queue_for_a_person(self, store: Store) -> None:
        with store.work() as work:
            first, again, other = (work.handoffs.join(sender, "zh", NOON) for sender in (A, A, B))
        assert (first.fresh, again.fresh, first.number) == (True, False, again.number)
        assert (first.ahead, other.ahead) == (0, 1)

    def test_one_agent_gets_a_talk(self, store: Store) -> None:
        with store.work() as work:
            number = work.handoffs.join(A, "zh", NOON).number
            mark = work.talks.mark()

        def claim(place: int) -> None:
            with store.work() as work:
                work.hold(A)
                work.talks.claim(number, f"agent{place}", NOON)

        refused = [error for error in at_once(claim) if error is not None]
        assert len(refused) == THREADS - 1 and all(isinstance(error, TalkTaken) for error in refused)
        with store.work() as work:
            (talk,) = work.talks.held()
            assert talk.number == number and not work.talks.waiting() and work.talks.mark() != mark
            work.talks.close(number, Ending.RESOLVED, "好", NOON)
            assert work.talks.open_of(A) is None and work.talks.by_number(number).outcome is Ending.RESOLVED
            with pytest.raises(TalkOver):
                work.talks.claim(number, "late", NOON)

    def test_an_answer_is_decided_once(self, store: Store) -> None:
        with store.work() as work:
            number = work.drafts.keep(A, "zh", "怎么办", [{"text": "…"}], 0.4, NOON, NOON)

        def decide(place: int) -> None:
            with store.work() as work:
                work.hold(A)
                work.drafts.decide(number, Decision.APPROVED, f"agent{place}", NOON)

        refused = [error for error in at_once(decide) if error is not None]
        assert len(refused) == THREADS - 1 and all(isinstance(error, DraftDecided) for error in refused)
        with store.work() as work:
            assert not work.drafts.waiting() and not work.drafts.due(NOON)

    def test_the_queue_to_learn_from(self, store: Store) -> None:
        told = {
            "outcome": "answered", "language": "zh", "intent": {"name": "ask_service", "confidence": 0.4},
            "services": [{"code": "C01", "score": 0.3}],
        }  # fmt: skip
        answer = [{"recipient_id": "a", "text": "…", "custom": {"turn": told}}]
        with store.work() as work:
            event = Event("user", NOON.timestamp(), text="驾照快到期了怎么办，电话13800138000")
            work.save(fold(work.tracker(A), (event,)), None, (event,), answer, NOON)
            turn = work.told(A)
            assert turn is not None
            for rating in (Rating.BAD, Rating.BAD, Rating.GOOD, Rating.BAD):
                work.learning.rate(turn, rating, read_domain(), NOON.date())
        with store.work() as work:
            (entry,) = work.learning.entries()
            assert (entry.day, entry.services[0].code) == (NOON.date(), "C01")
            assert "13800138000" not in entry.text
            assert work.learning.ratings() == {Rating.GOOD: 0, Rating.BAD: 1}
            work.learning.remove([entry.number])
            assert work.learning.entries() == ()
