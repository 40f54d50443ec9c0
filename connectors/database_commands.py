"""The commands on the database: `chengda database version`, `upgrade`, `downgrade`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from bot.database import migrate, open_database, revert, version_of
from bot.errors import ChengdaError
from bot.settings import Settings

commands = typer.Typer(help="Show the version of the tables, bring them to a newer or back to an older one.")
console = Console(stderr=True)


class NoDatabase(ChengdaError):
    """The database does not answer."""


@contextmanager
def told() -> Iterator[None]:
    """A database that does not answer is a NoDatabase, without its address, which may hold a password."""
    try:
        yield
    except OperationalError as error:
        raise NoDatabase(f"the database does not answer 数据库无响应: {error.orig}") from None


@contextmanager
def database() -> Iterator[Engine]:
    """The database of the settings as it stands; raises NoDatabase."""
    engine = open_database(Settings().effective_database_url)
    try:
        with told():
            yield engine
    finally:
        engine.dispose()


@commands.command()
def version() -> None:
    """Print the version of the tables."""
    with database() as engine:
        print(version_of(engine) or "none")


@commands.command()
def upgrade(to: Annotated[str, typer.Argument(help="Version to go to; the newest by default.")] = "head") -> None:
    """Bring the tables to a newer version; a server does so by itself when it starts."""
    with database() as engine:
        migrate(engine, to)
        print(version_of(engine))


@commands.command()
def downgrade(
    to: Annotated[str, typer.Argument(help="Version to go back to, such as 0002.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the tables back to an older version; cases stay, what the older version has no room for is lost."""
    with database() as engine:
        if not yes:
            typer.confirm(
                f"{version_of(engine)} → {to}: newer columns and tables are dropped 新列和新表将删除", abort=True
            )
        revert(engine, to)
        print(version_of(engine) or "none")
