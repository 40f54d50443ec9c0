"""A program run to its end and what it took: clock, processors, memory, and the stretch in which it learnt."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from connectors.rasa.environment import RasaFailed, ending_of
from connectors.rasa.processes import MEGABYTE, end_all, noted

SAMPLE_SECONDS = 0.1
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.M)
LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_INTRA_OP_PARALLELISM_THREADS",
    "TF_INTER_OP_PARALLELISM_THREADS",
)


@dataclass(frozen=True)
class Timed:
    """Seconds on the clock and of processors, peak of memory in MB; `fit_s` is the learning without what loads it."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    fit_s: float | None


@dataclass(frozen=True)
class Stretch:
    """How a program tells that its learning begins and that a part of it is done; the last such line ends it."""

    begins: re.Pattern[str]
    ends: re.Pattern[str]


@dataclass
class _Watch:
    """The moments at which the lines of a stretch came."""

    stretch: Stretch
    began: float | None = None
    ended: float | None = None

    def hear(self, line: str) -> None:
        """Take in a line."""
        now = time.monotonic()
        if self.began is None and self.stretch.begins.search(line):
            self.began = now
        if self.stretch.ends.search(line):
            self.ended = now

    @property
    def seconds(self) -> float | None:
        """The length of the stretch; None where it was not told."""
        return None if self.began is None or self.ended is None else self.ended - self.began


@dataclass
class _Peak:
    """The largest resident memory of a process and its children together, looked at again and again, in bytes."""

    process: psutil.Process
    most: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Look until it is over."""
        while not self.over.wait(SAMPLE_SECONDS):
            with suppress(psutil.Error):
                family = (self.process, *self.process.children(recursive=True))
                self.most = max(self.most, sum(one.memory_info().rss for one in family), _own_peak(self.process.pid))


def _own_peak(number: int) -> int:
    """What Linux noted as a process's own peak, in bytes; 0 elsewhere.

    `ru_maxrss` will not do: it begins with the memory of the process that started it.
    """
    try:
        found = _PEAK.search(Path(f"/proc/{number}/status").read_text(encoding="utf-8"))
    except OSError:
        return 0
    return 1024 * int(found[1]) if found else 0


def limited(environment: Mapping[str, str], threads: int) -> dict[str, str]:
    """The variables by which numerical libraries use so many threads, output told at once."""
    return {**environment, **dict.fromkeys(LIMITS, str(threads)), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def timed(
    command: tuple[str, ...],
    folder: Path,
    environment: Mapping[str, str],
    stretch: Stretch,
    log: Path,
    tell: Callable[[str], None] = lambda line: None,
) -> Timed:
    """Run a program in a folder, its output in the log and told line by line; raises RasaFailed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    watch, began = _Watch(stretch), time.monotonic()
    with log.open("w", encoding="utf-8") as kept:
        process = subprocess.Popen(
            command, cwd=folder, env={**environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace", start_new_session=True,
        )  # fmt: skip
        peak = _Peak(psutil.Process(process.pid))
        note = noted(peak.process, log)
        looking = threading.Thread(target=peak.watch, daemon=True)
        looking.start()
        try:
            assert process.stdout is not None
            with process.stdout:
                for line in process.stdout:
                    watch.hear(line)
                    kept.write(line)
                    if line.strip():
                        tell(line.strip())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            end_all(process)
            raise
        finally:
            peak.over.set()
            looking.join()
            note.unlink(missing_ok=True)
    took = time.monotonic() - began
    if process.returncode:
        raise RasaFailed(f"`{' '.join(command[:4])} …` ended with {process.returncode}; see {log}\n{ending_of(log)}")
    return Timed(took, usage.ru_utime + usage.ru_stime, peak.most / MEGABYTE, watch.seconds)
