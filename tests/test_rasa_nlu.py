"""The understanding trained on Rasa projects: intents, entities, synonyms, responses, fallback, and its folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import UnfitModel, UntrainableProject
from bot.rasa.config import Config, Part
from bot.rasa.learnt_nlu import understanding_of
from bot.rasa.nlu_folder import load, save
from bot.rasa.nlu_training import train
from bot.rasa.project import Project, read_project
from bot.rasa.refusals import Findings, Source
from bot.rasa.tokens import JIEBA, tokenize, units
from bot.rasa.training_data import Annotation, Example, Lookup, Regex, Synonym, TrainingData, read_training_data
from bot.rasa.understanding import ProjectNlu
from connectors.rasa.nlu_scores import entity_f1, intent_scores, label_scores, marks_of
from connectors.rasa.nlu_sets import NluSet, nlu_yaml, read_slots
from knowledge.encoder import BUILTIN, STATIC, Encoder, load_encoder

PROJECTS = Path(__file__).parent / "fixtures" / "rasa"
TOLD = ("entity", "start", "end", "value", "role", "group", "extractor")
KEYWORDS = Config(pipeline=(Part("WhitespaceTokenizer"), Part("KeywordIntentClassifier")))
LEARNT = Config(pipeline=(Part("WhitespaceTokenizer"), Part("DIETClassifier")))


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(BUILTIN)


@pytest.fixture(scope="module")
def pantry() -> Project:
    return read_project(PROJECTS / "understood_en")


@pytest.fixture(scope="module")
def en(pantry: Project, encoder: Encoder) -> ProjectNlu:
    assert not pantry.findings.refused, pantry.findings.refused
    return train(pantry.training, pantry.config, encoder)


@pytest.fixture(scope="module")
def zh(encoder: Encoder) -> ProjectNlu:
    project = read_project(PROJECTS / "understood_zh")
    assert not project.findings.refused, project.findings.refused
    return train(project.training, project.config, encoder)


def brief(parsed: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Entity, value and role or group of what was learnt."""
    learnt = [entity for entity in parsed["entities"] if entity["extractor"] != "RegexEntityExtractor"]
    return [(e["entity"], e["value"], e.get("role", e.get("group"))) for e in learnt]


def examples(**texts: list[str]) -> tuple[Example, ...]:
    return tuple(Example(text, intent, None, ()) for intent, rows in texts.items() for text in rows)


def test_shape(en: ProjectNlu) -> None:
    parsed = en.parse("move the rice from Millbank to Elmside")
    assert set(parsed) == {"text", "intent", "entities", "text_tokens", "intent_ranking", "response_selector"}
    assert parsed["intent"] == parsed["intent_ranking"][0] and parsed["intent"]["name"] == "move_goods"
    assert 0.5 < parsed["intent"]["confidence"] <= 1
    assert sum(row["confidence"] for row in parsed["intent_ranking"]) == pytest.approx(1, abs=1e-4)
    assert parsed["text_tokens"][:2] == [[0, 4], [5, 8]]
    for entity in parsed["entities"]:
        assert parsed["text"][entity["start"] : entity["end"]].lower() == entity["value"].lower()
    learnt = next(entity for entity in parsed["entities"] if entity.get("role") == "origin")
    assert set(learnt) >= {"entity", "start", "end", "confidence_entity", "value", "extractor", "role"}
    assert learnt["extractor"] == "DIETClassifier" and 0 < learnt["confidence_entity"] <= 1


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("hello", "greet"),
        ("good morning to you", "greet"),
        ("please carry beans to Northgate", "move_goods"),
        ("a small soup please", "order_meal"),
        ("at what time do you open", "faq"),
        ("do I have to pay a fee", "faq"),
        ("sing a song for me", "out_of_scope"),
    ],
)
def test_intents_en(en: ProjectNlu, text: str, intent: str) -> None:
    assert en.parse(text)["intent"]["name"] == intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [("您好", "问候"), ("我想订海棠馆的网球场", "订场地"), ("从青松馆换到海棠馆", "换场地"), ("停车场在哪", "常问")],
)
def test_intents_zh(zh: ProjectNlu, text: str, intent: str) -> None:
    assert zh.parse(text)["intent"]["name"] == intent


def test_roles_and_groups(en: ProjectNlu, zh: ProjectNlu) -> None:
    assert brief(en.parse("bring rice to Elmside from Northgate")) == [
        ("goods", "rice", None),
        ("depot", "Elmside", "target"),
        ("depot", "Northgate", "origin"),
    ]
    assert brief(en.parse("a small curry and a large soup")) == [
        ("size", "small", "1"),
        ("dish", "curry", "1"),
        ("size", "large", "2"),
        ("dish", "soup", "2"),
    ]
    assert brief(zh.parse("我要从海棠馆换到白鹭馆")) == [("场馆", "海棠馆", "原"), ("场馆", "白鹭馆", "新")]


def test_offsets_in_mixed_text(zh: ProjectNlu) -> None:
    text = "please book一个青松馆, 6个人"
    found = {entity["entity"]: entity for entity in zh.parse(text)["entities"]}
    assert text[found["场馆"]["start"] : found["场馆"]["end"]] == "青松馆"
    assert text[found["人数"]["start"] : found["人数"]["end"]] == "6"
    assert found["场馆"]["extractor"] == "CRFEntityExtractor"


def test_patterns_and_synonyms(en: ProjectNlu, zh: ProjectNlu) -> None:
    found = [e for e in en.parse("Taters in cr-9999")["entities"] if e["extractor"] == "RegexEntityExtractor"]
    assert [(e["entity"], e["start"], e["end"], e["value"]) for e in found] == [
        ("goods", 0, 6, "potatoes"),
        ("crate", 10, 17, "cr-9999"),
    ]
    assert found[0]["processors"] == ["EntitySynonymMapper"] and "confidence_entity" not in found[0]
    values = [entity["value"] for entity in zh.parse("想打羽球")["entities"]]
    assert values and set(values) == {"羽毛球"}
    assert ("goods", "potatoes", None) in brief(en.parse("send spuds to Northgate"))


def test_options_of_patterns(encoder: Encoder) -> None:
    data = TrainingData(
        (*examples(a=["go"], b=["stay"]), Example("in Rye", "a", None, (Annotation(3, 6, "town", value="Rye"),))),
        lookups=(Lookup("town", ("Rye",)), Lookup("unknown", ("go",))),
        regexes=(Regex("town", ("T[0-9]",)),),
    )

    def found(text: str, **options: object) -> list[str]:
        config = Config(pipeline=(Part("RegexEntityExtractor", options),))
        return [entity["value"] for entity in train(data, config, encoder).parse(text)["entities"]]

    assert found("go rye, Ryebread and t1") == ["rye", "t1"]
    assert found("go rye, Ryebread and t1", use_word_boundaries=False) == ["rye", "Rye", "t1"]
    assert found("go rye, Rye and t1", case_sensitive=True) == ["Rye"]
    assert found("go rye and t1", use_lookup_tables=False) == ["t1"]
    assert found("go rye and t1", use_regexes=False) == ["rye"]


def test_responses(en: ProjectNlu, zh: ProjectNlu) -> None:
    chosen = en.parse("when do you open on Sundays")["response_selector"]
    assert chosen["all_retrieval_intents"] == ["faq"]
    response = chosen["faq"]["response"]
    assert response["intent_response_key"] == "faq/ask_hours" and response["utter_action"] == "utter_faq/ask_hours"
    assert response["responses"] == [{"text": "The pantry opens at nine."}]
    assert chosen["faq"]["ranking"][0] == {
        "confidence": response["confidence"],
        "intent_response_key": "faq/ask_hours",
    }
    assert zh.parse("在哪停车")["response_selector"]["default"]["response"]["intent_response_key"] == "常问/停车"


def test_fallback(en: ProjectNlu, pantry: Project, encoder: Encoder) -> None:
    lost = en.parse("zzz qqq")
    assert lost["intent"] == {"name": "nlu_fallback", "confidence": 0.5} == lost["intent_ranking"][0]
    assert len(lost["intent_ranking"]) > 1 and lost["intent_ranking"][1]["name"] != "nlu_fallback"
    assert en.parse("")["intent"]["name"] == "nlu_fallback"
    parts = tuple(part for part in pantry.config.pipeline if part.name != "FallbackClassifier")
    assert train(pantry.training, replace(pantry.config, pipeline=parts), encoder).parse("zzz qqq")["intent"][
        "name"
    ] in {"greet", "move_goods", "order_meal", "faq", "out_of_scope"}
    torn = replace(pantry.config, pipeline=(*parts, Part("FallbackClassifier", {"ambiguity_threshold": 1.0})))
    assert train(pantry.training, torn, encoder).parse("hello")["intent"]["name"] == "nlu_fallback"


def test_folder_and_determinism(
    en: ProjectNlu, zh: ProjectNlu, pantry: Project, encoder: Encoder, tmp_path: Path
) -> None:
    again = train(pantry.training, pantry.config, encoder)
    for name, nlu, texts in (
        ("en", en, ["hello", "bring rice to Elmside from Northgate", "what is the fee", "zzz", ""]),
        ("zh", zh, ["从青松馆换到海棠馆", "几点开门", "想打羽球"]),
    ):
        save(nlu, tmp_path / name)
        back = load(tmp_path / name, encoder)
        for text in texts:
            assert back.parse(text) == nlu.parse(text)
            assert name == "zh" or again.parse(text) == nlu.parse(text)
    assert not list(tmp_path.rglob("*.joblib")) and not list(tmp_path.rglob("*.pkl"))


def test_unfit_folders(en: ProjectNlu, encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(UnfitModel, match="no readable"):
        load(tmp_path / "missing", encoder)
    save(en, tmp_path / "model")
    with pytest.raises(UnfitModel, match="another encoder"):
        load(tmp_path / "model", load_encoder(STATIC))
    (tmp_path / "model" / "intents.npz").write_bytes(b"broken")
    with pytest.raises(UnfitModel, match="no readable"):
        load(tmp_path / "model", encoder)


def test_too_little(encoder: Encoder) -> None:
    with pytest.raises(UntrainableProject, match="nothing to learn from"):
        train(TrainingData(), LEARNT, encoder)
    alone = train(TrainingData(examples(greet=["hi", "hello"])), LEARNT, encoder)
    assert alone.parse("hi")["intent"] == {"name": None, "confidence": 0.0}
    one = train(TrainingData(examples(greet=["hi", "hello"])), KEYWORDS, encoder)
    assert one.parse("oh hi you")["intent"] == {"name": "greet", "confidence": 1.0}
    assert one.parse("high")["intent"] == {"name": None, "confidence": 0.0}


def test_two_intents_of_three_sentences(encoder: Encoder) -> None:
    data = TrainingData(examples(yes=["yes", "sure", "of course"], no=["no", "never", "not at all"]))
    nlu = train(data, LEARNT, encoder)
    assert nlu.parse("yes please")["intent"]["name"] == "yes" and nlu.parse("no way")["intent"]["name"] == "no"
    assert nlu.parse("sure")["intent"]["confidence"] > 0.9
    assert nlu.parse("yes please")["entities"] == [] and "response_selector" not in nlu.parse("yes")


def test_sentence_of_two_intents(encoder: Encoder) -> None:
    data = TrainingData(examples(a=["ok", "go on"], b=["ok", "stop it"]))
    assert train(data, LEARNT, encoder).parse("ok")["intent"]["confidence"] < 0.9


def test_synonyms_win_as_in_rasa(encoder: Encoder) -> None:
    marked = Example("to BRN", "a", None, (Annotation(3, 6, "city", value="Bern"),))
    data = TrainingData(
        (marked, *examples(b=["stay"])), (Synonym("Berlin", ("brn",)),), lookups=(Lookup("city", ("brn", "bern")),)
    )
    config = Config(pipeline=(Part("RegexEntityExtractor"), Part("EntitySynonymMapper")))
    nlu = train(data, config, encoder)
    assert [entity["value"] for entity in nlu.parse("brn or BERN")["entities"]] == ["Bern", "Bern"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I'd like to go, don't you? $5.00 (now)", ["I", "d", "like", "to", "go", "don", "t", "you", "$5.00", "now"]),
        ("me@x.org now... 10'000 #tag -5 a&b x/y.", ["me@x.org", "now", "10'000", "#tag", "-5", "a&b", "x/y"]),
        ("?!", ["?!"]),
    ],
)
def test_tokens_between_spaces(text: str, tokens: list[str]) -> None:
    found = tokenize(text, "WhitespaceTokenizer")
    assert [token.text for token in found] == tokens
    assert all(text[token.start : token.end] == token.text for token in found)


def test_tokens_of_chinese_and_units() -> None:
    assert "".join(token.text for token in tokenize("明天去北京，ok", JIEBA)) == "明天去北京，ok"
    assert [(part.text, part.place) for part in units("去北京T3")] == [
        ("去", "S"),
        ("北", "B"),
        ("京", "E"),
        ("T", "S"),
        ("3", "S"),
    ]


def test_kept_until_the_project_changes(pantry: Project, encoder: Encoder, tmp_path: Path) -> None:
    first = understanding_of(pantry, tmp_path, encoder)
    parts = sorted((tmp_path / "models").iterdir())
    kept = understanding_of(pantry, tmp_path, encoder)
    text = "bring rice to Elmside from Northgate"
    assert len(parts) == 1 and kept.parse(text) == first.parse(text)
    more = replace(pantry, training=pantry.training.merged(TrainingData(examples(greet=["howdy"]))))
    assert understanding_of(more, tmp_path, encoder).parse("howdy")["intent"]["name"] == "greet"
    assert len(list((tmp_path / "models").iterdir())) == 2
    (parts[0] / "intents.json").write_text("{", encoding="utf-8")
    assert understanding_of(pantry, tmp_path, encoder).parse(text) == first.parse(text)


def test_figures() -> None:
    assert intent_scores(["a", "a", "b"], ["a", "b", "b"]) == (pytest.approx(200 / 3), pytest.approx(200 / 3))
    example = read_slots("明早九点叫我", "明早 [time : 九点] 叫我", "alarm")
    assert (example.text, example.annotations) == ("明早九点叫我", (Annotation(2, 4, "time", value="九点"),))
    assert entity_f1([marks_of(example)], [{("time", 2, 4), ("time", 0, 2)}]) == pytest.approx(200 / 3)
    assert entity_f1([set()], [set()]) is None
    assert label_scores(["x", "a", "x", "a"], ["x", "x", "a", "a"], "x") == (50, 50)
    assert label_scores(["a"], ["x"], "x") is None
    assert NluSet("set", examples(a=["開燈", "off"]), examples(a=["开灯", "Off", "on"])).repeated == (True, True, False)
    few = NluSet("set", examples(a=["1", "2", "3"], b=["4"]), ()).few(2)
    assert sorted(e.intent for e in few.train) == ["a", "a", "b"]


def test_yaml_for_both_engines(pantry: Project, tmp_path: Path) -> None:
    path = tmp_path / "nlu.yml"
    told = (read_slots("wake me at nine", "wake me at [time : nine]", "alarm"), *examples(a=["plain: text"]))
    path.write_text(nlu_yaml(told), encoding="utf-8")
    back = read_training_data(Source(path, Findings())).examples
    assert [(e.text, e.intent, e.annotations) for e in back] == [(e.text, e.intent, e.annotations) for e in told]


@pytest.mark.parametrize("name", ["travel", "hotline", "library", "permits", "signals"])
def test_understood_as_real_rasa_did(name: str, encoder: Encoder) -> None:
    """Where real Rasa was sure, ours says the same, and finds at least the entities that Rasa found."""
    project = read_project(PROJECTS / name)
    nlu = train(project.training, project.config, encoder)
    captured = json.loads((PROJECTS / name / "captured.json").read_text(encoding="utf-8"))
    parsed = [
        turn["parsed"] | {"text": turn["message"]} for held in captured for turn in held["turns"] if turn.get("parsed")
    ]
    asked = [row for row in parsed if not row["text"].startswith("/")]
    assert asked
    for row in asked:
        ours = nlu.parse(row["text"])
        if row["intent"]["confidence"] > 0.5:
            assert ours["intent"]["name"] == row["intent"]["name"], row["text"]
        found = [{key: entity.get(key) for key in TOLD} for entity in ours["entities"]]
        assert all({key: entity.get(key) for key in TOLD} in found for entity in row["entities"]), row["text"]
