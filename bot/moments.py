"""Moments as they are kept: in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def in_utc(moment: datetime) -> datetime:
    """A stored moment with its zone; SQLite gives it back without, and all are kept in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
