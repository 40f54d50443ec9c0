"""Staff: login, sessions, rights by role, the queue, a case by view, moves and the audit log."""

from __future__ import annotations

import stat
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from bot.cases.states import TRANSITIONS, Move, Role, Status
from bot.database import migrate, open_database
from bot.domain import read_domain
from bot.errors import SettingsError, WrongLogin
from bot.staff.accounts import MAX_FAILURES
from bot.staff.desk import Why
from bot.staff.passwords import Passwords
from bot.staff.rights import FIELDS, RIGHTS, STAFF_ROLES, Right
from bot.staff.sessions import LASTS, signing_key
from bot.staff.tables import staff
from bot.staff.views import masked_contact
from connectors import problem
from connectors.cli import app
from connectors.staff.caller import Needs
from connectors.staff.router import PARTS, PREFIX
from connectors.throttle import Throttle, login_limits, network_of
from tests.staff_desk import OTHER, PASSWORD, PEOPLE, PHONE, TO_HANDLING, UNIT, Desk, desk_on

TEN_AND_TWENTY = login_limits(10, 20)
OPEN_DOORS = {("POST", "/staff/login")}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    engine = open_database("sqlite://")
    migrate(engine)
    with desk_on(engine, tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
def any_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """The same on a file of SQLite and on a real PostgreSQL."""
    if request.param == "postgres":
        engine: Engine = request.getfixturevalue("postgres_engine")
    else:
        engine = open_database(f"sqlite:///{tmp_path / 'staff.sqlite3'}")
        migrate(engine)
    with desk_on(engine, tmp_path) as made:
        yield made
    engine.dispose()


def login(desk: Desk, who: str, password: str = PASSWORD, **headers: str) -> Any:
    return desk.client.post("/staff/login", json={"login": who, "password": password}, headers=headers)


def failed(desk: Desk, who: str, times: int) -> None:
    """As if somebody had been wrong so often."""
    with desk.store.work() as work:
        work.connection.execute(update(staff).where(staff.c.login == who).values(failures=times))


def audited(desk: Desk, action: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = desk.get("su", "/audit", action=action).json()["entries"]
    return rows


# --- login and sessions


def test_login_me_logout(desk: Desk) -> None:
    opened = login(desk, " AG ")
    assert opened.status_code == 200
    told = opened.json()
    assert told["account"]["role"] == "agent"
    assert "password" not in opened.text.replace("password_", "")
    headers = {"Authorization": f"Bearer {told['token']}"}
    me = desk.client.get("/staff/me", headers=headers).json()
    assert me["account"]["login"] == "ag"
    assert me["rights"] == [right for right in Right if Role.AGENT in RIGHTS[right]]
    assert desk.client.post("/staff/logout", headers=headers).status_code == 204
    over = desk.client.get("/staff/me", headers=headers)
    assert over.status_code == 401
    assert over.headers["www-authenticate"] == "Bearer"
    assert over.headers["content-type"] == "application/problem+json"


def test_every_refusal_at_the_door_is_the_same(desk: Desk) -> None:
    desk.client.patch("/staff/accounts/ed", json={"active": False}, headers=desk.headers("ad"))
    for _ in range(4):
        login(desk, "di", "wrong password")
    answers = [login(desk, "nobody"), login(desk, "ag", "wrong password"), login(desk, "ed"), login(desk, "di", "no")]
    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}
    english = login(desk, "nobody", **{"Accept-Language": "en"}).json()
    assert "wait 15 minutes" in english["detail"]


def test_five_failures_close_an_account_to_their_network_only(desk: Desk) -> None:
    for _ in range(5):
        assert login(desk, "ag", "wrong password").status_code == 401
    refused = login(desk, "ag")
    assert refused.status_code == 429 and 1 <= int(refused.headers["retry-after"]) <= 15 * 60
    assert desk.parts.door.login("ag", PASSWORD, "198.51.100.7")
    for _ in range(2):
        for _ in range(4):
            login(desk, "di", "wrong password")
        assert login(desk, "di").status_code == 200
    rows = audited(desk, "login_refused")
    assert Counter(row["login"] for row in rows) == {"ag": 5, "di": 8}
    assert all(row["reason"] is None for row in rows)


def test_many_failures_from_everywhere_lock_for_15_minutes(desk: Desk) -> None:
    failed(desk, "ag", MAX_FAILURES - 1)
    assert login(desk, "ag", "wrong password").status_code == 401
    assert login(desk, "ag").status_code == 401
    locked = next(one for one in desk.get("ad", "/accounts").json() if one["login"] == "ag")["locked_until"]
    assert locked is not None
    desk.later(minutes=15)
    assert login(desk, "ag").status_code == 200


def test_a_right_password_forgets_the_failures(desk: Desk) -> None:
    for _ in range(2):
        for _ in range(4):
            with pytest.raises(WrongLogin):
                desk.parts.door.login("ag", "wrong password", None)
        desk.parts.door.login("ag", PASSWORD, None)


def test_parallel_guesses_all_count(any_desk: Desk) -> None:
    failed(any_desk, "ag", MAX_FAILURES - 5)
    found: list[str] = []

    def guess() -> None:
        try:
            any_desk.parts.door.login("ag", "wrong password", None)
        except Exception as error:
            found.append(type(error).__name__)

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["WrongLogin"] * 8
    with any_desk.store.work() as work:
        failures = work.connection.execute(select(staff.c.failures).where(staff.c.login == "ag")).scalar_one()
        assert failures == MAX_FAILURES
        assert work.accounts.by_login("ag").locked_until is not None


def test_passwords() -> None:
    passwords = Passwords()
    hashed = passwords.hash(PASSWORD)
    assert hashed.startswith("$argon2id$")
    assert passwords.fits(PASSWORD, hashed)
    assert not passwords.fits("other password", hashed)
    assert not passwords.fits(PASSWORD, None)


def test_logins_are_limited_by_address_and_account_as_set(tmp_path: Path) -> None:
    engine = open_database("sqlite://")
    migrate(engine)
    with desk_on(engine, tmp_path, logins_by_address=6, logins_by_account=2) as desk:
        answers = [login(desk, name).status_code for name in ("a", "a", "a", "b", "c", "d", "e")]
        assert answers == [401, 401, 429, 401, 401, 401, 401]
        last = login(desk, "ag")
        assert last.status_code == 429
    assert 1 <= int(last.headers["retry-after"]) <= 60
    assert "分钟" in last.json()["detail"]


def test_a_shift_behind_one_address_gets_in(desk: Desk) -> None:
    assert {login(desk, "ag").status_code for _ in range(desk.parts.logins.address.amount + 1)} == {200}


def test_an_account_has_its_own_limit() -> None:
    throttle = Throttle()
    from_everywhere = [throttle.hit(TEN_AND_TWENTY.account, "login-account", "ag") for _ in range(21)]
    assert from_everywhere == [True] * 20 + [False]
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:0:1::1")
    with pytest.raises(SettingsError):
        Throttle("nothing://here")


def test_without_an_answer_from_redis_a_worker_counts_for_itself() -> None:
    """The same whether the package is missing or the server is down."""
    throttle = Throttle("redis://127.0.0.1:1")
    assert [throttle.hit(TEN_AND_TWENTY.address, "login-address", "a") for _ in range(11)] == [True] * 10 + [False]
    assert throttle.spent(TEN_AND_TWENTY.address, "login-address", "a")
    assert 1 <= throttle.wait(TEN_AND_TWENTY.address, "login-address", "a") <= 60


def test_a_session_ends(desk: Desk) -> None:
    headers = desk.headers("ag")
    desk.later(seconds=LASTS.total_seconds() - 1)
    assert desk.client.get("/staff/me", headers=headers).status_code == 200
    desk.later(seconds=1)
    assert desk.client.get("/staff/me", headers=headers).status_code == 401


def test_a_new_password_ends_all_sessions(desk: Desk) -> None:
    first, second = (desk.parts.door.login("ag", PASSWORD, None)[0] for _ in range(2))
    headers = {"Authorization": f"Bearer {first}"}
    change = {"old": "wrong password", "new": "another horse 43"}
    assert desk.client.post("/staff/password", json=change, headers=headers).status_code == 401
    weak = desk.client.post("/staff/password", json={"old": PASSWORD, "new": "short"}, headers=headers)
    assert (weak.status_code, "10" in weak.json()["detail"]) == (422, True)
    change["old"] = PASSWORD
    assert desk.client.post("/staff/password", json=change, headers=headers).status_code == 204
    for token in (first, second):
        assert desk.client.get("/staff/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert login(desk, "ag").status_code == 401
    assert login(desk, "ag", "another horse 43").status_code == 200


def test_a_role_taken_away_is_gone_at_once(desk: Desk) -> None:
    headers = desk.headers("di")
    desk.client.patch("/staff/accounts/di", json={"role": "editor"}, headers=desk.headers("ad"))
    assert desk.client.get("/staff/cases", headers=headers).status_code == 403
    desk.client.patch("/staff/accounts/di", json={"active": False}, headers=desk.headers("ad"))
    assert desk.client.get("/staff/me", headers=headers).status_code == 401


@pytest.mark.parametrize("key", ["", "other key of thirty-two bytes and more"])
def test_a_token_not_ours_is_refused(desk: Desk, key: str) -> None:
    claims = jwt.decode(desk.parts.door.login("ad", PASSWORD, None)[0], options={"verify_signature": False})
    forged = jwt.encode(claims, key, "HS256" if key else "none")
    for token in (forged, "nonsense", ""):
        answer = desk.client.get("/staff/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, token
    assert desk.client.get("/staff/me").status_code == 401


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    keys: list[str] = []
    threads = [threading.Thread(target=lambda: keys.append(signing_key("", tmp_path / "data"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert len(keys[0]) >= 32
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret"]
    assert stat.S_IMODE((tmp_path / "data" / "secret").stat().st_mode) == 0o600
    with pytest.raises(SettingsError):
        signing_key("short", tmp_path)


def test_the_first_administrator_is_made_once(tmp_path: Path) -> None:
    engine = open_database("sqlite://")
    migrate(engine)
    with desk_on(engine, tmp_path, admin_password="first password") as made:
        assert login(made, "admin", "first password").json()["account"]["role"] == "admin"
        assert made.parts.door.first_admin("second password") is None
        assert login(made, "admin", "second password").status_code == 401


# --- accounts


def test_accounts(desk: Desk) -> None:
    new = {"login": "Wang.Li", "name": "王丽", "role": "unit", "unit": UNIT, "password": "a long password"}
    made = desk.post("ad", "/accounts", new)
    assert (made.status_code, made.json()["login"], made.json()["unit"]) == (201, "wang.li", UNIT)
    again = desk.post("ad", "/accounts", new)
    assert (again.status_code, "wang.li" in again.json()["detail"]) == (409, True)
    for wrong, field in (
        ({"unit": None}, "unit"),
        ({"role": "agent"}, "unit"),
        ({"role": "citizen", "unit": None}, "role"),
        ({"login": "-x"}, "login"),
        ({"name": "  "}, "name"),
    ):
        refused = desk.post("ad", "/accounts", {**new, "login": "other", **wrong})
        assert refused.status_code == 422
        assert field in [one["field"] for one in refused.json()["errors"]]
    assert desk.post("ad", "/accounts", {**new, "login": "other", "password": "short"}).status_code == 422
    assert desk.post("ad", "/accounts", {**new, "login": "other", "colour": "red"}).status_code == 422
    changed = desk.client.patch("/staff/accounts/wang.li", json={"role": "agent"}, headers=desk.headers("ad"))
    assert (changed.json()["role"], changed.json()["unit"]) == ("agent", None)
    assert desk.client.patch("/staff/accounts/wang.li", json={}, headers=desk.headers("ad")).status_code == 422
    assert desk.client.patch("/staff/accounts/x1", json={"name": "x"}, headers=desk.headers("ad")).status_code == 404
    assert "password" not in desk.get("ad", "/accounts").text
    assert [row["fields"] for row in audited(desk, "account_changed")] == [["wang.li", "role"]]


def test_the_last_administrator_stays(desk: Desk) -> None:
    for change in ({"active": False}, {"role": "agent"}):
        refused = desk.client.patch("/staff/accounts/ad", json=change, headers=desk.headers("ad"))
        assert refused.status_code == 409
    two = {"login": "ad2", "name": "x", "role": "admin", "password": "a long password"}
    assert desk.post("ad", "/accounts", two).status_code == 201
    assert (
        desk.client.patch("/staff/accounts/ad", json={"active": False}, headers=desk.headers("ad")).status_code == 200
    )


# --- rights


def _doors() -> list[tuple[str, str, Right | None]]:
    found = []
    for route in (route for part in PARTS for route in part.router.routes):
        assert isinstance(route, APIRoute)
        rights = [one.call.right for one in route.dependant.dependencies if isinstance(one.call, Needs)]
        assert len(rights) <= 1
        found += [(method, f"{PREFIX}{route.path}", rights[0] if rights else None) for method in sorted(route.methods)]
    return found


DOORS = _doors()


def test_only_the_login_is_open() -> None:
    assert {(method, path) for method, path, right in DOORS if right is None} == OPEN_DOORS
    # The doors of talks stand under /desk/api.
    assert {right for _, _, right in DOORS if right} == set(Right) - {Right.TALKS, Right.FIGURES}
    assert {role for _, role, _ in PEOPLE} == set(STAFF_ROLES)


def test_every_role_at_every_door(desk: Desk) -> None:
    """A role comes past the door exactly where the table of rights says so."""
    number = desk.file().number
    desk.run(number, *TO_HANDLING)
    for who, role, _ in (row for row in PEOPLE if row[0] != "ot"):
        for method, path, right in DOORS:
            if right is None or path == "/staff/logout":
                continue
            address = path.replace("{number}", number).replace("{login}", "nobody").replace("{key}", "999")
            answer = desk.client.request(method, address, headers=desk.headers(who), json={})
            assert (answer.status_code == 403) == (role not in RIGHTS[right]), (who, method, path, answer.text)
            assert answer.status_code < 500
            assert desk.client.request(method, address, json={}).status_code in (401, 422)


def test_every_role_and_every_move(desk: Desk) -> None:
    """A move that the table gives to other roles is 403; one it gives to this role comes past that door."""
    number = desk.file().number
    desk.run(number, *TO_HANDLING[:2])
    for who, role, _ in (row for row in PEOPLE if row[0] != "ot"):
        for move, row in TRANSITIONS.items():
            answer = desk.post(who, f"/cases/{number}/moves", {"move": move})
            assert answer.status_code == (428 if role in row.roles else 403), (role, move, answer.text)
    assert desk.version(number) == 3


def test_every_role_and_every_field(desk: Desk) -> None:
    number = desk.file().number
    desk.run(number, *TO_HANDLING)
    for who, role, _ in (row for row in PEOPLE if row[0] not in ("ot", "ed")):
        told = desk.get(who, f"/cases/{number}").json()
        assert set(told) == {name for name, roles in FIELDS.items() if role in roles}, role
        assert "query_code" not in told
        assert "secret-sender" not in str(told)


# --- the queue and the view


def test_queue_filters_pages_and_counts(any_desk: Desk) -> None:
    desk = any_desk
    numbers = []
    for n in range(7):
        desk.later(minutes=n % 2)
        numbers.append(desk.file(item="H10" if n == 3 else "H08", urgency="urgent" if n == 4 else "normal").number)
    desk.run(numbers[0], *TO_HANDLING)
    desk.run(numbers[1], ("ag", "accept", {}))
    seen: list[str] = []
    after = {}
    while True:
        page = desk.get("ag", "/cases", size=3, **after).json()
        seen += [line["number"] for line in page["cases"]]
        assert (page["counts"] is None) == bool(after)
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == numbers[::-1]
    whole = desk.get("ag", "/cases", status=["accepted", "handling"]).json()
    assert {line["number"] for line in whole["cases"]} == set(numbers[:2])
    assert whole["counts"] == {"submitted": 5, "accepted": 1, "handling": 1}

    def found(**filters: Any) -> list[str]:
        answer = desk.get("ag", "/cases", **filters)
        assert answer.status_code == 200, answer.text
        return [line["number"] for line in answer.json()["cases"]]

    assert found(item="H10") == [numbers[3]]
    assert found(urgency="urgent") == [numbers[4]]
    assert found(unit=UNIT) == found(unit="PSB:南山区") == [numbers[0]]
    assert found(unit=OTHER) == found(category="噪音") == found(district="福田区") == found(text="100%") == []
    assert len(found(text="路灯坏", district="南山区", subdistrict="粤海街道")) == 7
    assert found(text=numbers[2].lower()) == [numbers[2]]
    assert found(filed_from="2026-11-24") == []
    assert len(found(filed_from="2026-11-23", filed_to="2026-11-23")) == 7
    assert found(overdue="true") == []
    desk.later(days=2)
    desk.tokens.clear()
    assert found(overdue="true") == [numbers[4]]
    assert len(found(overdue="false")) == 6
    for wrong in ({"after": "xx"}, {"status": "gone"}, {"colour": "red"}, {"size": 0}, {"filed_from": "soon"}):
        refused = desk.get("ag", "/cases", **wrong)
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"]
    assert len(audited(desk, "searched")) == 3


def test_a_unit_sees_only_its_cases(any_desk: Desk) -> None:
    desk = any_desk
    mine, others = desk.file().number, desk.file().number
    desk.run(mine, *TO_HANDLING)
    desk.run(others, ("ag", "accept", {}), ("di", "dispatch", {"unit": OTHER, "assisting": [UNIT]}))
    assert {line["number"] for line in desk.get("un", "/cases").json()["cases"]} == {mine, others}
    assert [line["number"] for line in desk.get("ot", "/cases").json()["cases"]] == [others]
    assert desk.get("ot", "/cases").json()["counts"] == {"dispatched": 1}
    assert desk.get("ot", "/cases", unit=UNIT).json()["cases"][0]["number"] == others
    hidden, unknown = desk.get("ot", f"/cases/{mine}"), desk.get("ot", "/cases/SZ991231-000001-0")
    assert (hidden.status_code, hidden.text) == (404, unknown.text)
    for path, body in (("reveal", {"reason": "just so"}), ("moves", {"move": "note", "note": "x", "version": 1})):
        assert desk.post("ot", f"/cases/{mine}/{path}", body).status_code == 404
    assert desk.get("ot", f"/cases/{mine}/evidence").status_code == 404


def test_contact_and_texts_are_masked_until_revealed(desk: Desk) -> None:
    number = desk.file().number
    desk.run(number, *TO_HANDLING)
    looked = desk.get("un", f"/cases/{number}")
    told = looked.json()
    assert told["contact"] == "138****8000"
    assert PHONE not in looked.text
    assert "王小明" not in looked.text
    assert "13900000000" not in looked.text
    assert "民治大道" in told["description"]
    assert looked.headers["etag"] == '"5"'
    assert desk.post("un", f"/cases/{number}/reveal", {"reason": ""}).status_code == 422
    open_ = desk.post("un", f"/cases/{number}/reveal", {"reason": "首次联系"}).json()
    assert open_["contact"] == PHONE
    assert "王小明" in open_["description"]
    row = audited(desk, "revealed")[0]
    assert (row["login"], row["number"], row["reason"], row["address"]) == ("un", number, "首次联系", "testclient")
    assert "contact" in row["fields"]
    assert [(row["login"], row["number"]) for row in audited(desk, "viewed")] == [("un", number)]
    lines = desk.get("ag", "/cases").text
    assert "王小明" not in lines
    assert "13900000000" not in lines


def test_an_anonymous_case_tells_nobody_who_filed_it(desk: Desk) -> None:
    number = desk.file(anonymous=True).number
    desk.run(number, *TO_HANDLING)
    for who in ("ag", "di", "un", "su", "ad"):
        told = desk.get(who, f"/cases/{number}")
        assert told.json().get("contact") is None
        assert "王小明" not in told.text
        assert "1390000" not in told.text
        refused = desk.post(who, f"/cases/{number}/reveal", {"reason": "首次联系"})
        assert refused.status_code == 403
    assert audited(desk, "revealed") == []


def test_masks() -> None:
    assert masked_contact("13800138000") == "138****8000"
    assert masked_contact("wang@example.com") == "w***@example.com"
    assert masked_contact("1234567") == "****"
    assert masked_contact(None) is None


# --- moves


def test_the_way_of_a_case_over_http(any_desk: Desk) -> None:
    desk = any_desk
    number = desk.file(item="H01").number
    told = desk.run(
        number,
        *TO_HANDLING,
        ("un", "reply", {"reply": "已修好"}),
        ("ag", "review", {}),
        ("di", "close", {}),
    )
    assert told["status"] == "closed"
    assert told["handovers"][0]["unit"] == UNIT
    assert told["timeline"][-3]["note"] == "已修好"
    assert told["allowed"] == ["note"]
    rows = audited(desk, "moved")
    assert [row["fields"][0] for row in rows[::-1]] == [
        "accept", "dispatch", "sign", "contact", "reply", "review", "close",
    ]  # fmt: skip
    assert {"reply", "status"} <= set(rows[2]["fields"])


def test_a_refused_move_tells_why_and_what_is_allowed(desk: Desk) -> None:
    number = desk.file().number
    refused = desk.move("di", number, "close")
    told = refused.json()
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert told["status"] == 409
    assert told["case_status"] == "submitted"
    assert told["allowed"] == ["accept", "reject", "transfer", "merge", "note"]
    assert (
        told["detail"] == "状态为“已提交，待受理”的工单不能“办结”。您现在可以：受理、不予受理、转其他渠道、并单、备注。"
    )
    english = desk.post(
        "di", f"/cases/{number}/moves", {"move": "close", "version": 1}, **{"Accept-Language": "en-GB"}
    ).json()
    assert english["detail"].startswith("A case that is “submitted” does not allow “close”.")
    forbidden = desk.move("ag", number, "supervise", reason="x")
    assert (forbidden.status_code, forbidden.json()["allowed"][0]) == (403, "accept")
    for move, body, field in (
        ("reject", {}, "reason"),
        ("reject", {"reason": "  "}, "reason"),
        ("merge", {}, "leader"),
        ("merge", {"leader": "SZ991231-000001-0"}, "leader"),
        ("note", {}, "note"),
    ):
        missing = desk.move("di", number, move, **body)
        assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, field)
    assert desk.move("di", number, "merge", leader=number).status_code == 409
    assert desk.move("di", number, "fly").status_code == 422
    assert desk.move("di", number, "accept", colour="red").status_code == 422
    assert desk.version(number) == 1


def test_one_extension_only(desk: Desk) -> None:
    number = desk.file().number
    desk.run(number, *TO_HANDLING, ("di", "extend", {"reason": "等待开挖许可"}))
    twice = desk.move("su", number, "extend", reason="again")
    assert (twice.status_code, "延期只能一次" in twice.json()["detail"]) == (409, True)


def test_hastening_once_a_day(desk: Desk) -> None:
    number = desk.file().number
    desk.run(number, ("ag", "hasten", {}))
    twice = desk.move("ag", number, "hasten")
    assert twice.status_code == 409
    assert read_domain().text("utter_hasten_today", "zh") in twice.json()["detail"]


def test_merging_two_cases(desk: Desk) -> None:
    leader, follower = desk.file().number, desk.file().number
    told = desk.run(follower, ("di", "merge", {"leader": leader.lower()}))
    assert (told["status"], told["merged_into"]) == ("merged", leader)
    assert desk.move("di", leader, "merge", leader=follower).status_code == 409


def test_two_agents_never_overwrite_one_another(any_desk: Desk) -> None:
    desk = any_desk
    number = desk.file().number
    seen = desk.get("ag", f"/cases/{number}").headers["etag"]
    path, body = f"/cases/{number}/moves", {"move": "note", "note": "打过电话"}
    assert desk.post("ag", path, body).status_code == 428
    assert desk.post("ag", path, body, **{"If-Match": seen}).status_code == 200
    late = desk.post("di", path, {"move": "reject", "reason": "重复"}, **{"If-Match": seen})
    assert (late.status_code, late.json()["version"]) == (409, 2)
    assert "有变动" in late.json()["detail"]
    assert desk.post("di", path, body, **{"If-Match": "*"}).status_code == 428
    answers: list[int] = []
    tokens = [desk.headers(who) for who in ("ag", "di")]

    def note(headers: dict[str, str]) -> None:
        answers.append(desk.client.post(f"/staff{path}", json={**body, "version": 2}, headers=headers).status_code)

    threads = [threading.Thread(target=note, args=(headers,)) for headers in tokens * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answers) == {200: 1, 409: 5}
    assert desk.version(number) == 3


# --- audit


def test_the_audit_log_is_only_added_to(any_desk: Desk) -> None:
    desk = any_desk
    desk.get("ag", f"/cases/{desk.file().number}")
    for statement in ("DELETE FROM audit_log", "UPDATE audit_log SET login = 'x'"):
        with pytest.raises(DBAPIError, match="append only"), desk.store.work() as work:
            work.connection.execute(text(statement))
    assert [row["login"] for row in audited(desk, "viewed")] == ["ag"]


def test_the_audit_log_in_pages(desk: Desk) -> None:
    number = desk.file().number
    for _ in range(5):
        desk.get("ag", f"/cases/{number}")
    first = desk.get("ad", "/audit", size=2, number=number).json()
    rest = desk.get("ad", "/audit", size=200, number=number, after=first["next"]).json()
    ids = [row["id"] for row in first["entries"] + rest["entries"]]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)
    assert rest["next"] is None
    assert desk.get("ad", "/audit", since="2026-11-24").json()["entries"] == []
    assert desk.get("ad", "/audit", until="2026-11-23", login="ag", action="viewed").json()["entries"]
    assert len(audited(desk, "audit_read")) >= 3


# --- public look-ups


def test_guessing_query_codes_is_closed(desk: Desk) -> None:
    case, other = desk.file(), desk.file()

    def found(number: str, code: str, address: str) -> int:
        return int(desk.client.get(f"/found/{number}", params={"code": code, "address": address}).status_code)

    assert found(case.number, case.query_code, "10.0.0.1") == 200
    assert [found(case.number, "AAAAAAAA", f"10.0.1.{n}") for n in range(10)] == [404] * 10
    assert found(case.number, case.query_code, "10.0.0.1") == 404
    assert found(other.number, other.query_code, "10.0.0.1") == 200
    unknown = "SZ991231-000001-0"
    assert [found(unknown, "AAAAAAAA", "10.0.0.2") for _ in range(30)] == [404] * 30
    assert found(other.number, other.query_code, "10.0.0.2") == 404
    assert found(other.number, other.query_code, "10.0.0.1") == 200


# --- declared once


def test_words_for_every_move_role_and_refusal() -> None:
    domain = read_domain()
    for prefix, names in (("move", Move), ("role", Role), ("status", Status), ("why", Why)):
        assert {f"utter_{prefix}_{name}" for name in names} <= set(domain.responses)
    for _, wording in problem.REFUSALS.values():
        assert wording is None or wording in domain.responses


def test_the_documentation_names_every_door(desk: Desk) -> None:
    told = desk.client.get("/openapi.json").json()
    for method, path, right in DOORS:
        operation = told["paths"][path][method.lower()]
        assert operation["description"]
        if right is not None:
            assert operation["security"]
            assert "401" in operation["responses"]


# --- commands


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHENGDA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CHENGDA_DATABASE_URL", f"sqlite:///{tmp_path / 'cli.sqlite3'}")
    run = CliRunner()

    def told(*words: str, keys: str = "") -> str:
        answer = run.invoke(app, ["staff", *words], input=keys, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        return answer.output

    assert "made li.na (agent)" in told("add", "li.na", "--role", "agent", keys=f"{PASSWORD}\n{PASSWORD}\n")
    assert "password" in told("add", "un1", "--role", "unit", "--unit", UNIT, "--generate")
    table = tmp_path / "people.csv"
    table.write_text(f"login,name,role,unit,password\nw1,王一,unit,{UNIT},\nw2,王二,agent,,{PASSWORD}\n", "utf-8-sig")
    output = told("import", str(table))
    assert "made 2 accounts" in output
    assert output.splitlines()[0].startswith("w1,")
    assert "password of w2 set: " in told("password", "w2", "--generate")
    assert "closed w1" in told("disable", "w1")
    assert "opened w1" in told("enable", "w1")
    assert all(login in told("list") for login in ("li.na", "un1", "w1", "w2"))
    table.write_text("login,name,role,unit,password\nw3,王三,agent,,\nw3,王三,agent,,\nw4,,boss,,x\n", "utf-8")
    refused = run.invoke(app, ["staff", "import", str(table)])
    assert refused.exit_code == 1
    assert "line 3 (w3): login stands twice" in str(refused.exception)
    assert "line 4 (w4): role 'boss' is unknown" in str(refused.exception)
    assert "w3" not in told("list")
