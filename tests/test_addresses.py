"""Whose request it is, also behind proxies."""

from __future__ import annotations

from typing import Any

import pytest

from bot.settings import Settings
from connectors.limits import address_of


def asked(*forwarded: str, client: str = "10.0.0.9") -> dict[str, Any]:
    """The scope of a request that a proxy passed on."""
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return {"type": "http", "headers": headers, "client": (client, 4711)}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, ("1.2.3.4",), "10.0.0.9"),
        (1, (), "10.0.0.9"),
        (1, ("203.0.113.7",), "203.0.113.7"),
        (1, ("1.2.3.4, 203.0.113.7",), "203.0.113.7"),
        (1, ("1.2.3.4", "203.0.113.7"), "203.0.113.7"),
        (2, ("1.2.3.4, 203.0.113.7, 10.0.0.8",), "203.0.113.7"),
        (2, ("203.0.113.7",), "203.0.113.7"),
        (1, ("x, 203.0.113.7:4711",), "203.0.113.7"),
        (1, ("[2001:db8::1]:4711",), "2001:db8::1"),
        (1, ("2001:db8::1",), "2001:db8::1"),
        (1, (" , ",), "10.0.0.9"),
    ],
)
def test_what_a_caller_writes_before_the_proxy_is_not_believed(
    proxies: int, forwarded: tuple[str, ...], address: str
) -> None:
    assert address_of(asked(*forwarded), proxies) == address


@pytest.mark.parametrize(("told", "proxies"), [("true", 1), ("False", 0), ("1", 1), ("2", 2), ("", 0)])
def test_one_proxy_or_several_as_the_setting_says(told: str, proxies: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHENGDA_TRUSTED_PROXY", told)
    assert Settings(_env_file=None).trusted_proxy == proxies  # type: ignore[call-arg]
