"""Every error the product raises on purpose, as one tree."""

from __future__ import annotations


class ChengdaError(Exception):
    """Root of the tree; its text is safe to show to the staff who run the product."""


class CaseError(ChengdaError):
    """A case operation was refused."""


class UnknownCase(CaseError):
    """No case has this number, or the query code is not its own; the two are never told apart."""


class IllegalTransition(CaseError):
    """The state machine does not allow this change."""
