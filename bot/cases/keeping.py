"""A draft as it is kept, whoever files it: coordinates in their own fields, no name or number in an unnamed one."""

from __future__ import annotations

from dataclasses import replace

from bot.cases.case import CaseDraft
from bot.cases.coordinates import located
from bot.privacy import redact

# What an unnamed report is about.
KEPT = frozenset({"plate", "address"})


def fit_to_keep(draft: CaseDraft, anonymous: bool) -> CaseDraft:
    """The draft as a case holds it."""
    draft = located(draft)
    return replace(draft, description=redact(draft.description, KEPT).text) if anonymous else draft
