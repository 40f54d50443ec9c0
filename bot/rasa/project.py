"""A Rasa project's folder, as `rasa init` lays it out, read as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bot.rasa.case_reader import CASES, read_cases
from bot.rasa.config import Config, read_config
from bot.rasa.domain import Domain, is_retrieval_response
from bot.rasa.domain_reader import DOMAIN_KEYS, DomainReader
from bot.rasa.refusals import NEITHER, Findings, Remark, Source
from bot.rasa.stories import Rule, Story, StoryReader
from bot.rasa.training_data import Example, TrainingData, read_training_data

YAML = {".yml", ".yaml"}
DATA_KEYS = {"version", "nlu", "stories", "rules", "responses"}
ENDPOINTS_LEFT_ALONE = {"tracker_store", "lock_store", "event_broker", "models", "concurrent_lock_store"}
ENDPOINTS_REFUSED = {
    "nlg": "words made by another server 由别的服务器生成回复",
    "nlu": "understanding by another server 由别的服务器理解",
}
# What Rasa reads of the action server; connectors/rasa/endpoint.py reads it here.
ACTION_ENDPOINT = "action_endpoint"
ENDPOINT_TEXTS = ("url", "token", "token_name", "cafile")
ENDPOINT_MAPPINGS = ("params", "headers", "basic_auth")
SELECTIVE = "enable_selective_domain"
ENDPOINT_KEYS = {*ENDPOINT_TEXTS, *ENDPOINT_MAPPINGS, SELECTIVE}
REST = "rest"
# Rasa reads the first of these that exists.
DOMAIN_PLACES = ("domain.yml", "domain")


@dataclass(frozen=True)
class Layout:
    """Where the parts of a project lie, relative to its folder; `domain` None is where Rasa looks by itself."""

    config: str = "config.yml"
    domain: tuple[str, ...] | None = None
    data: str = "data"
    tests: str = "tests"
    endpoints: str = "endpoints.yml"
    credentials: str = "credentials.yml"


@dataclass(frozen=True)
class Project:
    """Everything a project's files say, and what was found wrong.

    `action_endpoint` is the file that names one; `test_files` are not read yet.
    """

    folder: Path
    config: Config
    domain: Domain
    training: TrainingData
    stories: tuple[Story, ...]
    rules: tuple[Rule, ...]
    test_files: tuple[Path, ...]
    action_endpoint: Path | None
    channels: tuple[str, ...]
    findings: Findings


def read_project(folder: Path, layout: Layout | None = None) -> Project:
    """The project of a folder; what is not supported is in its `findings`, with file and line."""
    return _Reader(folder, layout or Layout()).project()


def read_tests(project: Project) -> tuple[tuple[Story, ...], Findings]:
    """The test stories of a project, and what is wrong in their files; a project runs without them."""
    findings = Findings()
    stories: list[Story] = []
    for path in project.test_files:
        source = Source(path, findings)
        if CASES in source.content:
            read_cases(source)
            continue
        stories += StoryReader(source, tests=True).stories()
        for key in source.content:
            if key not in ("version", "stories"):
                source.leave_alone(f"`{key}` is no test story and is not read 不是测试故事，不读取", key)
    return tuple(stories), findings


class _Reader:
    """One reading of a folder."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self.folder, self.layout, self.findings = folder, layout, Findings()
        self.domain = DomainReader()
        self.training = TrainingData()
        self.told: list[Example] = []
        self.stories: list[Story] = []
        self.rules: list[Rule] = []

    def project(self) -> Project:
        """Read everything."""
        config = self._config()
        self._read_domain()
        others: Counter[str] = Counter()
        for path in _files(self.folder / self.layout.data):
            if path.suffix in YAML:
                self._read_data(path)
            elif path.suffix == ".json" and b"rasa_nlu_data" in path.read_bytes():
                self._refuse("training data in JSON is not supported, only in YAML 训练数据只支持 YAML", path)
            else:
                others[path.suffix or path.name] += 1
        for kind, count in sorted(others.items()):
            problem = f"{count} files {kind} are no training data 不是训练数据"
            self.findings.left_alone.append(Remark(problem, self.folder / self.layout.data, None))
        known = {(example.text, example.intent) for example in self.training.examples}
        told = {
            (example.text, example.intent, example.annotations): example
            for example in self.told
            if (example.text, example.intent) not in known
        }
        self.training = self.training.merged(TrainingData(examples=tuple(told.values())))
        domain = self.domain.domain(self.training.retrieval_intents)
        tests = tuple(path for path in _files(self.folder / self.layout.tests) if path.suffix in YAML)
        return Project(
            self.folder,
            config,
            domain,
            replace(self.training, response_texts=_response_texts(domain)),
            tuple(self.stories),
            tuple(self.rules),
            tests,
            self._endpoint(),
            self._channels(),
            self.findings,
        )

    def _refuse(self, problem: str, path: Path) -> None:
        self.findings.refused.append(Remark(problem, path, None))

    def _config(self) -> Config:
        path = self.folder / self.layout.config
        if path.is_file():
            return read_config(Source(path, self.findings))
        self._refuse("the file is missing 文件不存在", path)
        return Config()

    def _read_domain(self) -> None:
        named = self.layout.domain or DOMAIN_PLACES
        places = [self.folder / name for name in named if (self.folder / name).exists()]
        if not places:
            self._refuse("the file is missing 文件不存在", self.folder / named[0])
        if self.layout.domain is None:
            for other in places[1:]:
                self.findings.left_alone.append(
                    Remark(f"Rasa reads {places[0].name} and not this 此处不读", other, None)
                )
            places = places[:1]
        for place in places:
            for path in _files(place) if place.is_file() else (file for file in _files(place) if file.suffix in YAML):
                source = Source(path, self.findings)
                if place.is_file() or DOMAIN_KEYS & set(source.content):
                    self.domain.read(source)

    def _read_data(self, path: Path) -> None:
        source = Source(path, self.findings)
        if not DATA_KEYS & set(source.content) - {"version"}:
            if source.content:
                source.leave_alone("has no `nlu`, `stories`, `rules` or `responses` 没有其中任何一项")
            return
        source.check_version()
        for key in source.content:
            if key not in DATA_KEYS:
                source.leave_alone(f"`{key}` is not training data 不是训练数据", key)
        self.training = self.training.merged(read_training_data(source))
        self.domain.read_responses(source, source.content.get("responses"), override=True)
        reader = StoryReader(source)
        self.stories += reader.stories()
        self.rules += reader.rules()
        self.told.extend(reader.examples)

    def _endpoint(self) -> Path | None:
        """The endpoints.yml where it names an action server; what it says of it connectors/rasa/endpoint.py reads."""
        path = self.folder / self.layout.endpoints
        if not path.is_file():
            return None
        source = Source(path, self.findings, idle=ENDPOINTS_LEFT_ALONE.__contains__)
        for key in source.content:
            if key in ENDPOINTS_REFUSED:
                source.refuse(f"`{key}` ({ENDPOINTS_REFUSED[key]}) is not supported 不支持", key)
            elif key in ENDPOINTS_LEFT_ALONE:
                source.leave_alone(f"`{key}`: conversations are kept by our own engine 会话由自有引擎保存", key)
            elif key != ACTION_ENDPOINT:
                source.refuse(f"endpoint `{key}` is not known 未知的 endpoint", key)
        told = source.content.get(ACTION_ENDPOINT)
        for key in sorted(set(told) - ENDPOINT_KEYS, key=str) if isinstance(told, dict) else ():
            source.leave_alone(f"`{key}` {NEITHER}", ACTION_ENDPOINT, key)
        return path if told else None

    def _channels(self) -> tuple[str, ...]:
        path = self.folder / self.layout.credentials
        if not path.is_file():
            return (REST,)
        source = Source(path, self.findings, idle=lambda channel: channel != REST)
        for name in source.content:
            if name != REST:
                source.leave_alone(f"channel `{name}` is not opened; `{REST}` is 未开通此渠道", name)
        return tuple(source.content)


def _files(place: Path) -> Iterator[Path]:
    """The files below a folder in Rasa's order, hidden ones left out."""
    if place.is_file():
        yield place
        return
    for path in sorted(place.rglob("*")):
        parts = path.relative_to(place).parts
        if path.is_file() and not any(part.startswith((".", "__")) for part in parts):
            yield path


def _response_texts(domain: Domain) -> dict[str, tuple[str, ...]]:
    """The wordings of retrieval intents by `intent/key`."""
    return {
        name.removeprefix("utter_"): tuple(str(v.content["text"]) for v in variations if v.content.get("text"))
        for name, variations in domain.responses.items()
        if is_retrieval_response(name)
    }
