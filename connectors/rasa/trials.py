"""Test stories and test cases of files: found, chosen by name, and run one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.rasa.case_names import Names, names_of, strangers
from bot.rasa.case_play import Talker, hold
from bot.rasa.case_reader import CASES, Case, read_cases
from bot.rasa.domain import Domain
from bot.rasa.processor import Processor
from bot.rasa.project import YAML
from bot.rasa.refusals import Findings, Remark, Source
from bot.rasa.stories import BotStep, Story, StoryReader, UserStep
from bot.rasa.story_play import StepResult, StoryResult, TurnResult, play
from bot.rasa.training_trackers import TooManyWays, TrainingTracker, training_trackers

STORIES = "stories"
# Of a folder only files of this name hold test stories, as in Rasa.
STORY_PREFIX = "test_"
NAME_MARK = "::"
NO_PROJECT = "test stories need the folder of their project, named first 测试故事前须写明项目目录"


@dataclass(frozen=True)
class Place:
    """A file or folder of tests; `name` chooses one test of it."""

    path: Path
    name: str | None = None


@dataclass(frozen=True)
class Fault:
    """What went wrong in a test: at which line, after which words, what was expected and what came."""

    line: int
    said: str
    expected: str
    found: str


@dataclass(frozen=True)
class Trial:
    """A test that was run; `story` is its result where it is a test story, `broken` what failed beneath it."""

    name: str
    file: Path
    line: int
    seconds: float
    faults: tuple[Fault, ...]
    story: StoryResult | None = None
    broken: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether something came otherwise, or the test could not be ended."""
        return bool(self.faults or self.broken)


@dataclass(frozen=True)
class Chosen:
    """The tests that were asked for."""

    stories: tuple[TrainingTracker, ...]
    cases: tuple[Case, ...]
    begins: tuple[Story, ...]

    def __len__(self) -> int:
        return len(self.stories) + len(self.cases)


def place_of(text: str) -> Place:
    """`FILE::NAME`, a file or a folder."""
    path, mark, name = text.partition(NAME_MARK)
    return Place(Path(path), name if mark else None)


def gather(places: Sequence[Place], domain: Domain | Names, findings: Findings) -> Chosen:
    """The tests of some places; stories need the domain of a project. What is wrong is noted in the findings."""
    names = names_of(domain) if isinstance(domain, Domain) else domain
    stories: list[Story] = []
    cases: list[Case] = []
    told: list[TrainingTracker] = []
    for place in places:
        found = [one for path in _files(place.path, findings) for one in _read(path, path == place.path, findings)]
        here = [one for one in found if isinstance(one, Story)]
        if here and not isinstance(domain, Domain):
            findings.refused.append(Remark(NO_PROJECT, here[0].file, here[0].line))
            continue
        named = [one for one in found if isinstance(one, Case) and place.name in (None, one.name)]
        for case in named:
            findings.refused += [Remark(problem, case.file, line) for problem, line in strangers(case, names)]
        try:
            spoken = training_trackers(here, (), domain) if isinstance(domain, Domain) and here else []
        except TooManyWays as too_many:
            findings.refused.append(Remark(str(too_many), place.path, None))
            continue
        if place.name is not None and isinstance(domain, Domain):
            spoken = [one for one in spoken if place.name in (one.name, *one.name.split(" > "))]
            # One that tells the same as another story is left out beside it; asked for by its name it is played.
            spoken = spoken or training_trackers([one for one in here if one.name == place.name], (), domain)
        if place.name is not None and not named and not spoken:
            findings.refused.append(Remark(f"no test is called `{place.name}` 没有此名的测试", place.path, None))
        stories, cases, told = [*stories, *here], [*cases, *named], [*told, *spoken]
    if not (told or cases or findings.refused):
        findings.refused += [Remark("no tests are here 此处没有测试", place.path, None) for place in places]
    return Chosen(tuple(told), tuple(cases), tuple(stories))


def _files(path: Path, findings: Findings) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(one for one in path.rglob("*") if one.suffix in YAML and one.is_file())
    elif path.is_file():
        yield path
    else:
        findings.refused.append(Remark("the file is missing 文件不存在", path, None))


def _read(path: Path, asked_for: bool, findings: Findings) -> list[Story | Case]:
    """The tests of one file; in a folder a file that is none of tests is passed over."""
    source = Source(path, findings)
    if CASES in source.content:
        return list(read_cases(source))
    if STORIES in source.content and (asked_for or path.name.startswith(STORY_PREFIX)):
        source.check_version()
        stories = StoryReader(source, tests=True).stories()
        for story in stories:
            findings.refused += [Remark(problem, path, line) for problem, line in _beyond(story)]
        return list(stories)
    if asked_for and source.content:
        source.refuse(f"holds neither `{STORIES}` nor `{CASES}` 既无 `{STORIES}` 也无 `{CASES}`")
    return []


def _beyond(story: Story) -> Iterator[tuple[str, int]]:
    """Steps of end-to-end training."""
    for step in story.steps:
        if isinstance(step, BotStep):
            yield "`bot:` in a test story (end-to-end training) is not supported 不支持端到端训练", step.line
        if isinstance(step, UserStep) and not step.intent:
            yield "`user:` without `intent:` (end-to-end training) is not supported 不支持端到端训练", step.line


def run(
    tests: Chosen, processor: Processor | None, talker: Talker, e2e: bool, tell: Callable[[Trial], None]
) -> list[Trial]:
    """Run all tests; `tell` hears of each when it is over."""
    trials: list[Trial] = []
    for told in tests.stories if processor else ():
        assert processor is not None
        began = time.monotonic()
        result = play(told, processor, e2e)
        trials.append(_of_story(result, _line(result, tests.begins), time.monotonic() - began))
        tell(trials[-1])
    for case in tests.cases:
        began = time.monotonic()
        faults, broken = _held(case, talker)
        seconds = time.monotonic() - began
        trials.append(Trial(case.name, case.file, case.line, seconds, faults, broken=broken))
        tell(trials[-1])
    return trials


def _held(case: Case, talker: Talker) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
    """What went wrong in a case, and what broke; one that cannot be held is broken, and the others go on."""
    try:
        held = hold(case, talker)
    except Exception as error:
        return (), (f"{type(error).__name__}: {error}",)
    return tuple(Fault(one.line, one.said, one.expected, one.found) for one in held.failures), held.broken


def _line(result: StoryResult, stories: Sequence[Story]) -> int:
    """The line where the story is named; of joined ones that of the first step."""
    named = (story.line for story in stories if story.file == result.file and story.name == result.name)
    return max((line for line in named if line <= result.line), default=result.line)


def _of_story(result: StoryResult, line: int, seconds: float) -> Trial:
    faults: list[Fault] = []
    said = ""
    for mark in () if result.passed else result.marks:
        if isinstance(mark, TurnResult):
            said = mark.text or f"/{mark.intent}"
            faults += _misread(mark, said)
        elif isinstance(mark, StepResult) and not mark.passed:
            faults.append(Fault(mark.line, said, mark.expected, mark.found))
    return Trial(result.name, result.file, line, seconds, tuple(faults), result)


def _misread(turn: TurnResult, said: str) -> Iterator[Fault]:
    if turn.intent != turn.found:
        yield Fault(turn.line, said, f"intent: {turn.intent}", f"intent: {turn.found}")
    if not turn.entities_passed:
        yield Fault(turn.line, said, _listed(turn.entities), _listed(turn.found_entities))


def _listed(entities: Sequence[Mapping[str, Any]]) -> str:
    return "entities: " + (", ".join(f"{one['entity']} = {one.get('value')!r}" for one in entities) or "none")
