"""Actions that live in another process: our engine calls any rasa-sdk action server, as Rasa would."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from bot.errors import ActionFailed
from bot.rasa.action_call import (
    DEFLATE,
    DOMAIN_WANTED,
    ActionAnswer,
    body_of,
    deflated,
    needs_domain,
    read_answer,
)
from connectors.rasa.endpoint import Endpoint, read_endpoint

# Rasa waits as long for an action; a server that is not there is told sooner.
PATIENCE_SECONDS, CONNECT_SECONDS = 300.0, 10.0
COMPRESS = "COMPRESS_ACTION_SERVER_REQUEST"


class HttpActionServer:
    """An action server reached over HTTP; an `ActionServer`."""

    def __init__(self, endpoint: Endpoint, compress: bool = False, seconds: float = PATIENCE_SECONDS) -> None:
        self._endpoint, self._compress = endpoint, compress
        # As Rasa's: no proxy of the environment stands between, this machine's certificates count (so does
        # SSL_CERT_FILE), and a server that has moved is followed.
        self._http = httpx.Client(
            trust_env=False,
            follow_redirects=True,
            headers=dict(endpoint.headers),
            auth=endpoint.basic_auth,
            verify=ssl.create_default_context(cafile=str(endpoint.cafile) if endpoint.cafile else None),
            timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
        )

    def run(self, name: str, call: Mapping[str, Any]) -> ActionAnswer:
        """Run an action; raises ActionRejected, ActionUnknown or ActionFailed.

        A server that keeps the domain gets it only when the action needs it or the server asks for it.
        """
        whole = not self._endpoint.selective or needs_domain(name, call.get("domain") or {})
        status, content = self._post(name, body_of(name, call, whole))
        if status == DOMAIN_WANTED and not whole:
            status, content = self._post(name, body_of(name, call, True))
        return read_answer(name, status, content)

    def close(self) -> None:
        """End connections."""
        self._http.close()

    def _post(self, name: str, body: Mapping[str, Any]) -> tuple[int, bytes]:
        content, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        if self._compress:
            content, headers = deflated(content), {**headers, "Content-Encoding": DEFLATE}
        url = httpx.URL(self._endpoint.url)
        try:
            answer = self._http.post(
                url.copy_merge_params(self._endpoint.query) if self._endpoint.query else url,
                content=content,
                headers=headers,
            )
        except httpx.TimeoutException as late:
            raise ActionFailed(f"the action server at {url.host} did not answer {name} in time") from late
        except (httpx.HTTPError, ssl.SSLError) as gone:
            raise ActionFailed(f"the action server at {url.host} cannot be reached for {name}") from gone
        return answer.status_code, answer.content


def action_server_of(endpoints: Path, environment: Mapping[str, str]) -> HttpActionServer | None:
    """The action server of a project's endpoints.yml, None where it names none; raises ContentError."""
    endpoint = read_endpoint(endpoints, environment)
    if endpoint is None:
        return None
    return HttpActionServer(endpoint, environment.get(COMPRESS, "").strip().lower() == "true")
