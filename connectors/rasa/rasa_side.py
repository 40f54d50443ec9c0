"""Rasa in a comparison: trained and served by its own command line, from its own environment."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bot.rasa.project import read_project
from connectors.rasa.bench_project import NotWrittenAlike, written
from connectors.rasa.environment import RasaFailed, rasa_of
from connectors.rasa.processes import RasaServer, running
from connectors.rasa.sides import Engine, Place, Tell
from connectors.rasa.timed import Stretch, Timed, limited, timed

MODEL = "model"
STRETCH = Stretch(re.compile(r"Starting to train component '"), re.compile(r"Finished training component '"))
PACKAGES = ("rasa", "tensorflow", "jieba")
ASKED = """
import importlib.metadata as installed, json, platform, sys
told = {name: installed.version(name) for name in sys.argv[1:]}
print(json.dumps({"Python": platform.python_version(), **told}))
"""
# What Rasa itself reads in a folder of training data: text, intent, entities.
READ = """
import json, sys
from rasa.shared.nlu.training_data.loading import load_data
rows = []
for one in load_data(sys.argv[1]).training_examples:
    marks = sorted((mark["entity"], mark["start"], mark["end"]) for mark in one.get("entities") or [])
    rows.append([one.get("text"), one.get("intent_response_key") or one.get("intent"), marks])
print("READ" + json.dumps(rows))
"""


@dataclass(frozen=True)
class RasaSide:
    """Rasa of an environment, with so many threads."""

    environment: Path
    threads: int
    engine: Engine = Engine.RASA

    def trained(self, place: Place, whole: bool, tell: Tell) -> Timed:
        """`rasa train nlu`, or `rasa train` without its check of the data; nothing kept from before is used."""
        self.check_read(place.project)
        shutil.rmtree(place.work / "cache", ignore_errors=True)
        _model(place).unlink(missing_ok=True)
        project = ("--config", "config.yml", "--domain", "domain.yml", "--out", str(place.work))
        named = ("--fixed-model-name", MODEL)
        words = ("train", "--data", "data", "--skip-validation") if whole else ("train", "nlu", "--nlu", "data")
        command = (str(rasa_of(self.environment)), *words, *project, *named)
        took = timed(command, place.project, self._variables(place), STRETCH, place.log, tell)
        if not self.has_learnt(place):
            raise RasaFailed(f"Rasa made no model; see {place.log}")
        return took

    def has_learnt(self, place: Place) -> bool:
        """Whether the model is there."""
        return _model(place).exists()

    def running(self, place: Place) -> AbstractContextManager[RasaServer]:
        """`rasa run` with its HTTP interface."""
        command = (
            str(rasa_of(self.environment)), "run", "--enable-api", "--interface", "127.0.0.1",
            "--model", str(_model(place)), "--credentials", "credentials.yml",
        )  # fmt: skip
        return running(command, place.project, self._variables(place), place.work / "run.log")

    def versions(self) -> dict[str, str]:
        """Of Rasa and what does its work."""
        told: dict[str, str] = json.loads(self._python(ASKED, *PACKAGES))
        return told

    def check_read(self, project: Path) -> None:
        """Let Rasa read the project's sentences and compare with our reading; raises NotWrittenAlike or RasaFailed."""
        told = self._python(READ, str(project / "data" / "nlu.yml")).rpartition("READ")[2]
        read = {(text, intent, tuple(map(tuple, marks))) for text, intent, marks in json.loads(told)}
        # Sets, as Rasa keeps one of sentences that stand twice under an intent.
        if odd := set(map(written, read_project(project).training.examples)) ^ read:
            raise NotWrittenAlike(f"{project}: Rasa reads otherwise than we: {min(odd)}")

    def _python(self, program: str, *words: str) -> str:
        python = (str(self.environment / "bin" / "python"), "-c", program, *words)
        ran = subprocess.run(python, capture_output=True, text=True)
        if ran.returncode:
            raise RasaFailed(f"{self.environment} is no environment with Rasa: {ran.stderr[-500:]}")
        return ran.stdout

    def _variables(self, place: Place) -> dict[str, str]:
        own = {"RASA_TELEMETRY_ENABLED": "false", "RASA_CACHE_DIRECTORY": str(place.work / "cache")}
        # Its programs tell of their steps from this level on.
        return limited({**os.environ, **own, "LOG_LEVEL": "INFO"}, self.threads)


def _model(place: Place) -> Path:
    return place.work / f"{MODEL}.tar.gz"
