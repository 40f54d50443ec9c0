"""What an editor is asked: proposals made from clusters, in a YAML file that a person can read and change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from bot.content_check import plain
from bot.learning.clusters import Cluster, Message
from bot.learning.reason import Reason
from knowledge.catalogue import Catalogue
from knowledge.yaml_file import ContentError, read_with_lines

SHORT_HAN = 8
SHORT_WORDS = 4
MASK = re.compile(r"\[(?:name|address|number|code|phone|id_card|passport|bank_card|plate|email)\]")
NO_NEED = {Reason.UNCLEAR, Reason.OUTSIDE_UNSURE}
HEADER = """\
# Proposals of `chengda learn`. Change kind, code and texts as you see fit; write accept or reject under decision,
# then `chengda learn --decided --author NAME`; or `chengda learn --accept ID --author NAME`.
# 提议清单：kind、code、texts 都可以改；在 decision 写 accept 或 reject，再运行 chengda learn --decided --author 姓名。
"""


class ProposalKind(StrEnum):
    """What a proposal would add."""

    ALIAS = "alias"
    EXAMPLE = "example"
    UNCOVERED = "uncovered"
    MISSING_SERVICE = "missing_service"


class Verdict(StrEnum):
    """What an editor decided."""

    NONE = ""
    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True)
class Proposal:
    """One thing to teach; `code` is empty where no service is meant."""

    id: str
    kind: ProposalKind
    code: str
    language: str
    texts: tuple[str, ...]
    why: str
    decision: Verdict = Verdict.NONE


def propose(clusters: Iterable[Cluster], reach: float, least: int, catalogue: Catalogue) -> tuple[Proposal, ...]:
    """The proposals of clusters; `reach` is the cosine from which a service is near, `least` a missing one's size."""
    found: dict[str, Proposal] = {}
    for cluster in clusters:
        near = bool(cluster.nearest) and cluster.nearest[0].similarity >= reach
        if not near and cluster.size >= least:
            made = [_proposal(ProposalKind.MISSING_SERVICE, cluster, cluster.messages, catalogue)]
        elif near:
            made = [_proposal(kind, cluster, own, catalogue) for kind, own in _near_parts(cluster)]
        elif set(cluster.reasons()) <= NO_NEED:
            made = []
        else:
            made = [
                _proposal(ProposalKind.UNCOVERED, cluster, own, catalogue) for own in _by_language(cluster.messages)
            ]
        found.update((proposal.id, proposal) for proposal in made if proposal.texts)
    return tuple(sorted(found.values(), key=lambda one: (one.kind, one.code, one.language, one.id)))


def read_proposals(path: Path) -> tuple[Proposal, ...]:
    """The proposals of a file, none when there is no file; raises ContentError with file and line."""
    if not path.exists():
        return ()
    content, lines = read_with_lines(path)
    rows = content.get("proposals") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise ContentError(path, 1, "has no `proposals:` list")
    return tuple(_read(path, lines.get(("proposals", number)), row) for number, row in enumerate(rows))


def write_proposals(path: Path, proposals: Iterable[Proposal]) -> None:
    """Write the file anew."""
    rows = [{**asdict(one), "kind": str(one.kind), "decision": str(one.decision), "texts": list(one.texts)}
            for one in proposals]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    body = yaml.safe_dump({"proposals": rows}, allow_unicode=True, sort_keys=False, width=120)
    path.write_text(HEADER + body, encoding="utf-8")


def merged(new: Sequence[Proposal], old: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """New proposals, those that an editor may have changed as they stand in the file, and the decided ones."""
    known = {one.id: one for one in old}
    fresh = {one.id: known.get(one.id, one) for one in new}
    decided = {one.id: one for one in old if one.decision is not Verdict.NONE}
    kept = {**decided, **fresh}
    return tuple(sorted(kept.values(), key=lambda one: (one.kind, one.code, one.language, one.id)))


def is_short(text: str, language: str) -> bool:
    """Whether a text is a name rather than a sentence."""
    return len(plain(text)) <= SHORT_HAN if language == "zh" else len(text.split()) <= SHORT_WORDS


def _near_parts(cluster: Cluster) -> Iterable[tuple[ProposalKind, tuple[Message, ...]]]:
    """The short messages and the sentences of a cluster, by language."""
    for own in _by_language(cluster.messages):
        for kind, short in ((ProposalKind.ALIAS, True), (ProposalKind.EXAMPLE, False)):
            part = tuple(message for message in own if is_short(message.text, message.language) is short)
            if part:
                yield kind, part


def _by_language(messages: Iterable[Message]) -> Iterable[tuple[Message, ...]]:
    messages = tuple(messages)
    for language in dict.fromkeys(message.language for message in messages):
        yield tuple(message for message in messages if message.language == language)


def _proposal(kind: ProposalKind, cluster: Cluster, messages: Sequence[Message], catalogue: Catalogue) -> Proposal:
    texts = tuple(dict.fromkeys(text for message in messages if (text := unmasked(message.text))))
    mark = hashlib.sha256("\n".join(sorted(plain(text) for text in texts)).encode()).hexdigest()[:8]
    code = cluster.nearest[0].code if kind in (ProposalKind.ALIAS, ProposalKind.EXAMPLE) else ""
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(cluster.reasons().items()))
    near = ", ".join(
        f"{one.code} {catalogue[one.code].everyday_name.zh} {one.similarity:.2f}" for one in cluster.nearest
    )
    why = f"turns {cluster.size} ({reasons}); nearest {near or 'none'}"
    return Proposal(f"p{mark}", kind, code, messages[0].language, texts, why)


def unmasked(text: str) -> str:
    """A text without the marks that stand for personal data."""
    return re.sub(r"\s+", " ", MASK.sub(" ", text)).strip(" ,，。、;；")


def _read(path: Path, line: int | None, row: Any) -> Proposal:
    names = [field.name for field in fields(Proposal)]
    if not isinstance(row, dict) or set(row) != set(names):
        raise ContentError(path, line, f"a proposal has {', '.join(names)}")
    texts = row["texts"]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ContentError(path, line, "texts is a list of sentences")
    try:
        kind, decision = ProposalKind(row["kind"]), Verdict(row["decision"] or "")
    except ValueError as error:
        raise ContentError(path, line, str(error)) from None
    code, language = str(row["code"] or ""), str(row["language"])
    return Proposal(str(row["id"]), kind, code, language, tuple(texts), str(row["why"]), decision)
