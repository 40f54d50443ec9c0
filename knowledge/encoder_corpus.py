"""The texts the built-in encoder learns from: the permissively licensed set A, read and split.

Everything is normalised here once, so a text in training equals the text at run time.
"""

import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.vocabulary import HAN, normalise_text

Pair = tuple[str, str]  # Chinese, English

PLACES = ("zh-CN", "zh-TW", "en-US")
TATOEBA_HELD_BACK = 1000
GLOSSES_PER_WORD = 4
REFERENCE_GLOSS = re.compile(
    rf"[{HAN}]|^(old |japanese |erhua |ancient )?variant of|^see |^CL:|^surname |^also |^used in ",
    re.IGNORECASE,
)
BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
CEDICT_LINE = re.compile(r"^\S+ (\S+) \[[^\]]*\] /(.*)/\s*$")


@dataclass(frozen=True)
class Example:
    """A labelled utterance, for measuring only."""

    text: str
    label: str


@dataclass(frozen=True)
class Corpus:
    """Training texts and the held-back slices, which share no text with them.

    `pairs` are translations, `english` single sentences, `glosses` maps a simplified
    headword to its English meanings.
    """

    pairs: list[Pair]
    english: list[str]
    glosses: dict[str, tuple[str, ...]]
    held_back: dict[str, list[Pair]]
    intents_train: dict[str, list[Example]]
    intents_held_back: dict[str, list[Example]]

    def english_texts(self) -> list[str]:
        """Every English sentence once."""
        return list(dict.fromkeys([*(english for _chinese, english in self.pairs), *self.english]))

    def meanings(self) -> list[str]:
        """Every English meaning of the dictionary once."""
        return list(dict.fromkeys(text for texts in self.glosses.values() for text in texts))


def read_corpus(data: Path) -> Corpus:
    """Read the set A folders below `data` (massive, clinc150, banking77, …)."""
    massive = {place: _massive(data / "massive" / f"{place}.tsv") for place in PLACES}
    english = massive["en-US"]
    tatoeba = list(_tab_pairs(data / "parallel_zh_en" / "tatoeba_cmn_eng_train.tsv", english_at=0))
    captions = list(_tab_pairs(data / "parallel_zh_en" / "3am_train.tsv", english_at=1))
    held_back = {
        "MASSIVE dev": _aligned(massive["zh-CN"], english, "dev"),
        "MASSIVE dev zh-TW": _aligned(massive["zh-TW"], english, "dev"),
        "Tatoeba": _slice_by_hash(tatoeba, TATOEBA_HELD_BACK),
        "3AM": list(_tab_pairs(data / "parallel_zh_en" / "3am_val.tsv", english_at=1)),
    }
    unseen = {text for pairs in held_back.values() for pair in pairs for text in pair}
    pairs = [*tatoeba, *captions]
    for place in ("zh-CN", "zh-TW"):
        pairs += _aligned(massive[place], english, "train")
    singles = [*_clinc(data), *_banking(data), *_complaints(data)]
    singles += [row.text for row in english.values() if row.partition == "train"]
    return Corpus(
        pairs=[pair for pair in dict.fromkeys(pairs) if unseen.isdisjoint(pair)],
        english=[text for text in dict.fromkeys(singles) if text and text not in unseen],
        glosses=_cedict(data / "parallel_zh_en" / "cedict_1_0_ts_utf-8_mdbg.txt.gz"),
        held_back=held_back,
        intents_train=_intents(massive, "train"),
        intents_held_back=_intents(massive, "dev"),
    )


@dataclass(frozen=True)
class _MassiveRow:
    partition: str
    intent: str
    text: str


def _massive(file: Path) -> dict[str, _MassiveRow]:
    with file.open(encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["id"]: _MassiveRow(row["partition"], row["intent"], normalise_text(row["utt"])) for row in table}


def _aligned(chinese: dict[str, _MassiveRow], english: dict[str, _MassiveRow], partition: str) -> list[Pair]:
    return [
        (row.text, english[key].text) for key, row in chinese.items() if row.partition == partition and key in english
    ]


def _intents(massive: dict[str, dict[str, _MassiveRow]], part: str) -> dict[str, list[Example]]:
    return {
        place: [Example(row.text, row.intent) for row in rows.values() if row.partition == part]
        for place, rows in massive.items()
    }


def _tab_pairs(file: Path, english_at: int) -> Iterator[Pair]:
    for line in file.read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        if len(cells) > 1:
            yield normalise_text(cells[1 - english_at]), normalise_text(cells[english_at])


def _slice_by_hash(pairs: Iterable[Pair], size: int) -> list[Pair]:
    """The `size` pairs with the lowest checksum, one for each English text: stable over runs."""
    one_each = {english: (chinese, english) for chinese, english in pairs}
    return sorted(one_each.values(), key=lambda pair: zlib.crc32(pair[1].encode()))[:size]


def _clinc(data: Path) -> Iterator[str]:
    for name in ("train_val.json", "oos_plus_train250.json"):
        parts = json.loads((data / "clinc150" / name).read_text(encoding="utf-8"))
        for part in parts.values():
            yield from (normalise_text(text) for text, _intent in part)


def _banking(data: Path) -> Iterator[str]:
    with (data / "banking77" / "train.csv").open(encoding="utf-8", newline="") as lines:
        yield from (normalise_text(row["text"].strip()) for row in csv.DictReader(lines))


def _complaints(data: Path) -> Iterator[str]:
    file = data / "bangalore_complaints_en" / "complaints_unlabelled.txt"
    yield from (normalise_text(line) for line in file.read_text(encoding="utf-8").splitlines())


def _cedict(file: Path) -> dict[str, tuple[str, ...]]:
    """Headword to at most GLOSSES_PER_WORD meanings; cross-references and names left out."""
    found: dict[str, list[str]] = {}
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            if entry := CEDICT_LINE.match(line):
                glosses = found.setdefault(normalise_text(entry[1]), [])
                glosses += [gloss for gloss in _meanings(entry[2]) if gloss not in glosses]
    return {word: tuple(glosses[:GLOSSES_PER_WORD]) for word, glosses in found.items() if glosses}


def _meanings(cell: str) -> list[str]:
    """The first two usable meanings of one dictionary entry."""
    usable = (
        normalise_text(" ".join(BRACKETS.sub(" ", gloss).split()))
        for gloss in cell.split("/")
        if not REFERENCE_GLOSS.search(BRACKETS.sub(" ", gloss).strip())
    )
    return [gloss for gloss in usable if gloss][:2]
