"""The number a call comes from, as one that a person can dial back."""

from __future__ import annotations

import re

# The kind of the channel that telephone calls come by.
PHONE = "phone"
CHINESE = re.compile(r"\+86(?:(?P<mobile>1[3-9]\d{9})|(?P<landline>10\d{8}|[2-9]\d{9,10}))")
DIALLED = re.compile(r"\+[1-9]\d{6,14}|1[3-9]\d{9}|0\d{9,11}")
# A gateway spells why it tells no number on the keys of a telephone.
KEYS = {
    letter: key
    for key, letters in zip("23456789", ["abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"], strict=True)
    for letter in letters
}
WITHHELD = frozenset(
    "+" + "".join(KEYS[letter] for letter in word)
    for word in ("anonymous", "blocked", "restricted", "unavailable", "unknown")
)


def number_of(told: str) -> str | None:
    """The number that a gateway tells of a caller, None where there is none to dial; one of China as it is dialled."""
    told = re.sub(r"[ ()\-]", "", told)
    if told in WITHHELD or not DIALLED.fullmatch(told):
        return None
    found = CHINESE.fullmatch(told)
    if found is None:
        return told
    return found["mobile"] or f"0{found['landline']}"
