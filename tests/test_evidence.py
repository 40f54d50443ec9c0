"""Files of cases: what is taken, who sees them, and replies that need one."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cases.evidence import MAX_NAME, checked_type, evidence_rules, plain_name
from bot.database import migrate, open_database
from bot.errors import EvidenceKind, EvidenceTooLarge
from connectors.limits import ENVELOPE_BYTES, MAX_BODY_BYTES, most_bytes
from knowledge.catalogue import read_catalogue
from tests.staff_desk import TO_HANDLING, Desk, desk_on


def png(colour: int = 0) -> bytes:
    """A picture of one grey dot."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes((0, colour)))) + chunk(b"IEND", b"")


FILES = {
    "a.png": ("image/png", png()),
    "b.JPG": ("image/jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x00" * 40),
    "c.webp": ("image/webp", b"RIFF\x24\x00\x00\x00WEBPVP8 " + b"\x00" * 40),
    "d.heic": ("image/heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 40),
    "e.pdf": ("application/pdf", b"%PDF-1.7\n" + b"\x00" * 40),
    "f.mp4": ("video/mp4", b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + b"\x00" * 40),
}
NOT_ALLOWED = {
    "page.html": b"<html><script>alert(1)</script></html>",
    "page.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "photo.jpg": png(),
    "photo": png(),
    "png": png(),
    "photo.png.exe": png(),
    "paper.pdf": b"PK\x03\x04" + b"\x00" * 60,
    "run.exe": b"MZ" + b"\x00" * 60,
    "text.pdf": "路灯".encode(),
}


@pytest.fixture(params=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    if request.param == "postgres":
        engine = request.getfixturevalue("postgres_engine")
    else:
        engine = open_database(f"sqlite:///{tmp_path / 'evidence.sqlite3'}")
        migrate(engine)
    with desk_on(engine, tmp_path) as made:
        yield made
    engine.dispose()


def add(desk: Desk, who: str, number: str, name: str, content: bytes, **headers: str) -> Any:
    return desk.client.post(
        f"/staff/cases/{number}/evidence", files={"file": (name, content)}, headers=desk.headers(who, **headers)
    )


@pytest.mark.parametrize("name", FILES)
def test_allowed_types(name: str) -> None:
    media_type, content = FILES[name]
    assert checked_type(name, content) == media_type


def test_every_type_of_the_data_file_is_tried() -> None:
    assert {media_type for media_type, _ in FILES.values()} == set(evidence_rules().types)
    assert all(item in read_catalogue() for item in evidence_rules().evidence_to_close)


@pytest.mark.parametrize("name", NOT_ALLOWED)
def test_what_is_not_what_its_name_says(name: str) -> None:
    with pytest.raises(EvidenceKind):
        checked_type(name, NOT_ALLOWED[name])


def test_sizes() -> None:
    most = evidence_rules().most_bytes
    assert checked_type("a.png", png() + b"\x00" * (most - len(png()))) == "image/png"
    for content in (b"", png() + b"\x00" * (most + 1 - len(png()))):
        with pytest.raises(EvidenceTooLarge):
            checked_type("a.png", content)
    assert most_bytes("/staff/cases/SZ261120-000001-8/evidence") == most + ENVELOPE_BYTES
    assert most_bytes("/staff/cases/SZ261120-000001-8/moves") == MAX_BODY_BYTES


def test_names() -> None:
    assert plain_name("../../etc/photo.png") == "photo.png"
    assert plain_name("C:\\fotos\\灯杆.jpg") == "灯杆.jpg"
    assert plain_name("gnp\u202egpj.png\r\n") == "gnpgpj.png"
    assert plain_name("x" * 500 + ".jpg") == "x" * (MAX_NAME - 4) + ".jpg"
    assert len(plain_name("x." + "y" * 500)) <= MAX_NAME


def test_a_file_is_kept_told_and_fetched(desk: Desk) -> None:
    number = desk.file().number
    desk.run(number, *TO_HANDLING)
    made = add(desk, "un", number, "灯杆 12.png", png())
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["name"], told["media_type"], told["actor"], told["move"]) == ("灯杆 12.png", "image/png", "unit", None)
    again = add(desk, "ag", number, "other.png", png())
    assert (again.status_code, again.json()["id"]) == (200, told["id"])
    assert desk.get("su", f"/cases/{number}/evidence").json() == {"evidence": [told]}
    assert desk.get("su", f"/cases/{number}").json()["evidence"] == 1
    fetched = desk.get("di", f"/evidence/{told['id']}")
    assert fetched.content == png()
    headers = fetched.headers
    assert headers["content-type"] == "image/png"
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%E7%81%AF%E6%9D%86%2012.png"
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    rows = desk.get("su", "/audit", number=number).json()["entries"]
    seen = [(row["login"], row["action"], row["fields"]) for row in rows if row["action"].startswith("evidence")]
    assert seen == [
        ("di", "evidence_viewed", [f"evidence:{told['id']}"]),
        ("un", "evidence_added", [f"evidence:{told['id']}"]),
    ]


def test_another_units_files_are_not_there(desk: Desk) -> None:
    number = desk.file().number
    desk.run(number, *TO_HANDLING)
    key = add(desk, "un", number, "a.png", png()).json()["id"]
    hidden, unknown = desk.get("ot", f"/evidence/{key}"), desk.get("ot", "/evidence/999")
    assert (hidden.status_code, hidden.text) == (404, unknown.text)
    assert add(desk, "ot", number, "a.png", png(1)).status_code == 404
    assert add(desk, "ed", number, "a.png", png(1)).status_code == 403


def test_refused_files_tell_why(desk: Desk) -> None:
    number = desk.file().number
    wrong = add(desk, "ag", number, "photo.jpg", png())
    assert (wrong.status_code, wrong.headers["content-type"]) == (415, "application/problem+json")
    assert "jpg jpeg png" in wrong.json()["detail"]
    english = add(desk, "ag", number, "photo.jpg", png(), **{"Accept-Language": "en"}).json()
    assert "what the name says" in english["detail"]
    assert add(desk, "ag", number, "a.png", b"").status_code == 413
    large = add(desk, "ag", number, "a.png", png() + b"\x00" * evidence_rules().most_bytes)
    assert (large.status_code, "10MB" in large.json()["detail"]) == (413, True)
    larger = add(desk, "ag", number, "a.png", png() + b"\x00" * (evidence_rules().most_bytes + ENVELOPE_BYTES))
    assert larger.status_code == 413
    bare = desk.client.post(f"/staff/cases/{number}/evidence", headers=desk.headers("ag"))
    assert bare.status_code == 422
    assert desk.get("ag", f"/cases/{number}/evidence").json() == {"evidence": []}


def test_ten_files_a_case(desk: Desk) -> None:
    number = desk.file().number
    answers = [add(desk, "ag", number, "a.png", png(n)).status_code for n in range(11)]
    assert answers == [201] * 10 + [409]
    assert add(desk, "ag", number, "a.png", png(3)).status_code == 200


def test_a_reply_that_must_bring_a_file(desk: Desk) -> None:
    assert "H08" in evidence_rules().evidence_to_close
    number, other = desk.file("H08").number, desk.file("H08").number
    desk.run(number, *TO_HANDLING)
    foreign = add(desk, "ag", other, "a.png", png(9)).json()["id"]
    for body in ({}, {"evidence": [foreign]}, {"evidence": [999]}):
        refused = desk.move("un", number, "reply", reply="已修好", **body)
        assert (refused.status_code, "照片" in refused.json()["detail"]) == (422, True)
    photo = add(desk, "un", number, "a.png", png()).json()["id"]
    assert desk.move("un", number, "reply", reply="已修好").status_code == 422
    desk.run(
        number, ("un", "reply", {"reply": "已修好", "evidence": [photo]}), ("di", "send_back", {"reason": "看不清"})
    )
    assert desk.get("un", f"/cases/{number}/evidence").json()["evidence"][0]["move"] == "reply"
    assert desk.move("un", number, "reply", reply="真的修好", evidence=[photo]).status_code == 422
    second = add(desk, "un", number, "b.png", png(1)).json()["id"]
    report = add(desk, "di", number, "c.pdf", FILES["e.pdf"][1]).json()["id"]
    told = desk.run(
        number,
        ("un", "reply", {"reply": "真的修好", "evidence": [photo, second]}),
        ("ag", "review", {}),
        ("di", "close", {"evidence": [report]}),
    )
    assert told["status"] == "closed"
    kept = desk.get("su", f"/cases/{number}/evidence").json()["evidence"]
    assert [one["move"] for one in kept] == ["reply", "reply", "close"]


def test_other_items_need_none(desk: Desk) -> None:
    number = desk.file("H01").number
    assert desk.run(number, *TO_HANDLING, ("un", "reply", {"reply": "已停工"}))["status"] == "replied"
