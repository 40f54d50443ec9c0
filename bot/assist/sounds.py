"""The coarse sounds of pinyin and of English words, and how far two rows of them are apart."""

from __future__ import annotations

import re
from functools import lru_cache

_ENGLISH = (
    ("tch", "C"), ("sch", "S"), ("chi", "CI"), ("ch", "C"), ("sh", "S"), ("zh", "C"), ("ph", "F"), ("who", "HU"),
    ("wh", "W"), ("ck", "K"), ("kn", "N"), ("wr", "R"), ("gh", ""), ("ts", "C"), ("dz", "C"), ("ge$", "C"),
    ("gee", "CI"), ("igh", "AI"), ("eye", "AI"), ("ng", "N"), ("oo", "U"), ("ew", "IU"), ("ue", "U"), ("ee", "I"),
    ("ea", "I"), ("ay", "EI"), ("ai", "AI"), ("ei", "EI"), ("ey", "EI"), ("aw", "O"), ("au", "AU"), ("ow", "AU"),
    ("ou", "O"), ("oa", "O"), ("oe", "O"), ("oh", "O"), ("ah", "A"), ("uh", "E"), ("eh", "E"), ("oy", "OI"),
    ("oi", "OI"), ("ie", "IE"), ("ian", "IEN"), ("ien", "IEN"), ("ia", "IA"), ("io", "IO"), ("iu", "IU"),
    ("ui", "UEI"), ("uo", "UO"), ("ua", "UA"), ("eo", "IO"),
)  # fmt: skip
_LETTERS = {
    **{"b": "P", "p": "P", "d": "T", "t": "T", "g": "K", "k": "K", "c": "K", "j": "C", "q": "C", "z": "C", "x": "S"},
    **{"s": "S", "f": "F", "v": "F", "h": "H", "l": "L", "r": "R", "m": "M", "n": "N", "w": "W", "y": "I"},
    **{"a": "A", "e": "E", "i": "I", "o": "O", "u": "U"},
}
_VOWELS = frozenset("AEIOU")
_SWAP = {
    **{frozenset(pair): 0.25 for pair in ("AO", "AE", "EO", "OU", "EI", "EU", "IW")},
    **dict.fromkeys(
        map(frozenset, ["CS", "MN", "AU", "UW", "HF", "CT", "KH", "LN", "CK", "IU", "AI", "LR", "CR", "SK", "UF"]), 0.4
    ),
}  # fmt: skip
_DROP = {**dict.fromkeys("AEIOU", 0.3), "H": 0.3, "W": 0.25, "N": 0.45, "R": 0.4, "K": 0.7}
FAMILY = {sound: at for at, family in enumerate(("CST", "P", "KH", "LNR", "M", "F", "WAEIOU")) for sound in family}


_INITIAL = r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
_FINAL = (
    r"(?:iang|iong|uang|uai|uan|ian|iao|ang|eng|ing|ong|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|ua|ue|ui|uo|er|a|e|i|o|u|v)"
)
_SPELT = re.compile(rf"(?:{_INITIAL}{_FINAL}){{1,4}}")
_SYLLABLE = re.compile(rf"(?P<initial>{_INITIAL})(?P<final>{_FINAL})(?![aeiouv])")
_PINYIN_SOUNDS = {
    **{"zh": "C", "ch": "C", "sh": "S", "j": "C", "q": "C", "z": "C", "c": "C", "x": "S", "r": "R", "y": "I", "w": "W"},
    "": "",
}
_FINAL_SOUNDS = {
    **{
        "iang": "IAN",
        "iong": "ION",
        "uang": "UAN",
        "uai": "UAI",
        "uan": "UAN",
        "ian": "IEN",
        "iao": "IAU",
        "ang": "AN",
    },
    **{"eng": "EN", "ing": "IN", "ong": "ON", "ai": "AI", "ei": "EI", "ao": "AU", "ou": "O", "an": "AN", "en": "EN"},
    **{"in": "IN", "un": "UEN", "ia": "IA", "ie": "IE", "iu": "IO", "ua": "UA", "ue": "UE", "ui": "UEI", "uo": "UO"},
    **{"er": "E", "a": "A", "e": "E", "i": "I", "o": "O", "u": "U", "v": "U"},
}


def spelt(word: str) -> bool:
    """Whether an English word could be pinyin."""
    return bool(_SPELT.fullmatch(word.replace("'", "")))


def is_pinyin(written: str) -> bool:
    """Whether a name is written in pinyin alone, of two syllables and more."""
    found = re.sub(r"[' ]", "", written)
    return bool(re.fullmatch(rf"(?:{_INITIAL}{_FINAL}){{2,6}}", found))


def pinyin_sounds(written: str) -> str:
    """The coarse sounds of a name in pinyin: "luohu" as LUOHU, "xixiang" as SISIAN."""
    told, at, found = written, 0, ""
    while at < len(told):
        syllable = _SYLLABLE.match(told, at) or re.compile(rf"(?P<initial>{_INITIAL})(?P<final>{_FINAL})").match(
            told, at
        )
        if syllable is None:
            at += 1
            continue
        initial, final = syllable["initial"], syllable["final"]
        sounds = _FINAL_SOUNDS[final]
        if final == "i" and initial in ("zh", "ch", "sh", "r", "z", "c", "s"):
            sounds = "E"
        found += _PINYIN_SOUNDS.get(initial, _LETTERS.get(initial, "")) + sounds
        at = syllable.end()
    return _squeezed(found)


@lru_cache(maxsize=20000)
def sounds_of(told: str) -> str:
    """The coarse sounds of English words: "law who" as LOHU."""
    return _squeezed("".join(map(_word_sounds, told.split())))


@lru_cache(maxsize=20000)
def _word_sounds(word: str) -> str:
    word = word.replace("'", "")
    found, at = "", 0
    while at < len(word):
        pair = next(
            (
                (k, s)
                for k, s in _ENGLISH
                if word.startswith(k.rstrip("$"), at) and (k[-1] != "$" or at + len(k) - 1 == len(word))
            ),
            None,
        )
        if pair is not None:
            found, at = found + pair[1], at + len(pair[0].rstrip("$"))
            continue
        letter = word[at]
        rest = word[at + 1 :]
        silent = (letter == "e" and not rest and len(word) > 3 and found[-1:] not in _VOWELS) or (
            letter in "rh" and (not rest or rest[0] not in "aeiouy") and at > 0
        )
        if letter == "c" and rest[:1] in ("e", "i", "y"):
            found += "S"
        elif not silent:
            found += _LETTERS.get(letter, "")
        at += 1
    return found


def _squeezed(sounds: str) -> str:
    """Sounds without the same one twice in a row."""
    return re.sub(r"(.)\1+", r"\1", sounds)


@lru_cache(maxsize=50000)
def distance(one: str, other: str) -> float:
    """How much must change between two rows of sounds."""
    row = [0.0]
    for sound in other:
        row.append(row[-1] + _DROP.get(sound, 0.9))
    for sound in one:
        fresh = [row[0] + _DROP.get(sound, 0.9)]
        for at, wanted in enumerate(other):
            swap = (
                0.0
                if sound == wanted
                else _SWAP.get(frozenset((sound, wanted)), 0.5 if {sound, wanted} <= _VOWELS else 1.0)
            )
            fresh.append(min(row[at] + swap, row[at + 1] + _DROP.get(sound, 0.9), fresh[at] + _DROP.get(wanted, 0.9)))
        row = fresh
    return row[-1]
