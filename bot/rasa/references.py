"""Whether the parts of a project know each other: actions, intents, slots, forms, responses, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bot.rasa.domain import DEFAULT_ACTIONS, SNIPPET, TWO_STAGE_FALLBACK, UTTER, Domain
from bot.rasa.project import Project
from bot.rasa.refusals import Remark
from bot.rasa.slots import MappingType
from bot.rasa.stories import ActionStep, CheckpointStep, LoopStep, OrStep, Rule, SlotStep, Step, Story, UserStep
from bot.rasa.understanding import KEYWORDS, learns_intents, one_intent, too_little

UNKNOWN = "is not in the domain 不在 domain 中"
ASKING = ("action_ask", f"{UTTER}ask")
REMEMBERING = ("MemoizationPolicy", "AugmentedMemoizationPolicy", "TEDPolicy")


def check_references(project: Project) -> None:
    """Note what Rasa would not train (refused) and what it only warns of (told)."""
    findings = project.findings
    for refused, remark in (*_of_examples(project), *_of_policies(project), *_of_tales(project), *_of_domain(project)):
        (findings.refused if refused else findings.told).append(remark)


def _of_examples(project: Project) -> Iterator[tuple[bool, Remark]]:
    data, pipeline = project.training, project.config.pipeline
    if problem := too_little(data):
        yield True, Remark(problem, project.folder, None)
    if not any(learns_intents(part) or part.name == KEYWORDS for part in pipeline):
        problem = "no component of the pipeline finds intents here; only `/intent` is understood 没有识别意图的组件"
        yield False, Remark(problem, project.config.file or project.folder, None)
    if alone := one_intent(data, pipeline):
        first = data.examples[0]
        problem = f"`{alone}` is the only intent with examples; none is learnt 只有一个意图有例句，不学习"
        yield False, Remark(problem, first.file, first.line)


def _of_policies(project: Project) -> Iterator[tuple[bool, Remark]]:
    config, domain = project.config, project.domain
    file = config.file or project.folder
    rule_policy = config.policy("RulePolicy")
    if rule_policy is None:
        for what, there in (("rules", project.rules), ("forms", domain.forms)):
            if there:
                yield True, Remark(f"the project has {what} and no RulePolicy 缺少 RulePolicy", file, None)
    else:
        fallback = rule_policy.options.get("core_fallback_action_name")
        if fallback and fallback not in domain.action_places:
            yield True, Remark(f"fallback action `{fallback}` {UNKNOWN}", file, rule_policy.line)
    if project.stories and not any(config.policy(name) for name in REMEMBERING):
        yield False, Remark("no policy of this project remembers its stories 没有记住故事的策略", file, None)
    if project.action_endpoint is None and (custom := sorted(_custom(domain))):
        problem = f"no `action_endpoint` for 没有动作服务器: {', '.join(custom)}"
        yield False, Remark(problem, project.folder / "endpoints.yml", None)


def _custom(domain: Domain) -> set[str]:
    own = set(domain.declared_actions) - set(domain.responses) - set(DEFAULT_ACTIONS)
    return {name for name in own if not name.startswith(UTTER)}


def _of_tales(project: Project) -> Iterator[tuple[bool, Remark]]:
    joints: dict[str, list[tuple[bool, Path, int]]] = {}
    tales: tuple[Rule | Story, ...] = (*project.stories, *project.rules)
    for tale in tales:
        steps = list(_flat((*tale.conditions, *tale.steps) if isinstance(tale, Rule) else tale.steps))
        for place, step in enumerate(steps):
            for refused, problem in _of_step(step, project.domain):
                yield refused, Remark(f"{problem} (in `{tale.name}`)", tale.file, step.line or tale.line)
            if isinstance(step, CheckpointStep):
                if isinstance(tale, Rule):
                    yield True, Remark("a rule has no checkpoints 规则不能有检查点", tale.file, step.line)
                begins = all(isinstance(before, CheckpointStep) for before in steps[:place])
                joints.setdefault(step.name, []).append((begins, tale.file, step.line))
                if not begins and place < len(steps) - 1:
                    joints[step.name].append((True, tale.file, step.line))
    for name, ends in joints.items():
        if len({begins for begins, _, _ in ends}) == 1:
            begins, file, line = ends[0]
            missing = "no story ends at it 没有故事到此" if begins else "no story goes on from it 没有故事由此继续"
            yield False, Remark(f"checkpoint `{name}`: {missing}", file, line)


def _flat(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, OrStep):
            yield from step.options
        else:
            yield step


def _of_step(step: Step, domain: Domain) -> Iterator[tuple[bool, str]]:
    if isinstance(step, ActionStep) and (step.name not in domain.action_places or step.name == SNIPPET):
        yield True, f"action `{step.name}` {UNKNOWN}"
    elif isinstance(step, UserStep):
        if step.intent not in domain.all_intents:
            yield False, f"intent `{step.intent}` {UNKNOWN}"
        for mark in step.entities:
            if mark.entity not in domain.entities:
                yield False, f"entity `{mark.entity}` {UNKNOWN}"
    elif isinstance(step, SlotStep) and step.name not in domain.slots:
        yield True, f"slot `{step.name}` {UNKNOWN}"
    elif isinstance(step, LoopStep) and step.name and step.name not in (*domain.forms, TWO_STAGE_FALLBACK):
        yield False, f"form `{step.name}` {UNKNOWN}"


def _of_domain(project: Project) -> Iterator[tuple[bool, Remark]]:
    domain = project.domain
    told: Callable[[str], tuple[bool, Remark]] = lambda problem: (False, Remark(problem, project.folder, None))  # noqa: E731
    for form in domain.forms.values():
        for slot in form.required_slots:
            if slot not in domain.slots:
                yield told(f"form `{form.name}` asks for slot `{slot}`, which {UNKNOWN}")
            elif not any(f"{how}_{what}" in domain.action_places for how in ASKING for what in _asked(form.name, slot)):
                yield told(
                    f"form `{form.name}` has no words to ask for `{slot}` (`{UTTER}ask_{slot}`) 没有询问此槽位的回复"
                )
    for slot_ in domain.slots.values():
        for mapping in slot_.mappings:
            if mapping.type == MappingType.FROM_ENTITY and mapping.entity not in domain.entities:
                yield told(f"slot `{slot_.name}` is filled from entity `{mapping.entity}`, which {UNKNOWN}")
    for action in domain.actions:
        if not action.startswith(UTTER) or domain.is_retrieval_action(action):
            continue
        if action not in domain.responses:
            yield told(f"action `{action}` has no response 没有对应的回复")
    strange = {example.intent: example for example in reversed(project.training.examples)}
    for intent in sorted(set(strange) - domain.all_intents):
        problem = f"intent `{intent}` has examples and {UNKNOWN}"
        yield False, Remark(problem, strange[intent].file, strange[intent].line)


def _asked(form: str, slot: str) -> tuple[str, str]:
    return f"{form}_{slot}", slot


def place_of(project: Project, name: str) -> tuple[Path, int | None]:
    """Where a rule or story of this name (or of the first of joined names), or a checkpoint, stands."""
    first = name.split(" > ")[0]
    tales: tuple[Rule | Story, ...] = (*project.rules, *project.stories)
    for tale in tales:
        if tale.name in (name, first):
            return tale.file, tale.line
    joints = ((tale.file, step) for tale in tales for step in tale.steps if isinstance(step, CheckpointStep))
    return next(((file, step.line) for file, step in joints if step.name == name), (project.folder, None))
