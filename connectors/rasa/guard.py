"""Who may call the HTTP API of a Rasa project: who shows its token, or a JSON Web Token signed with its secret."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from fastapi import Request
from jwt.algorithms import HMACAlgorithm

from connectors.rasa.refusal import unauthenticated, unauthorized

METHOD = "HS256"
LEEWAY_SECONDS = 180
BEARER = "bearer "


def is_secret(text: str) -> bool:
    """Whether it can sign; a key of two halves (PEM, SSH) cannot."""
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(text)
    except jwt.InvalidKeyError:
        return False
    return True


@dataclass(frozen=True)
class Guard:
    """The token and the secret; with neither whoever reaches the port may call."""

    token: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)

    def check(self, request: Request) -> None:
        """Refuse who may not, as Rasa does: an admin may all, a user their own conversation; raises ApiRefusal."""
        given = request.query_params.get("token", "").encode("utf-8", "replace")
        if (self.token and hmac.compare_digest(given, self.token.encode())) or not (self.token or self.secret):
            return
        user = self._user(request)
        if user is None:
            raise unauthenticated()
        own = request.path_params.get("conversation")
        if user.get("role") == "admin" or (user.get("role") == "user" and own and user.get("username") == own):
            return
        raise unauthorized()

    def _user(self, request: Request) -> Mapping[str, Any] | None:
        """The user of a signed token that is still good."""
        header = request.headers.get("authorization", "")
        if not self.secret or not header.lower().startswith(BEARER):
            return None
        try:
            told = jwt.decode(
                header[len(BEARER) :].strip(),
                self.secret,
                algorithms=[METHOD],
                leeway=LEEWAY_SECONDS,
                options={"verify_aud": False},
            )
        except jwt.PyJWTError:
            return None
        user = told.get("user")
        return user if isinstance(user, Mapping) else {}
