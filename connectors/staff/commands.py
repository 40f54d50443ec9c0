"""The commands on staff accounts: `chengda staff`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.build import open_store
from bot.cases.states import Role
from bot.errors import AccountRefused, LoginTaken, StaffError
from bot.settings import Settings
from bot.staff.door import NewAccount, StaffDoor
from bot.staff.passwords import new_password
from bot.staff.sessions import signing_key
from bot.store import Store
from knowledge.city import find_city

commands = typer.Typer(help="Accounts of the staff: add, list, disable, set a password, import.")
console = Console()
WHERE = "console"
COLUMNS = ("login", "name", "role", "unit", "password")
Generate = Annotated[bool, typer.Option("--generate", help="Make a random password and print it once.")]
LoginName = Annotated[str, typer.Argument(help="The login.")]


def _opened() -> tuple[Store, StaffDoor]:
    settings = Settings()
    store = open_store(settings, find_city(settings.city, settings.data_dir))
    return store, StaffDoor(store, signing_key(settings.secret.get_secret_value(), settings.data_dir))


def _password(generate: bool) -> str:
    return new_password() if generate else str(typer.prompt("password", hide_input=True, confirmation_prompt=True))


@commands.command()
def add(
    login: LoginName,
    role: Annotated[Role, typer.Option(help="agent, dispatcher, unit, supervisor, editor or admin.")],
    name: Annotated[str, typer.Option(help="Name as colleagues see it; the login by default.")] = "",
    unit: Annotated[str, typer.Option(help="The handling unit, for role unit.")] = "",
    generate: Generate = False,
) -> None:
    """Make an account; asks for its password."""
    _, door = _opened()
    password = _password(generate)
    made = door.add(None, [NewAccount(login, name or login, role, unit or None, password)], WHERE)[0]
    console.print(f"made {made.login} ({made.role})" + (f", password {password}" if generate else ""), highlight=False)


@commands.command("list")
def list_accounts() -> None:
    """All accounts."""
    store, _ = _opened()
    table = Table("login", "name", "role", "unit", "active", "locked until")
    with store.work() as work:
        for one in work.accounts.all():
            locked = f"{one.locked_until:%Y-%m-%d %H:%M %Z}" if one.locked_until else ""
            table.add_row(one.login, one.name, one.role, one.unit or "", "yes" if one.active else "no", locked)
    console.print(table)


@commands.command()
def disable(login: LoginName) -> None:
    """Close an account and end its sessions."""
    _, door = _opened()
    console.print(f"closed {door.change(None, login, {'active': False}, WHERE).login}", highlight=False)


@commands.command()
def enable(login: LoginName) -> None:
    """Open a closed account again."""
    _, door = _opened()
    console.print(f"opened {door.change(None, login, {'active': True}, WHERE).login}", highlight=False)


@commands.command()
def password(login: LoginName, generate: Generate = False) -> None:
    """Set a password; unlocks the account and ends its sessions."""
    _, door = _opened()
    new = _password(generate)
    door.change(None, login, {"password": new}, WHERE)
    console.print(f"password of {login} set" + (f": {new}" if generate else ""), highlight=False)


@commands.command("import")
def import_accounts(
    file: Annotated[Path, typer.Argument(help="CSV with login, name, role, unit, password.", exists=True)],
) -> None:
    """Make many accounts, all or none; an empty password is made and printed once."""
    people, made_up = read_people(file)
    _, door = _opened()
    door.add(None, people, WHERE)
    for login in made_up:
        console.print(f"{login},{made_up[login]}", highlight=False)
    console.print(f"made {len(people)} accounts", highlight=False)


def read_people(file: Path) -> tuple[list[NewAccount], dict[str, str]]:
    """The accounts of a CSV file and the passwords made up; raises AccountRefused naming the lines at fault."""
    with file.open(encoding="utf-8-sig", newline="") as rows:
        reader = csv.DictReader(rows)
        missing = [name for name in COLUMNS[:3] if name not in (reader.fieldnames or ())]
        if missing:
            raise AccountRefused(f"{file} has no column {', '.join(missing)}")
        told = [(reader.line_num, {name: (row.get(name) or "").strip() for name in COLUMNS}) for row in reader]
    people: list[NewAccount] = []
    made_up: dict[str, str] = {}
    faults: list[str] = []
    for line, row in told:
        login = row["login"].lower()
        try:
            people.append(_person(row, made_up, {one.login for one in people}))
        except StaffError as error:
            faults.append(f"line {line} ({login}): {error}")
    if faults:
        raise AccountRefused("\n".join(faults))
    return people, made_up


def _person(row: dict[str, str], made_up: dict[str, str], before: set[str]) -> NewAccount:
    login = row["login"].lower()
    if row["role"] not in set(Role):
        raise AccountRefused(f"role {row['role']!r} is unknown")
    new = NewAccount(login, row["name"], Role(row["role"]), row["unit"] or None, row["password"] or new_password())
    new.check()
    if login in before:
        raise LoginTaken("login stands twice")
    if not row["password"]:
        made_up[login] = new.password
    return new
