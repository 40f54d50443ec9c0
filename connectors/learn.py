"""`chengda learn`: what the queue holds, what could be taught, and what an editor decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.prompt import Prompt
from rich.table import Table

from bot.build import clock_of, open_store
from bot.content_check import plain
from bot.learning.clusters import Cluster, clusters_of, messages_of, reach
from bot.learning.editor import Editor, ProposalError, Settled, rejected_texts, wanted
from bot.learning.known_texts import KnownTexts
from bot.learning.proposals import (
    Proposal,
    ProposalKind,
    Verdict,
    merged,
    propose,
    read_proposals,
    unmasked,
    write_proposals,
)
from bot.settings import Settings
from bot.training import Models
from knowledge.city import City, catalogue_of, find_city, strangers_of
from knowledge.learned import REPOSITORY, learned_folder
from knowledge.queries import UNCOVERED

SHOWN_TEXTS = 3
CHOICES = {"a": Verdict.ACCEPT, "r": Verdict.REJECT, "s": Verdict.NONE}


@dataclass(frozen=True)
class Desk:
    """Where an editor works: the settings, the files, and the console."""

    settings: Settings
    console: Console
    into_repository: bool = False

    @property
    def city(self) -> City:
        """The city whose search is taught."""
        return find_city(self.settings.city, self.settings.data_dir)

    @property
    def folder(self) -> Path:
        """Where accepted lines go; raises ProposalError for lines of another city than the repository's own."""
        if self.into_repository and not self.city.home:
            raise ProposalError("only lines of the home city go into the repository")
        own = learned_folder(self.city, self.settings.effective_learned_dir)
        return REPOSITORY if self.into_repository else own

    @property
    def file(self) -> Path:
        """The proposals."""
        return self.settings.data_dir / "learn" / "proposals.yml"

    @property
    def log(self) -> Path:
        """Every decision."""
        return self.settings.data_dir / "learn" / "decisions.csv"

    def known(self) -> KnownTexts:
        """Everything taught already."""
        own = learned_folder(self.city, self.settings.effective_learned_dir)
        return KnownTexts(catalogue_of(self.city), (REPOSITORY, own))

    # ---- proposing ----

    def propose(self, models: Models, least: int) -> tuple[Proposal, ...]:
        """Gather the queue, show it, and write the proposals to the file."""
        with open_store(self.settings, self.city).work() as work:
            entries, ratings = work.learning.entries(), work.learning.ratings()
        messages = messages_of(entries)
        clusters = clusters_of(messages, models.encoder, models.index)
        needs = [one.text for one in strangers_of(self.city) if one.kind == UNCOVERED]
        near = reach(needs, models.encoder, models.index)
        new = wanted(propose(clusters, near, least, models.catalogue), rejected_texts(self.log), self.known())
        proposals = merged(new, read_proposals(self.file))
        write_proposals(self.file, proposals)
        counts = ", ".join(f"{reason} {count}" for reason, count in Counter(e.reason for e in entries).most_common())
        told = ", ".join(f"{rating} {count}" for rating, count in ratings.items())
        self.console.print(f"queue: {len(entries)} turns ({counts or 'empty'}); ratings: {told}; near from {near:.2f}")
        self.console.print(_clusters_table(clusters, models))
        self.console.print(_proposals_table(proposals))
        self.console.print(f"{len(proposals)} proposals in {self.file}", markup=False)
        return proposals

    # ---- deciding ----

    def settle(self, decisions: Sequence[tuple[Proposal, Verdict]], author: str) -> bool:
        """Carry decisions out; the proposals leave the file, their turns the queue. True when something was taught."""
        today = clock_of(self.settings, self.city)().date()
        editor = Editor(author, today, self.folder, self.log, catalogue_of(self.city), self.known())
        done: list[Proposal] = []
        taught = False
        for proposal, verdict in decisions:
            try:
                settled = editor.accept(proposal) if verdict is Verdict.ACCEPT else editor.reject(proposal)
            except ProposalError as error:
                self.console.print(f"[red]{escape(str(error))}[/red]")
                continue
            taught = taught or bool(settled.taught)
            done.append(proposal)
            self._tell(proposal, verdict, settled)
        self._forget(done)
        return taught

    def decide_interactively(self, proposals: Iterable[Proposal]) -> list[tuple[Proposal, Verdict]]:
        """Ask about each proposal; accept, reject, skip, change code or kind, or quit."""
        found: list[tuple[Proposal, Verdict]] = []
        for proposal in proposals:
            while True:
                self.console.print(_proposals_table([proposal]))
                question = "[a]ccept [r]eject [s]kip [c]ode [k]ind [q]uit"
                answer = Prompt.ask(escape(question), choices=[*"arsckq"], default="s", console=self.console)
                if answer == "q":
                    return found
                if answer == "c":
                    proposal = replace(proposal, code=Prompt.ask("code", console=self.console).strip().upper())
                elif answer == "k":
                    kinds = [str(kind) for kind in ProposalKind]
                    proposal = replace(proposal, kind=ProposalKind(Prompt.ask("kind", choices=kinds)))
                else:
                    break
            if CHOICES[answer] is not Verdict.NONE:
                found.append((proposal, CHOICES[answer]))
        return found

    def named(self, accept: Sequence[str], reject: Sequence[str]) -> list[tuple[Proposal, Verdict]]:
        """The proposals of ids, with what is to be done; raises ProposalError for an id the file does not have."""
        known = {one.id: one for one in read_proposals(self.file)}
        wanted_ids = [(name, Verdict.ACCEPT) for name in _ids(accept)] + [
            (name, Verdict.REJECT) for name in _ids(reject)
        ]
        if missing := [name for name, _ in wanted_ids if name not in known]:
            raise ProposalError(f"no proposal has the id {', '.join(missing)}; see {self.file}")
        return [(known[name], verdict) for name, verdict in wanted_ids]

    def decided(self) -> list[tuple[Proposal, Verdict]]:
        """The proposals with a decision written in the file."""
        return [(one, one.decision) for one in read_proposals(self.file) if one.decision is not Verdict.NONE]

    def _tell(self, proposal: Proposal, verdict: Verdict, settled: Settled) -> None:
        what = f"{proposal.kind} {proposal.code}".strip()
        self.console.print(f"{verdict} {proposal.id}: {what}, {len(settled.taught)} lines", markup=False)
        for text, problem in settled.refused:
            self.console.print(f"  refused, {problem}: {text}", markup=False)
        if settled.stub:
            self.console.print(f"  stub to fill in: {settled.stub}", markup=False)

    def _forget(self, done: Sequence[Proposal]) -> None:
        ids = {one.id for one in done}
        before = read_proposals(self.file)
        write_proposals(self.file, [one for one in before if one.id not in ids])
        # The texts as they were queued: an editor may have changed those of the decision.
        texts = {plain(text) for one in (*done, *(old for old in before if old.id in ids)) for text in one.texts}
        with open_store(self.settings, self.city).work() as work:
            entries = work.learning.entries()
            work.learning.remove(entry.number for entry in entries if plain(unmasked(entry.text)) in texts)


def learn(
    desk: Desk,
    models: Callable[[], Models],
    accept: Sequence[str],
    reject: Sequence[str],
    decided: bool,
    interactive: bool,
    author: str,
    least: int,
) -> bool:
    """One run of the command; True when something was taught."""
    decisions = desk.named(accept, reject) + (desk.decided() if decided else [])
    if decisions:
        return desk.settle(decisions, author)
    if accept or reject or decided:
        return False
    proposals = desk.propose(models(), least)
    if not interactive:
        return False
    name = author or Prompt.ask("your name 您的姓名", console=desk.console)
    return desk.settle(desk.decide_interactively(proposals), name)


def _ids(values: Sequence[str]) -> list[str]:
    return [name for value in values for name in value.replace(",", " ").split()]


def _clusters_table(clusters: Sequence[Cluster], models: Models) -> Table:
    table = Table("turns", "languages", "examples", "nearest services", title="What people asked alike")
    for cluster in clusters:
        languages = Counter(message.language for message in cluster.messages)
        near = (
            f"{one.code} {models.catalogue[one.code].everyday_name.in_language('zh')} {one.similarity:.2f}"
            for one in cluster.nearest
        )
        table.add_row(
            str(cluster.size),
            " ".join(f"{language} {count}" for language, count in languages.items()),
            escape("\n".join(message.text for message in cluster.messages[:SHOWN_TEXTS])),
            "\n".join(near),
        )
    return table


def _proposals_table(proposals: Iterable[Proposal]) -> Table:
    table = Table("id", "kind", "code", "language", "texts", "why", title="Proposals")
    for one in proposals:
        table.add_row(one.id, one.kind, one.code, one.language, escape("\n".join(one.texts)), escape(one.why))
    return table
