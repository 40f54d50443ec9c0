"""`chengda duty`: check the list of duties of a city, and compare it with an older one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cases.duty import check_duty, difference, duty_of, read_duty
from bot.cases.units import UNITS_FILE, Units, read_units
from bot.settings import Settings
from knowledge.city import City, catalogue_of, find_city

commands = typer.Typer(help="The list of duties: which unit takes the lead for what, where.", no_args_is_help=True)


def _city() -> City:
    settings = Settings()
    return find_city(settings.city, settings.data_dir)


@commands.command()
def check() -> None:
    """Check units and duties; each error names file, line and problem, and makes the exit status 1."""
    city = _city()
    problems = check_duty(city)
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)
    duty = duty_of(city)
    print(f"duties {duty.version}: {len(duty.lines)} lines, {len(duty.units.rows)} units, no errors")


@commands.command()
def diff(old: Annotated[Path, typer.Argument(help="An older duty.csv; a units.csv beside it is read too.")]) -> None:
    """Print what the list says otherwise than an older one: + added, - gone, ~ changed."""
    city = _city()
    new = duty_of(city)
    own = old.with_name(UNITS_FILE)
    rows = read_units(own, new.units.districts) if own.exists() else new.units.rows
    before = read_duty(old, Units(rows, new.units.districts, new.units.streets), catalogue_of(city))
    for changed in difference(before, new):
        print(changed.told())
    print(f"{before.version} -> {new.version}")
