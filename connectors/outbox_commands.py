"""The commands on messages to citizens: `chengda outbox list`, `retry`, `drop`; they show no personal data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.channels.outbox_office import Tally, retry_all, settle_all, tallies
from bot.channels.parcel import State
from connectors.database_commands import database

commands = typer.Typer(help="Messages to citizens that wait, are held or failed.", no_args_is_help=True)
Channel = Annotated[str | None, typer.Option(help="Only those of one channel.")]
Number = Annotated[str | None, typer.Option(help="Only those of one case, by its number.")]
GIVEN_UP = (State.FAILED, State.REFUSED)
UNSENT = (State.WAITING, State.HELD, State.FAILED, State.REFUSED, State.UNKNOWN)


@commands.command("list")
def list_messages(channel: Channel = None) -> None:
    """Print counts by channel, kind, state and error, with the oldest of each."""
    with database() as engine, engine.begin() as connection:
        found = tallies(connection, channel)
    print("channel\tkind\tstate\tcount\toldest\terror")
    for one in found:
        print(_line(one))


@commands.command()
def retry(
    channel: Channel = None,
    number: Number = None,
    unknown: Annotated[bool, typer.Option("--unknown", help="Also what may have arrived.")] = False,
) -> None:
    """Send once more what failed or was refused; prints how much."""
    states = (*GIVEN_UP, State.UNKNOWN) if unknown else GIVEN_UP
    with database() as engine, engine.begin() as connection:
        print(retry_all(connection, states, datetime.now(UTC), channel, number))


@commands.command()
def drop(
    channel: Channel = None,
    number: Number = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Send no more of what waits, is held or failed; prints how much."""
    if not yes:
        typer.confirm("Unsent messages are dropped 未发出的消息将丢弃", abort=True)
    with database() as engine, engine.begin() as connection:
        print(settle_all(connection, UNSENT, State.DROPPED, datetime.now(UTC), channel, number))


def _line(one: Tally) -> str:
    return f"{one.channel}\t{one.kind}\t{one.state}\t{one.count}\t{one.oldest:%Y-%m-%d %H:%M}\t{one.error or ''}"
