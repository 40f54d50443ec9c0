"""Keys of programs that file cases for people: only digests are kept, a key is shown once."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update

from bot.cases.tables import api_keys
from bot.errors import KeyOwnerWrong

OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]{0,39}")
PREFIX = "cdk_"


@dataclass(frozen=True)
class KeyHolder:
    """Who holds a key; `mark` is the start of its digest, to tell keys of one owner apart."""

    owner: str
    mark: str
    active: bool
    created_at: datetime


class ApiKeys:
    """The keys inside one transaction; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def make(self, owner: str, now: datetime) -> str:
        """A fresh key for an owner, told nowhere again; raises KeyOwnerWrong."""
        if not OWNER.fullmatch(owner):
            raise KeyOwnerWrong(f"{owner!r}: an owner has up to 40 letters, digits, dots and dashes")
        key = PREFIX + secrets.token_urlsafe(32)
        row = {"digest": digest_of(key), "owner": owner, "active": True, "created_at": now.astimezone(UTC)}
        self._connection.execute(insert(api_keys).values(**row))
        return key

    def owner_of(self, key: str) -> str | None:
        """Whose key it is, None for one that is unknown or revoked."""
        query = select(api_keys.c.owner).where(api_keys.c.digest == digest_of(key), api_keys.c.active)
        owner: str | None = self._connection.execute(query).scalar()
        return owner

    def revoke(self, owner: str) -> int:
        """End all keys of an owner; gives how many there were."""
        mine = (api_keys.c.owner == owner, api_keys.c.active)
        return self._connection.execute(update(api_keys).where(*mine).values(active=False)).rowcount

    def holders(self) -> tuple[KeyHolder, ...]:
        """All keys ever made, by owner."""
        rows = self._connection.execute(select(api_keys).order_by(api_keys.c.owner, api_keys.c.created_at)).all()
        return tuple(KeyHolder(row.owner, row.digest[:8], row.active, row.created_at) for row in rows)


def digest_of(key: str) -> str:
    """What is kept of a key: it is long and random, so a plain digest tells nothing of it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
