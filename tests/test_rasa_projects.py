"""Rasa projects on our engine: the same actions, events, words and calls as real Rasa 3.6.21 on the same messages.

`make test` compares with what Rasa did once (tests/fixtures/rasa/*/captured.json); `-m rasa` lets it do it anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import yaml

from bot.rasa.assembly import check
from bot.rasa.project import read_project
from connectors.rasa.action_client import HttpActionServer
from connectors.rasa.endpoint import Endpoint
from tests.ports import free_port
from tests.rasa_replay import FOLDER, PROJECTS, Turn, replay

CAPTURE = Path(__file__).with_name("rasa_capture.py")
STARTER = "lib/python3.10/site-packages/rasa/cli/initial_project"
# Of the starter's turns only those that its stories and rules tell are the same: TEDPolicy is not imitated.
STARTER_TURNS = [
    {"name": "glad", "turns": ["/greet", "/mood_great"]},
    {"name": "sad, helped", "turns": ["/greet", "/mood_unhappy", "/affirm"]},
    {"name": "sad, not helped", "turns": ["/greet", "/mood_unhappy", "/deny"]},
    {"name": "goodbye", "turns": ["/goodbye"]},
    {"name": "a bot", "turns": ["/bot_challenge", "/goodbye"]},
]


def different(turns: list[Turn]) -> list[Turn]:
    """The turns that are not the same, for the report of a failure."""
    return [turn for turn in turns if not turn.same]


@pytest.mark.parametrize("name", PROJECTS)
def test_as_rasa_did(name: str) -> None:
    turns = replay(FOLDER / name, FOLDER / name / "captured.json")
    assert len(turns) >= 15
    assert not different(turns)


@pytest.mark.parametrize("name", PROJECTS)
def test_nothing_of_these_is_refused(name: str) -> None:
    project = read_project(FOLDER / name)
    assert check(project) is not None
    assert not project.findings.refused


def rasa_environment() -> Path:
    """Where a real Rasa lives; skips where there is none."""
    found = Path(os.environ.get("CHENGDA_RASA_ENV") or ".chengda/rasa-env")
    if not (found / "bin" / "python").exists():
        pytest.skip("no Rasa environment (make rasa, or CHENGDA_RASA_ENV)")
    return found.absolute()


def captured_anew(project: Path, output: Path, conversations: Path) -> None:
    """Let a real Rasa train the project and play the conversations."""
    python = rasa_environment() / "bin" / "python"
    done = subprocess.run(
        [str(python), str(CAPTURE), str(project), str(output), str(conversations)],
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert output.exists(), done.stderr[-2000:]


@pytest.mark.rasa
@pytest.mark.retrains
@pytest.mark.parametrize("name", PROJECTS)
def test_as_rasa_does(name: str, tmp_path: Path) -> None:
    project = tmp_path / name
    shutil.copytree(FOLDER / name, project)
    captured_anew(project, tmp_path / "captured.json", project / "conversations.yml")
    assert not different(replay(project, tmp_path / "captured.json"))


@pytest.mark.rasa
def test_the_starter_project_as_rasa_does(tmp_path: Path) -> None:
    """What `rasa init` writes runs without a change."""
    starter = tmp_path / "starter"
    shutil.copytree(rasa_environment() / STARTER, starter)
    told = tmp_path / "conversations.yml"
    told.write_text(yaml.safe_dump(STARTER_TURNS), encoding="utf-8")
    # Rasa fills in what config.yml lacks and trains it; the reading is of the file as it was before.
    captured_anew(shutil.copytree(starter, tmp_path / "theirs"), tmp_path / "captured.json", told)
    turns = replay(starter, tmp_path / "captured.json")
    assert not different(turns)


@pytest.mark.rasa
def test_custom_actions_of_a_real_sdk(tmp_path: Path) -> None:
    """Our engine calls a rasa-sdk server over HTTP; what comes of it is what Rasa made of the same actions."""
    python, port = rasa_environment() / "bin" / "python", free_port()
    command = [str(python), "-m", "rasa_sdk", "--actions", "actions", "--port", str(port)]
    served = subprocess.Popen(command, cwd=FOLDER / "permits", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_answers(f"http://127.0.0.1:{port}/health")
        with closing(HttpActionServer(Endpoint(f"http://127.0.0.1:{port}/webhook"))) as server:
            assert not different(replay(FOLDER / "permits", FOLDER / "permits" / "captured.json", server))
    finally:
        served.terminate()
        served.wait()


def until_answers(url: str) -> None:
    """Wait up to a minute for a server."""
    for _ in range(240):
        try:
            httpx.get(url, timeout=5)
            return
        except httpx.HTTPError:
            time.sleep(0.25)
    raise AssertionError(f"nothing answers at {url}")
