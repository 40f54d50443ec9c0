"""The staff's doors of dispatching: a suggestion with its line, sending a case, rulings and who decides on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cases.case import Actor, CaseDraft, DemandType, Facts
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Role
from bot.database import migrate, open_database
from bot.messages import SenderId
from tests.staff_desk import Desk, desk_on

SENT = "UMB_D:南山区"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    engine = open_database("sqlite://")
    migrate(engine)
    with desk_on(engine, tmp_path) as made:
        yield made


def filed(desk: Desk, district: str | None = "南山区") -> str:
    draft = CaseDraft("路灯坏了，电话13800138000", DemandType.HELP, "市政设施", "H08", "UMB", "科技园", district)
    with desk.store.work() as work:
        return work.cases.file(draft, SenderId("a"), "zh", None, False).number


def returned(desk: Desk, number: str) -> None:
    with desk.store.work() as work:
        unit = Actor(Role.UNIT, "lamp", SENT)
        work.cases.move(CaseNumber(number), Move.RETURN, unit, Facts(reason="归交通运输局"))


def test_a_suggestion_over_http(desk: Desk) -> None:
    told = desk.get("di", f"/cases/{filed(desk)}/dispatch").json()
    assert told["unit"] == {"id": SENT, "name": "南山区城市管理和综合执法局"}
    assert (told["duty_line"], told["decided"], told["needs"]) == ("H08", "auto", [])
    assert (told["why"]["service_item"], told["runner_up"]["lead"]) == ("H08", "TB_D")
    nowhere = desk.get("di", f"/cases/{filed(desk, None)}/dispatch").json()
    assert (nowhere["unit"], nowhere["needs"], nowhere["decided"]) == (None, ["district"], "dispatcher")
    assert desk.get("ag", f"/cases/{filed(desk)}/dispatch").status_code == 403


def test_a_case_is_sent_as_suggested_or_as_told(desk: Desk) -> None:
    number = filed(desk)
    assert desk.post("di", f"/cases/{number}/dispatch", {}).status_code == 428
    told = desk.post("di", f"/cases/{number}/dispatch", {"version": 1})
    assert told.status_code == 200, told.text
    assert (told.json()["status"], told.json()["unit"]["id"]) == ("dispatched", SENT)
    with desk.store.work() as work:
        handling = work.cases.by_number(CaseNumber(number)).handling
    assert (handling.duty_line, handling.unit) == ("H08", SENT)
    other = desk.post("di", f"/cases/{filed(desk)}/dispatch", {"version": 1, "unit": "MOON"})
    assert other.status_code == 422 and "MOON" in other.json()["detail"], other.text
    nowhere = desk.post("di", f"/cases/{filed(desk, None)}/dispatch", {"version": 1})
    assert nowhere.status_code == 422 and "district" in nowhere.json()["detail"]


def test_rulings_over_http(desk: Desk) -> None:
    number = filed(desk)
    desk.post("di", f"/cases/{number}/dispatch", {"version": 1})
    returned(desk, number)
    sent = desk.post("di", f"/cases/{number}/dispatch", {"version": 4, "unit": "TB_D:南山区"})
    assert sent.status_code == 200, sent.text
    (one,) = desk.get("di", "/rulings").json()["rulings"]
    assert (one["from_unit"]["id"], one["to_unit"]["id"], one["state"]) == (SENT, "TB_D:南山区", "proposed")
    assert "13800138000" not in one["text"]
    assert desk.post("di", f"/rulings/{one['id']}/approve", {}).status_code == 403
    approved = desk.post("su", f"/rulings/{one['id']}/approve", {"as_rule": True, "scope": "district"}).json()
    assert (approved["state"], approved["as_rule"], approved["district"]) == ("approved", True, "南山区")
    assert desk.post("su", f"/rulings/{one['id']}/approve", {}).status_code == 409
    again = desk.get("di", f"/cases/{filed(desk)}/dispatch").json()
    assert (again["unit"]["id"], again["duty_line"]) == ("TB_D:南山区", f"R{one['id']}")
    assert desk.post("su", f"/rulings/{one['id']}/undo", {}).json()["state"] == "proposed"
    assert desk.get("di", f"/cases/{filed(desk)}/dispatch").json()["unit"]["id"] == SENT
    assert desk.post("su", "/rulings/999/reject", {}).status_code == 404


def test_two_rulings_against_each_other_are_told(desk: Desk) -> None:
    number = filed(desk)
    for unit in ("TB_D:南山区", "POWER_CO"):
        made = desk.post("di", "/rulings", {"number": number, "unit": unit, "reason": "谁养护谁负责"})
        assert made.status_code == 201, made.text
    first, second = desk.get("su", "/rulings").json()["rulings"]
    assert [one["conflict"] for one in first["conflicts"]] == ["other_ruling"]
    assert first["conflicts"][0]["other"] == f"R{second['id']}"
