"""Action servers of others, called by our engine: over a server of the protocol here, over rasa-sdk where marked."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.errors import ActionFailed, ActionRejected, ActionUnknown, EngineAway
from connectors.rasa.action_client import HttpActionServer, action_server_of
from connectors.rasa.endpoint import Endpoint, read_endpoint
from connectors.rasa.rest_client import RestClient
from knowledge.yaml_file import ContentError

CALL: dict[str, Any] = {
    "sender_id": "u1",
    "version": "3.6.21",
    "tracker": {"sender_id": "u1", "slots": {"地点": None}, "events": []},
    "domain": {"actions": ["action_hello", {"action_whole": {"send_domain": True}}]},
}


class ActionProcess(BaseHTTPRequestHandler):
    """An action server of the protocol that keeps one domain and notes every call."""

    seen: list[dict[str, Any]]
    digest: str | None = None

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        deflate = self.headers.get("Content-Encoding") == "deflate"
        body = json.loads(zlib.decompress(content) if deflate else content)
        query = parse_qs(urlsplit(self.path).query)
        self.seen.append({"body": body, "query": query, "headers": dict(self.headers), "deflate": deflate})
        name = body["next_action"]
        if self.path.startswith("/moved"):
            self.send_response(307)
            self.send_header("Location", "/webhook")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if "domain" in body:
            type(self).digest = body["domain_digest"]
        if name == "action_hello" and body["domain_digest"] != self.digest:
            self._tell(449, {"error": "no domain", "action_name": name})
        elif name == "action_rejects":
            self._tell(400, {"error": "not now", "action_name": name})
        elif name in ("action_hello", "action_whole"):
            said: dict[str, Any] = {"text": None, "response": "utter_hello", "buttons": [], "name": "陈"}
            self._tell(200, {"events": [{"event": "slot", "name": "地点", "value": "人民路"}], "responses": [said]})
        elif name == "action_breaks":
            self._tell(500, {"error": "broken", "request_body": body})
        elif name == "action_babbles":
            self._tell(200, "no answer")
        elif name == "action_sleeps":
            self.server.shutting.wait(30)  # type: ignore[attr-defined]
            self._tell(200, {})
        else:
            self._tell(404, {"error": "no such action", "action_name": name})

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""

    def _tell(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def handler() -> type[ActionProcess]:
    return type("Handler", (ActionProcess,), {"seen": [], "digest": None})


@pytest.fixture
def url(handler: type[ActionProcess]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.shutting = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhook"
    server.shutting.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("compress", [False, True])
def test_an_action_runs_elsewhere(handler: type[ActionProcess], url: str, compress: bool) -> None:
    endpoint = Endpoint(url, {"a": "1"}, {"X-City": "sz"}, ("user", "word"), "secret", "key")
    server = HttpActionServer(endpoint, compress)
    answer = server.run("action_hello", CALL)
    server.close()
    assert answer.events == ({"event": "slot", "name": "地点", "value": "人民路"},)
    assert answer.responses[0]["response"] == "utter_hello"
    seen = handler.seen[0]
    assert seen["body"]["domain"] == CALL["domain"] and seen["body"]["tracker"] == CALL["tracker"]
    assert (seen["query"], seen["deflate"]) == ({"a": ["1"], "key": ["secret"]}, compress)
    assert seen["headers"]["X-City"] == "sz"
    assert seen["headers"]["Authorization"] == "Basic " + base64.b64encode(b"user:word").decode()


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9"])
def test_no_proxy_of_the_environment_stands_between(url: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    server = HttpActionServer(Endpoint(url))
    assert server.run("action_hello", CALL).events
    server.close()
    client = RestClient(url.removesuffix("/webhook"), "", 60, 5)
    with pytest.raises(EngineAway, match=r"status 449"):
        client.ask({"next_action": "action_hello", "domain_digest": None})
    client.close()


def test_certificates_named_in_the_environment_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handler: type[ActionProcess]
) -> None:
    """As for any program of OpenSSL; without SSL_CERT_FILE a server with a certificate of its own is not trusted."""
    certificate = own_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"https://127.0.0.1:{server.server_port}"
    try:
        stranger = HttpActionServer(Endpoint(f"{address}/webhook"))
        with pytest.raises(ActionFailed, match="cannot be reached"):
            stranger.run("action_hello", CALL)
        stranger.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusted = HttpActionServer(Endpoint(f"{address}/webhook"))
        assert trusted.run("action_hello", CALL).events
        trusted.close()
        client = RestClient(address, "", 60, 5)
        with pytest.raises(EngineAway, match=r"status 449"):
            client.ask({"next_action": "action_hello", "domain_digest": None})
        client.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def own_certificate(folder: Path) -> Path:
    """A certificate for this machine that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now, alternative = datetime.now(UTC), x509.IPAddress(ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "own.pem"
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem))
    return file


def test_an_action_server_that_has_moved_is_followed(handler: type[ActionProcess], url: str) -> None:
    server = HttpActionServer(Endpoint(url.replace("/webhook", "/moved")))
    assert server.run("action_hello", CALL).events
    assert [one["body"] for one in handler.seen] == [handler.seen[0]["body"]] * 2
    server.close()


def test_a_selective_call_brings_the_domain_when_it_is_asked_for(handler: type[ActionProcess], url: str) -> None:
    server = HttpActionServer(Endpoint(url, selective=True))
    for _ in range(2):
        server.run("action_hello", CALL)
    assert ["domain" in one["body"] for one in handler.seen] == [False, True, False]
    server.run("action_whole", CALL)
    assert "domain" in handler.seen[-1]["body"]
    server.close()


@pytest.mark.parametrize(
    ("name", "error", "word"),
    [
        ("action_rejects", ActionRejected, "not now"),
        ("action_unheard_of", ActionUnknown, "action_unheard_of"),
        ("action_breaks", ActionFailed, "500"),
        ("action_babbles", ActionFailed, "no JSON object"),
        ("action_sleeps", ActionFailed, "in time"),
    ],
)
def test_every_trouble_has_its_error(url: str, name: str, error: type[Exception], word: str) -> None:
    server = HttpActionServer(Endpoint(url), seconds=60 if name != "action_sleeps" else 0.3)
    with pytest.raises(error, match=word):
        server.run(name, CALL)
    server.close()


def test_a_server_that_is_not_there() -> None:
    server = HttpActionServer(Endpoint("http://127.0.0.1:9/webhook"))
    with pytest.raises(ActionFailed, match="cannot be reached"):
        server.run("action_hello", CALL)
    server.close()


def test_the_endpoint_of_a_project(tmp_path: Path) -> None:
    path = tmp_path / "endpoints.yml"
    path.write_text("tracker_store:\n  type: SQL\n", encoding="utf-8")
    assert read_endpoint(path, {}) is None and action_server_of(path, {}) is None
    path.write_text(
        "action_endpoint:\n  url: http://${HOST}:5055/webhook\n  token: ${WORD}\n  token_name: key\n"
        "  headers: {X-City: sz}\n  basic_auth:\n    username: u\n    password: ${WORD}\n"
        "  enable_selective_domain: true\n",
        encoding="utf-8",
    )
    found = read_endpoint(path, {"HOST": "actions", "WORD": "w"})
    assert found == Endpoint(
        "http://actions:5055/webhook", {}, {"X-City": "sz"}, ("u", "w"), "w", "key", None, selective=True
    )
    assert "'w'" not in repr(found)


@pytest.mark.parametrize(
    ("lines", "line", "word"),
    [
        ("  url: ftp://x\n", 2, "url"),
        ("  url: http://${NOWHERE}/\n", 2, "NOWHERE"),
        ("  url: http://x\n  basic_auth: {username: u}\n", 3, "password"),
        ("  url: http://x\n  headers: [a]\n", 3, "headers"),
        ("  url: http://x\n  cafile: gone.pem\n", 3, "certificate"),
    ],
)
def test_a_wrong_endpoint_is_refused_with_its_line(tmp_path: Path, lines: str, line: int, word: str) -> None:
    path = tmp_path / "endpoints.yml"
    path.write_text("action_endpoint:\n" + lines, encoding="utf-8")
    with pytest.raises(ContentError, match=word) as refused:
        read_endpoint(path, {})
    assert refused.value.line == line
