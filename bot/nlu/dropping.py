"""A running matter dropped in so many words, and what stays of the message beside that."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from bot.nlu.declining import declined
from bot.nlu.said import (
    LEAD,
    LOOKUPS,
    TRIM,
    command_after,
    goes_on,
    opens_with_command,
    says_nothing,
    says_submit,
    short_answer,
    wants_anonymity,
)
from knowledge.normal import normalise

WORD_FILE, WISH_FILE = LOOKUPS / "drop_words.csv", LOOKUPS / "second_wishes.csv"
REASON_FILE = LOOKUPS / "drop_reasons.csv"
CLAUSE = re.compile(r"[^,，.。!！;；~…?？]+[,，.。!！;；~…?？]*\s*")
# The matter itself is told to be dropped ("the complaint"), or only what is done about it ("I won't complain").
NAMED, BARE = "named", "bare"
OBJECT = "object"
ACT = "cancel"
# Words that drop wherever they open or close a message, with or without a comma, and words that may be an order to
# somebody else or put right what was said ("stop it, they drill every night", "scratch that, it's at …").
OPENER, CLOSER, WEAK = "opener", "closer", "weak"
# What drops a matter named in a word or two only where something dropped it before ("算了，路灯不报了").
AFTER = "after"
STRENGTH = (NAMED, BARE, OPENER, ACT, CLOSER, WEAK)
ACTS_ASIDE = frozenset({"skip", "anonymous"})
COURTESY = re.compile(
    r"谢谢(?:你|您|啦|了)?|多谢(?:晒|你|您)?|唔该(?:晒)?|麻烦(?:你|您)?了|辛苦(?:你|您)?了|不好意思|对不起|唔好意思|再见|拜拜|"
    r"\b(?:thank(?:s| you)(?: (?:very|so) much| a lot| anyway| for your (?:help|time))?|"
    r"many thanks|cheers|sorry|bye|goodbye|anyway)\b"
)
TAKES_BACK = re.compile(r"取消|撤|放弃|\b(?:cancel|withdraw|drop|forget)")
# An order to the form itself: what it holds is to be another value.
WRITES = re.compile(r"写|填|改|记|换成|\b(?:write|put|change|use|set|make it|note)\b")
ASKS = re.compile(
    r"怎么|怎样|如何|点样|点(?:办|搞|解)|哪里|哪儿|哪个|边度|边个|什么时候|多少|多久|几钱|几时|能不能|可不可以|[吗呢么][?？]?$|[?？]|"
    r"\b(?:how|where|when|which|who|what)\b"
)


@dataclass(frozen=True)
class Dropped:
    """How a message drops what is running at its head and at its tail, each None where it does not, and what stays."""

    head: str | None
    tail: str | None
    rest: str
    named: bool = False

    @property
    def drops(self) -> bool:
        """Whether there are words that drop something."""
        return self.head is not None or self.tail is not None

    @property
    def weak(self) -> bool:
        """Whether all of these words may be meant for somebody else."""
        return self.head in (None, WEAK) and self.tail in (None, WEAK)

    @property
    def goes_on(self) -> bool:
        """Whether the rest says to file or to go on after all ("算了，提交吧")."""
        return self.drops and (goes_on(self.rest) or (says_submit(self.rest) and not TAKES_BACK.search(self.rest)))

    @property
    def bare(self) -> bool:
        """Whether nothing but thanks stays."""
        return says_nothing(COURTESY.sub("", self._clean))

    @property
    def wishes(self) -> bool:
        """Whether the rest orders or asks something."""
        return wishes(self.rest)

    @property
    def explains(self) -> bool:
        """Whether the rest tells why nothing is wanted any more ("they stopped", "I have no time")."""
        reasons = _reasons()
        return bool(reasons["says"].search(self._clean)) and not reasons["unless"].search(self._clean)

    @property
    def _clean(self) -> str:
        return TRIM.sub("", normalise(self.rest).text)


def wishes(text: str) -> bool:
    """Whether a text orders or asks something."""
    clean = TRIM.sub("", normalise(text).text)
    return any(pattern.match(form) for pattern in _wishes() for form in (clean, LEAD.sub("", clean)))


@lru_cache(maxsize=256)
def dropped(text: str) -> Dropped:
    """A message without the dropping words at both its ends ("算了，我想…", "forget it they stopped")."""
    rest, heads = text, list[str]()
    while (found := _at_head(rest, bool(heads))) is not None:
        kind, rest = found
        heads.append(kind)
    tails = list[str]()
    while (found := _at_tail(rest)) is not None:
        kind, rest = found
        tails.append(kind)
    return Dropped(_strongest(heads), _strongest(tails), rest.strip(), NAMED in (*heads, *tails))


def drops_form(text: str, values: Collection[str], telling: bool) -> bool | None:
    """Whether a message drops the running form; None where only the meaning of what stays can tell.

    `values` are the places, times and ways of contact in it. `telling` is whether the form asks what happened, where a
    thing that is to be left alone may be the matter. Words that only may drop do so when nothing else is said.
    """
    said = dropped(text)
    if not said.drops or said.goes_on or wants_anonymity(text):
        return False
    if declined(said.rest) or short_answer(said.rest) in ACTS_ASIDE:
        return False
    if said.bare:
        return True if not said.weak or short_answer(text) == ACT else None
    if said.explains:
        return True
    told = any(value in said.rest for value in values)
    wants = _orders_else(said.rest) if told else said.wishes
    if said.wishes and wants and (not said.weak or command_after(text, "file_demand")):
        return True
    if said.tail not in (None, WEAK) and not (telling and said.named):
        return True
    return False if told else None


def _orders_else(rest: str) -> bool:
    """Whether a wish with a value in it is one of its own, and not what the form shall hold."""
    clean = normalise(rest).text
    return bool(ASKS.search(clean)) or opens_with_command(rest, "file_demand") or not WRITES.search(clean)


def _strongest(kinds: list[str]) -> str | None:
    """The kind that says most of what is dropped, None of none."""
    return min(kinds, key=lambda kind: STRENGTH.index(kind), default=None)


def _at_head(text: str, after: bool) -> tuple[str, str] | None:
    """How a text drops something with its first words, and the text after them; `after` words that did before."""
    normal = normalise(text)
    clause = CLAUSE.match(text)
    if clause is None:
        return None
    if (kind := _drops(clause.group(), after)) is not None:
        return kind, text[clause.end() :]
    lead = LEAD.match(normal.text)
    for at in dict.fromkeys((0, lead.end() if lead else 0)):
        if at and at < len(normal.origin):
            led = text[normal.origin[at] :]
            inner = CLAUSE.match(led)
            if inner is not None and (kind := _drops(inner.group(), after)) is not None:
                return kind, led[inner.end() :]
        for kind, pattern in _patterns(OPENER, WEAK):
            if (found := pattern.match(normal.text, at)) is not None and found.end() > at:
                end = normal.origin[found.end()] if found.end() < len(normal.origin) else len(text)
                return kind, text[end:].lstrip(" ,，.。!！;；~…")
    return None


def _at_tail(text: str) -> tuple[str, str] | None:
    """How a text drops something with its last words, and the text before them."""
    clauses = list(CLAUSE.finditer(text))
    if not clauses:
        return None
    last = clauses[-1]
    if len(clauses) > 1 and COURTESY.sub("", normalise(last.group()).text).strip(" ,，.。!！") == "":
        found = _at_tail(text[: last.start()])
        return found
    if (kind := _drops(last.group())) is not None:
        return kind, text[: last.start()]
    normal = normalise(text)
    for _, pattern in _patterns(CLOSER):
        if (closing := pattern.search(normal.text)) is not None and closing.start() > 0:
            return CLOSER, text[: normal.origin[closing.start()]]
    return None


def _drops(clause: str, after: bool = False) -> str | None:
    """How a clause drops something, None where it does not."""
    clean = TRIM.sub("", normalise(clause).text)
    forms = (clean, LEAD.sub("", clean))
    for kind, pattern in _patterns():
        if kind != CLOSER and (after or kind != AFTER) and any(map(pattern.fullmatch, forms)):
            return BARE if kind == AFTER else kind
    return ACT if short_answer(clause) == ACT else None


@lru_cache(maxsize=8)
def _patterns(*kinds: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The rows of the table with their kind, all but the objects or only those of some kinds."""
    with WORD_FILE.open(encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    objects = {row["language"]: row["pattern"] for row in table if row["kind"] == OBJECT}
    return tuple(
        (row["kind"], re.compile(row["pattern"].replace("{object}", objects[row["language"]])))
        for row in table
        if row["kind"] != OBJECT and (not kinds or row["kind"] in kinds)
    )


@lru_cache(maxsize=1)
def _wishes() -> tuple[re.Pattern[str], ...]:
    with WISH_FILE.open(encoding="utf-8", newline="") as rows:
        return tuple(re.compile(row["pattern"]) for row in csv.DictReader(rows))


@lru_cache(maxsize=1)
def _reasons() -> dict[str, re.Pattern[str]]:
    with REASON_FILE.open(encoding="utf-8", newline="") as rows:
        table = [(row["rule"], row["pattern"]) for row in csv.DictReader(rows)]
    return {rule: re.compile("|".join(one for other, one in table if other == rule)) for rule in ("says", "unless")}
