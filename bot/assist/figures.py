"""How well calls are understood: the right service among those offered, how early, and the fields of the form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.assist.assistance import Advice, Assistance
from bot.assist.call import Call
from bot.assist.labelled_calls import DEMAND, FIELDS, LabelledCall
from bot.assist.suggestions import SuggestionKind
from bot.nlu.spoken import place_value, time_value
from knowledge.normal import normalise
from knowledge.words import STOP, sound, stem

READ = {"place": "location", "time": "occurred_at"}
ALIKE = 0.5
UNIT = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]")
EMPTY = frozenset("的了在是吧啊呢那这就都有个从到和与") | frozenset(
    ["since", "until", "till", "already", "around", "number", "no", "right", "over", "by", "also"]
)
SHORT = {"rd": "road", "ave": "avenue", "st": "street", "blvd": "boulevard", "bldg": "building"}
ONES = {
    word: str(at)
    for at, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
} | {"oh": "0"}
TENS = {
    word: str(at)
    for at, word in enumerate(
        ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"],
        start=10,
    )
}
TENS |= {
    word: str(10 * at)
    for at, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2)
}
ORDINALS = dict(
    zip(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
        ],
        ["1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "10th", "11th", "12th"],
        strict=True,
    )
)
_NUMBER_WORD = "|".join((*ONES, *TENS))
NUMBERS = re.compile(rf"\b(?:(?:{_NUMBER_WORD})(?:[ \-](?:{_NUMBER_WORD}))*|{'|'.join(ORDINALS)})\b")
DISTRICT = re.compile(
    r"\b(?:luohu|futian|nanshan|yantian|bao'?an|longgang|longhua|pingshan|guangming|dapeng)(?: new)? (?:district|qu)\b|"
    r"(?:罗湖|福田|南山|盐田|宝安|龙岗|龙华|坪山|光明|大鹏)新?区"
)


@dataclass(frozen=True)
class Measured:
    """A call, the services offered after its last segment and the fields read.

    `early` is the share of the caller's segments heard when the right service was first among the three offered and
    stayed there, None when it was not.
    """

    call: LabelledCall
    offered: tuple[str, ...]
    early: float | None
    kind: str
    fields: Mapping[str, str]

    @property
    def rank(self) -> int | None:
        """Where the right service stands among those offered, from 1."""
        return next((at for at, code in enumerate(self.offered, start=1) if code in self.call.services), None)


def measure(
    assistance: Assistance, calls: Sequence[LabelledCall], progress: Callable[[], None] = lambda: None
) -> list[Measured]:
    """Every call heard segment by segment."""
    found = []
    for labelled in calls:
        found.append(_heard(assistance, labelled))
        progress()
    return found


def _heard(assistance: Assistance, labelled: LabelledCall) -> Measured:
    call, since, done = Call(), None, 0
    advice = assistance.advise(call)
    for at, segment in enumerate(labelled.segments):
        call = assistance.listen([segment], call)
        if at not in labelled.callers:
            continue
        done += 1
        advice = assistance.advise(call)
        right = any(code in labelled.services for code in offered(advice))
        since = (done if since is None else since) if right else None
    early = None if since is None else since / max(1, len(labelled.callers))
    fields = {name: advice.draft.value(READ.get(name, name)) or "" for name in FIELDS}
    matter = call.told()[-1][0] if call.told() else None
    return Measured(labelled, offered(advice), early, DEMAND if matter and matter.files_it else "service", fields)


def offered(advice: Advice) -> tuple[str, ...]:
    """The codes of the services offered, best first."""
    return tuple(one.code for one in advice.suggestions if one.kind is SuggestionKind.SERVICE and one.code)


def right(name: str, read: str, wanted: str) -> bool:
    """Whether a field was read as wanted; of a place or time half of the sounds must be the same."""
    if name in ("place", "time"):
        return likeness(name, read, wanted) >= ALIKE
    return read == wanted


def likeness(name: str, read: str, wanted: str) -> float:
    """The harmonic mean of the shares of sounds that two wordings have in common.

    What an agent would not type anew does not count: the order of the parts, numbers in words or digits, short forms of
    words for roads, words of grammar, and in a place the name of its district, which has a field of its own.
    """
    one, other = _sounds(name, read), _sounds(name, wanted)
    if not one or not other:
        return 0.0
    return 2 * (Counter(one) & Counter(other)).total() / (len(one) + len(other))


def _sounds(name: str, text: str) -> list[str]:
    told = normalise(text).text
    told = time_value(told) if name == "time" else place_value(told)
    told = NUMBERS.sub(lambda found: _digits(found.group()), told)
    if name == "place":
        told = DISTRICT.sub(" ", told) if DISTRICT.sub("", told).strip(" ,，的") else told
    units = [SHORT.get(unit, unit) for unit in UNIT.findall(told)]
    units = [unit for unit in units if unit not in EMPTY and unit not in STOP]
    return [stem(unit) if unit.isascii() else sound(unit) for unit in units]


def _digits(words: str) -> str:
    """A number in words in digits: "forty five" as 45, "nine oh three" as 903, "third" as 3rd."""
    found, before = "", ""
    for word in words.replace("-", " ").split():
        if word in ORDINALS:
            return ORDINALS[word]
        joined = TENS.get(before, "").endswith("0") and before != "ten" and word in ONES and word not in ("zero", "oh")
        found = found[:-1] + ONES[word] if joined else found + (ONES.get(word) or TENS[word])
        before = word
    return found


@dataclass(frozen=True)
class Score:
    """Values read rightly, wrongly and not at all."""

    hits: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        """The share of the values read that are right."""
        return self.hits / max(1, self.hits + self.false)

    @property
    def recall(self) -> float:
        """The share of the values told that were read."""
        return self.hits / max(1, self.hits + self.missed)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.hits / max(1, 2 * self.hits + self.false + self.missed)


def score(measured: Iterable[Measured], fields: Sequence[str] = FIELDS) -> Score:
    """The fields of demands together; a wrong value is both false and missed."""
    hits = false = missed = 0
    for one in measured:
        if one.call.kind != DEMAND:
            continue
        for name in fields:
            read, wanted = one.fields[name], one.call.case[name]
            if wanted and read and right(name, read, wanted):
                hits += 1
            else:
                false += bool(read)
                missed += bool(wanted)
    return Score(hits, false, missed)
