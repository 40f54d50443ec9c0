"""The body of a call, as both stand-ins read it."""

from __future__ import annotations

import json
from typing import Any

from connectors.mock.wechat_account import ApiError

Body = dict[str, Any]


def body_of(content: bytes) -> Body:
    """The JSON object; raises ApiError for anything else."""
    try:
        found = json.loads(content.decode())
    except ValueError:
        raise ApiError(47001, "data format error") from None
    if not isinstance(found, dict):
        raise ApiError(47001, "data format error")
    return found
