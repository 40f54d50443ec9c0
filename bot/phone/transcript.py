"""A transcript as a fold over segments, whatever order they come in and however often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from bot.phone.segment import Segment


class Took(StrEnum):
    """What became of a segment; the closed list."""

    REVISED = "revised"
    FINAL = "final"
    OLD = "old"
    FIXED = "fixed"


@dataclass(frozen=True)
class Transcript:
    """The newest revision of each segment, in the order of arrival. A final never changes again."""

    segments: Mapping[str, Segment] = field(default_factory=lambda: MappingProxyType({}))

    def __len__(self) -> int:
        return len(self.segments)

    def take(self, segment: Segment) -> tuple[Transcript, Took]:
        """The transcript after one more revision; older ones and those after the final change nothing."""
        known = self.segments.get(segment.id)
        if known is not None and known.final:
            return self, Took.FIXED
        # A final counts whatever was heard before it: partials may overtake it on their way.
        if known is not None and not segment.final and segment.rev <= known.rev:
            return self, Took.OLD
        taken = MappingProxyType({**self.segments, segment.id: segment})
        return Transcript(taken), Took.FINAL if segment.final else Took.REVISED

    @property
    def spoken(self) -> tuple[Segment, ...]:
        """What was said so far, in the order of speech; blank stretches left out."""
        kept = [one for one in self.segments.values() if not one.blank]
        return in_order(kept)

    @property
    def finals(self) -> tuple[Segment, ...]:
        """What was said for good, in the order of speech."""
        return tuple(one for one in self.spoken if one.final)


def folded(segments: Iterable[Segment], transcript: Transcript | None = None) -> Transcript:
    """The transcript of all segments."""
    transcript = transcript or Transcript()
    for segment in segments:
        transcript, _ = transcript.take(segment)
    return transcript


def in_order(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Segments as they were spoken; one without a time stays behind the one it came after."""
    timed: list[tuple[int, int, Segment]] = []
    latest = 0
    for place, segment in enumerate(segments):
        latest = segment.start_ms if segment.start_ms is not None else latest
        timed.append((latest, place, segment))
    return tuple(segment for _, _, segment in sorted(timed, key=lambda one: one[:2]))


def heard_of(said: str, heard: str) -> str:
    """The beginning of what was to be said, as far as it was heard; what was heard where the two differ."""
    wanted = [char for char in heard if char.isalnum()]
    at = 0
    for place, char in enumerate(said):
        if at == len(wanted):
            return said[:place].rstrip()
        if char.isalnum():
            if char != wanted[at]:
                return heard.strip()
            at += 1
    return said if at == len(wanted) else heard.strip()


@dataclass(frozen=True)
class Received:
    """Which numbered frames came: all up to `through`, and those of `ahead`."""

    through: int = 0
    ahead: frozenset[int] = frozenset()

    def __contains__(self, seq: int) -> bool:
        return seq <= self.through or seq in self.ahead

    def add(self, seq: int) -> Received:
        """With one more frame; what follows without a gap is closed up."""
        if seq in self:
            return self
        through, ahead = self.through, self.ahead | {seq}
        while through + 1 in ahead:
            through += 1
        return Received(through, frozenset(one for one in ahead if one > through))
