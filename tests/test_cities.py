"""Cities as data: Shanghai answers, nothing of Shenzhen leaks into it, and a list of 1,135 items makes a city."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.actions.say import door_of
from bot.assistant import Assistant
from bot.build import assistant_of
from bot.domain import read_domain
from bot.messages import SenderId, UserMessage
from bot.nlu.elsewhere import lies_elsewhere
from bot.nlu.entities import find_entities
from bot.nlu.parse import Understanding
from bot.settings import Settings
from bot.training import Models
from knowledge.catalogue import Kind, Text, read_catalogue
from knowledge.city import (
    City,
    CityError,
    Profile,
    catalogue_of,
    find_city,
    new_catalogue,
    queries_of,
    shipped_cities,
    wording_of,
)
from knowledge.encoder import Encoder, load_encoder
from knowledge.importers.importing import Import, Options
from knowledge.index import Index, build_index
from knowledge.normal import canonical
from knowledge.retriever import Retriever
from knowledge.verdict import Verdict

GUANGAN = Path(__file__).resolve().parents[2] / "shared/data/service_catalogues/guangan_zwfw_items.csv"
OTHERS = [key for key in shipped_cities() if key != "shenzhen"]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("builtin")


@pytest.fixture(scope="module")
def shanghai_index(encoder: Encoder) -> Index:
    city = find_city("shanghai")
    catalogue = catalogue_of(city)
    return build_index(catalogue, queries_of(city, catalogue), (), encoder)


@pytest.fixture
def shanghai(models: Models, settings: Settings, shanghai_index: Index) -> Assistant:
    """An assistant for Shanghai, its understanding that of the session."""
    city = find_city("shanghai")
    return assistant_of(replace(models, city=city, catalogue=catalogue_of(city), index=shanghai_index), settings)


@pytest.fixture
def ask(shanghai: Assistant) -> Callable[[str], dict[str, Any]]:
    def say(text: str) -> dict[str, Any]:
        answer = shanghai.handle(UserMessage(SenderId(text), text))
        return {**answer[-1]["custom"]["turn"], "text": "\n".join(bubble["text"] for bubble in answer)}

    return say


@pytest.mark.parametrize("key", OTHERS)
def test_a_shipped_city_is_complete(key: str) -> None:
    city = find_city(key)
    catalogue = catalogue_of(city)
    own = [item for item in catalogue if item.kind is Kind.SERVICE]
    assert len(own) >= 40
    counts = Counter((line.code, line.language) for line in queries_of(city, catalogue))
    for item in catalogue:
        for language in ("zh", "en"):
            assert counts[(item.code, language)] >= 4, (item.code, language)
            assert item.name.known_in(language)
    home = read_catalogue()
    assert not {item.code for item in own} & set(home.services), "a code means one thing in every city"
    assert sum(item.kind is Kind.DEMAND for item in catalogue) == 30


@pytest.mark.parametrize("key", OTHERS)
def test_facts_of_a_second_city_claim_no_more_than_is_known(key: str) -> None:
    for item in catalogue_of(find_city(key)):
        for name, fact in item.facts():
            assert not fact.certain or fact.sources, (item.code, name)
            digits = {word for text in fact.items for word in text.zh.split() if word.isdecimal()}
            assert digits <= {"12345"}, (item.code, name)


@pytest.mark.parametrize("city", [find_city(OTHERS[0]), City("new", Profile(Text(en="Newtown"), "NT"), ())])
def test_no_response_names_the_home_city(city: City) -> None:
    domain = read_domain(wording=wording_of(city))
    for name, wording in domain.responses.items():
        for language in ("zh", "en"):
            assert "深圳" not in wording[language].text and "Shenzhen" not in wording[language].text, name
    assert city.profile.name.in_language("en") in domain.text("utter_greet", "en")


def test_places_are_those_of_the_city() -> None:
    text = "南山区这边路灯坏了"
    assert any(entity.label == "district" for entity in find_entities(text, "zh"))
    assert not any(entity.label == "district" for entity in find_entities(text, "zh", find_city("shanghai")))


def test_the_city_itself_is_no_other_city() -> None:
    assert door_of("在上海怎么办居住证") == "other_city"
    assert door_of("在上海怎么办居住证", find_city("shanghai").names) == "none"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("scooter licence in Lisbon", "lisbon"),
        ("Osaka tram card refund", "osaka"),
        ("昆明的老年卡在哪办", "昆明"),
        ("外婆在昆明，那边的老年卡怎么办", "昆明"),
        ("I moved from Lisbon and want to drive", None),
        ("my licence is Lisbon one, exchange it", None),
        ("昆明户口，想办老年卡", None),
        ("公积金从昆明转过来", None),
        ("在昆明看病，深圳医保怎么报", None),
        ("罗湖的昆明米线店油烟大", None),
    ],
)
def test_where_the_whole_matter_lies(text: str, place: str | None, models: Models) -> None:
    parse = Understanding(models.encoder, models.intents, models.safety, models.city).parse(text)
    assert lies_elsewhere(parse, models.city.names) == place


def test_an_unknown_city_is_told(tmp_path: Path) -> None:
    with pytest.raises(CityError, match="atlantis"):
        find_city("atlantis", tmp_path)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("居转户要攒多少积分", "S05"),
        ("驾照要过期了去哪换", "S12"),
        ("我想给刚出生的女儿上户口", "S21"),
        ("I want to bid for a car licence plate", "S15"),
        ("how can I take money out of my provident fund for rent", "S32"),
        ("where do I register to marry", "S17"),
    ],
)
def test_search_in_shanghai(text: str, code: str, shanghai_index: Index, encoder: Encoder) -> None:
    retriever = Retriever(catalogue_of(find_city("shanghai")), shanghai_index)
    query = canonical(text)
    found = retriever.search(query, encoder.encode_query([query])[0])
    assert found.best.service.code == code


def test_shanghai_answers_in_both_languages(ask: Callable[[str], dict[str, Any]]) -> None:
    for text, code, words in (
        ("在上海居住证积分怎么申请", "S05", ("居住证积分", "随申办")),
        ("How do I renew my driving licence in Shanghai?", "S12", ("Driving licence", "Suishenban")),
    ):
        turn = ask(text)
        assert turn["outcome"] == "answered" and turn["services"][0]["code"] == code, turn
        for word in words:
            assert word in turn["text"]
        assert "深圳" not in turn["text"] and "Shenzhen" not in turn["text"]


def test_shanghai_files_under_its_own_prefix_and_units(shanghai: Assistant) -> None:
    demand = shanghai.analyst.analyse("楼下工地半夜打桩吵得睡不着，我要投诉")[0]
    assert demand.service_item == "H01" and demand.district is None
    with shanghai.store.work() as work:
        assert work.cases is not None
    assert shanghai.catalogue.agencies[str(demand.agency)].zh == "市住房和城乡建设管理委员会"


@pytest.mark.skipif(not GUANGAN.exists(), reason="the shared data are not here")
def test_a_list_of_1135_items_makes_a_city(tmp_path: Path, encoder: Encoder) -> None:
    folder = tmp_path / "cities" / "guangan"
    options = Options(Text("广安政务服务事项", "Guang'an service items"), "2026-11-01")
    done = Import(GUANGAN, folder, new_catalogue(), options).run()
    assert (done.kept, done.refused) == (1135, 0)
    (folder / "city.yml").write_text('{name: {zh: 广安, en: "Guang\'an"}, case_prefix: GA}\n', encoding="utf-8")
    city = find_city("guangan", tmp_path)
    catalogue = catalogue_of(city)
    index = build_index(catalogue, queries_of(city, catalogue), (), encoder)
    retriever = Retriever(catalogue, index)
    right = answered = 0
    items = [item for item in catalogue if item.record][::5]
    for item in items:
        query = canonical(f"{item.name.zh}怎么办理")
        found = retriever.search(query, encoder.encode_query([query])[0])
        right += found.best.service.name == item.name
        answered += found.verdict is not Verdict.NO_SERVICE
    assert right >= 0.95 * len(items)
    assert answered >= 0.95 * len(items)
