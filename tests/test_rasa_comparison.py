"""The comparison with Rasa without a Rasa: reading outcomes, finding Python, ending what was started."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from bot.domain import read_domain
from bot.settings import Settings
from bot.training import Models
from connectors.rasa import environment
from connectors.rasa.comparison import OurEngine, Stage, Told, held_by, told_in
from connectors.rasa.environment import NoPython, RasaFailed, find_python, is_made, run
from connectors.rasa.processes import free_port, rasa_running
from connectors.rasa.rehearsed import Conversation, Step, read_conversations

STARTS = """#!{python}
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", __file__])
print("started", flush=True)
time.sleep({seconds})
raise SystemExit("it cannot start")
"""


def test_outcomes_are_read_from_our_actions_or_from_the_words_of_rasa() -> None:
    domain = read_domain()
    turn = {"outcome": "case_filed", "case": {"case_id": "SZ1", "query_code": "ABC"}}
    ours = [{"text": "x"}, {"custom": {"turn": turn}}]
    assert told_in(ours, domain) == Told("case_filed", "SZ1", "ABC")
    assert told_in([{"text": domain.text("utter_goodbye", "en")}], domain) == Told("smalltalk")
    assert told_in([{"text": domain.text("utter_tell_more", "zh")}], domain) == Told("clarify")
    assert told_in([], domain) == Told("silent")
    assert told_in([{"text": "never said"}], domain) == Told("unknown")


def test_a_stage_forgets_between_conversations(models: Models, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, sweep_seconds=0, _env_file=None)  # type: ignore[call-arg]
    stage = Stage(models, settings, tmp_path / "stage")
    steps = ("投诉昨晚南山区创业路路灯不亮", "确认", "查工单{number}")
    once = Conversation("file", "name", tuple(Step(text, "citizen", ()) for text in steps))
    filed = ("form_question", "case_filed", "case_status")
    assert [held_by(stage, OurEngine(stage.assistant), once, "one") for _ in range(2)] == [filed, filed]


def test_conversations_carry_what_the_office_does() -> None:
    held = read_conversations(Path(__file__).with_name("conversations"))
    assert len(held) > 200 and any(step.office for one in held for step in one.steps)


def test_without_python_the_message_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(NoPython, match="uv python install"):
        find_python()


def test_a_shim_that_leads_nowhere_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shim, real = tmp_path / "python3.10", tmp_path / "versions" / "3.10.9" / "bin" / "python3.10"
    real.parent.mkdir(parents=True)
    for path, code in ((shim, 127), (real, 0)):
        path.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_python() == real


def test_an_environment_is_made_anew_when_its_constraints_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "rasa").touch()
    assert is_made(tmp_path), "a person's own is kept"
    (tmp_path / environment.INSTALLED).write_text("other", encoding="utf-8")
    assert not is_made(tmp_path)


def test_a_failed_program_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    told: list[str] = []
    with pytest.raises(RasaFailed, match=r"ended with 3.*\n.*no such pipeline"):
        run((sys.executable, "-c", "print('no such pipeline'); raise SystemExit(3)"), tmp_path / "log", told.append)
    assert told == ["no such pipeline"]


def test_a_rasa_that_does_not_start_is_told_and_leaves_nothing_running(tmp_path: Path) -> None:
    program = tmp_path / "rasa"
    program.write_text(STARTS.format(python=sys.executable, seconds=1), encoding="utf-8")
    program.chmod(0o755)
    log = tmp_path / "log"
    with pytest.raises(RasaFailed, match="it cannot start"), rasa_running(program, log, log, log, {}, log):
        raise AssertionError(f"nothing serves on {free_port()}")
    deadline = time.monotonic() + 60
    while any(_of(one, program) for one in psutil.process_iter()):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _of(process: psutil.Process, program: Path) -> bool:
    try:
        return str(program) in process.cmdline()
    except psutil.Error:
        return False
