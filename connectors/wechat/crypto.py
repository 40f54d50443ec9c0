"""The codec of encrypted callbacks of WeChat and WeCom, in XML or JSON envelopes.

Whatever is wrong with a callback, the error is the same `BadCallback` without a word on what it was: who forges learns
nothing. AES-256-CBC with the key's first half as IV, padding to 32 bytes, and inside 16 random bytes, the length, the
text and the receiver's id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from bot.errors import BadCallback, SettingsError
from connectors.wechat.markup import document, fields_of, is_json

RANDOM_BYTES = 16
PAD_BYTES = 32
BLOCK_BYTES = 16
HEAD_BYTES = RANDOM_BYTES + 4
KEY = re.compile("[A-Za-z0-9]{43}")


class Envelope(StrEnum):
    """How the sealed text is wrapped; BOT is the JSON of WeCom's bots."""

    XML = "xml"
    JSON = "json"
    BOT = "bot"


NAMES: Mapping[Envelope, tuple[str, str, str, str]] = {
    Envelope.XML: ("Encrypt", "MsgSignature", "TimeStamp", "Nonce"),
    Envelope.JSON: ("Encrypt", "MsgSignature", "TimeStamp", "Nonce"),
    Envelope.BOT: ("encrypt", "msgsignature", "timestamp", "nonce"),
}


@dataclass(frozen=True)
class Signed:
    """The parameters of a callback's address; `signature` is `msg_signature` where the body is sealed."""

    signature: str
    timestamp: str
    nonce: str


def envelope_of(body: bytes) -> Envelope:
    """The envelope a push came in."""
    return Envelope.JSON if is_json(body) else Envelope.XML


def signature_of(*parts: str) -> str:
    """The hex SHA-1 over the sorted parts, as WeChat and WeCom sign."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "surrogatepass")).hexdigest()


def check_signature(token: str, signed: Signed, *more: str) -> None:
    """Raise BadCallback unless the signature is that of the token, the time, the nonce and what else is signed."""
    expected = signature_of(token, signed.timestamp, signed.nonce, *more)
    if not hmac.compare_digest(expected.encode(), signed.signature.encode("utf-8", "surrogatepass")):
        raise BadCallback


def key_of(aes_key: str) -> bytes:
    """The 32 bytes of an EncodingAESKey; raises SettingsError, which does not repeat it."""
    if not KEY.fullmatch(aes_key):
        raise SettingsError("EncodingAESKey has 43 letters and digits 应为43位字母或数字")
    return base64.b64decode(aes_key + "=")


class Codec:
    """Opens and seals the texts of one account; `receive_id` is the app id, the corp id, or empty for a bot."""

    def __init__(self, token: str, aes_key: str, receive_id: str) -> None:
        self._token, self._key = token, key_of(aes_key)
        self._receive_id = receive_id.encode()

    def open(self, body: bytes, signed: Signed) -> bytes:
        """The text sealed in a body; raises BadCallback."""
        return self.open_text(self.sealed_in(body), signed)

    def open_text(self, sealed: str, signed: Signed) -> bytes:
        """The text of a sealed one, such as WeCom's `echostr`; raises BadCallback."""
        check_signature(self._token, signed, sealed)
        return self._decrypted(sealed)

    def sealed_in(self, body: bytes) -> str:
        """The sealed text of a body, whatever it is wrapped in, not opened yet; raises BadCallback."""
        return fields_of(body).text("Encrypt")

    def seal(
        self, text: str, timestamp: str, nonce: str, noise: bytes | None = None, envelope: Envelope = Envelope.XML
    ) -> str:
        """A body that holds the text; `noise` are the 16 random bytes, given only to repeat a known result."""
        sealed = self.seal_text(text, noise)
        signature = signature_of(self._token, timestamp, nonce, sealed)
        told: tuple[str | int, ...] = (sealed, signature, int(timestamp), nonce)
        fields = dict(zip(NAMES[envelope], told, strict=True))
        return document(**fields) if envelope is Envelope.XML else json.dumps(fields, ensure_ascii=False)

    def seal_text(self, text: str, noise: bytes | None = None) -> str:
        """The text sealed, in base64."""
        content = text.encode()
        plain = (noise or os.urandom(RANDOM_BYTES)) + struct.pack("!I", len(content)) + content + self._receive_id
        pad = PAD_BYTES - len(plain) % PAD_BYTES
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def _decrypted(self, sealed: str) -> bytes:
        try:
            content = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            raise BadCallback from None
        if not content or len(content) % BLOCK_BYTES:
            raise BadCallback
        decryptor = self._cipher().decryptor()
        plain = decryptor.update(content) + decryptor.finalize()
        pad = plain[-1]
        if not 1 <= pad <= PAD_BYTES or plain[-pad:] != bytes([pad]) * pad:
            raise BadCallback
        plain = plain[:-pad]
        if len(plain) < HEAD_BYTES:
            raise BadCallback
        (length,) = struct.unpack("!I", plain[RANDOM_BYTES:HEAD_BYTES])
        if length > len(plain) - HEAD_BYTES:
            raise BadCallback
        text, receive_id = plain[HEAD_BYTES : HEAD_BYTES + length], plain[HEAD_BYTES + length :]
        if not hmac.compare_digest(receive_id, self._receive_id):
            raise BadCallback
        return text

    def _cipher(self) -> Cipher[CBC]:
        return Cipher(AES(self._key), CBC(self._key[:BLOCK_BYTES]))
