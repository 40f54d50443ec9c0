"""Our project on a real Rasa 3.6.21: it validates, trains with both pipelines, understands, and converses as we do."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.domain import read_domain
from bot.messages import SenderId, behind
from bot.settings import Settings
from bot.staff.sessions import signing_key
from bot.training import Models
from connectors.app import create_app
from connectors.rasa.comparison import RasaEngine, Stage, compare
from connectors.rasa.engine import WAITING
from connectors.rasa.engine import RasaEngine as BehindOurDoors
from connectors.rasa.environment import ROOT, rasa_of
from connectors.rasa.processes import RasaServer, free_port, rasa_running, serving
from connectors.rasa.rehearsed import read_conversations
from connectors.rasa.rest_client import RestClient
from connectors.rasa.seal import Seal

pytestmark = pytest.mark.rasa
SECONDS = 900
HELD = ("languages", "status", "safety")
LEAST_ALIKE = 0.95
# What Rasa warns of although it is meant so: our engine says most responses, our component finds the entities.
MEANT = re.compile(r"The utterance '\w+' is not used in any story or rule|does not include an entity extractor trained")
PARSES = """
import json, sys
from bot.rasa_components import ChengdaUnderstanding, LanguageIdentifier
from rasa.shared.nlu.training_data.message import Message
language = LanguageIdentifier.create({}, None, None, None)
options = {**ChengdaUnderstanding.get_default_config(), "timeout": 30}
understanding = ChengdaUnderstanding.create(options, None, None, None)
messages = [Message.build(text) for text in json.loads(sys.argv[1])]
found = understanding.process(language.process(messages))
entities = [{one["entity"]: one["value"] for one in message.get("entities")} for message in found]
print(json.dumps([[message.get("intent")["name"], told] for message, told in zip(found, entities)]))
"""


@dataclass
class Home:
    """Our server and a Rasa that runs our project."""

    stage: Stage
    rasa: RasaServer
    url: str
    ours: ExitStack
    folder: Path

    def say(self, text: str, sender: str) -> list[str]:
        """What Rasa says."""
        body = {"sender": sender, "message": text}
        answer = httpx.post(f"{self.rasa.url}/webhooks/rest/webhook", json=body, timeout=60).json()
        return [one["text"] for one in answer if "text" in one]


@pytest.fixture(scope="module")
def environment() -> Path:
    """The environment with Rasa."""
    folder = Path(os.environ.get("CHENGDA_RASA_ENV") or ROOT / ".chengda" / "rasa-env")
    if not rasa_of(folder).exists():
        pytest.skip("no Rasa: `chengda rasa environment` makes it, or CHENGDA_RASA_ENV names one")
    return folder


def rasa(environment: Path, folder: Path, *words: str) -> str:
    """What a command of Rasa prints, run in the repository."""
    variables = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "RASA_CACHE_DIRECTORY": str(folder / "cache")}
    command = (str(rasa_of(environment)), *words)
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout + done.stderr


def trained(environment: Path, folder: Path, config: Path) -> Path:
    """The project trained with a pipeline."""
    words = ("train", "-d", "bot/domain.yml", "-c", str(config), "--data", "nlu_data", "--out", str(folder))
    rasa(environment, folder, *words, "--fixed-model-name", "chengda")
    return folder / "chengda.tar.gz"


@pytest.fixture(scope="module")
def home(environment: Path, models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The trained project, running."""
    folder = tmp_path_factory.mktemp("rasa")
    model = trained(environment, folder, ROOT / "bot" / "config.yml")
    settings = Settings(data_dir=folder, sweep_seconds=0, rate_limit=0, reload_seconds=0, _env_file=None)  # type: ignore[call-arg]
    stage = Stage(models, settings, folder / "ours")
    stage.clear()
    with ExitStack() as ours, ExitStack() as theirs:
        url = ours.enter_context(serving(create_app(settings, stage.assistant), free_port()))
        endpoints = folder / "endpoints.yml"
        text = (ROOT / "bot" / "endpoints.yml").read_text(encoding="utf-8")
        endpoints.write_text(text.replace("http://127.0.0.1:8311", url), encoding="utf-8")
        variables = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "CHENGDA_URL": url}
        credentials = ROOT / "bot" / "credentials.yml"
        running = rasa_running(rasa_of(environment), model, endpoints, credentials, variables, folder / "run.log")
        yield Home(stage, theirs.enter_context(running), url, ours, folder)


def test_validation_warns_of_nothing_that_is_not_meant(environment: Path, tmp_path: Path) -> None:
    words = ("data", "validate", "-d", "bot/domain.yml", "-c", "bot/config.yml", "--data", "nlu_data")
    told = rasa(environment, tmp_path, *words)
    warnings = [line for line in told.splitlines() if " UserWarning: " in line]
    assert warnings and not [line for line in warnings if not MEANT.search(line)]
    assert "No story structure conflicts found" in told


@pytest.mark.retrains
def test_trains_with_rasas_own_pipeline(environment: Path, tmp_path: Path) -> None:
    text = (ROOT / "bot" / "config.diet.yml").read_text(encoding="utf-8")
    assert "epochs: 100" in text
    config = tmp_path / "config.yml"
    config.write_text(text.replace("epochs: 100", "epochs: 1"), encoding="utf-8")
    assert trained(environment, tmp_path, config).stat().st_size > 0


@pytest.mark.parametrize("reached", [True, False])
def test_components_parse_both_languages(environment: Path, home: Home, reached: bool) -> None:
    url = home.url if reached else f"http://127.0.0.1:{free_port()}"
    texts = ["你好", "where do I renew my passport", "12345"]
    done = subprocess.run(
        (str(environment / "bin" / "python"), "-c", PARSES, json.dumps(texts)),
        cwd=ROOT, env={**os.environ, "CHENGDA_URL": url}, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    (zh, entities), (en, english), (_, none) = json.loads(done.stdout.splitlines()[-1])
    assert (zh, en) == (("greet", "ask_service") if reached else ("nlu_fallback", "nlu_fallback"))
    assert entities["language"] == "zh" and english["language"] == "en" and "language" not in none
    assert ("no parse" in done.stderr) is not reached and "passport" not in done.stderr


def test_responses_of_rasa_come_in_the_language_of_the_message(home: Home) -> None:
    domain = read_domain()
    for text, language in (("再见", "zh"), ("goodbye", "en")):
        assert home.say(text, f"leaves-{language}") == [domain.text("utter_goodbye", language)]


@pytest.mark.retrains
def test_conversations_end_alike_on_both_engines(home: Home, models: Models, tmp_path: Path) -> None:
    """Some of them; `make rasa` holds them all."""
    settings = Settings(data_dir=tmp_path, sweep_seconds=0, _env_file=None)  # type: ignore[call-arg]
    ours = Stage(models, settings, tmp_path / "ours")
    wanted = [one for one in read_conversations(ROOT / "tests" / "conversations") if one.file in HELD]
    with RasaEngine(home.rasa.url, read_domain()) as engine:
        held = compare(wanted, ours, home.stage, engine)
    assert len(held) > 30
    assert sum(one.same for one in held) >= LEAST_ALIKE * len(held), [one for one in held if not one.same]


def test_this_rasa_behind_our_doors_answers_as_we_do(home: Home) -> None:
    """Citizen, our server, Rasa, our actions: the case is the citizen's own, and a retry does nothing twice."""
    engine = BehindOurDoors(RestClient(home.rasa.url, "", 60, WAITING), Seal(signing_key("", home.folder)))
    assistant = home.stage.assistant
    assistant.stand_in = engine.handle

    def turn(text: str, message_id: str) -> dict[str, Any]:
        body = {"sender": "citizen", "message": text, "metadata": {"message_id": message_id}}
        answer = httpx.post(f"{home.url}/webhooks/rest/webhook", json=body, timeout=120).json()
        told: dict[str, Any] = answer[-1]["custom"]["turn"]
        return told

    try:
        assert turn("驾照快到期了怎么办", "b-1")["services"][0]["code"] == "C01"
        assert turn("民治大道的路灯坏了三天了，没人修", "b-2")["requested_slot"] == "confirm"
        filed = turn("确认", "b-3")
        assert filed["outcome"] == "case_filed" and turn("确认", "b-3") == filed
        with assistant.store.work() as work:
            own = [str(case.number) for case in work.cases.of_sender(SenderId("citizen"))]
            acted = work.transcript.after(behind(SenderId("citizen")))[-1].answer
        assert own == [filed["case"]["case_id"]] and acted[-1]["custom"]["turn"] == filed
        assert turn("转人工", "b-4")["outcome"] == "handoff"
    finally:
        assistant.stand_in = None
        engine.close()


def test_a_server_of_ours_that_is_down_is_told_plainly(home: Home) -> None:
    """The last of this file: our server does not come back."""
    domain = read_domain()
    home.ours.close()
    for text, language in (("我要投诉噪音", "zh"), ("where do I renew my passport", "en")):
        assert home.say(text, f"alone-{language}") == [domain.text("utter_not_reached", language)]
