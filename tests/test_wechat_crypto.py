"""The codec of encrypted callbacks against vendors' vectors, wechatpy and two npm packages, and against forgers."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto

from bot.errors import BadCallback, SettingsError
from connectors.wechat.crypto import Codec, Envelope, Signed, check_signature, signature_of
from connectors.wechat.markup import MAX_BYTES, document, fields_of
from tests.npm import installed, run

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "fixtures" / "wechat_vectors.json").read_text(encoding="utf-8")
)
TOKEN, KEY, APP = "city-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx0123456789abcdef"
TEXTS = ("路灯坏了", "]]>&<![CDATA[", "😀𠮷𪚥 e\u0301", "x" * 63, "")


def codec_of(row: dict[str, Any]) -> tuple[Codec, Signed]:
    return Codec(row["token"], row["aes_key"], row["receive_id"]), Signed(
        row["signature"], row["timestamp"], row["nonce"]
    )


def sealed(text: str, codec: Codec | None = None) -> tuple[bytes, Signed]:
    """A body of our own and the parameters that go with it."""
    body = (codec or Codec(TOKEN, KEY, APP)).seal(text, "1767225600", "n1").encode()
    return body, Signed(fields_of(body).text("MsgSignature"), "1767225600", "n1")


@pytest.mark.parametrize("row", VECTORS["plain"], ids=lambda row: row["timestamp"])
def test_plain_signatures(row: dict[str, Any]) -> None:
    check_signature(row["token"], Signed(row["signature"], row["timestamp"], row["nonce"]))
    for wrong in (row["signature"].upper(), row["signature"][:-1], "", "é"):
        with pytest.raises(BadCallback):
            check_signature(row["token"], Signed(wrong, row["timestamp"], row["nonce"]))


@pytest.mark.parametrize("row", VECTORS["sealed"], ids=lambda row: row["name"])
def test_sealed_vectors(row: dict[str, Any]) -> None:
    codec, signed = codec_of(row)
    text = codec.open_text(row["sealed"], signed).decode()
    if "text" in row:
        assert text == row["text"]
    for name, value in row.get("fields", {}).items():
        assert fields_of(text.encode()).text(name) == value
    if "noise" in row:
        assert codec.seal_text(row["text"], row["noise"].encode()) == row["sealed"]
        body = codec.seal(row["text"], row["timestamp"], row["nonce"], row["noise"].encode()).encode()
        assert fields_of(body).text("Encrypt") == row["sealed"]
        assert fields_of(body).text("MsgSignature") == row["signature"]


@given(text=st.text(max_size=200), receive_id=st.text("abcwx0123", max_size=20), envelope=st.sampled_from(Envelope))
def test_round_trip(text: str, receive_id: str, envelope: Envelope) -> None:
    text = text.encode("utf-8", "replace").decode()
    codec = Codec(TOKEN, KEY, receive_id)
    body = codec.seal(text, "1767225600", "n", envelope=envelope).encode()
    signature = signature_of(TOKEN, "1767225600", "n", codec.sealed_in(body))
    assert codec.open(body, Signed(signature, "1767225600", "n")).decode() == text


def test_what_is_wrong_is_never_told() -> None:
    codec, (body, signed) = Codec(TOKEN, KEY, APP), sealed("hello")
    inner = fields_of(body).text("Encrypt")
    content = bytearray(base64.b64decode(inner))
    content[-1] ^= 1
    bad_pad, short = base64.b64encode(content).decode(), base64.b64encode(content[:16]).decode()

    def signed_for(text: str) -> Signed:
        return Signed(signature_of(TOKEN, "1", "n", text), "1", "n")

    wrong = [
        (inner, Signed(signed.signature, "1", "n")),
        (inner, Signed("", signed.timestamp, signed.nonce)),
        (inner, Signed(signature_of("other", signed.timestamp, signed.nonce, inner), signed.timestamp, signed.nonce)),
        *((text, signed_for(text)) for text in (bad_pad, short, "", "!!", inner[:-4], "QUJD", "路")),
    ]
    errors = set()
    for text, parameters in wrong:
        with pytest.raises(BadCallback) as raised:
            codec.open_text(text, parameters)
        errors.add((str(raised.value), repr(raised.value), raised.value.__cause__))
    for other in (Codec(TOKEN, KEY, "wxother"), Codec(TOKEN, KEY[::-1], APP)):
        with pytest.raises(BadCallback) as raised:
            other.open(body, signed)
        errors.add((str(raised.value), repr(raised.value), raised.value.__cause__))
    assert errors == {("", "BadCallback('')", None)}


@given(noise=st.binary(max_size=300))
@settings(max_examples=200)
def test_any_bytes_are_refused_alike(noise: bytes) -> None:
    """Bytes of an attacker who even knows the token, but not the key."""
    text = base64.b64encode(noise).decode()
    with pytest.raises(BadCallback):
        Codec(TOKEN, KEY, APP).open_text(text, Signed(signature_of(TOKEN, "1", "n", text), "1", "n"))


def test_json_envelope_of_a_bot() -> None:
    codec = Codec(TOKEN, KEY, "")
    body = json.loads(codec.seal("你好", "1767225600", "n", envelope=Envelope.BOT))
    signed = Signed(body["msgsignature"], "1767225600", "n")
    assert codec.open(json.dumps({"Encrypt": body["encrypt"]}).encode(), signed).decode() == "你好"
    for bad in (b"[]", b"{", b"\xff", b'{"encrypt": 7}', b"[" * 100_000, b'{"other": "x"}'):
        with pytest.raises(BadCallback):
            codec.open(bad, signed)


def test_keys_are_checked_and_not_repeated() -> None:
    for key in ("", "A" * 42, "A" * 42 + "=", "A" * 42 + "\n"):
        with pytest.raises(SettingsError) as raised:
            Codec(TOKEN, key, APP)
        assert "AAA" not in str(raised.value)


@pytest.mark.parametrize("text", TEXTS)
def test_wechatpy_reads_ours_and_we_read_its_own(text: str) -> None:
    ours, theirs = Codec(TOKEN, KEY, APP), WeChatCrypto(TOKEN, KEY, APP)
    message = document(Content=text, MsgId=7)
    body, signed = sealed(message)
    assert theirs.decrypt_message(body.decode(), signed.signature, signed.timestamp, signed.nonce) == message
    answer = theirs.encrypt_message(message, "n2", "1767225601").encode()
    fields = fields_of(answer)
    reread = ours.open(answer, Signed(fields.text("MsgSignature"), fields.text("TimeStamp"), fields.text("Nonce")))
    assert reread.decode() == message
    assert fields_of(reread).text("Content") == text.strip()


@pytest.mark.parametrize("text", TEXTS)
def test_npm_wechat_crypto(text: str) -> None:
    folder = installed("wechat-crypto@0.0.2")
    body, _ = sealed(document(Content=text))
    script = """
        const Crypt = require('wechat-crypto');
        const crypt = new Crypt(input.token, input.key, input.app);
        const opened = crypt.decrypt(input.sealed);
        const sealed = crypt.encrypt(opened.message);
        console.log(JSON.stringify({ message: opened.message, id: opened.id, sealed,
            signature: crypt.getSignature('1767225600', 'n1', sealed) }));"""
    given_ = {"token": TOKEN, "key": KEY, "app": APP, "sealed": fields_of(body).text("Encrypt")}
    answer = run(folder, script, given_)
    assert (answer["message"], answer["id"]) == (document(Content=text), APP)
    ours = Codec(TOKEN, KEY, APP).open_text(answer["sealed"], Signed(answer["signature"], "1767225600", "n1"))
    assert ours.decode() == document(Content=text)


def test_npm_of_the_wecom_team() -> None:
    folder = installed("@wecom/crypto@1.0.1")
    texts = [text for text in TEXTS if text]
    codec = Codec(TOKEN, KEY, "ww1")
    script = """
        const { decrypt, encrypt, getSignature } = require('@wecom/crypto');
        console.log(JSON.stringify(input.rows.map(row => {
            const { message, id } = decrypt(input.key, row);
            const sealed = encrypt(input.key, message, id);
            return { message, id, sealed, signature: getSignature(input.token, '1767225600', 'n', sealed) };
        })));"""
    rows = [codec.seal_text(text) for text in texts]
    for text, answer in zip(texts, run(folder, script, {"token": TOKEN, "key": KEY, "rows": rows}), strict=True):
        assert (answer["message"], answer["id"]) == (text, "ww1")
        assert codec.open_text(answer["sealed"], Signed(answer["signature"], "1767225600", "n")).decode() == text


HOSTILE = {
    "external entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:9/">]><xml><Content>&e;</Content></xml>',
    "parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/d"> %p;]><xml/>',
    "laughs": "<!DOCTYPE x [" + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)) + "]><xml/>",
    "quadratic": f'<!DOCTYPE x [<!ENTITY a "{"A" * 20_000}">]><xml>{"&a;" * 5_000}</xml>',
    "doctype alone": "<!doctype xml><xml/>",
    "hidden by a comment": '<!-- <![CDATA[ --><!DOCTYPE x [<!ENTITY e "1">]><xml>&e;<!-- ]]> --></xml>',
    "nested": "<a>" * 9_000 + "</a>" * 9_000,
    "a stylesheet": '<?xml version="1.0" encoding="utf-7"?><xml/>',
    "unknown entity": "<xml>&nothing;</xml>",
    "not closed": "<xml><Content>",
    "empty": "",
    "too large": f"<xml>{'A' * MAX_BYTES}</xml>",
}


@pytest.mark.parametrize("body", [*HOSTILE.values()], ids=[*HOSTILE])
def test_hostile_documents_are_refused_at_once(body: str) -> None:
    forms = [body.encode(), body.encode("utf-16"), body.encode("utf-16-le"), body.encode("utf-32")]
    started = time.thread_time()
    for form in forms:
        with pytest.raises(BadCallback):
            fields_of(form)
    assert time.thread_time() - started < 1


def test_text_that_speaks_of_markup_is_only_text() -> None:
    told = "<!DOCTYPE html> & ]]> <b>\x00\x0b"
    fields = fields_of(document(Content=told, CreateTime=7).encode())
    assert fields.text("content") == "<!DOCTYPE html> & ]]> <b>"
    assert fields.text("CREATETIME") == "7" and fields.text("none") == ""
