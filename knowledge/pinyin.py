"""pypinyin without its table of phrases, which costs 46 MB: sounds are asked for one character at a time."""

from __future__ import annotations

import importlib
import os
from typing import Any

os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")  # read by pypinyin when it is first imported
_library: Any = importlib.import_module("pypinyin")


def toneless(char: str) -> str:
    """The commonest reading of a Chinese character without its tone; any other character as it is."""
    return str(_library.lazy_pinyin(char, style=_library.Style.NORMAL)[0])
