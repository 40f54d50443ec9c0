"""The signature by which Twilio and Telnyx's TeXML prove that a request is theirs: X-Twilio-Signature. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit, urlunsplit

HEADER = "X-Twilio-Signature"
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def signature(url: str, fields: Mapping[str, Iterable[str]], token: str) -> str:
    """The signature of an address and the fields of a form, which count in the order of their names."""
    told = url + "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    return base64.b64encode(hmac.new(token.encode(), told.encode(), hashlib.sha1).digest()).decode()


def fits(url: str, fields: Mapping[str, Iterable[str]], given: str, token: str) -> bool:
    """Whether a signature is right for an address, with or without the port that its scheme has anyway."""
    kept = {name: tuple(values) for name, values in fields.items()}
    known = [signature(one, kept, token) for one in _addresses(url)]
    return any(hmac.compare_digest(one.encode(), given.encode("utf-8", "replace")) for one in known)


def _addresses(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    login, at, _ = parts.netloc.rpartition("@")
    port = parts.port or PORTS.get(parts.scheme, 443)
    return (
        urlunsplit(parts._replace(netloc=f"{login}{at}{host}")),
        urlunsplit(parts._replace(netloc=f"{login}{at}{host}:{port}")),
    )
