"""Case numbers and query codes."""

from __future__ import annotations

import secrets
from datetime import date
from typing import NewType

from stdnum import luhn

from bot.errors import NoNumberLeft

CaseNumber = NewType("CaseNumber", str)
CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 8
LAST_OF_DAY = 999_999


def case_number(prefix: str, day: date, running: int) -> CaseNumber:
    """The number of the day's nth case: city, date, running number, Luhn digit over both; raises NoNumberLeft."""
    if running > LAST_OF_DAY:
        raise NoNumberLeft(f"{day}: all {LAST_OF_DAY} numbers of the day are used")
    digits = f"{day:%y%m%d}{running:06d}"
    return CaseNumber(f"{prefix}{digits[:6]}-{digits[6:]}-{luhn.calc_check_digit(digits)}")


def is_case_number(text: str) -> bool:
    """Whether the check digit fits; a mistyped number is told before any look-up."""
    digits = "".join(char for char in text if char.isdigit())
    return len(digits) == 13 and bool(luhn.is_valid(digits))


def query_code() -> str:
    """A fresh secret of 8 characters without 0 O 1 I L; letters and digits both, so it is no word."""
    while True:
        code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
        if any(char.isdigit() for char in code) and any(char.isalpha() for char in code):
            return code
