"""An environment of its own for Rasa: Python 3.10 found on the machine, Rasa installed at tried releases."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from bot.errors import ChengdaError

ROOT = Path(__file__).resolve().parents[2]
RELEASE = "rasa[jieba]==3.6.21"
CONSTRAINTS = ROOT / "constraints-rasa.txt"
# What must work: the version Rasa 3.6 is made for, and environments with pip.
PROBE = "import sys, venv, ensurepip; raise SystemExit(sys.version_info[:2] != (3, 10))"
PROBE_SECONDS = 60
INSTALLED = ".installed"
NO_PYTHON = (
    "Rasa 3.6 needs Python 3.10, and none was found (looked for python3.10, pyenv's versions and uv's). "
    "Get one with `uv python install 3.10`, `pyenv install 3.10`, or your system's package python3.10-venv. "
    "Rasa 3.6 需要 Python 3.10，本机没有找到；可用上面任一命令安装。"
)


class NoPython(ChengdaError):
    """No Python of the version that Rasa needs is on this machine."""


class RasaFailed(ChengdaError):
    """Rasa could not be installed, trained or started; tells where the log lies and how it ends."""


def find_python() -> Path:
    """A Python 3.10 that can make environments; raises NoPython."""
    for path in _candidates():
        if _works(path):
            return path
    raise NoPython(NO_PYTHON)


def rasa_of(folder: Path) -> Path:
    """The `rasa` program of an environment."""
    return folder / "bin" / "rasa"


def is_made(folder: Path) -> bool:
    """Whether the environment was made with today's constraints; one without our mark is a person's own and kept."""
    mark = folder / INSTALLED
    return rasa_of(folder).exists() and (not mark.exists() or mark.read_text(encoding="utf-8") == _wanted())


def make(folder: Path, log: Path, tell: Callable[[str], None]) -> None:
    """Make the environment unless it is there; raises NoPython or RasaFailed."""
    if is_made(folder):
        return
    python = find_python()
    tell(f"environment of {python}")
    shutil.rmtree(folder, ignore_errors=True)
    run((str(python), "-m", "venv", str(folder)), log, tell)
    pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check")
    run((*pip, "-c", str(CONSTRAINTS), RELEASE), log, tell)
    (folder / INSTALLED).write_text(_wanted(), encoding="utf-8")


def run(
    command: tuple[str, ...], log: Path, tell: Callable[[str], None], environment: dict[str, str] | None = None
) -> None:
    """Run a program to its end, its output in the log and its last line told; raises RasaFailed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a", encoding="utf-8") as kept,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                kept.write(line)
                if line.strip():
                    tell(line.strip())
        except BaseException:
            process.kill()
            raise
    code = process.returncode
    if code:
        raise RasaFailed(f"`{' '.join(command[:4])} …` ended with {code}; see {log}\n{ending_of(log)}")


def ending_of(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def _candidates() -> Iterator[Path]:
    named = shutil.which("python3.10")
    if named:
        yield Path(named)
    for root in (os.environ.get("PYENV_ROOT"), Path.home() / ".pyenv"):
        if root:
            yield from sorted(Path(root).glob("versions/3.10*/bin/python3.10"), reverse=True)
    if uv := shutil.which("uv"):
        found = subprocess.run((uv, "python", "find", "3.10"), capture_output=True, text=True)
        if found.returncode == 0:
            yield Path(found.stdout.strip())


def _works(path: Path) -> bool:
    try:
        return subprocess.run((path, "-c", PROBE), capture_output=True, timeout=PROBE_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _wanted() -> str:
    return hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()
