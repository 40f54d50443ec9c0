"""Outside clients from npm: installed once under the data folder, run by node, skipped where there is no npm."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

FOLDER = Path(__file__).resolve().parents[1] / ".chengda" / "npm"
INSTALL_SECONDS = 300


def installed(*packages: str) -> Path:
    """A folder with these packages (`name@version`); skips the test where they cannot be had."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no node and npm on this machine")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(FOLDER / "install.lock"):
        _install(packages)
    return FOLDER


def _install(packages: tuple[str, ...]) -> None:
    missing = [one for one in packages if not (FOLDER / "node_modules" / one.rsplit("@", 1)[0]).exists()]
    if missing:
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(FOLDER), *missing]
        done = subprocess.run(install, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        if done.returncode:
            pytest.skip(f"npm cannot install {', '.join(missing)}: {done.stderr[-200:]}")


def run(folder: Path, script: str, argument: object) -> Any:
    """What a script prints as JSON; `input` is what it is given."""
    lines = f"const input = JSON.parse(process.argv[1]);\n{script}"
    done = subprocess.run(
        ["node", "-e", lines, json.dumps(argument)], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
