"""config.yml of a Rasa project: language, pipeline and policies; what Rasa writes itself where they are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.rasa.options import COMPONENTS, FOREIGN, OWN, POLICIES, REPLACED, UNTRAINED, check_options
from bot.rasa.refusals import Source

KEYS = {"recipe", "assistant_id", "language", "pipeline", "policies", "version", "importers"}
RECIPE = "default.v1"
# What older projects name, and what does it since Rasa 3.
BEFORE_3 = {
    **dict.fromkeys(("FormPolicy", "MappingPolicy", "FallbackPolicy", "TwoStageFallbackPolicy"), "RulePolicy"),
    **dict.fromkeys(("KerasPolicy", "EmbeddingPolicy", "SklearnPolicy"), "TEDPolicy"),
    "EmbeddingIntentClassifier": "DIETClassifier",
    "DucklingHTTPExtractor": "DucklingEntityExtractor",
}


@dataclass(frozen=True)
class Part:
    """A component of the pipeline or a policy, with its options."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    line: int | None = None


# As Rasa 3.6.21 fills in what is missing.
AUTO_PIPELINE = (
    Part("WhitespaceTokenizer"),
    Part("RegexFeaturizer"),
    Part("LexicalSyntacticFeaturizer"),
    Part("CountVectorsFeaturizer"),
    Part("CountVectorsFeaturizer", {"analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4}),
    Part("DIETClassifier", {"epochs": 100, "constrain_similarities": True}),
    Part("EntitySynonymMapper"),
    Part("ResponseSelector", {"epochs": 100, "constrain_similarities": True}),
    Part("FallbackClassifier", {"threshold": 0.3, "ambiguity_threshold": 0.1}),
)
AUTO_POLICIES = (
    Part("MemoizationPolicy"),
    Part("RulePolicy"),
    Part("UnexpecTEDIntentPolicy", {"max_history": 5, "epochs": 100}),
    Part("TEDPolicy", {"max_history": 5, "epochs": 100, "constrain_similarities": True}),
)


@dataclass(frozen=True)
class Config:
    """What config.yml says, completed; `auto` names the keys that were filled in."""

    language: str | None = "en"
    assistant_id: str = "placeholder_default"
    pipeline: tuple[Part, ...] = AUTO_PIPELINE
    policies: tuple[Part, ...] = AUTO_POLICIES
    auto: tuple[str, ...] = ()
    file: Path | None = None

    def component(self, name: str) -> Part | None:
        """The first component of this name."""
        return next((part for part in self.pipeline if part.name == name), None)

    def policy(self, name: str) -> Part | None:
        """The policy of this name."""
        return next((part for part in self.policies if part.name == name), None)


def read_config(source: Source) -> Config:
    """The config of a file; what is not supported is noted in its findings."""
    body = source.mapping(source.content, KEYS | {"spaces"}, strict=False)
    for key in ("importers", "spaces"):
        if body.get(key):
            source.refuse(f"`{key}` is not supported 不支持", key)
    if body.get("recipe", RECIPE) != RECIPE:
        source.refuse(f"recipe {body['recipe']!r} is not {RECIPE} 须为 {RECIPE}", "recipe")
    auto = tuple(key for key in ("pipeline", "policies") if not body.get(key))
    pipeline = AUTO_PIPELINE if "pipeline" in auto else _parts(source, body["pipeline"], "pipeline")
    policies = AUTO_POLICIES if "policies" in auto else _parts(source, body["policies"], "policies")
    language = source.text(body.get("language", "en"), "language")
    for index, part in enumerate(pipeline if "pipeline" not in auto else ()):
        _check_component(source, part, index, language)
    for index, part in enumerate(policies):
        _check_policy(source, part, index, "policies" in auto)
    assistant = str(body.get("assistant_id") or "placeholder_default")
    return Config(language, assistant, pipeline, policies, auto, source.path)


def _parts(source: Source, value: object, section: str) -> tuple[Part, ...]:
    parts = []
    for index, entry in enumerate(source.items(value, section)):
        body = source.mapping(entry, None, section, index)
        if not isinstance(body.get("name"), str):
            source.refuse(f"an entry of `{section}` needs a `name` 每项须有 `name`", section, index)
            continue
        options = {key: option for key, option in body.items() if key != "name"}
        # A name may carry Rasa's module path; a project's own module has another one.
        name = body["name"]
        if name.startswith("rasa."):
            name = name.rsplit(".", 1)[1]
        parts.append(Part(name, options, source.line(section, index)))
    return tuple(parts)


def _check_component(source: Source, part: Part, index: int, language: object) -> None:
    at = ("pipeline", index)
    if part.name in FOREIGN:
        problem = "needs a model or server of its own and is not supported 需要自己的模型或服务器，不支持"
        source.refuse(f"{part.name} {problem}", *at)
    elif part.name in REPLACED:
        source.leave_alone(f"{part.name}: our own encoder reads the words instead 由自有编码器代替", *at)
    elif part.name in OWN:
        problem = (
            "runs in Rasa's own process; here our engine reads the messages 在 Rasa 进程中运行，此处由自有引擎理解"
        )
        source.leave_alone(f"{part.name} {problem}", *at)
    elif part.name in COMPONENTS:
        check_options(source, part.name, part.options, COMPONENTS[part.name], *at)
    else:
        source.refuse(f"component {part.name} {_unknown(part.name)}", *at)
    if part.name == "WhitespaceTokenizer" and str(language) in ("zh", "ja", "th"):
        problem = "Rasa refuses it too (JiebaTokenizer does) 请用 JiebaTokenizer"
        source.refuse(f"WhitespaceTokenizer does not read {language}; {problem}", *at)


def _unknown(name: str) -> str:
    if "." in name:
        return "is the project’s own code 项目自己的代码，不支持"
    if name in BEFORE_3:
        return f"is of Rasa 1 and 2; in Rasa 3 it is {BEFORE_3[name]} 旧版 Rasa 的写法，Rasa 3 请用 {BEFORE_3[name]}"
    return "is not known 未知"


def _check_policy(source: Source, part: Part, index: int, auto: bool) -> None:
    """Look at a policy; one that was filled in has no place in the file and no options of the project's."""
    at = ("policies",) if auto else ("policies", index)
    if part.name not in POLICIES:
        source.refuse(f"policy {part.name} {_unknown(part.name)}", *at)
        return
    if part.name in UNTRAINED:
        source.leave_alone(f"{part.name} is not trained: stories are remembered, not generalised 只记住故事", *at)
    if not auto:
        check_options(source, part.name, part.options, POLICIES[part.name], *at)
