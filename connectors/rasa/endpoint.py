"""The action server that a Rasa project's endpoints.yml names, with the options Rasa reads there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.rasa.project import ACTION_ENDPOINT, ENDPOINT_MAPPINGS, ENDPOINT_TEXTS, SELECTIVE
from bot.rasa.refusals import expanded, section_of
from knowledge.yaml_file import ContentError, read_with_lines

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

    `${NAME}` stands for a variable of the environment, as in Rasa. What Rasa does not read is not read here either.
    """
    unset: list[tuple[str, int]] = []
    content, lines = read_with_lines(
        path, lambda word, line: expanded(word, environment, lambda problem: unset.append((problem, line)))
    )
    for problem, line in unset:
        if section_of(lines, line) == ACTION_ENDPOINT:
            raise ContentError(path, line, problem)
    body = content.get(ACTION_ENDPOINT) if isinstance(content, dict) else None
    if body is None:
        return None

    def refuse(problem: str, *at: str) -> ContentError:
        return ContentError(path, lines.get((ACTION_ENDPOINT, *at)) or lines.get((ACTION_ENDPOINT,)), problem)

    if not isinstance(body, dict):
        raise refuse(f"`{ACTION_ENDPOINT}` must be a mapping 须为键值对")
    told = {key: str(body[key]) for key in ENDPOINT_TEXTS if body.get(key) is not None}
    if not told.get("url", "").startswith(("http://", "https://")):
        raise refuse("the action server needs a `url` of http or https 须有 http 或 https 的 `url`", "url")
    maps: dict[str, dict[str, str]] = {}
    for key in ENDPOINT_MAPPINGS:
        value: Any = body.get(key) or {}
        if not isinstance(value, dict):
            raise refuse(f"`{key}` must be a mapping 须为键值对", key)
        maps[key] = {str(name): str(one) for name, one in value.items()}
    auth = maps["basic_auth"]
    if auth and set(auth) != AUTH_KEYS:
        raise refuse("`basic_auth` has `username` and `password` 须有两者", "basic_auth")
    cafile = path.parent / told["cafile"] if "cafile" in told else None
    if cafile is not None and not cafile.is_file():
        raise refuse("the certificate file is missing 证书文件不存在", "cafile")
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
