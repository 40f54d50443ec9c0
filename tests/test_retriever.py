"""Search: what is answered, asked back and refused; filters, reasons, the question that parts the candidates."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from bot.build import assistant_of
from bot.domain import read_domain
from bot.settings import Settings
from bot.training import Models
from connectors.app import create_app
from knowledge.catalogue import Audience, items_naming
from knowledge.difference import FIELDS, difference_of
from knowledge.evidence import ARMS, Evidence
from knowledge.fusion import COVERED, KINDS, fusion_for, read_fusion
from knowledge.names import plain_terms, shared_words
from knowledge.normal import canonical
from knowledge.queries import OUTSIDE, UNCOVERED, VAGUE
from knowledge.retriever import Retrieval, Retriever
from knowledge.train_fusion import Seen, fit_fusion
from knowledge.verdict import COSTS, LISTED, OTHER, RIGHT, Verdict, verdict_of

WORDED = ("situation", "place", "purpose", "kind", "audience")
Search = Callable[..., Retrieval]
ASKED_BACK = (Verdict.CLARIFY, Verdict.VAGUE)
PLAIN = [
    ("居住证怎么办理", "A06"),
    ("补办身份证", "A03"),
    ("护照过期了怎么换", "B02"),
    ("我想给狗上证", "F09"),
    ("how to extend a visa", "B06"),
    ("lost my driving licence, how to get another", "C02"),
    ("fapiao registration for my shop", "G18"),
    ("港澳通行证第一次办", "B03"),
]
OPEN = [
    "我要办一个证件", "我想申请一笔补助", "帮我办个手续", "要开一个证明", "我要登记一下",
    "I need to apply for some permit", "help me with a paper please", "I want to get a subsidy",
]  # fmt: skip
LACKING = [
    "我想申请加装太阳能板的许可", "领养猫要办什么", "放烟花要跟谁报备", "申请种植古树的许可", "我想报考潜水员执照",
    "where do I register a sailing boat", "permit to fly a hot air balloon", "apply for a patent on my invention",
]  # fmt: skip


@pytest.fixture
def search(models: Models) -> Search:
    retriever = Retriever(models.catalogue, models.index)

    def found(text: str, **filters: Any) -> Retrieval:
        query = canonical(text, cantonese=True)
        return retriever.search(query, models.encoder.encode_query([query])[0], **filters)

    return found


@pytest.mark.parametrize(("text", "code"), PLAIN)
def test_short_plain_questions_find_their_service(search: Search, text: str, code: str) -> None:
    found = search(text)
    assert code in [hit.service.code for hit in found.hits[:3]]
    assert found.verdict in (Verdict.ANSWERED, Verdict.CLARIFY)


def test_most_short_plain_questions_are_answered(search: Search) -> None:
    answered = [text for text, code in PLAIN if search(text).verdict is Verdict.ANSWERED]
    assert len(answered) >= len(PLAIN) - 1, answered


def test_what_leaves_open_what_is_wanted_is_asked_back(search: Search) -> None:
    asked = [text for text in OPEN if search(text).verdict in ASKED_BACK]
    assert len(asked) >= len(OPEN) - 1, set(OPEN) - set(asked)


def test_what_the_catalogue_lacks_is_rarely_answered(search: Search) -> None:
    answered = [text for text in LACKING if search(text).verdict is Verdict.ANSWERED]
    assert len(answered) <= 2, answered


def test_belief_is_a_share_and_kinds_are_probabilities(search: Search) -> None:
    found = search("居住证怎么办理", top_k=50)
    assert 0.9 < sum(hit.score for hit in found.hits) <= 1.0001
    assert set(found.kinds) == set(KINDS)
    assert sum(found.kinds.values()) == pytest.approx(1, abs=1e-4)


def test_filters_keep_only_what_fits(search: Search) -> None:
    foreign = search("permit", audience=Audience.FOREIGNER, top_k=20)
    assert all(Audience.FOREIGNER in hit.service.audience for hit in foreign.hits)
    among = search("permit", among=["B08", "B11"])
    assert {hit.service.code for hit in among.hits} == {"B08", "B11"}
    assert search("permit", among=[]).hits == ()


def test_reasons_name_the_alias_and_the_words(models: Models) -> None:
    retriever = Retriever(models.catalogue, models.index)
    reasons = retriever.why(models.catalogue["A02"], canonical("身份证快到期了，怎么换"))
    assert any(reason.startswith("身份证") and "到期" in reason.split(": ")[1] for reason in reasons)
    english = retriever.why(models.catalogue["B06"], canonical("how do I extend my visa?"))
    assert any("extend" in reason.split(": ")[1] and "visa" in reason.split(": ")[1] for reason in english)
    assert retriever.why(models.catalogue["F09"], canonical("zzzz")) == ()


def test_shared_words_are_runs_of_the_query() -> None:
    assert shared_words("我的驾照快到期了", plain_terms("驾照到期")) == ("驾照", "到期")
    assert shared_words("renewing my licence", plain_terms("licence renewal")) == ("renewing", "licence")


@pytest.mark.parametrize(
    ("codes", "field", "values"),
    [
        (("A01", "A02", "A03"), "situation", [{"first"}, {"renew"}, {"lost"}]),
        (("A18", "A19"), "audience", [{"resident", "non_hukou"}, {"foreigner"}]),
        (("C17", "H25"), "kind", [{"service"}, {"demand"}]),
        (("D11", "D13"), "life_event", [{"birth"}, {"retirement"}]),
        (("F06", "F07", "F08"), "agency", [{"WATER_CO"}, {"POWER_CO"}, {"GAS_CO"}]),
        (("E17", "E18", "E19"), "purpose", [{"rent"}, {"buy"}, set()]),
    ],
)
def test_the_field_that_parts_candidates(models: Models, codes: tuple[str, ...], field: str, values: list[Any]) -> None:
    services = [models.catalogue[code] for code in codes]
    difference = difference_of(services, [1 / len(codes)] * len(codes))
    assert difference is not None
    assert difference.field == field
    assert [set(own) for own in difference.values] == values


def test_no_field_parts_what_is_alike(models: Models) -> None:
    same = models.catalogue["B03"]
    assert difference_of([same, same], [0.5, 0.5]) is None


def test_every_value_that_parts_has_words(models: Models) -> None:
    told = {value for field in WORDED for service in models.catalogue for value in FIELDS[field](service)}
    domain = read_domain()
    assert {value for field in WORDED for value in told if f"utter_{field}_{value}" in domain.responses} == told
    assert all(f"utter_ask_{field}" in domain.responses for field in FIELDS)


def test_the_clarifying_question_names_what_differs(talk: Callable[..., dict[str, Any]]) -> None:
    turn = talk("身份证")
    assert turn["outcome"] == "clarify"
    assert "首次办理" in turn["text"]
    assert "丢失" in turn["text"]
    assert "1. " in turn["text"]
    assert talk("丢失补办的")["services"][0]["code"] == "A03"


def test_an_open_wish_is_asked_back_in_the_conversation(talk: Callable[..., dict[str, Any]]) -> None:
    assert talk("我想办个证", sender="one")["outcome"] == "clarify"
    assert talk("I need some certificate", sender="two")["outcome"] == "clarify"


def test_search_over_http_gives_verdicts_filters_and_reasons(models: Models, settings: Settings) -> None:
    with TestClient(create_app(settings, assistant_of(models, settings))) as client:
        _searches_over_http(client)


def _searches_over_http(client: TestClient) -> None:
    def post(**body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.post("/knowledge/search", json=body).json()
        return answer

    assert post(query="补办身份证")["outcome"] == "answered"
    assert post(query="我要办一个证件")["outcome"] == "clarify"
    local = post(query="free lawyer for a labour case", district="Nanshan", language="en")["hits"]
    assert {"district", "in_district"} <= set(local[0])
    assert post(query="补办身份证", language="en")["hits"][0]["name"].isascii()
    assert post(query="补办身份证")["hits"][0]["why"]


def test_items_of_a_district_are_named_not_filtered(models: Models) -> None:
    for service in models.catalogue:
        for name in ("南山区", "Nanshan"):
            assert all("南山" in item.zh or "nanshan" in item.en.lower() for item in items_naming(service, name))


def test_costs_choose_the_verdict() -> None:
    sure = {UNCOVERED: 0.01, VAGUE: 0.01, OUTSIDE: 0.01}
    assert verdict_of(sure, 0.97, [0.9, 0.05]) is Verdict.ANSWERED
    assert verdict_of(sure, 0.97, [0.4, 0.35, 0.2]) is Verdict.CLARIFY
    assert verdict_of({UNCOVERED: 0.9, VAGUE: 0.03, OUTSIDE: 0.02}, 0.05, [0.9, 0.05]) is Verdict.NO_SERVICE
    assert verdict_of({UNCOVERED: 0.03, VAGUE: 0.9, OUTSIDE: 0.02}, 0.05, [0.3, 0.05]) is Verdict.VAGUE
    for costs in COSTS.values():
        assert set(costs) == {RIGHT, LISTED, OTHER, UNCOVERED, VAGUE, OUTSIDE}
        assert all(0 <= cost <= 1 for cost in costs.values())


def test_the_shipped_fusion_fits_the_encoder(models: Models) -> None:
    fusion = read_fusion()
    assert fusion.encoder == models.encoder.name, "run `chengda train fusion`"
    for learnt in (fusion.with_head, fusion.without_head):
        assert set(learnt.weights) == set(ARMS)
        assert len(learnt.gate.weights) == len(learnt.gate.biases) == len(KINDS)
        assert {len(row) for row in learnt.gate.weights} == {len(learnt.gate.signs)}
    assert min(fusion.lines.values()) > 100


def test_another_encoder_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert fusion_for("some other encoder").with_head.weights
    assert "chengda train fusion" in caplog.text


def test_fusion_learns_which_arm_to_trust_and_what_tells_strangers() -> None:
    dice = np.random.default_rng(3)
    seen = []
    for number in range(240):
        kind = KINDS[number % len(KINDS)]
        right = int(dice.integers(12)) if kind == COVERED else -1
        arms = dice.normal(size=(len(ARMS), 12)).astype(np.float32)
        arms[ARMS.index("dense"), right] += 4 * (right >= 0)
        signs = {name: float(dice.normal()) for name in ("margin", "similarity")}
        signs |= {f"margin_{name}": 3.0 * (kind == name) + float(dice.normal()) for name in KINDS[1:]}
        seen.append(Seen(Evidence(arms, True, 0.5, True, frozenset(), signs), right, kind))
    learnt = fit_fusion(seen, "encoder", date(2026, 1, 1))
    weights = learnt.with_head.weights
    assert max(weights, key=lambda arm: weights[arm]) == "dense"
    assert learnt.figures["with_head_accuracy_at_1"] > 0.8
    assert learnt.figures["with_head_calibration_error"] < 0.1
    assert learnt.figures["with_head_gate_vague"] > 0.6
    assert learnt.lines == dict.fromkeys(KINDS, 60)
