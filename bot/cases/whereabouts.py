"""What a report tells of its place: names by their sound, numbered parts, and the sounds of the whole text.

Names are compared by their sound, so that 景田北街 and "Jingtian North Street" are
one road, and a homophone is no other.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.nlu.entities import Entity
from bot.nlu.gazetteer import by_form
from bot.nlu.spoken import ZH_DIGITS, zh_number
from knowledge.city import City
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA
from knowledge.words import SOUND_MERGES, STOP, sound, stem

LOOKUPS = NLU_DATA / "lookups"
TOLD_BY = ("location", "road", "landmark")
UNIT = re.compile(r"[a-z0-9']+|[\u3400-\u9fff]+")
ZH_NUMERAL = re.compile(
    r"(?:第|(?!一(?:栋|幢|座|层|期|区|门|线|房)))(?P<n>[幺一二三四五六七八九十百零〇]+)(?=栋|幢|座|号|楼|层|单元|巷|弄|坊|期|区|室|房|门|线|路公交|路车)"
)
GATES = {"north": "北", "south": "南", "east": "东", "west": "西", "main": "正", "front": "正", "back": "后",
         "rear": "后", "side": "侧"}  # fmt: skip
ROAD, ESTATE, OTHER = "road", "estate", "other"
_ENDS = {
    ROAD: "大道|公路|高速|快速路|步行街|路|街|道|巷",
    ESTATE: "小区|花园|家园|新村|旧村|老村|老围|城中村|雅苑|名苑|华庭|豪庭|山庄|公寓|苑|村|庭|居|府|园|围|城",
    OTHER: "大厦|广场|中心|商场|商城|菜市场|市场|超市|公园|学校|小学|中学|幼儿园|医院|社康|地铁站|公交站|工业区|工业园|"
    "产业园|科技园|厂|酒店|宾馆|大桥|天桥|桥|隧道|立交|水库|河|湖|站|社区",
}
_ENGLISH_ENDS = {
    ROAD: "road|rd|street|st|avenue|ave|boulevard|blvd|lane|expressway|highway",
    ESTATE: "village|gardens?|estate|community|apartments?|compound|mansions?",
    OTHER: "building|tower|plaza|square|mall|market|park|school|kindergarten|hospital|station|bridge|footbridge|"
    "overpass|tunnel|hotel|factory|reservoir|river|lake|centre|center|industrial|mart|primary",
}
# 沙河西路, 香蜜湖路: what ends a name elsewhere is a part of it before the word for a road.
_CHINESE_NAME = re.compile(
    "(?P<core>[\u3400-\u9fff]{2,8}?)(?:"
    + "|".join(f"(?P<{kind}>{ends})" for kind, ends in _ENDS.items())
    + f")(?![\u3400-\u9fff]?(?:{_ENDS[ROAD]}))"
)
_ENGLISH_NAME = re.compile(
    r"(?P<core>[a-z0-9']+(?: [a-z0-9']+){0,3}?) (?:"
    + "|".join(f"(?P<{kind}>{ends})" for kind, ends in _ENGLISH_ENDS.items())
    + r")\b"
)
_LEAD = re.compile(r"^(?:the|in|at|on|near|of|from|and|by|along|our|my|a|around|opposite|outside|corner) ")
_NO_CORE = re.compile(
    "^(?:这个|那个|我们|小|大|地铁|公交|垃圾|停车|主|后|前|门口|旁边|的|条|整条|这条|那条|道|街|本|某|老|新)*$"
)


@dataclass(frozen=True)
class PlaceName:
    """A name without the word for what it names, by its sounds."""

    kind: str
    core: tuple[str, ...]


@dataclass(frozen=True)
class Whereabouts:
    """Names told, numbered parts by kind, and the sounds of the text in order, English words among them."""

    names: tuple[PlaceName, ...]
    parts: Mapping[str, frozenset[str]]
    sounds: tuple[str, ...]
    districts: frozenset[str]
    subdistricts: frozenset[str]

    def tells(self, core: tuple[str, ...]) -> bool:
        """Whether the sounds of a name stand in the text."""
        size = len(core)
        return any(self.sounds[at : at + size] == core for at in range(len(self.sounds) - size + 1))


def whereabouts(text: str, entities: tuple[Entity, ...], city: City) -> Whereabouts:
    """Read what a text tells of its place; `entities` are those found in it."""
    plain = ZH_NUMERAL.sub(lambda found: _digits(found["n"]), normalise(text).text)
    told = tuple(dict.fromkeys(_names(entities)))
    return Whereabouts(
        told,
        _parts(plain),
        tuple(sounds_of(_with_chinese_names(normalise(text).text, city))),
        frozenset(e.district for e in entities if e.district),
        frozenset(e.value for e in entities if e.label == "subdistrict"),
    )


def _digits(told: str) -> str:
    """A number told in tens and hundreds, or digit by digit: 一百六十六 and 一六六 are both 166."""
    return zh_number(told) if set(told) & set("十百") else "".join(ZH_DIGITS[sign] for sign in told)


@lru_cache(maxsize=1)
def _part_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    with (LOOKUPS / "place_parts.csv").open(encoding="utf-8", newline="") as rows:
        return tuple((row["kind"], re.compile(row["pattern"])) for row in csv.DictReader(rows))


@lru_cache(maxsize=1)
def _translations() -> Mapping[str, str]:
    with (LOOKUPS / "place_translations.csv").open(encoding="utf-8", newline="") as rows:
        return {row["english"]: row["chinese"] for row in csv.DictReader(rows)}


@lru_cache(maxsize=1)
def part_kinds() -> tuple[str, ...]:
    """The kinds of numbered parts."""
    return tuple(dict.fromkeys(kind for kind, _ in _part_patterns()))


def _parts(plain: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for kind, pattern in _part_patterns():
        for match in pattern.finditer(plain):
            number = GATES.get(match["n"], match["n"])
            found.setdefault(kind, set()).add(number)
    return {kind: frozenset(numbers) for kind, numbers in found.items()}


def _names(entities: tuple[Entity, ...]) -> Iterator[PlaceName]:
    for entity in entities:
        if entity.label not in TOLD_BY:
            continue
        for text in {normalise(entity.text).text, normalise(entity.value).text}:
            for match in (*_CHINESE_NAME.finditer(text), *_ENGLISH_NAME.finditer(text)):
                core = match["core"]
                while lead := _LEAD.match(core + " "):
                    core = core[lead.end() :]
                kind = next(kind for kind in _ENDS if match[kind])
                sounds = tuple(one for one in sounds_of(core) if not one.isdigit())
                if len(sounds) > 1 and not _NO_CORE.match(core):
                    yield PlaceName(kind, sounds)


def _with_chinese_names(text: str, city: City) -> str:
    """The text with the English names of known places in Chinese."""
    return _english_forms(city).sub(lambda found: f" {by_form(city)[found.group()].value} ", text)


@lru_cache(maxsize=4)
def _english_forms(city: City) -> re.Pattern[str]:
    forms = [form for form, name in by_form(city).items() if form.isascii() and name.label != "agency"]
    ordered = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.compile(rf"\b(?:{ordered})\b" if ordered else r"(?!)")


def sounds_of(text: str) -> Iterator[str]:
    """The sounds of a text in normal form, in order; an English word is its stem unless it spells Chinese ones."""
    for unit in UNIT.findall(text):
        if not unit[0].isascii():
            yield from (sound(char) for char in unit)
        elif unit in _translations():
            yield from (sound(char) for char in _translations()[unit])
        elif unit not in STOP:
            yield from syllables(unit) or (stem(unit),)


@lru_cache(maxsize=20_000)
def syllables(word: str) -> tuple[str, ...]:
    """The sounds of a Chinese name written in Latin letters; none for any other word."""
    letters = word.replace("'", "")
    best: list[tuple[str, ...] | None] = [()] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - 6), end):
            before = best[start]
            if before is not None and letters[start:end] in _known():
                here = (*before, _known()[letters[start:end]])
                if best[end] is None or len(here) < len(best[end] or ()):
                    best[end] = here
    whole = best[len(letters)]
    return whole if whole and len(whole) > 1 else ()


@lru_cache(maxsize=1)
def _known() -> Mapping[str, str]:
    """Every syllable of Mandarin with its sound."""
    with (LOOKUPS / "syllables.csv").open(encoding="utf-8", newline="") as rows:
        return {row["syllable"]: _merged(row["syllable"]) for row in csv.DictReader(rows)}


def _merged(syllable: str) -> str:
    """A toneless syllable as `sound` gives it for a character."""
    for one, other in SOUND_MERGES:
        syllable = syllable.replace(one, other)
    return "l" + syllable[1:] if syllable.startswith("n") else syllable
