"""Which turns a look has seen; numbers may be committed out of order, so lower ones that are missing may still come."""

from __future__ import annotations

from collections.abc import Collection

# A transaction that took a number commits or fails before as many looks are over.
LOOKS = 60
# The first look takes turns as far below the newest for missing ones.
FIRST = 50
MOST_MISSING = 500


class SeenTurns:
    """The newest number seen, and the missing ones below it with the looks left to them."""

    def __init__(self, newest: int) -> None:
        self.newest = max(0, newest - FIRST)
        self._missing: dict[int, int] = {}

    def rewound(self, newest: int) -> SeenTurns:
        """What was seen where turns above the newest were erased: SQLite gives their numbers to new ones."""
        return SeenTurns(newest) if newest < self.newest else self

    @property
    def missing(self) -> Collection[int]:
        """Numbers below the newest that may still come."""
        return self._missing.keys()

    def see(self, numbers: Collection[int]) -> None:
        """What one look found: only numbers that were not seen before."""
        left = {number: looks - 1 for number, looks in self._missing.items() if number not in numbers and looks > 1}
        newest = max((self.newest, *numbers))
        gaps = [
            number for number in range(max(self.newest, newest - MOST_MISSING) + 1, newest) if number not in numbers
        ]
        left.update(dict.fromkeys(gaps, LOOKS))
        self._missing = dict(list(left.items())[-MOST_MISSING:])
        self.newest = newest
