"""The comparison with Rasa: projects, figures, steps kept, the table; our side really run, Rasa's with `-m rasa`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from bot.rasa.training_data import Annotation, Example
from connectors.cli import app
from connectors.program import WHOLE, module_of
from connectors.rasa.bench_pace import Pace, Step, Work
from connectors.rasa.bench_pictures import write_pictures
from connectors.rasa.bench_project import NotWrittenAlike, check_written, plain, write_project
from connectors.rasa.bench_rasa import Bench, Measured, MissingSet
from connectors.rasa.bench_rasa_commands import share_told
from connectors.rasa.bench_readme import NoMarks, marks, write_readme
from connectors.rasa.bench_results import BenchRun, FolderTaken, Learnt, Made, Results, Served, this_machine
from connectors.rasa.bench_sets import DIALOGUE, NAMES, OWN, PLAN, WHOLE_EPOCHS, Case, own_set, planned
from connectors.rasa.bench_table import (
    Row,
    as_markdown,
    rows_of,
    where_rasa_is_better,
)
from connectors.rasa.dialogue_load import Load, conversations_of, turns
from connectors.rasa.environment import ROOT, RasaFailed, rasa_of
from connectors.rasa.nlu_scores import gains, scores
from connectors.rasa.nlu_sets import OUT_OF_SCOPE, SETS, NluSet
from connectors.rasa.our_side import OurSide
from connectors.rasa.parsing import Read, parsed
from connectors.rasa.processes import RasaServer
from connectors.rasa.rasa_side import STRETCH, RasaSide
from connectors.rasa.sides import Engine, Place, Side, Tell
from connectors.rasa.timed import Timed, limited, timed

TINY = (
    Example("wake me at nine", "alarm", None, (Annotation(11, 15, "time"),)),
    Example("wake me at noon", "alarm", None, (Annotation(11, 15, "time"),)),
    Example("an alarm for six", "alarm", None, (Annotation(13, 16, "time"),)),
    Example("play some jazz", "play: music?", None, ()),
    Example("put on a song", "play: music?", None, ()),
    Example("music please", "play: music?", None, ()),
)
HARD = (
    Example("  the [best] \\ song\n.", "a", None, ()),
    Example("\tin [Rye] now", "a", None, (Annotation(5, 8, "town", value="rye"),)),
    Example("- #1: \"yes\" & 'no' | {x}", "b", None, ()),
    Example("明早九点叫我", "b", None, (Annotation(2, 4, "时间"),)),
)
TOOK = Timed(2.0, 3.0, 400.0, 1.0)
LEARNS = """
import sys, time
data = bytearray(80_000_000)
print("loading", flush=True)
time.sleep(0.3)
print("INFO  - Starting to train component 'CountVectorsFeaturizer'.", flush=True)
end = time.process_time() + 0.4
while time.process_time() < end: pass
print("INFO  - Finished training component 'CountVectorsFeaturizer'.\\r", flush=True)
print("INFO  - Finished training component 'DIETClassifier'.", flush=True)
raise SystemExit(int(sys.argv[1]))
"""


def read(*intents: str) -> tuple[Read, ...]:
    return tuple(Read(intent, (), 10.0) for intent in intents)


def examples(*pairs: str) -> tuple[Example, ...]:
    return tuple(Example(text, intent, None, ()) for text, _, intent in (pair.partition("=") for pair in pairs))


MADE = Made(this_machine(2), {"version": "1"}, 100, 7, 20, "digest", "2026-11-27 15:00:00")


def run_of(**versions: str) -> BenchRun:
    told = {engine: {"version": versions.get(engine, "1")} for engine in Engine}
    return BenchRun(this_machine(2), told, 100, 7, most=20)


def test_a_project_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_project((*TINY, *HARD), "zh", tmp_path)
    assert plain(HARD[0]).text == "the  best    song ."
    marked = plain(HARD[1])
    assert marked.text[marked.annotations[0].start : marked.annotations[0].end] == "Rye"
    assert "epochs: 100" in (tmp_path / "config.yml").read_text(encoding="utf-8")
    with pytest.raises(NotWrittenAlike, match="otherwise"):
        check_written(TINY, tmp_path)
    (tmp_path / "data" / "nlu.yml").write_text("nlu: 5", encoding="utf-8")
    with pytest.raises(NotWrittenAlike):
        check_written(TINY, tmp_path)


def test_what_is_asked_of_our_intents_was_not_learnt() -> None:
    own = own_set()
    assert len(own.train) > 4000 and len(own.test) > 1000
    assert {example.intent for example in own.test} <= {example.intent for example in own.train}
    assert not {example.text for example in own.test} & {example.text for example in own.train}


def test_what_is_planned() -> None:
    assert planned() == PLAN and {case.set_name for case in PLAN} == set(NAMES)
    assert planned(["massive-zh"]) == (Case("massive-zh", 10), Case("massive-zh"))
    assert planned([DIALOGUE, "massive-zh"], 3) == (Case(DIALOGUE, 10), Case("massive-zh", 3))
    assert Case(OWN).language == "zh" and Case("clinc").key == "clinc-all"
    assert {Case("clinc", 10).epochs, Case(OWN).epochs} == {100} and Case("clinc").epochs < 100
    assert set(WHOLE_EPOCHS) == set(SETS)


def test_scores_and_what_is_gained() -> None:
    asked = examples("Go there=go", "stay=stay", "sing=out_of_scope", "hum=out_of_scope")
    taken = NluSet("set", examples("go there=go"), asked)
    rows = read("go", "go", OUT_OF_SCOPE, "stay")
    found = scores(taken, rows)
    assert (found.asked, found.repeats, found.accuracy) == (4, 1, 50.0)
    assert found.accuracy_without_repeats == pytest.approx(100 / 3)
    assert (found.oos_recall, found.oos_precision, found.entity_f1) == (50.0, 100.0, None)
    alone = scores(NluSet("set", (), asked[:2]), rows[:2])
    assert alone.oos_recall is None and alone.repeats == 0
    told = gains(taken, read("go", "stay", OUT_OF_SCOPE, "go"), rows)
    assert told.accuracy.value == 25.0 and told.without_repeats.value == pytest.approx(100 / 3)
    assert told.accuracy.low <= 25 <= told.accuracy.high
    marked = scores(NluSet("set", (), TINY[:1]), [Read("alarm", (("time", 11, 15), ("time", 0, 4)), 1.0)])
    assert marked.entity_f1 == pytest.approx(200 / 3)


def test_a_program_is_timed_with_its_peak_and_the_stretch_in_which_it_learns(tmp_path: Path) -> None:
    heard: list[str] = []
    command = (sys.executable, "-c", LEARNS, "0")
    took = timed(command, tmp_path, limited(os.environ, 1), STRETCH, tmp_path / "log", heard.append)
    assert took.fit_s is not None and 0 < took.fit_s < took.wall_s
    assert took.cpu_s >= 0.4 and 80 < took.peak_mb < 400 and heard[0] == "loading"
    with pytest.raises(RasaFailed, match=r"ended with 3(?s:.*)DIETClassifier"):
        timed((*command[:3], "3"), tmp_path, os.environ, STRETCH, tmp_path / "log")


def test_a_program_that_is_cut_leaves_nothing_running(tmp_path: Path) -> None:
    def cut(line: str) -> None:
        raise KeyboardInterrupt

    sleeps = "import time; print('up', flush=True); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt):
        timed((sys.executable, "-c", sleeps, str(tmp_path)), tmp_path, os.environ, STRETCH, tmp_path / "log", cut)
    assert not [one for one in psutil.Process().children() if str(tmp_path) in one.cmdline()]


def test_conversations_say_everything_once() -> None:
    held = conversations_of(["a", "b", "a", "c"], 2)
    assert held == (("a", "b"), ("c",))


class Parrot(BaseHTTPRequestHandler):
    """A server that reads every sentence as its first word, and says a bubble unless it hears `silence`."""

    protocol_version = "HTTP/1.1"
    # An answer leaves in one piece: a second one would wait 40 ms for the first to be acknowledged.
    wbufsize = -1

    def do_POST(self) -> None:
        """Answer."""
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/model/parse":
            body: object = {"intent": {"name": told["text"].split()[0]}, "entities": []}
        else:
            body = [] if told["message"] == "silence" else [{"text": told["message"]}]
        text = json.dumps(body).encode()
        self.send_response(500 if "#500" in str(told) else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def parrot() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Rehearsed:
    """An engine that only notes what is asked of it."""

    engine: Engine
    done: list[str] = field(default_factory=list)
    fails: bool = False

    def trained(self, place: Place, whole: bool, tell: Tell) -> Timed:
        """Learn nothing."""
        self.done.append(f"learn {place.project.parent.name}")
        return TOOK if self.engine is Engine.OURS else replace(TOOK, wall_s=30.0)

    def has_learnt(self, place: Place) -> bool:
        """It never forgets."""
        return True

    @contextmanager
    def running(self, place: Place) -> Iterator[RasaServer]:
        """Serve."""
        self.done.append(f"serve {place.project.parent.name}")
        if self.fails:
            raise RasaFailed("no more memory")
        with parrot() as url:
            yield RasaServer(url, psutil.Process(), 1.5)  # type: ignore[arg-type]

    def versions(self) -> dict[str, str]:
        """None."""
        return {}


class Quiet:
    """Progress that nobody sees."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float, float]] = []

    @contextmanager
    def step(self, title: str, seconds: float, left: float) -> Iterator[Tell]:
        """A step."""
        self.seen.append((title, seconds, left))
        yield lambda text: None


def test_turns_are_counted_and_a_server_that_fails_is_told() -> None:
    with parrot() as url:
        load = turns(url, (("a", "silence"), ("b",), ("c",)), 2)
        assert (load.clients, load.turns, load.answered) == (2, 4, 3)
        assert load.turns_s > 0 and 0 < load.p50_ms <= load.p99_ms
        assert [row.intent for row in parsed(url, ["go there", "stay"])] == ["go", "stay"]
        with pytest.raises(RasaFailed, match="answers 500"):
            turns(url, (("#500",),), 1)


def test_a_run_that_was_cut_goes_on(tmp_path: Path) -> None:
    results, case, show = Results(tmp_path), Case(DIALOGUE, 10), Quiet()
    ours, theirs = Rehearsed(Engine.OURS), Rehearsed(Engine.RASA, fails=True)
    sides: tuple[Side, ...] = (ours, theirs)

    ready = Bench(run_of(), results, tmp_path).prepared(case)

    def go(run: BenchRun) -> Measured:
        bench = Bench(run, results, tmp_path, show)
        for number, side in enumerate(sides):
            bench.measure(ready, side, [(ready, later) for later in sides[number + 1 :]])
        return shown(run)

    def shown(run: BenchRun) -> Measured:
        (found,) = Bench(run, results, tmp_path).measured([ready])
        return found

    with pytest.raises(RasaFailed, match="no more memory"):
        go(run_of())
    part = shown(run_of())
    assert part.learnt.keys() == set(Engine) and part.served.keys() == {Engine.OURS}
    text = as_markdown(run_of(), [part])
    assert "served by rasa." in text and "learnt by rasa" not in text and "/ not measured" in text
    theirs.fails = False
    found = go(run_of())
    assert ours.done == ["learn dialogue-10", "serve dialogue-10", "serve dialogue-10"]
    assert theirs.done == ["learn dialogue-10", *["serve dialogue-10"] * 3], "what was learnt is kept"
    assert [load.clients for load in found.served[Engine.RASA].loads] == [1, 8]
    assert [title.partition(" Chengda")[0] for title, _, _ in show.seen] == [
        "ours learns", "ours serves", "rasa learns", "rasa serves", "rasa serves",
    ]  # fmt: skip
    lefts = [left for _, _, left in show.seen[:4]]
    assert lefts == sorted(lefts, reverse=True) and lefts[-1] == show.seen[3][1], "the last has nothing after it"
    go(run_of(ours="2"))
    assert len(ours.done) == 6 and len(theirs.done) == 4, "another version of ours says nothing of Rasa"
    told = as_markdown(run_of(ours="3"), [shown(run_of(ours="3"))])
    assert "ours: version 2; rasa: version 1;" in told, "the table tells what the steps are of"
    results.forget(case.key, Engine.RASA)
    (tmp_path / f"{case.key}.{Engine.OURS}.learnt.json").write_text("{", encoding="utf-8")
    found = go(run_of(ours="2"))
    assert len(ours.done) == 9 and len(theirs.done) == 7
    assert len(list((tmp_path / "aside").iterdir())) >= 2, "what took hours is not thrown away"
    assert {row.key for row in rows_of([found]) if row.missed} == {"memory_mb", "turns_s"}


def test_a_step_tells_machine_versions_and_moment_and_shows_only_beside_its_like(tmp_path: Path) -> None:
    results, run = Results(tmp_path), run_of(rasa="3.6.21")
    results.keep("x", Engine.RASA, Learnt(run.made(Engine.RASA, "d"), 6, 0.1, TOOK))
    kept = json.loads((tmp_path / "x.rasa.learnt.json").read_text(encoding="utf-8"))["made"]
    assert kept["versions"] == {"version": "3.6.21"} and kept["machine"]["cores"] and kept["at"].startswith("20")
    read = results.learnt("x", Engine.RASA)
    assert read and read.made == replace(run.made(Engine.RASA, "d"), at="another day")
    assert read.made.is_like(run_of(rasa="4").made(Engine.RASA, "d"))
    assert not read.made.is_like(run.made(Engine.RASA, "other data"))
    assert not read.made.is_like(replace(run, epochs=2).made(Engine.RASA, "d"))


KILLED = """
import os, sys
from pathlib import Path
from connectors.rasa.bench_results import Results
from connectors.rasa.rasa_side import STRETCH
from connectors.rasa.timed import timed
sleeps = (sys.executable, "-c", "print('up', flush=True); import time; time.sleep(600)", sys.argv[1])
folder = Path(sys.argv[1])
with Results(folder).taken():
    timed(sleeps, folder, os.environ, STRETCH, folder / "case" / "engine.log", lambda line: print(line, flush=True))
"""


def test_what_a_kill_left_running_is_ended_and_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    command = (sys.executable, "-c", KILLED, str(tmp_path))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as bench:
        assert bench.stdout and bench.stdout.readline() == "up\n"
        with pytest.raises(FolderTaken), Results(tmp_path).taken():
            pass
        (left,) = psutil.Process(bench.pid).children()
        bench.kill()
    assert left.is_running()
    others = (tmp_path / "case" / "postmaster.pid", tmp_path / "case" / "run.pid")
    for other, content in zip(others, (f"{os.getpid()} 1.5", "1234\n/var/lib/postgresql"), strict=True):
        other.write_text(content, encoding="utf-8")
    with Results(tmp_path).taken():
        assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
    assert set(tmp_path.rglob("*.pid")) == set(others), "what others noted stays"


def test_the_pace_is_that_of_the_largest_step_done() -> None:
    small, large = Step(Engine.RASA, Work.LEARN, 600), Step(Engine.RASA, Work.LEARN, 6000)
    assert Pace([(large, 3030.0), (small, 60.0)]).seconds(Step(Engine.RASA, Work.LEARN, 12000)) == 6030.0
    assert 0 < Pace().seconds(Step(Engine.OURS, Work.LEARN, 600)) < Pace().seconds(small)
    assert share_told("Epochs:  37%|███▋      | 37/100 [02:13<03:47]") == 0.37
    assert (share_told("7 of 70"), share_told("Starting to train")) == (0.1, 0.0)


def test_a_missing_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingSet, match="--data names the folder"):
        Bench(run_of(), Results(tmp_path), tmp_path, Quiet()).prepared(Case("clinc"))


def measured(**theirs: Served) -> Measured:
    taken = NluSet("MASSIVE zh-CN", TINY, examples("Go=go", "stay=stay", "sing=out_of_scope"))
    served = {Engine.OURS: Served(MADE, 0.0, 2.0, 300.0, read("go", "go", OUT_OF_SCOPE)), **theirs}
    learnt = {
        engine: Learnt(MADE, 6, 0.0, TOOK if engine is Engine.OURS else Timed(19.0, 30.0, 900.0, None))
        for engine in served
    }
    return Measured(Case("massive-zh"), taken, learnt, served)


def test_the_table_tells_what_is_missed_and_where_rasa_is_better(tmp_path: Path) -> None:
    rasa = Served(MADE, 0.0, 26.0, 1100.0, read("go", "stay", OUT_OF_SCOPE))
    text = as_markdown(run_of(), [measured(rasa=rasa)])
    assert "| MASSIVE zh-CN (6 / 3; DIET 10 epochs) | 66.7 / 100.0 (-33.3: -100.0 … +0.0)" in text
    assert "| 2.0 / 19.0 | 1.0 / – |" in text
    missed = re.search(r"\*\*Promises missed:\*\* (.*)", text)
    assert missed and missed[1].count(";") == 1 and "training s 2.0 / 19.0, promised 10 times better" in missed[1]
    assert "* MASSIVE zh-CN: accuracy % 100.0 against 66.7 (within chance)" in text
    readme = tmp_path / "README.md"
    (begin, end), (first, last) = marks(), marks("whole")
    whole = f"{first}\nkept\n{last}\n"
    readme.write_text(f"a\n{begin}\nold\n{end}\n{whole}b\n", encoding="utf-8")
    write_readme(readme, text)
    write_readme(readme, "new")
    assert readme.read_text(encoding="utf-8") == f"a\n{begin}\nnew\n{end}\n{whole}b\n"
    readme.write_text("a", encoding="utf-8")
    with pytest.raises(NoMarks):
        write_readme(readme, text)
    assert all(mark in (ROOT / "README.md").read_text(encoding="utf-8") for mark in (*marks(), *marks("whole")))


def test_one_engine_alone_is_not_compared() -> None:
    text = as_markdown(run_of(), [measured()])
    assert "nothing is compared" in text and "66.7 / not measured" in text and "Promises" not in text
    assert "**Not measured yet:** MASSIVE zh-CN learnt by rasa; MASSIVE zh-CN served by rasa." in text
    assert "entity F1" not in text, "the set has none"


def test_nothing_better_is_said_plainly() -> None:
    assert where_rasa_is_better([Row("x", "accuracy", 90.04, 90.01)]).endswith("in nothing that was measured here.")
    assert "memory" not in where_rasa_is_better([Row("x", "memory_mb", 300, 1100)])
    assert Row("x", "turns_s", 99.0, 10.0).missed and not Row("x", "turns_s", 100.0, 10.0).missed
    assert Row("x", "memory_mb", 367.0, 1100.0).missed and not Row("x", "memory_mb", 366.0, 1100.0).missed


def test_pictures_are_drawn_of_what_both_have(tmp_path: Path) -> None:
    rasa = Served(MADE, 0.0, 26.0, 1100.0, read("go", "stay", OUT_OF_SCOPE), (Load(1, 9, 40.0, 20.0, 90.0, 9),))
    made = write_pictures(rows_of([measured(rasa=rasa)]), tmp_path)
    assert [path.name for path in made] == ["rasa-accuracy.svg", "rasa-training.svg", "rasa-serving.svg"]
    for path in made:
        text = path.read_text(encoding="utf-8")
        assert ET.fromstring(text).tag.endswith("svg")
        assert "Chengda" in text and "MASSIVE zh-CN" in text and "<script" not in text


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--sets", "nowhere"), "no set nowhere"), (("--environment", "/nowhere"), "no Rasa in /nowhere")],
)
def test_the_command_says_what_is_missing(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = CliRunner().invoke(app, ["bench", "rasa", "--out", str(tmp_path), *words])
    assert done.exit_code != 0 and told in f"{done.output} {done.exception}"


def test_a_project_is_run_without_the_rest_of_the_command_line() -> None:
    program = (
        "import sys; from connectors.program import main\ntry: main()\nexcept SystemExit as end: print(end.code)\n"
    )
    told = f"{program}print('connectors.cli' in sys.modules, 'connectors.app' in sys.modules)"
    project = ROOT / "tests" / "fixtures" / "rasa" / "hotline"
    command = (sys.executable, "-c", told, "rasa", "check", str(project))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "runs 可以运行" in done.stdout and done.stdout.splitlines()[-1] == "False False"
    assert module_of(["rasa", "run", "x"]) != module_of(["rasa", "conversations"]) == module_of(["serve"]) == WHOLE


def test_our_side_learns_and_serves_in_processes_of_its_own(tmp_path: Path) -> None:
    place = Place(tmp_path / "project", tmp_path / "work")
    write_project(TINY, "en", place.project, answers=True)
    place.work.mkdir()
    side = OurSide(1)
    took = side.trained(place, True, lambda line: None)
    assert took.fit_s is not None and 0 < took.fit_s < took.wall_s and took.peak_mb > 50 and side.has_learnt(place)
    with side.running(place) as server:
        (row,) = parsed(server.url, ["wake me at ten"])
        assert row.intent == "alarm" and row.entities == (("time", 11, 14),)
        load = turns(server.url, (("play some jazz", "music"), ("an alarm for six",)), 2)
        assert load.answered == load.turns == 3 and server.megabytes > 50


@pytest.mark.rasa
@pytest.mark.retrains
def test_rasas_side_learns_and_serves_the_same_folder(tmp_path: Path) -> None:
    environment = Path(os.environ.get("CHENGDA_RASA_ENV") or ROOT / ".chengda" / "rasa-env")
    if not rasa_of(environment).exists():
        pytest.skip("no Rasa: `chengda rasa environment` makes it, or CHENGDA_RASA_ENV names one")
    side = RasaSide(environment, 2)
    assert side.versions()["rasa"] == "3.6.21"
    for whole in (True, False):
        place = Place(tmp_path / f"project-{whole}", tmp_path / f"work-{whole}")
        write_project((*TINY, *HARD), "zh", place.project, epochs=2, answers=whole)
        place.work.mkdir()
        took = side.trained(place, whole, lambda line: None)
        assert took.fit_s is not None and took.wall_s > took.fit_s and took.peak_mb > 300
    with side.running(Place(tmp_path / "project-True", tmp_path / "work-True")) as server:
        assert parsed(server.url, ["wake me at ten"])[0].intent in {"alarm", "play: music?", "a", "b"}
        load = turns(server.url, (("play some jazz", "music"), ("an alarm for six",)), 2)
        assert load.turns == 3
