"""The command line: `chengda`."""

from __future__ import annotations

import secrets
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from bot.build import build_assistant, open_store
from bot.cases.deadlines import calendar_end
from bot.content_check import check_content
from bot.domain import read_domain
from bot.errors import ChengdaError
from bot.messages import SenderId, UserMessage
from bot.settings import Settings
from connectors import (
    assist_commands,
    bench_commands,
    cases_commands,
    catalogue_commands,
    database_commands,
    dispatch_commands,
    duty_commands,
    encoder_commands,
    outbox_commands,
    report,
    shadow,
)
from connectors import learn as learning
from connectors.app import create_app
from connectors.case_bench import bench_cases
from connectors.duplicate_bench import bench_duplicates
from connectors.entity_bench import entities
from connectors.evaluation import command as evaluation
from connectors.evaluation import demands as demand_evaluation
from connectors.evaluation.duplicates import duplicates as measured_duplicates
from connectors.heap import settle
from connectors.http_head import BoundedHead
from connectors.learn import Desk
from connectors.learning import duplicates, fusion, subjects
from connectors.live.commands import rehearse
from connectors.mock.commands import commands as mock_commands
from connectors.open311.client import neighbour_of
from connectors.open311.commands import commands as open311_commands
from connectors.phone.bench import calls as bench_calls
from connectors.phone.commands import commands as calls_commands
from connectors.preparation import apart, console, prepared, trained
from connectors.rasa.commands import commands as rasa_commands
from connectors.rasa.trial_commands import run_tests
from connectors.staff.commands import commands as staff_commands
from connectors.sweeper import look_after
from connectors.web.commands import embed
from knowledge.city import CityError, catalogue_of, find_city, shipped_cities
from knowledge.encoder import EncoderError
from knowledge.importers.row import ImportFault
from knowledge.paths import paths_of
from knowledge.yaml_file import ContentError

app = typer.Typer(help="Chengda 城答: city services, demands and cases in conversation.", no_args_is_help=True)
training = typer.Typer(help="Train what is missing or out of date; or one model by name.")
app.add_typer(training, name="train", invoke_without_command=True)
evaluations = typer.Typer(help="Print the figures of search and understanding; or measure one part by name.")
app.add_typer(evaluations, name="evaluate", invoke_without_command=True)
training.command("encoder")(encoder_commands.train)
benches = typer.Typer(help="Print start-up time, turn times and memory; or measure one part by name.")
app.add_typer(shadow.commands, name="shadow")
app.add_typer(cases_commands.commands, name="cases")
app.add_typer(calls_commands, name="calls")
app.add_typer(open311_commands, name="open311")
app.add_typer(database_commands.commands, name="database")
app.add_typer(outbox_commands.commands, name="outbox")
app.add_typer(duty_commands.commands, name="duty")
app.add_typer(staff_commands, name="staff")
app.add_typer(mock_commands, name="mock")
app.add_typer(rasa_commands, name="rasa")
app.add_typer(benches, name="bench", invoke_without_command=True)
catalogue_commands.register(app, benches)
app.command("test")(run_tests)
app.command()(rehearse)
app.command()(embed)
benches.command("encoder")(encoder_commands.bench)
CALENDAR_DAYS = 60
# A proxy in front keeps its connections for a minute: it must not be us who close one while a request is on its way.
IDLE_SECONDS = 75
# What is under way when the server is told to end is cut off after as long; container systems kill after ten seconds.
END_SECONDS = 8
# A worker that loads models on a busy machine is silent for longer than the 5 s after which uvicorn replaces it.
WORKER_SECONDS = 120
# What one frame of a socket may have; the doors set closer bounds and say so.
MOST_SOCKET_BYTES = 1024 * 1024


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8311,
    workers: Annotated[int, typer.Option(help="Server processes.", min=1)] = 1,
) -> None:
    """Serve the HTTP API and the web page."""
    settings = Settings()
    assistant = prepared(settings)
    where = f"http://{host}:{port}"
    console.print(f"\nChengda 城答 is ready 已就绪\n  web page 网页  {where}/\n  API 接口       {where}/docs\n")
    if workers == 1:
        settle()
        uvicorn.run(
            create_app(settings, assistant), host=host, port=port, http=BoundedHead, log_level="warning",
            timeout_keep_alive=IDLE_SECONDS, timeout_graceful_shutdown=END_SECONDS, ws_max_size=MOST_SOCKET_BYTES,
        )  # fmt: skip
        return
    uvicorn.run(
        "connectors.app:create_app", factory=True, host=host, port=port, workers=workers, http=BoundedHead,
        log_level="warning", timeout_keep_alive=IDLE_SECONDS, timeout_worker_healthcheck=WORKER_SECONDS,
        timeout_graceful_shutdown=END_SECONDS, ws_max_size=MOST_SOCKET_BYTES,
    )  # fmt: skip


@app.command()
def chat(sender: Annotated[str, typer.Option(help="Name of the conversation; a new one by default.")] = "") -> None:
    """Talk to the assistant in the terminal; our own engine answers, also where a Rasa answers at the doors."""
    settings = Settings()
    assistant = prepared(settings)
    if settings.engine == "rasa":
        console.print("Our own engine answers here, no Rasa. 此处由自有引擎回答，不经 Rasa。")
    name = SenderId(sender or f"terminal-{secrets.token_hex(4)}")
    console.print("Type a message; Ctrl-D ends. 输入消息，Ctrl-D 结束。")
    for line in iter(lambda: console.input("[bold]> [/bold]") if sys.stdin.isatty() else sys.stdin.readline(), ""):
        answer = assistant.handle(UserMessage(name, line.strip(), channel="terminal"))
        for bubble in answer:
            print(bubble.get("text", ""))
            for number, button in enumerate(bubble.get("buttons", ()), start=1):
                print(f"  [{number}] {button['title']}")
        print()


@app.command()
def sweep() -> None:
    """Ring the alarms that are due and try the hand-overs that wait, once; for cron."""
    settings = Settings()
    assistant = prepared(settings) if settings.auto_dispatch else None
    store = assistant.store if assistant else open_store(settings, find_city(settings.city, settings.data_dir))
    neighbour = neighbour_of(settings, store, read_domain())
    done = look_after(
        store,
        neighbour.delivery if neighbour else None,
        neighbour.follow if neighbour else None,
        assistant.dispatcher if assistant else None,
        domain=read_domain(),
    )
    print(done.told())
    if done.failed:
        raise typer.Exit(1)


@training.callback()
def train(context: typer.Context) -> None:
    """Train what is missing or out of date: index, intents, demands; or one model by name."""
    if context.invoked_subcommand is None:
        prepared(Settings())


@app.command()
def index() -> None:
    """Build the search index when the catalogue or the encoder changed."""
    prepared(Settings())


@app.command()
def learn(
    accept: Annotated[list[str] | None, typer.Option(help="Ids of proposals to accept.")] = None,
    reject: Annotated[list[str] | None, typer.Option(help="Ids of proposals to reject.")] = None,
    decided: Annotated[bool, typer.Option("--decided", help="Carry out the decisions written in the file.")] = False,
    interactive: Annotated[bool, typer.Option("--interactive", "-i", help="Ask about each proposal.")] = False,
    author: Annotated[str, typer.Option(help="Who decides; stands beside every line taught.")] = "",
    least: Annotated[int, typer.Option(help="Turns that make a need a missing service.", min=2)] = 5,
    into_repository: Annotated[bool, typer.Option("--into-repository", help="Teach nlu_data/learned.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Train; running servers take it up by themselves.")] = False,
) -> None:
    """Propose what could be taught from turns that went wrong, or carry out decisions on proposals."""
    settings = Settings()
    if accept or reject or decided or interactive or not apply:
        desk = Desk(settings, Console(), into_repository)
        learning.learn(desk, lambda: trained(settings), accept or [], reject or [], decided, interactive, author, least)
    if apply:
        trained(settings)
        console.print(f"trained; a running server takes it up within {settings.reload_seconds:g} s")


@app.command()
def check() -> None:
    """Check every content file; each error names file, line and problem, and makes the exit status 1."""
    problems = check_content()
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} errors")
        raise typer.Exit(1)
    if (left := (calendar_end() - date.today()).days) < CALENDAR_DAYS:
        print(f"note: the calendar of working days ends on {calendar_end()} ({left} days); add the next year's list")
    items = ", ".join(f"{city} {len(catalogue_of(find_city(city)))}" for city in shipped_cities())
    print(f"items: {items}; guided paths: {len(paths_of(find_city()))}; catalogue and language data: no errors")


@evaluations.callback()
def evaluate(
    context: typer.Context,
    wrong: evaluation.Wrong = False,
    pairs: evaluation.Pairs = False,
    page: evaluation.Page = None,
    save: evaluation.Save = None,
    old: evaluation.Old = None,
    fail: evaluation.Fail = False,
    set_floors: evaluation.SetFloors = False,
    name: evaluation.Name = "",
) -> None:
    """Print the figures of search and understanding on the evaluation sets; or measure one part by name."""
    if context.invoked_subcommand is not None:
        return
    wanted = evaluation.Wanted(wrong, pairs, page, save, old, fail, set_floors, name)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{Path(folder) / 'evaluate.sqlite3'}")
        evaluation.evaluate(prepared(settings), settings, wanted, Console())


evaluations.command()(measured_duplicates)


@evaluations.command()
def demands(wrong: demand_evaluation.Wrong = False, fail: demand_evaluation.Fail = False) -> None:
    """How well demands are split and read: accuracy and coverage of every field, by language."""
    demand_evaluation.demands(prepared(apart(Settings())).analyst, wrong, fail, Console())


@evaluations.command("dispatch")
def evaluate_dispatch() -> None:
    """How often the right unit is suggested, how well its probability is told, and accuracy over coverage."""
    dispatch_commands.evaluate(prepared(apart(Settings())).dispatcher.plain, Console())


training.command("dispatch")(dispatch_commands.train)
benches.command("dispatch")(dispatch_commands.bench)
training.command()(fusion)
training.command()(subjects)
training.command()(duplicates)


@benches.callback()
def bench(context: typer.Context) -> None:
    """Print start-up time, turn times and memory; or measure one part by name."""
    if context.invoked_subcommand is not None:
        return
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        settings = Settings(database_url=database)
        prepared(settings)
        report.bench(lambda: build_assistant(settings), Console())


bench_commands.register(benches)
benches.command("cases")(bench_cases)
benches.command("calls")(bench_calls)
benches.command("duplicates")(bench_duplicates)
benches.command()(entities)
assist_commands.register(evaluations, benches)


def main() -> None:
    """Run the command line; known errors are told without a trace."""
    try:
        app()
    except (ChengdaError, ContentError, CityError, EncoderError, ImportFault) as error:
        console.print(f"[red]error[/red] {error}", highlight=False)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
