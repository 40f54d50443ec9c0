"""Passwords: hashed with argon2, checked with equal work whether the account exists or not."""

from __future__ import annotations

import secrets
import threading

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from bot.errors import WeakPassword

LEAST, MOST = 10, 128
# One hash takes 64 MiB for a moment; a flood of logins waits in line instead of taking the machine's memory.
AT_ONCE = 2
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Passwords:
    """Makes and checks hashes."""

    def __init__(self) -> None:
        self._hasher = PasswordHash((Argon2Hasher(),))
        self._gate = threading.BoundedSemaphore(AT_ONCE)
        self._nobody = self.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """The hash to keep."""
        with self._gate:
            return self._hasher.hash(password)

    def fits(self, password: str, kept: str | None) -> bool:
        """Whether a password belongs to a hash; without one the same work is done and the answer is no."""
        with self._gate:
            right = self._hasher.verify(password[:MOST], kept or self._nobody)
        return right and kept is not None


def check_password(password: str, login: str) -> None:
    """Raises WeakPassword for one that is too short, too long or the login itself."""
    if not LEAST <= len(password) <= MOST or password.strip().lower() == login:
        raise WeakPassword("a password has 10 to 128 characters and is not the login", {"least": LEAST, "most": MOST})


def new_password() -> str:
    """A random one of 16 letters and digits that cannot be misread."""
    return "".join(secrets.choice(ALPHABET) for _ in range(16))
