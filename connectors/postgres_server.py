"""A PostgreSQL server of one's own, from the installed binaries: for measurements and tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psycopg

from bot.errors import ChengdaError

START_SECONDS = 60
# Debian keeps the server's binaries out of the path.
PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
# PostgreSQL refuses to run as root; these accounts exist where it was installed, or everywhere.
ACCOUNTS = ("postgres", "nobody")
ENDINGS = (signal.SIGTERM, signal.SIGHUP)
# What can be lost in a power cut does not matter in a test.
CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NoPostgres(ChengdaError):
    """The binaries of PostgreSQL are not installed, or do not run."""


def binaries() -> Path | None:
    """The folder with the newest `initdb` and `postgres`."""
    found = [path for place in PLACES for path in Path("/").glob(f"{place[1:]}/initdb")]
    named = shutil.which("initdb")
    found += [Path(named).resolve()] if named else []
    complete = [path.parent for path in found if path.with_name("postgres").exists()]
    return max(complete, key=lambda path: [int(part) for part in path.parts if part.isdigit()], default=None)


@contextmanager
def running(settings: tuple[str, ...] = ()) -> Iterator[PostgresServer]:
    """A server for as long as the block lasts, also when the process is told to end; of the main thread only."""
    server = PostgresServer(settings)

    def end(number: int, frame: FrameType | None) -> None:
        for one in ENDINGS:
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {one: signal.signal(one, end) for one in ENDINGS}
    try:
        server.start()
        yield server
    finally:
        server.stop()
        for one, handler in before.items():
            signal.signal(one, handler)


class PostgresServer:
    """One running server in a temporary folder, reached by a socket there; `stop` ends it and removes all."""

    def __init__(self, settings: tuple[str, ...] = ()) -> None:
        self._settings = settings
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address, as CHENGDA_DATABASE_URL takes it."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://chengda@/{database}?host={self._folder}"

    def start(self) -> None:
        """Make a data folder, start the server and wait until it answers; raises NoPostgres."""
        place = binaries()
        if place is None:
            raise NoPostgres("no initdb and postgres found (Debian: apt-get install postgresql) 未找到 PostgreSQL 程序")
        self._folder = Path(tempfile.mkdtemp(prefix="chengda-pg-"))
        user = self._account()
        data = self._folder / "data"
        self._make_data(place, data, user)
        options = ("listen_addresses=", f"unix_socket_directories={self._folder}", *self._settings)
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [place / "postgres", "-D", data, *(word for option in options for word in ("-c", option))],
                user=user, group=None if user is None else pwd.getpwnam(user).pw_gid, stdout=log, stderr=log,
                cwd=self._folder,
            )  # fmt: skip
        self._wait()

    def _make_data(self, place: Path, data: Path, user: str | None) -> None:
        group = None if user is None else pwd.getpwnam(user).pw_gid
        made = subprocess.Popen(
            [place / "initdb", "-D", data, "-U", "chengda", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            user=user, group=group, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=self._folder, process_group=0,
        )  # fmt: skip
        try:
            told, _ = made.communicate()
        except BaseException:
            # initdb has children of its own, which would go on writing into the folder while it is removed.
            os.killpg(made.pid, signal.SIGKILL)
            made.communicate()
            raise
        if made.returncode:
            raise NoPostgres(f"initdb failed: {told[-500:]}")

    def make(self, database: str) -> str:
        """A new empty database; gives its address."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"'.encode())
        return self.url_of(database)

    def stop(self) -> None:
        """End the server, also while clients are connected, and remove its folder."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(timeout=30)
            self._process = None
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = Path()

    def _account(self) -> str | None:
        """Whom the server runs as: ourselves, or for root an account without rights, who then owns the folder."""
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in ACCOUNTS if name in known), None)
        if user is None:
            raise NoPostgres("PostgreSQL does not run as root, and no other account was found")
        shutil.chown(self._folder, user)
        return user

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.1)
        told = (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")[-500:]
        self.stop()
        raise NoPostgres(f"PostgreSQL did not start: {told}")
