"""One run of the evaluation on disk: its records, and the fingerprints of the model and data it ran on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from bot.errors import ChengdaError
from bot.evaluate import EVAL
from bot.model_folder import ModelFolder
from bot.records import Record
from bot.regression import FLOORS
from knowledge.queries import NLU_DATA

FORMAT = "chengda-evaluation-1"
SERVICES = NLU_DATA.parent / "knowledge" / "services"


@dataclass(frozen=True)
class Run:
    """All records of one run; `fingerprints` tells encoder, model, training data and evaluation data apart."""

    name: str
    made_at: str
    fingerprints: dict[str, str]
    records: tuple[Record, ...]


def fingerprints(encoder: str, data_dir: Path) -> dict[str, str]:
    """Digests of what the figures depend on: the trained files, the texts they learn from, the sets that measure."""
    taught = (path for path in NLU_DATA.rglob("*") if path.is_file() and EVAL not in path.parents)
    trained = (path for part in ModelFolder(data_dir).parts() for path in part.rglob("*") if path.is_file())
    return {
        "encoder": encoder,
        "model": _digest(trained, data_dir),
        "data": _digest((*taught, *SERVICES.glob("*.yml")), NLU_DATA.parent),
        "eval": _digest((path for path in EVAL.glob("*") if path != FLOORS), EVAL),
    }


def _digest(paths: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def new_run(name: str, marks: dict[str, str], records: Sequence[Record], now: datetime) -> Run:
    """A run made now."""
    return Run(name, now.isoformat(timespec="seconds"), marks, tuple(records))


def save_run(run: Run, path: Path) -> None:
    """Write a run as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": FORMAT, **asdict(run)}
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def load_run(path: Path) -> Run:
    """Read a run written by `save_run`; raises ChengdaError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise ChengdaError(f"{path} is not of format {FORMAT}")
        rows = [
            Record(**row | {"expected": tuple(row["expected"]), "found": tuple(row["found"])})
            for row in content.pop("records")
        ]
        return Run(**content, records=tuple(rows))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChengdaError(f"{path} is no saved evaluation: {error}") from error
