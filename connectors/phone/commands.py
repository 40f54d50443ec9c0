"""The commands on calls: `chengda calls import`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot.assistant import Assistant
from bot.build import build_assistant, open_store
from bot.errors import BadFrame
from bot.phone.calls import CallRecord, Ending
from bot.phone.help import CallHelp
from bot.phone.segment import Speaker
from bot.settings import Settings
from bot.store import Store
from connectors.assist_api import assistance_of
from connectors.database_commands import told
from connectors.phone.files import CallFile, Sides, read_calls
from knowledge.city import find_city

commands = typer.Typer(help="Take in transcripts of calls.")
console = Console(stderr=True)
OWNER = "file"
# Faults of one file that are told; the others are counted.
MOST_TOLD = 20


@commands.callback()
def calls() -> None:
    """Take in transcripts of calls."""


@commands.command("import")
def import_calls(
    files: Annotated[
        list[Path], typer.Argument(help="WebVTT, SRT, or JSON, whole or by lines, in any schema of a recogniser.")
    ],
    speaker: Annotated[Speaker, typer.Option(help="Who speaks where a file tells nothing.")] = Speaker.CALLER,
    first: Annotated[
        Speaker, typer.Option(help="Who speaks first where a file only numbers the voices, such as SPEAKER_00.")
    ] = Speaker.AGENT,
    agent: Annotated[str, typer.Option(help="The agent who took the calls.")] = "",
    summary: Annotated[
        bool, typer.Option("--summary", help="Also read the calls and keep what they were about.")
    ] = False,
) -> None:
    """Take calls in from files; what is in already changes nothing, a file or line with a fault is left out and told.

    Exit status 1 where anything was left out.
    """
    settings = Settings()
    with told():
        assistant = build_assistant(settings) if summary else None
        store = assistant.store if assistant else open_store(settings, find_city(settings.city, settings.data_dir))
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        new = known = wrong = lines = 0
        with Progress(*columns, console=console) as bar:
            for path in bar.track(files, description="reading 导入"):
                try:
                    found = read_calls(path, Sides(speaker, first))
                except BadFrame as error:
                    wrong += 1
                    bar.console.print(str(error), style="red", highlight=False, markup=False, soft_wrap=True)
                    continue
                for fault in found.faults[:MOST_TOLD]:
                    bar.console.print(fault, style="red", highlight=False, markup=False, soft_wrap=True)
                lines += len(found.faults)
                for one in found.calls:
                    fresh = _kept(store, one, agent, assistant)
                    new, known = new + fresh, known + (not fresh)
    console.print(
        f"{new} calls imported 已导入, {known} there before 已存在, {wrong} files left out 未导入, "
        f"{lines} lines left out 行未导入",
        highlight=False,
        soft_wrap=True,
    )
    if wrong or lines:
        raise typer.Exit(1)


def _kept(store: Store, call: CallFile, agent: str, assistant: Assistant | None) -> bool:
    """Keep a call, all or nothing; False when it is known."""
    about = language = None
    if assistant is not None and call.segments:
        helper = CallHelp(assistance_of(assistant))
        about, language = helper.take(call.segments).summary, helper.language
    now = store.now()
    record = CallRecord(call.name, OWNER, OWNER, now, agent=agent[:100] or None, language=language)
    with store.work() as work:
        if not work.calls.start(record):
            return False
        work.calls.add([replace(one, call=call.name) for one in call.segments])
        work.calls.end(call.name, now, Ending.IMPORTED, about, language)
    return True
