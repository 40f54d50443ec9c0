"""Keys pressed during a call: one chooses what was offered, several in a row are a number."""

from __future__ import annotations

from dataclasses import dataclass, replace

SEND, CLEAR = "#", "*"
MOST_KEYS = 24


@dataclass(frozen=True)
class Keys:
    """The keys of a number under way."""

    pressed: str = ""

    def press(self, key: str, chooses: bool) -> tuple[Keys, str | None]:
        """After one more key, and the text it makes: a choice at once, a number at #; * begins again."""
        if key == CLEAR:
            return Keys(), None
        if key == SEND:
            return Keys(), self.pressed or None
        if not key.isdigit() or len(self.pressed) >= MOST_KEYS:
            return self, None
        if chooses and not self.pressed:
            return self, key
        return replace(self, pressed=self.pressed + key), None
