"""What an editor decides becomes data: lines with author and date, checked, and a log of every decision."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from bot.content_check import plain
from bot.errors import ChengdaError
from bot.learning.known_texts import KnownTexts
from bot.learning.proposals import MASK, Proposal, ProposalKind, Verdict
from bot.learning.queue import masked
from knowledge.catalogue import Catalogue
from knowledge.learned import STYLE, append_rows
from knowledge.queries import LANGUAGES

LOG_COLUMNS = ("date", "author", "decision", "id", "kind", "code", "language", "text", "refused")
FILES: Mapping[ProposalKind, str] = {
    ProposalKind.ALIAS: "aliases.csv",
    ProposalKind.EXAMPLE: "queries.csv",
    ProposalKind.UNCOVERED: "uncovered.csv",
    ProposalKind.MISSING_SERVICE: "uncovered.csv",
}
STUB = """\
# A service the catalogue lacks, proposed by {author} on {date}: {id}. Fill in what an official page says
# (fields: knowledge/README.md), give it a free code, move it to knowledge/services/<code>.yml, then `chengda check`.
"""


class ProposalError(ChengdaError):
    """A proposal cannot be accepted as it stands."""


@dataclass(frozen=True)
class Settled:
    """What came of a decision: the lines taught, and those refused with the reason."""

    taught: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    stub: Path | None = None


class Editor:
    """A person who accepts or rejects proposals; accepted lines go to `folder`."""

    def __init__(
        self, author: str, today: date, folder: Path, log: Path, catalogue: Catalogue, known: KnownTexts
    ) -> None:
        if not author.strip():
            raise ProposalError("every decision needs its author: --author NAME")
        self._author, self._today = author.strip(), today
        self._folder, self._log = folder, log
        self._catalogue, self._known = catalogue, known

    def accept(self, proposal: Proposal) -> Settled:
        """Write the lines of a proposal that are new and clean; raises ProposalError when it cannot be."""
        self._check(proposal)
        refused = tuple((text, problem) for text in proposal.texts if (problem := self._problem(text)))
        bad = {text for text, _ in refused}
        taught = tuple(text for text in dict.fromkeys(proposal.texts) if text not in bad)
        name = FILES[proposal.kind]
        append_rows(self._folder / name, [self._row(proposal, text) for text in taught])
        for text in taught:
            self._known.add(text, name)
        self._write_log(Verdict.ACCEPT, proposal, dict(refused))
        missing = proposal.kind is ProposalKind.MISSING_SERVICE
        return Settled(taught, refused, self._write_stub(proposal) if missing else None)

    def reject(self, proposal: Proposal) -> Settled:
        """Write down that the proposal is not wanted."""
        self._write_log(Verdict.REJECT, proposal, {})
        return Settled()

    def _check(self, proposal: Proposal) -> None:
        if proposal.language not in LANGUAGES:
            raise ProposalError(f"{proposal.id}: language is {proposal.language!r}, not zh or en")
        needs_code = proposal.kind in (ProposalKind.ALIAS, ProposalKind.EXAMPLE)
        if needs_code and proposal.code not in self._catalogue:
            raise ProposalError(f"{proposal.id}: no service has the code {proposal.code!r}")

    def _problem(self, text: str) -> str | None:
        """Why a line may not be taught."""
        if not plain(text):
            return "no words"
        if MASK.search(text) or masked(text) != text.strip():
            return "holds personal data or is too long"
        file = self._known.file_of(text)
        if file is not None and file.startswith("eval/"):
            return f"a sentence that only measures, in {file}"
        return None if file is None else f"stands in {file} already"

    def _row(self, proposal: Proposal, text: str) -> dict[str, str]:
        row = {"language": proposal.language, "text": text, "author": self._author, "date": self._today.isoformat()}
        match proposal.kind:
            case ProposalKind.ALIAS:
                return {"code": proposal.code, **row}
            case ProposalKind.EXAMPLE:
                return {"code": proposal.code, "style": STYLE, **row}
            case _:
                return row

    def _write_stub(self, proposal: Proposal) -> Path:
        path = self._folder / "missing" / f"{proposal.id}.yml"
        blank = {"zh": "", "en": ""}
        aliases: dict[str, list[str]] = {"zh": [], "yue": [], "en": []}
        aliases[proposal.language] = list(proposal.texts)
        content = {
            "code": "", "kind": "service", "group": "", "name": blank.copy(), "everyday_name": blank.copy(),
            "aliases": aliases, "description": blank.copy(), "audience": [], "agency": "", "life_events": [],
            "related": [],
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        header = STUB.format(author=self._author, date=self._today.isoformat(), id=proposal.id)
        body = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)
        path.write_text(header + body, encoding="utf-8")
        return path

    def _write_log(self, decision: Verdict, proposal: Proposal, refused: Mapping[str, str]) -> None:
        fresh = not self._log.exists()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            if fresh:
                writer.writerow(LOG_COLUMNS)
            for text in proposal.texts:
                told = (proposal.id, proposal.kind, proposal.code, proposal.language, text, refused.get(text, ""))
                writer.writerow((self._today.isoformat(), self._author, decision, *told))


def rejected_texts(log: Path) -> frozenset[str]:
    """The texts, in comparable form, that editors did not want."""
    if not log.exists():
        return frozenset()
    with log.open(encoding="utf-8", newline="") as lines:
        return frozenset(plain(row["text"]) for row in csv.DictReader(lines) if row["decision"] == Verdict.REJECT)


def wanted(proposals: Iterable[Proposal], rejected: frozenset[str], known: KnownTexts) -> tuple[Proposal, ...]:
    """The proposals that still hold a text that is neither rejected nor taught."""
    return tuple(
        one
        for one in proposals
        if any(plain(text) not in rejected and known.file_of(text) is None for text in one.texts)
    )
