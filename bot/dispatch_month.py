"""An invented month of cases with a known truth: what rulings on returned cases teach, replayed.

The units that really act follow a hidden list that differs from the shipped one: some items belong to another unit in
some districts, the borders of some second-level names lie elsewhere. Who dispatches knows the shipped list only, and
reads a share of the messages wrongly, as their most similar neighbour of another matter. Nothing here is a fact about
any city.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from bot.cases.analysis import Demand
from bot.cases.belief import Belief
from bot.cases.case import SYSTEM, Actor, CaseDraft, DemandType, Facts
from bot.cases.dispatch import Dispatcher, Suggestion
from bot.cases.duty import DutyList, Matter
from bot.cases.examples import Encode, Examples, plain
from bot.cases.number import case_number
from bot.cases.ruling import Ruling, RulingState, Scope, rules_of
from bot.cases.states import Move, Role, Status
from bot.cases.tables import cases
from bot.cases.units import Place
from bot.labelled_demands import Labelled
from bot.messages import SenderId
from bot.store import Store, Work
from knowledge.catalogue import Catalogue
from knowledge.figures import Interval, bootstrap

SEED, CASES, TEXTS = 7, 5000, 1200
MISREAD = 0.06  # share of messages whose matter is read wrongly
START = datetime(2026, 11, 2, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
# How the hidden list differs. An item or second-level name, the districts (none: everywhere), who really takes it.
HIDDEN: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("H01", ("南山区", "龙华区", "宝安区", "福田区"), "EEB_D"),
    ("H02", ("龙岗区", "光明区", "坪山区"), "STREET"),
    ("H07", ("福田区", "罗湖区", "盐田区", "南山区"), "UMB_D"),
    ("H08", ("宝安区", "龙岗区", "龙华区"), "TB_D"),
    ("H11", ("福田区", "光明区", "宝安区", "罗湖区"), "STREET"),
    ("H12", ("龙岗区", "坪山区", "南山区"), "STREET"),
    ("H16", ("宝安区", "龙岗区", "龙华区", "罗湖区"), "EMB_D"),
    ("H19", ("龙华区", "福田区", "宝安区", "罗湖区"), "STREET"),
    ("H28", ("南山区", "龙岗区", "罗湖区"), "STREET"),
    ("H29", ("南山区", "宝安区", "罗湖区"), "PSB_D"),
    ("扬尘污染", (), "UMB_D"),
    ("公共卫生", (), "STREET"),
    ("社会治安", (), "STREET"),
    ("道路规划建设", (), "PNRB_D"),
    ("教育行政管理", (), "EDU"),
    ("道路交通安全", (), "TB_D"),
    ("社会救助", (), "STREET"),
)
SENDER = SenderId("month")
SURELY = 0.75  # share of the rulings on a matter that agree
DESK, CHIEF = Actor(Role.DISPATCHER, "desk"), Actor(Role.SUPERVISOR, "chief")


@dataclass(frozen=True)
class Told:
    """One case of the month: what it says as read, the place, and the unit that it belongs to."""

    demand: Demand
    truth: str
    misread: bool


@dataclass(frozen=True)
class Outcome:
    """Return rates of the second half in percent, without and with what the first half taught.

    `drop` and `unruled` are the paired differences over all cases and over those that no approved ruling touches.
    """

    cases: int
    without: Interval
    taught: Interval
    drop: Interval
    unruled: Interval
    unruled_cases: int
    first: Interval
    proposed: int
    approved: int
    rules: int


def hidden_list(duty: DutyList) -> DutyList:
    """The list that the month's units really follow."""
    lines = list(duty.lines)
    for name, districts, lead in HIDDEN:
        matter = Matter(name) if name[0] == "H" else Matter(None, name)
        for number, line in enumerate(lines):
            if line.about == (("item", matter.item) if matter.item else ("subcategory", name)) and not districts:
                lines[number] = replace(line, lead=lead)
        whole = duty.general(matter)
        assert whole is not None
        for district in districts:
            lines.append(replace(whole, id=f"{name}-{district}", district=district, lead=lead))
    return replace(duty, version="hidden", lines=tuple(lines))


def month(lines: Sequence[Labelled], duty: DutyList, encode: Encode, count: int = CASES) -> list[Told]:
    """The cases in order; the second half draws from other texts than the first."""
    draw = np.random.default_rng(SEED)
    texts = sorted({line.text: line for line in lines if line.matter.category}.values(), key=lambda line: line.text)
    chosen = [texts[place] for place in draw.permutation(len(texts))[:TEXTS]]
    vectors = encode([plain(line.text) for line in chosen])
    alike = np.argsort(-(vectors @ vectors.T), axis=1)
    matters = [_misreading(place, chosen, order) for place, order in enumerate(alike)]
    truth = hidden_list(duty)
    streets = list(duty.units.streets)
    half = len(chosen) // 2
    found = []
    for number in range(count):
        place = int(draw.integers(half)) + (half if number >= count // 2 else 0)
        line, where = chosen[place], Place(*streets[int(draw.integers(len(streets)))])
        misread = bool(draw.random() < MISREAD)
        read = matters[place] if misread else line.matter
        said = f"{where.district}{where.subdistrict}{int(draw.integers(1, 400))}号附近"
        owner = truth.line(line.matter, where, line.type, line.text)
        if owner is None:
            continue
        told = _demand(line, read, where, said, float(draw.uniform(0.35, 0.75) if misread else draw.uniform(0.5, 0.99)))
        unit = truth.units.at(owner.lead, where)
        assert unit is not None
        found.append(Told(told, unit, misread))
    return found


def replay(
    lines: Sequence[Labelled],
    duty: DutyList,
    catalogue: Catalogue,
    belief: Belief,
    encode: Encode,
    store_of: Callable[[Callable[[], datetime]], Store],
    count: int = CASES,
) -> Outcome:
    """The whole month: the first half teaches, the second half is sent without and with what was taught."""
    told = month(lines, duty, encode, count)
    now = [START]
    store = store_of(lambda: now[0])
    plainly = Dispatcher(duty, catalogue, _nothing_read, belief)
    first, second = told[: len(told) // 2], told[len(told) // 2 :]
    sent = [(one, plainly.suggest(one.demand)) for one in first]
    returned = [float(suggestion.unit != one.truth) for one, suggestion in sent]
    with store.work() as work:
        _kept(work, [(START, one) for one, suggestion in sent if suggestion.unit == one.truth])
        for one, suggestion in sent:
            if suggestion.unit != one.truth:
                now[0] += timedelta(minutes=4)
                _returned(work, one, suggestion)
    approve_consistent(store)
    with store.work() as work:
        approved = work.rulings.approved()
        proposed = len(work.rulings.listed())
    rules = rules_of(approved, duty)
    taught = plainly.taught(rules, Examples([one.example() for one in approved], encode))
    wrong = [(float(_wrong(one, plainly)), float(_wrong(one, taught))) for one in second]
    ruled = {(one.service_item or one.subcategory or one.category, one.place.district) for one in approved}
    free = [
        before - after
        for one, (before, after) in zip(second, wrong, strict=True)
        if not {(_read_as(one), one.demand.district), (_read_as(one), None)} & ruled
    ]
    return Outcome(
        len(second),
        _percent([before for before, _ in wrong]),
        _percent([after for _, after in wrong]),
        _percent([before - after for before, after in wrong]),
        _percent(free),
        len(free),
        _percent(returned),
        proposed,
        len(approved),
        len(rules),
    )


def approve_consistent(store: Store, least: int = 2) -> None:
    """A supervisor's habit: what was ruled at least twice alike and hardly ever otherwise is approved.

    For the whole city where the unit before kept hardly any such case anywhere; else for the district, as a rule where
    fewer such cases stayed there with the unit before.
    """
    by_matter: dict[tuple[object, ...], list[Ruling]] = defaultdict(list)
    by_district: dict[tuple[object, ...], list[Ruling]] = defaultdict(list)
    with store.work() as work:
        for one in work.rulings.listed(RulingState.PROPOSED):
            by_matter[one.about].append(one)
        for about, every in by_matter.items():
            alike = _alike(every, least)
            everywhere = work.rulings.support(replace(alike[0], place=Place())).kept if alike else 0
            if alike and everywhere * 4 < len(alike):
                for one in alike:
                    work.rulings.approve(one.id, CHIEF, True, Scope.CITY)
                continue
            for one in every:
                by_district[about, one.place.district].append(one)
        for every in by_district.values():
            alike = _alike(every, least)
            here = work.rulings.support(replace(alike[0], place=Place(alike[0].place.district))).kept if alike else 0
            for one in alike:
                work.rulings.approve(one.id, CHIEF, here < len(alike), Scope.DISTRICT)


def _alike(every: Sequence[Ruling], least: int) -> list[Ruling]:
    """The rulings for the unit that nearly all of them name; none where they are too few or too divided."""
    lead, times = Counter(one.lead for one in every).most_common(1)[0]
    return [one for one in every if one.lead == lead] if times >= max(least, SURELY * len(every)) else []


def _returned(work: Work, one: Told, suggestion: Suggestion) -> None:
    """A case that came back and was sent on to where it belongs."""
    facts, draft = suggestion.facts(), _draft(one.demand)
    number = work.cases.file(draft, SENDER, "zh", None, True).number
    work.cases.move(number, Move.ACCEPT, SYSTEM)
    work.cases.move(number, Move.DISPATCH, SYSTEM, facts)
    work.cases.move(number, Move.RETURN, Actor(Role.UNIT, "u", facts.unit), Facts(reason="不属本单位职责"))
    work.cases.move(number, Move.DISPATCH, DESK, Facts(unit=one.truth))


def _kept(work: Work, kept: Sequence[tuple[datetime, Told]]) -> None:
    """Cases that stayed with their first unit, written at once as an import writes them."""
    numbers = (case_number("SZ", START.date(), 500_000 + place) for place in range(len(kept)))
    rows = [
        {
            **_draft(one.demand).as_json(), "number": number, "query_code": "MNTHMNTH", "sender": SENDER,
            "language": "zh", "anonymous": True, "status": Status.SIGNED, "unit": one.truth, "source": "month",
            "filed_at": at.astimezone(UTC), "expected_at": at.astimezone(UTC),
        }
        for number, (at, one) in zip(numbers, kept, strict=True)
    ]  # fmt: skip
    work.connection.execute(insert(cases), rows)


def _draft(demand: Demand) -> CaseDraft:
    return CaseDraft(
        demand.text, demand.type, demand.category, demand.service_item, None, demand.place, demand.district,
        demand.subdistrict, None, demand.subcategory,
    )  # fmt: skip


def _wrong(one: Told, dispatcher: Dispatcher) -> bool:
    """Whether a case sent as suggested comes back."""
    return dispatcher.suggest(one.demand).unit != one.truth


def _read_as(one: Told) -> str | None:
    return one.demand.service_item or one.demand.subcategory or one.demand.category


def _misreading(place: int, lines: Sequence[Labelled], order: NDArray[np.intp]) -> Matter:
    """The matter of the most similar text that is about something else."""
    own = lines[place].matter
    for other in order:
        matter = lines[int(other)].matter
        if (matter.item, matter.subcategory) != (own.item, own.subcategory):
            return matter
    return own


def _demand(line: Labelled, read: Matter, where: Place, said: str, confidence: float) -> Demand:
    return Demand(
        line.text, DemandType(line.type), read.category, read.item, None, where.district, where.subdistrict, said, None,
        "normal", round(confidence, 3), None, (), read.subcategory,
    )  # fmt: skip


def _percent(values: Sequence[float]) -> Interval:
    found = bootstrap(list(values))
    return Interval(100 * found.value, 100 * found.low, 100 * found.high)


def _nothing_read(text: str) -> tuple[Demand, ...]:
    """The month brings its demands already read."""
    return ()
