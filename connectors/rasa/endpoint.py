"""The action server that a Rasa project's endpoints.yml names, with the options Rasa reads there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.rasa.refusals import expanded
from knowledge.yaml_file import ContentError, read_with_lines

SECTION = "action_endpoint"
TEXTS = ("url", "token", "token_name", "cafile")
MAPPINGS = ("params", "headers", "basic_auth")
SELECTIVE = "enable_selective_domain"
AUTH_KEYS = {"username", "password"}


@dataclass(frozen=True)
class Endpoint:
    """Where an action server is and how it is spoken to."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_name: str = "token"
    cafile: Path | None = None
    selective: bool = False

    @property
    def query(self) -> dict[str, str]:
        """The parameters of every request, with the token."""
        return {**self.params, **({self.token_name: self.token} if self.token else {})}


def read_endpoint(path: Path, environment: Mapping[str, str]) -> Endpoint | None:
    """The action server in an endpoints.yml, None where it names none; raises ContentError with file and line.

    `${NAME}` stands for a variable of the environment, as in Rasa.
    """

    def missing(problem: str, line: int) -> None:
        raise ContentError(path, line, problem)

    content, lines = read_with_lines(
        path, lambda word, line: expanded(word, environment, lambda problem: missing(problem, line))
    )
    body = content.get(SECTION) if isinstance(content, dict) else None
    if body is None:
        return None

    def refuse(problem: str, *at: str) -> ContentError:
        return ContentError(path, lines.get((SECTION, *at)) or lines.get((SECTION,)), problem)

    if not isinstance(body, dict):
        raise refuse(f"`{SECTION}` must be a mapping")
    for key in body:
        if key not in (*TEXTS, *MAPPINGS, SELECTIVE):
            raise refuse(f"`{key}` is not supported in `{SECTION}`", key)
    told = {key: str(body[key]) for key in TEXTS if body.get(key) is not None}
    if not told.get("url", "").startswith(("http://", "https://")):
        raise refuse("the action server needs a `url` of http or https", "url")
    maps: dict[str, dict[str, str]] = {}
    for key in MAPPINGS:
        value: Any = body.get(key) or {}
        if not isinstance(value, dict):
            raise refuse(f"`{key}` must be a mapping", key)
        maps[key] = {str(name): str(one) for name, one in value.items()}
    auth = maps["basic_auth"]
    if auth and set(auth) != AUTH_KEYS:
        raise refuse("`basic_auth` has `username` and `password`", "basic_auth")
    cafile = path.parent / told["cafile"] if "cafile" in told else None
    if cafile is not None and not cafile.is_file():
        raise refuse("the certificate file is missing", "cafile")
    return Endpoint(
        told["url"],
        maps["params"],
        maps["headers"],
        (auth["username"], auth["password"]) if auth else None,
        told.get("token"),
        told.get("token_name", "token"),
        cafile,
        str(body.get(SELECTIVE, False)).lower() == "true",
    )
