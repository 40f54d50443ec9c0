"""Our engine in a comparison: `chengda rasa train` and `chengda rasa run` in processes of their own."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import metadata

from connectors.rasa.environment import ROOT
from connectors.rasa.processes import RasaServer, running
from connectors.rasa.project_commands import LEARNING, LEARNT
from connectors.rasa.sides import Engine, Place, Tell
from connectors.rasa.timed import Stretch, Timed, limited, timed

STRETCH = Stretch(re.compile(re.escape(LEARNING)), re.compile(re.escape(LEARNT)))
CHENGDA = (sys.executable, "-m", "connectors.program", "rasa")


@dataclass(frozen=True)
class OurSide:
    """Our engine, with so many threads."""

    threads: int
    engine: Engine = Engine.OURS

    def trained(self, place: Place, whole: bool, tell: Tell) -> Timed:
        """`chengda rasa train` in a new data folder; it always learns the whole project."""
        shutil.rmtree(place.work / "data", ignore_errors=True)
        command = (*CHENGDA, "train", str(place.project))
        return timed(command, ROOT, self._variables(place), STRETCH, place.log, tell)

    def has_learnt(self, place: Place) -> bool:
        """Whether its data folder is there."""
        return (place.work / "data").is_dir()

    def running(self, place: Place) -> AbstractContextManager[RasaServer]:
        """`chengda rasa run`, from the data folder it was trained in."""
        command = (*CHENGDA, "run", str(place.project), "--enable-api", "--host", "127.0.0.1")
        return running(command, ROOT, self._variables(place), place.work / "run.log")

    def versions(self) -> dict[str, str]:
        """Ours and the commit it stands at, where it is a checkout."""
        asked = subprocess.run(("git", "describe", "--always", "--dirty"), cwd=ROOT, capture_output=True, text=True)
        commit = {"commit": asked.stdout.strip()} if asked.returncode == 0 else {}
        return {"Python": platform.python_version(), "chengda": metadata.version("chengda"), **commit}

    def _variables(self, place: Place) -> dict[str, str]:
        return limited({**os.environ, "CHENGDA_DATA_DIR": str(place.work / "data")}, self.threads)
