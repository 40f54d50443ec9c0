"""Invented cases in any number, for measurements: the shares of types, statuses and districts are made up."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.cases.case import DemandType
from bot.cases.handover import State
from bot.cases.number import case_number
from bot.cases.record import CaseRecord, EventRecord, HandoverRecord
from bot.cases.states import ENDED, OPEN, WITH_UNIT, Role, Status

DAYS = 30
DISTRICTS = ("福田区", "罗湖区", "南山区", "盐田区", "宝安区", "龙岗区", "龙华区", "坪山区", "光明区", "大鹏新区")
UNITS = ("UMB", "PSB", "HCB", "TB", "WA", "EEB", "MSRB", "HRSSB", "EDU", "HC")
CATEGORIES = ("市容环卫", "市政设施", "环保水务", "教育卫生", "规土城建", "交通运输", "社区管理", "食药市监")
MATTERS = (
    "路灯坏了三天没人修，晚上走路看不清", "楼下工地半夜还在打桩，吵得睡不着", "人行道的井盖翘起来了，老人差点摔倒",
    "垃圾桶满了没人清，味道很大", "The streetlight on our road has been dark since Monday",
    "小区电动车在楼道里充电，担心起火", "公交车到站不停，等了半小时", "健身房关门了，卡里的钱退不了",
)  # fmt: skip
# What a case went through until its status, oldest first; and how many of a hundred cases are in it.
WAYS: tuple[tuple[int, tuple[tuple[str, Role, Status], ...]], ...] = (
    (2, ()),
    (1, (("accepted", Role.SYSTEM, Status.ACCEPTED),)),
    (2, (("accepted", Role.SYSTEM, Status.ACCEPTED), ("dispatched", Role.SYSTEM, Status.DISPATCHED))),
    (5, (("accepted", Role.SYSTEM, Status.ACCEPTED), ("dispatched", Role.SYSTEM, Status.DISPATCHED),
         ("signed", Role.UNIT, Status.SIGNED), ("contacted", Role.UNIT, Status.HANDLING))),
    (4, (("withdrawn", Role.CITIZEN, Status.WITHDRAWN),)),
    (2, (("merged", Role.AGENT, Status.MERGED),)),
    (84, (("accepted", Role.SYSTEM, Status.ACCEPTED), ("dispatched", Role.SYSTEM, Status.DISPATCHED),
          ("signed", Role.UNIT, Status.SIGNED), ("contacted", Role.UNIT, Status.HANDLING),
          ("replied", Role.UNIT, Status.REPLIED), ("rated", Role.CITIZEN, Status.CLOSED))),
)  # fmt: skip


def synthetic_cases(
    count: int, prefix: str, end: datetime, seed: int = 1, days: int = DAYS, only_open: bool = False
) -> Iterator[CaseRecord]:
    """Cases of the days before a moment, oldest first; the same for the same seed."""
    chance = random.Random(seed)
    possible = [(share, way) for share, way in WAYS if not only_open or not way or way[-1][2] in OPEN]
    ways = chance.choices([way for _, way in possible], [share for share, _ in possible], k=min(count, 10_000))
    a_day = -(-count // days)
    for place in range(count):
        day, running = divmod(place, a_day)
        filed = (end - timedelta(days=days - day)).replace(hour=0, minute=0, second=0, microsecond=0)
        filed += timedelta(seconds=86_399 * running / a_day)
        yield _case(chance, ways[place % len(ways)], prefix, filed, running + 1)


def _case(
    chance: random.Random, way: tuple[tuple[str, Role, Status], ...], prefix: str, filed: datetime, running: int
) -> CaseRecord:
    district = chance.choice(DISTRICTS)
    unit = f"{chance.choice(UNITS)}:{district}"
    status = way[-1][2] if way else Status.SUBMITTED
    at = filed
    events = [EventRecord.model_construct(kind="filed", at=filed, actor=Role.CITIZEN, status=Status.SUBMITTED)]
    for kind, role, after in way:
        at += timedelta(hours=chance.random() * 20)
        name = unit if role is Role.UNIT or kind == "dispatched" else None
        events.append(EventRecord.model_construct(kind=kind, at=at, actor=role, name=name, status=after))
    handed = any(one.kind == "dispatched" for one in events)
    signed = State.SENT if status is Status.DISPATCHED else State.ACKNOWLEDGED
    assert handed or status not in WITH_UNIT
    return CaseRecord.model_construct(
        number=case_number(prefix, filed.date(), running),
        query_code=f"{chance.randrange(16**7):07X}".translate(_CODES) + "2",
        sender=f"synthetic-{chance.randrange(1 << 40):x}",
        language="zh",
        source="chat",
        type=chance.choice(tuple(DemandType)),
        category=chance.choice(CATEGORIES),
        service_item=f"H{chance.randrange(1, 31):02d}",
        description=f"{district}{chance.choice(MATTERS)}",
        location=f"{district}{chance.randrange(1, 400)}号",
        district=district,
        contact="13800138000",
        status=status,
        filed_at=filed,
        expected_at=filed + timedelta(days=7),
        updated_at=at,
        closed_at=at if status in ENDED else None,
        agency=unit.split(":")[0],
        unit=unit if handed else None,
        merged_into=case_number(prefix, filed.date(), running - 1 or 2) if status is Status.MERGED else None,
        duty_line="synthetic" if handed else None,
        contact_by=filed + timedelta(days=1) if handed else None,
        reply="已处理完毕，请核实。" if status is Status.CLOSED else None,
        events=events,
        handovers=[
            HandoverRecord.model_construct(unit=unit, part="lead", state=signed, created_at=filed, changed_at=at)
        ]
        if handed
        else [],
    )


_CODES = str.maketrans("01", "GH")
