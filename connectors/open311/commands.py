"""`chengda open311`: keys of programs that file cases over Open311."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.build import open_store
from bot.settings import Settings
from bot.store import Store
from knowledge.city import find_city

commands = typer.Typer(help="Open311: make, list and revoke the keys of programs that file cases.")
Owner = Annotated[str, typer.Argument(help="Who holds the key: letters, digits, dots and dashes.")]


@commands.command()
def key(owner: Owner) -> None:
    """Make a key for an owner and print it; it is shown this once and kept as a digest only."""
    with _store() as store, store.work() as work:
        made = work.keys.make(owner, store.now())
    print(made)


@commands.command()
def keys() -> None:
    """List who holds keys."""
    table = Table("owner", "digest", "made", "state")
    with _store() as store, store.work() as work:
        for one in work.keys.holders():
            made = f"{one.created_at:%Y-%m-%d}"
            table.add_row(one.owner, f"{one.mark}…", made, "active" if one.active else "revoked")
    Console().print(table)


@commands.command()
def revoke(owner: Owner) -> None:
    """End all keys of an owner."""
    with _store() as store, store.work() as work:
        ended = work.keys.revoke(owner)
    print(f"{ended} keys revoked")


@contextmanager
def _store() -> Iterator[Store]:
    settings = Settings()
    store = open_store(settings, find_city(settings.city, settings.data_dir))
    try:
        yield store
    finally:
        store.engine.dispose()
