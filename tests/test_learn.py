"""Learning from what went wrong: the queue and ratings, proposals, accepted data, and the swap in a running server."""

from __future__ import annotations

import io
import itertools
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi.testclient import TestClient
from pydantic import SecretStr
from rich.console import Console

from bot.assistant import Assistant
from bot.build import assistant_of
from bot.learning.clusters import clusters_of, messages_of, reach
from bot.learning.editor import Editor, ProposalError, rejected_texts, wanted
from bot.learning.known_texts import KnownTexts
from bot.learning.proposals import (
    Proposal,
    ProposalKind,
    Verdict,
    merged,
    propose,
    read_proposals,
    write_proposals,
)
from bot.learning.queue import Candidate, QueueEntry, Rating, masked
from bot.learning.reason import Reason
from bot.messages import MessageId, SenderId, UserMessage
from bot.model_folder import ModelFolder
from bot.settings import Settings
from bot.training import Models
from connectors.app import create_app
from connectors.learn import Desk, learn
from knowledge.learned import read_learned
from knowledge.queries import UNCOVERED, read_dev_queries, read_strangers, read_training_queries
from knowledge.yaml_file import ContentError
from tests.servers import ROOT, Server

TODAY = date(2026, 11, 26)
NEEDS_LACKING = (
    "公园里想办婚礼要找谁批",
    "想给小区申请放一场露天电影",
    "我想在家里养蜜蜂要不要许可",
    "去哪里领养流浪猫",
)

UNKNOWN = {"zh": "无人机飞行要在哪里报备", "en": "where do I register my drone before flying it"}
KNOWN = {"zh": "驾照快到期了怎么办", "en": "how do I renew my driving licence"}
SECRETS = (
    "张小明", "13800138000", "11010519491231002X", "粤B12345", "a.b@example.com", "Maria Santos", "6222021234567890123",
)  # fmt: skip


def entries(assistant: Assistant) -> tuple[QueueEntry, ...]:
    with assistant.store.work() as work:
        return work.learning.entries()


def ask(assistant: Assistant, text: str, sender: str = "citizen", message_id: str | None = None) -> dict[str, Any]:
    message = UserMessage(SenderId(sender), text, MessageId(message_id) if message_id else None)
    turn: dict[str, Any] = assistant.handle(message)[-1]["custom"]["turn"]
    return turn


@pytest.fixture
def client(assistant: Assistant, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings, assistant)) as client:
        yield client


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_found_no_service_is_queued_with_its_language(assistant: Assistant, language: str) -> None:
    turn = ask(assistant, UNKNOWN[language])
    assert turn["outcome"] == "no_service"
    (entry,) = entries(assistant)
    assert (entry.text, entry.language, entry.reason) == (UNKNOWN[language], language, Reason.NO_SERVICE)
    assert entry.outcome == "no_service"
    assert 0 < entry.confidence <= 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_went_well_is_not_queued(assistant: Assistant, language: str) -> None:
    assert ask(assistant, KNOWN[language])["outcome"] == "answered"
    ask(assistant, {"zh": "谢谢", "en": "thanks"}[language])
    assert entries(assistant) == ()


def test_the_same_message_again_is_queued_once(assistant: Assistant) -> None:
    for _ in range(2):
        ask(assistant, UNKNOWN["zh"], message_id="m-1")
    assert len(entries(assistant)) == 1


@pytest.mark.parametrize(("question", "neither"), [("居住证", "都不是"), ("residence permit", "none of these")])
def test_neither_after_a_choice_queues_the_question(assistant: Assistant, question: str, neither: str) -> None:
    turn = ask(assistant, question)
    assert turn["outcome"] == "clarify"
    ask(assistant, neither)
    (entry,) = entries(assistant)
    assert (entry.text, entry.reason) == (question, Reason.NEITHER)
    assert [service.code for service in entry.services if service.refused]


@pytest.mark.parametrize(
    ("language", "complaint"),
    [("zh", "答非所问"), ("zh", "没帮到我"), ("en", "This did not help."), ("en", "wrong answer")],
)
def test_saying_that_an_answer_did_not_help_queues_it(assistant: Assistant, language: str, complaint: str) -> None:
    ask(assistant, KNOWN[language])
    assert ask(assistant, complaint)["outcome"] == "clarify"
    (entry,) = entries(assistant)
    assert (entry.text, entry.reason) == (KNOWN[language], Reason.NEITHER)
    assert [service.code for service in entry.services if service.refused] == ["C01"]


@pytest.mark.parametrize(
    "text",
    [
        "我叫张小明，电话13800138000，无人机飞行要在哪里报备",
        "无人机飞行要在哪里报备，身份证11010519491231002X",
        "车牌粤B12345，无人机飞行要在哪里报备，邮箱a.b@example.com",
        "My name is Maria Santos, where do I register my drone, call 13800138000",
        "无人机飞行要在哪里报备，卡号6222 0212 3456 7890 123",
    ],
)
def test_personal_data_never_reaches_the_queue(assistant: Assistant, text: str) -> None:
    ask(assistant, text, message_id="m-1")
    assistant.rate(SenderId("citizen"), MessageId("m-1"), Rating.BAD)
    with assistant.store.work() as work:
        rows = work.learning.entries()
    assert rows
    for row in rows:
        assert not [secret for secret in SECRETS if secret in str(row) or secret in str(row).replace(" ", "")]
        assert "citizen" not in str(row)


def test_long_numbers_and_codes_are_masked_whatever_they_are() -> None:
    assert masked("工单SZ261120-000123-4查询码ABCD2345怎么查") == "工单SZ[number]查询码[code]怎么查"
    assert masked("COVID-19疫苗在哪打") == "COVID-19疫苗在哪打"
    assert masked("合同号 2026-0001-777 在哪查") == "合同号 [number] 在哪查"
    assert masked("打12345没人接") == "打12345没人接"


def test_a_rating_is_taken_once_and_can_be_changed(assistant: Assistant) -> None:
    ask(assistant, KNOWN["zh"], message_id="m-1")
    for rating in (Rating.BAD, Rating.BAD):
        assert assistant.rate(SenderId("citizen"), MessageId("m-1"), rating)
    (entry,) = entries(assistant)
    assert entry.reason is Reason.RATED_BAD
    assert [service.code for service in entry.services if service.refused] == [entry.services[0].code]
    assert assistant.rate(SenderId("citizen"), None, Rating.GOOD)
    assert entries(assistant) == ()
    with assistant.store.work() as work:
        assert work.learning.ratings() == {Rating.GOOD: 1, Rating.BAD: 0}


def test_a_good_rating_does_not_hide_what_found_nothing(assistant: Assistant) -> None:
    ask(assistant, UNKNOWN["en"])
    for rating in (Rating.BAD, Rating.GOOD):
        assistant.rate(SenderId("citizen"), None, rating)
    assert [entry.reason for entry in entries(assistant)] == [Reason.NO_SERVICE]


def test_buttons_and_short_answers_are_not_learnt_from(assistant: Assistant) -> None:
    for text in ('/ask_service{"service": "C01"}', "好的", "ok"):
        ask(assistant, text)
        assistant.rate(SenderId("citizen"), None, Rating.BAD)
    assert entries(assistant) == ()


def test_the_queue_is_bounded_in_number_and_days(models: Models, settings: Settings) -> None:
    small = assistant_of(models, settings.model_copy(update={"queue_max": 2, "queue_days": 10}))
    for number in range(4):
        ask(small, UNKNOWN["zh"], sender=f"c{number}")
    assert len(entries(small)) == 2
    later = small.clock() + timedelta(days=11)
    small.clock = lambda: later
    ask(small, UNKNOWN["en"])
    assert [entry.language for entry in entries(small)] == ["en"]
    none = assistant_of(models, settings.model_copy(update={"queue_max": 0}))
    ask(none, UNKNOWN["zh"])
    assert entries(none) == ()


def test_feedback_over_http(client: TestClient, assistant: Assistant) -> None:
    body = {"sender": "u1", "message": KNOWN["en"], "metadata": {"message_id": "m-1"}}
    client.post("/webhooks/rest/webhook", json=body)
    told = {"sender": "u1", "message_id": "m-1", "rating": "bad"}
    for _ in range(2):
        response = client.post("/feedback", json=told)
        assert (response.status_code, response.json()) == (200, told)
    assert len(entries(assistant)) == 1
    assert client.post("/feedback", json={"sender": "u1", "rating": "good"}).status_code == 200
    assert entries(assistant) == ()
    assert client.post("/feedback", json={**told, "rating": "so-so"}).status_code == 422
    for language, word in (("zh", "没有找到"), ("en", "Nothing")):
        missing = client.post("/feedback", json={**told, "message_id": "m-2"}, headers={"accept-language": language})
        assert missing.status_code == 404
        assert missing.headers["content-type"] == "application/problem+json"
        assert word in missing.json()["detail"]
    assert "/feedback" in client.get("/openapi.json").json()["paths"]


def test_entries_tell_the_day_only(assistant: Assistant) -> None:
    ask(assistant, UNKNOWN["zh"])
    assert type(entries(assistant)[0].day) is date


# ---- proposals ----


def queued(number: int, text: str, language: str, reason: Reason = Reason.NO_SERVICE, *refused: str) -> QueueEntry:
    services = tuple(Candidate(code, 0.4, True) for code in refused)
    return QueueEntry(number, TODAY, text, language, reason, "no_service", "ask_service", 0.7, services)


def proposals_of(models: Models, *rows: QueueEntry, least: int = 5) -> tuple[Proposal, ...]:
    clusters = clusters_of(messages_of(rows), models.encoder, models.index)
    uncovered = [one.text for one in read_strangers() if one.kind == UNCOVERED]
    return propose(clusters, reach(uncovered, models.encoder, models.index), least, models.catalogue)


@pytest.mark.parametrize(
    ("language", "sentence", "name", "code"),
    [
        ("zh", "我那本驾照眼看就要过期啦，换一本新的去哪弄", "驾照到期换本", "C01"),
        ("en", "my driving licence is about to run out, where can I get it renewed", "driving licence renew", "C01"),
    ],
)
def test_near_a_service_a_sentence_is_an_example_and_a_name_an_alias(
    models: Models, language: str, sentence: str, name: str, code: str
) -> None:
    found = proposals_of(models, queued(1, sentence, language), queued(2, name, language))
    assert {(one.kind, one.code, one.texts) for one in found} == {
        (ProposalKind.EXAMPLE, code, (sentence,)),
        (ProposalKind.ALIAS, code, (name,)),
    }
    assert all(one.language == language and "no_service" in one.why for one in found)


def test_a_refused_service_is_not_proposed_again(models: Models) -> None:
    text = "我那本驾照眼看就要过期啦，换一本新的去哪弄"
    (found,) = proposals_of(models, queued(1, text, "zh", Reason.RATED_BAD, "C01"))
    assert found.code != "C01"


def test_a_far_need_is_uncovered_and_asked_often_a_missing_service(models: Models) -> None:
    texts = ["火星上的温泉票怎么预约", "想预约火星温泉的门票", "火星温泉门票在哪里预约"]
    few = proposals_of(models, *(queued(number, text, "zh") for number, text in enumerate(texts)))
    assert {one.kind for one in few} == {ProposalKind.UNCOVERED}
    (many,) = proposals_of(models, *(queued(number, text, "zh") for number, text in enumerate(texts)), least=3)
    assert (many.kind, many.code) == (ProposalKind.MISSING_SERVICE, "")
    assert set(many.texts) == set(texts)


def test_the_file_can_be_edited_and_keeps_what_was_edited(tmp_path: Path) -> None:
    path = tmp_path / "learn" / "proposals.yml"
    made = (Proposal("p1", ProposalKind.EXAMPLE, "C01", "zh", ("一句话",), "turns 1"),)
    write_proposals(path, made)
    assert read_proposals(path) == made
    path.write_text(path.read_text(encoding="utf-8").replace("C01", "C02").replace("decision: ''", "decision: accept"))
    edited = read_proposals(path)
    assert (edited[0].code, edited[0].decision) == ("C02", Verdict.ACCEPT)
    assert merged(made, edited) == edited
    path.write_text("proposals:\n- id: p1\n")
    with pytest.raises(ContentError, match=r"proposals\.yml:2: a proposal has"):
        read_proposals(path)


# ---- deciding ----


@pytest.fixture
def editor(models: Models, tmp_path: Path) -> Editor:
    folder, log = tmp_path / "learned", tmp_path / "decisions.csv"
    return Editor("王编辑", TODAY, folder, log, models.catalogue, KnownTexts(models.catalogue, (folder,)))


def proposal(kind: ProposalKind, *texts: str, code: str = "", language: str = "zh") -> Proposal:
    return Proposal("p1", kind, code, language, texts, "turns 1")


def test_accepted_lines_are_data_with_author_and_date(editor: Editor, models: Models, tmp_path: Path) -> None:
    editor.accept(proposal(ProposalKind.EXAMPLE, "我那小本本要换啦", code="C01"))
    editor.accept(proposal(ProposalKind.ALIAS, "licence swap-over", code="C01", language="en"))
    editor.accept(proposal(ProposalKind.UNCOVERED, "火星温泉票怎么订"))
    folder = tmp_path / "learned"
    learned = read_learned(folder, folder)
    assert [(query.code, query.text, query.author) for query in learned.queries] == [
        ("C01", "我那小本本要换啦", "王编辑")
    ]
    assert learned.uncovered == ("火星温泉票怎么订",)
    taught = learned.added_to(models.catalogue)
    assert "licence swap-over" in taught["C01"].aliases.en
    assert "licence swap-over" not in models.catalogue["C01"].aliases.en
    assert "2026-11-26" in (folder / "queries.csv").read_text(encoding="utf-8")
    assert (tmp_path / "decisions.csv").read_text(encoding="utf-8").count("王编辑,accept") == 3


def test_what_stands_somewhere_already_or_measures_is_refused(editor: Editor) -> None:
    dev = read_dev_queries()[0]
    trained = read_training_queries()[0]
    settled = editor.accept(proposal(ProposalKind.EXAMPLE, dev.text + "！", trained.text.upper(), code="C01"))
    assert settled.taught == ()
    assert [problem.split(" ")[0] for _, problem in settled.refused] == ["a", "stands"]
    assert "eval/" in settled.refused[0][1]
    assert editor.accept(proposal(ProposalKind.UNCOVERED, "火星温泉票怎么订")).taught
    assert not editor.accept(proposal(ProposalKind.UNCOVERED, "火星温泉票，怎么订？")).taught


@pytest.mark.parametrize("text", ["我叫张小明要换驾照", "打13800138000找我换驾照", "[name]要换驾照"])
def test_personal_data_is_never_taught(editor: Editor, text: str) -> None:
    assert editor.accept(proposal(ProposalKind.EXAMPLE, text, code="C01")).taught == ()


def test_a_decision_needs_an_author_and_a_known_code(editor: Editor, models: Models, tmp_path: Path) -> None:
    with pytest.raises(ProposalError, match="author"):
        Editor(" ", TODAY, tmp_path, tmp_path / "log.csv", models.catalogue, KnownTexts(models.catalogue, ()))
    with pytest.raises(ProposalError, match="Z99"):
        editor.accept(proposal(ProposalKind.EXAMPLE, "我那小本本要换啦", code="Z99"))


def test_a_missing_service_leaves_a_stub_and_an_honest_answer(editor: Editor, tmp_path: Path) -> None:
    settled = editor.accept(proposal(ProposalKind.MISSING_SERVICE, "火星温泉票怎么订"))
    assert settled.stub is not None
    stub = yaml.safe_load(settled.stub.read_text(encoding="utf-8"))
    assert stub["aliases"]["zh"] == ["火星温泉票怎么订"]
    assert read_learned(tmp_path / "learned").uncovered == ("火星温泉票怎么订",)


def test_a_rejected_text_is_not_proposed_again(editor: Editor, models: Models, tmp_path: Path) -> None:
    unwanted = proposal(ProposalKind.UNCOVERED, "火星温泉票怎么订")
    editor.reject(unwanted)
    rejected = rejected_texts(tmp_path / "decisions.csv")
    assert wanted([unwanted], rejected, KnownTexts(models.catalogue, ())) == ()


def test_a_learned_file_with_a_fault_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "queries.csv").write_text("code,language,style,text,author,date\nC01,zh,learned,好,王,昨天\n")
    with pytest.raises(ContentError, match=r"queries\.csv:2: date"):
        read_learned(tmp_path)


def test_the_command_proposes_accepts_and_empties_the_queue(
    models: Models, assistant: Assistant, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, _env_file=None)  # type: ignore[call-arg]
    told = assistant_of(models, settings)
    zh, en = "火星上的温泉票怎么预约", "mars spa tickets, how do I book them"
    for sender, text in (("a", zh), ("b", zh), ("c", en)):
        ask(told, text, sender)
        told.rate(SenderId(sender), None, Rating.BAD)
    console = Console(file=io.StringIO(), width=200)
    desk = Desk(settings, console)
    assert not learn(desk, lambda: models, [], [], False, False, "", 5)
    proposals = {one.language: one for one in read_proposals(desk.file)}
    assert set(proposals) == {"zh", "en"}
    assert learn(desk, lambda: models, [proposals["zh"].id], [proposals["en"].id], False, False, "Li", 5)
    assert entries(told) == ()
    assert read_proposals(desk.file) == ()
    learned = read_learned(desk.folder)
    assert zh in {*learned.uncovered, *(query.text for query in learned.queries)}
    with pytest.raises(ProposalError, match="p0"):
        learn(desk, lambda: models, ["p0"], [], False, False, "Li", 5)


# ---- new models in a running server ----


def test_a_part_takes_its_place_whole_and_old_ones_are_forgotten(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    assert folder.current() == ()
    parts = [folder.part("index", f"{number:016d}") for number in range(5)]
    for part in parts:
        with folder.making(part) as fresh:
            (fresh / "a").write_text("a")
            assert not part.exists()
        folder.point_to(part)
        assert folder.current() == (part.name,)
    assert [part.exists() for part in parts] == [False, False, True, True, True]
    with pytest.raises(ZeroDivisionError), folder.making(folder.part("index", "broken")) as fresh:
        raise ZeroDivisionError
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == sorted(
        ["current", *(p.name for p in parts[2:])]
    )


def test_models_that_cannot_be_loaded_leave_the_old_ones(client: TestClient, settings: Settings) -> None:
    reloader = client.app.state.reloader  # type: ignore[attr-defined]
    before = client.app.state.assistant  # type: ignore[attr-defined]
    assert not reloader.check()
    (settings.data_dir / "models").mkdir()
    (settings.data_dir / "models" / "current").write_text("index-none nlu-none")
    assert not reloader.check()
    assert client.app.state.assistant is before  # type: ignore[attr-defined]
    body = {"sender": "u1", "message": KNOWN["zh"]}
    assert client.post("/webhooks/rest/webhook", json=body).status_code == 200


def test_reloading_is_for_this_machine_or_the_token(models: Models, settings: Settings) -> None:
    def status(token: str, address: str, **headers: str) -> int:
        own = settings.model_copy(update={"admin_token": SecretStr(token)})
        app = create_app(own, assistant_of(models, own))
        with TestClient(app, client=(address, 5000)) as client:
            return client.post("/admin/reload", headers=headers).status_code

    assert status("", "127.0.0.1") == 200
    assert status("", "10.0.0.7") == 403
    assert status("", "127.0.0.1", **{"x-forwarded-for": "10.0.0.7"}) == 403
    assert status("s3cret", "127.0.0.1") == 403
    assert status("s3cret", "10.0.0.7", authorization="Bearer wrong") == 403
    assert status("s3cret", "10.0.0.7", authorization="Bearer s3cret") == 200


@pytest.mark.faults
@pytest.mark.parametrize("workers", [1, 2])
def test_a_running_server_learns_without_a_restart(tmp_path: Path, workers: int) -> None:
    data = tmp_path / "data"
    for name in ("models", "heads", "encoded"):
        if (ROOT / ".chengda" / name).exists():
            shutil.copytree(ROOT / ".chengda" / name, data / name)
    environment = {"CHENGDA_DATA_DIR": str(data), "CHENGDA_RELOAD_SECONDS": "1"}
    server = Server(tmp_path, environment, workers)
    outcomes: list[str] = []
    failed: list[str] = []
    ended = threading.Event()

    def keep_asking() -> None:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for number in itertools.count():
                if ended.is_set():
                    return
                body = {"sender": f"c{number}", "message": text}
                response = client.post("/webhooks/rest/webhook", json=body)
                if response.status_code != 200:
                    failed.append(response.text)
                    return
                outcomes.append(response.json()[-1]["custom"]["turn"]["outcome"])
                time.sleep(0.05)

    asker = threading.Thread(target=keep_asking)
    try:
        server.start()
        text = next(text for text in NEEDS_LACKING if server.say(text)["outcome"] == "no_service")
        asker.start()
        wait_for(lambda: len(outcomes) > 3)
        assert set(outcomes) == {"no_service"}
        server.command("learn")
        (found,) = [one for one in read_proposals(data / "learn" / "proposals.yml") if text in one.texts]
        taught = replace(found, kind=ProposalKind.EXAMPLE, code="C01", decision=Verdict.ACCEPT)
        write_proposals(data / "learn" / "proposals.yml", [taught])
        server.command("learn", "--decided", "--author", "Li", "--apply")
        wait_for(lambda: outcomes[-20:] == ["answered"] * 20)
    finally:
        ended.set()
        if asker.is_alive():
            asker.join()
        server.stop()
    assert failed == []
    assert "error" not in outcomes


def wait_for(met: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.1)
