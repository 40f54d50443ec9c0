"""Files of a case, photos and papers: checked by their content, kept in the database."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import filetype
from sqlalchemy import Connection, Row, func, insert, select, update

from bot.cases.number import CaseNumber
from bot.cases.pictures import without_traces
from bot.cases.states import Role
from bot.cases.tables import evidence
from bot.errors import EvidenceKind, EvidenceMissing, EvidenceTooLarge, EvidenceTooMany, UnknownEvidence
from bot.moments import in_utc
from knowledge.catalogue import CATALOGUE
from knowledge.yaml_file import read_yaml

MAX_NAME = 200
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class FileType:
    """One allowed type: the endings of its names and the most bytes."""

    endings: tuple[str, ...]
    most: int


@dataclass(frozen=True)
class Rules:
    """What files a case may have, and the items whose reply must bring one."""

    types: Mapping[str, FileType]
    most_a_case: int
    evidence_to_close: frozenset[str]

    @property
    def most_bytes(self) -> int:
        """The largest file of any type."""
        return max(kind.most for kind in self.types.values())

    @property
    def endings(self) -> str:
        """The endings of all allowed names."""
        return " ".join(ending for kind in self.types.values() for ending in kind.endings)


@lru_cache(maxsize=1)
def evidence_rules(path: Path = CATALOGUE / "case_evidence.yml") -> Rules:
    """The rules of the data file."""
    told = read_yaml(path)
    types = {
        media: FileType(tuple(row["endings"]), int(row["megabytes"] * MEGABYTE)) for media, row in told["types"].items()
    }
    return Rules(types, told["most_a_case"], frozenset(told["evidence_to_close"]))


@dataclass(frozen=True)
class Evidence:
    """A file without its content; `move` is the reply or closing that carried it, `size` in bytes."""

    id: int
    number: CaseNumber
    name: str
    media_type: str
    size: int
    digest: str
    actor: str
    at: datetime
    move: str | None


def checked_type(name: str, content: bytes) -> str:
    """The media type of a file by its content; raises EvidenceKind or EvidenceTooLarge."""
    rules = evidence_rules()
    if not content or len(content) > rules.most_bytes:
        raise EvidenceTooLarge("empty or too large", {"megabytes": rules.most_bytes // MEGABYTE})
    found = filetype.guess(content)
    allowed = rules.types.get(found.mime) if found else None
    ending = name.rpartition(".")[2].lower()
    if found is None or allowed is None or "." not in name or ending not in allowed.endings:
        raise EvidenceKind("not an allowed type, or not what the name says", {"endings": rules.endings})
    if len(content) > allowed.most:
        raise EvidenceTooLarge("too large for its type", {"megabytes": allowed.most // MEGABYTE})
    return str(found.mime)


def plain_name(name: str) -> str:
    """A file's name without folders, control and direction signs; the ending survives a cut."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip()
    stem, dot, ending = seen.rpartition(".")
    return f"{stem[: MAX_NAME - len(ending) - 1]}{dot}{ending}"[-MAX_NAME:]


@dataclass(frozen=True)
class Ready:
    """A file as it may be kept, looked at and written anew outside any transaction, as that takes its time."""

    name: str
    media_type: str
    content: bytes
    actor: str


def ready(name: str, content: bytes, actor: str) -> Ready:
    """A file that came in; a citizen's photo without what the camera wrote beside it.

    Raises EvidenceKind or EvidenceTooLarge.
    """
    name = plain_name(name)
    media_type = checked_type(name, content)
    clean = without_traces(media_type, content) if actor == Role.CITIZEN else content
    return Ready(name, media_type, clean, actor)


class EvidenceStore:
    """The files of cases inside one transaction; the caller commits and holds the case."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, number: CaseNumber, file: Ready, now: datetime) -> tuple[Evidence, bool]:
        """Keep a file and tell whether it is new; the same content again gives the file kept before.

        Raises EvidenceTooMany.
        """
        digest = hashlib.sha256(file.content).hexdigest()
        kept = self.of(number)
        same = next((one for one in kept if one.digest == digest), None)
        if same is not None:
            return same, False
        most = evidence_rules().most_a_case
        if len(kept) >= most:
            raise EvidenceTooMany(f"case {number} has {most} files", {"most": most})
        made = insert(evidence).values(
            number=number,
            name=file.name,
            media_type=file.media_type,
            size=len(file.content),
            digest=digest,
            content=file.content,
            actor=file.actor,
            at=now.astimezone(UTC),
        )
        key = self._connection.execute(made.returning(evidence.c.id)).scalar_one()
        return self.by_id(key), True

    def of(self, number: CaseNumber) -> tuple[Evidence, ...]:
        """The files of a case, the oldest first."""
        query = select(*_TOLD).where(evidence.c.number == number).order_by(evidence.c.id)
        return tuple(_evidence(row) for row in self._connection.execute(query).all())

    def count(self, number: CaseNumber) -> int:
        """How many files a case has."""
        query = select(func.count()).where(evidence.c.number == number)
        return int(self._connection.execute(query).scalar_one())

    def by_id(self, key: int) -> Evidence:
        """A file; raises UnknownEvidence."""
        row = self._connection.execute(select(*_TOLD).where(evidence.c.id == key)).one_or_none()
        if row is None:
            raise UnknownEvidence(str(key))
        return _evidence(row)

    def content(self, key: int) -> bytes:
        """The bytes of a file."""
        return bytes(self._connection.execute(select(evidence.c.content).where(evidence.c.id == key)).scalar_one())

    def carry(self, number: CaseNumber, keys: Collection[int], move: str, needed: bool) -> None:
        """Note that a move carries files of the case.

        Raises EvidenceMissing when one is not the case's, or when one is needed and all were carried before.
        """
        own = {one.id: one for one in self.of(number)}
        if not set(keys) <= set(own) or (needed and all(own[key].move for key in keys)):
            raise EvidenceMissing(
                f"{move} of case {number} needs a file of the case", {"endings": evidence_rules().endings}
            )
        self._connection.execute(
            update(evidence).where(evidence.c.id.in_(keys), evidence.c.move.is_(None)).values(move=move)
        )


_TOLD = tuple(column for column in evidence.c if column.name != "content")


def _evidence(row: Row[Any]) -> Evidence:
    about = (row.id, row.number, row.name, row.media_type, row.size, row.digest)
    return Evidence(*about, row.actor, in_utc(row.at), row.move)
