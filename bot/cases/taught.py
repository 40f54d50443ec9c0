"""The dispatcher with what the approved rulings taught, read again whenever a ruling was decided on."""

from __future__ import annotations

from collections.abc import Sequence

from bot.cases.dispatch import Dispatcher
from bot.cases.examples import Encode, Examples
from bot.cases.ruling import Ruling, rules_of
from bot.store import Work


class TaughtDispatcher:
    """One for a server; each process looks whether another has decided on a ruling."""

    def __init__(self, plain: Dispatcher, encode: Encode) -> None:
        self.plain = plain
        self._encode = encode
        self._known: tuple[str, Dispatcher] = ("", plain)

    def now(self, work: Work) -> Dispatcher:
        """The dispatcher as taught up to this transaction."""
        mark = work.rulings.mark()
        known, dispatcher = self._known
        if mark != known:
            dispatcher = self._taught(work.rulings.approved(), dispatcher)
            self._known = (mark, dispatcher)
        return dispatcher

    def _taught(self, approved: Sequence[Ruling], before: Dispatcher) -> Dispatcher:
        examples = Examples([one.example() for one in approved], self._encode, before.examples)
        return self.plain.taught(rules_of(approved, self.plain.duty), examples)
