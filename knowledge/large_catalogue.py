"""A catalogue of thousands made from ours, and searches in it with names written wrongly: what `bench catalogue` runs.

The items are our own names once for every situation of `situations.csv`, as a national catalogue splits a main item
into handling items. Every query is a name spoilt by rule, so that only one item is right.
"""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from knowledge.catalogue import Aliases, Catalogue, Service, ServiceCode, Text
from knowledge.encoder import Encoder
from knowledge.index import build_index
from knowledge.normal import canonical
from knowledge.retriever import Retriever
from knowledge.search_encoder import own_encoder, search_encoder

SITUATIONS = Path(__file__).with_name("situations.csv")
FRAMES = {
    "zh": ("{name}怎么办理", "我想问一下{name}", "{name}要什么材料"),
    "en": ("how do I get {name}", "{name} please"),
}
ALIASES_KEPT = 1
A_LETTER = 9999
FIRST_LETTER = "N"
SEED = 11
WARM_UP = 50


@dataclass(frozen=True)
class Probe:
    """One query, the item that is right, and how the name was spoilt."""

    text: str
    code: ServiceCode
    language: str
    how: str


@dataclass(frozen=True)
class Figures:
    """What a run measured: seconds to build, milliseconds to encode and to search, shares found first by spoiling."""

    items: int
    texts: int
    build_seconds: float
    build_cpu_seconds: float
    encode_ms: tuple[float, ...]
    cpu_ms: tuple[float, ...]
    wall_ms: tuple[float, ...]
    accuracy: Mapping[str, float]


def read_situations(path: Path = SITUATIONS) -> tuple[Text, ...]:
    """The circumstances that make several items of one."""
    with path.open(encoding="utf-8", newline="") as rows:
        return tuple(Text(row["zh"], row["en"]) for row in csv.DictReader(rows))


def many_items(catalogue: Catalogue, count: int) -> Catalogue:
    """A catalogue of `count` items: ours, then ours in each situation; raises ValueError beyond what these give."""
    made: dict[ServiceCode, Service] = {}
    for situation in (None, *read_situations()):
        for service in catalogue:
            if len(made) == count:
                return replace(catalogue, services=made)
            code = ServiceCode(f"{chr(ord(FIRST_LETTER) + len(made) // A_LETTER)}{len(made) % A_LETTER + 1:04}")
            made[code] = _in_situation(service, situation, code)
    if len(made) < count:
        raise ValueError(f"only {len(made)} items can be made")
    return replace(catalogue, services=made)


def _in_situation(service: Service, situation: Text | None, code: ServiceCode) -> Service:
    def told(text: Text) -> Text:
        return Text(f"{text.zh}（{situation.zh}）", f"{text.en} ({situation.en})") if situation else text

    kept = [told(Text(zh, en)) for zh, en in zip(service.aliases.zh, service.aliases.en, strict=False)][:ALIASES_KEPT]
    aliases = Aliases([text.zh for text in kept], [text.en for text in kept])
    return replace(
        service,
        code=code,
        name=told(service.name),
        everyday_name=told(service.everyday_name),
        description=told(service.description) if service.description else None,
        aliases=aliases,
        related=[],
    )


def probes(catalogue: Catalogue, count: int) -> Iterator[Probe]:
    """`count` queries over the items in turn, each way of spoiling as often as the others."""
    dice = random.Random(SEED)
    services = list(catalogue)
    ways = list(WAYS)
    for number in range(count):
        service = dice.choice(services)
        language = ("zh", "en")[number % 2]
        how = ways[number // 2 % len(ways)]
        name = service.name.in_language(language)
        yield Probe(WAYS[how](name, language, dice), service.code, language, how)


def _exact(name: str, language: str, dice: random.Random) -> str:
    return name


def _framed(name: str, language: str, dice: random.Random) -> str:
    return dice.choice(FRAMES[language]).format(name=name)


def _typo(name: str, language: str, dice: random.Random) -> str:
    """Two neighbours in the name swapped."""
    place = dice.randrange(max(1, len(name) - 1))
    return name[:place] + name[place + 1 : place + 2] + name[place : place + 1] + name[place + 2 :]


def _partial(name: str, language: str, dice: random.Random) -> str:
    """One unit left out: a character of a Chinese name, a word of an English one."""
    units = _units(name, language)
    if len(units) < 4:
        return name
    gone = dice.randrange(len(units) - 1)
    return _joined([unit for place, unit in enumerate(units) if place != gone], language)


def _reordered(name: str, language: str, dice: random.Random) -> str:
    """The second half first."""
    units = _units(name, language)
    half = len(units) // 2
    return _joined([*units[half:], *units[:half]], language)


WAYS = {"exact": _exact, "framed": _framed, "typo": _typo, "partial": _partial, "reordered": _reordered}


def _units(name: str, language: str) -> list[str]:
    return name.split() if language == "en" else list(name)


def _joined(units: Sequence[str], language: str) -> str:
    return (" " if language == "en" else "").join(units)


def measure(catalogue: Catalogue, encoder: Encoder, searches: int) -> Figures:
    """Build the index of a catalogue and search it, one thread; the query is encoded before, which is timed apart."""
    encoder = search_encoder(catalogue, 0, encoder)
    started, started_cpu = time.perf_counter(), time.process_time()
    index = build_index(catalogue, (), (), encoder)
    built, built_cpu = time.perf_counter() - started, time.process_time() - started_cpu
    retriever = Retriever(catalogue, index)
    encoder = own_encoder(index) or encoder
    for probe in probes(catalogue, WARM_UP):
        text = canonical(f"{probe.text} ")
        retriever.search(text, encoder.encode_query([text])[0], top_k=WARM_UP)
    encode, cpu, wall = [], [], []
    right: dict[str, list[bool]] = {}
    for probe in probes(catalogue, searches):
        text = canonical(probe.text)
        began_cpu = time.process_time_ns()
        vector = encoder.encode_query([text])[0]
        encode.append((time.process_time_ns() - began_cpu) / 1e6)
        began, began_cpu = time.perf_counter_ns(), time.process_time_ns()
        found = retriever.search(text, vector)
        cpu.append((time.process_time_ns() - began_cpu) / 1e6)
        wall.append((time.perf_counter_ns() - began) / 1e6)
        right.setdefault(f"{probe.how} {probe.language}", []).append(found.best.service.code == probe.code)
    accuracy = {name: float(np.mean(hits)) for name, hits in sorted(right.items())}
    times = (tuple(encode), tuple(cpu), tuple(wall))
    return Figures(len(catalogue), len(index.documents), built, built_cpu, *times, accuracy)
