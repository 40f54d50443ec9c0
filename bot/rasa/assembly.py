"""A project put together: its policies learnt from stories and rules, and the processor that runs it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.rasa.action_call import ActionServer
from bot.rasa.config import Part
from bot.rasa.domain import DEFAULT_FALLBACK, Domain
from bot.rasa.memoization import AugmentedMemoization, Memoization
from bot.rasa.predictions import Policy
from bot.rasa.processor import Policies, Processor, Understanding
from bot.rasa.project import Project
from bot.rasa.references import check_references, place_of
from bot.rasa.refusals import ProjectRefused, Remark
from bot.rasa.rule_checks import check_rules
from bot.rasa.rule_policy import RuleOptions, RulePolicy
from bot.rasa.states import RuleOnly
from bot.rasa.training_trackers import TooManyWays, TrainingTracker, training_trackers

# Rasa's own: rules before memory before networks.
RULE_PRIORITY, MEMORY_PRIORITY, NETWORK_PRIORITY = 4, 3, 1
_NAMED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Learnt:
    """What was learnt of stories and rules; `problems` are Rasa's objections to them."""

    policies: Policies
    trackers: tuple[TrainingTracker, ...]
    problems: tuple[str, ...]


class TedMemory(AugmentedMemoization):
    """In place of TEDPolicy: its stories are remembered within its `max_history`; nothing is generalised."""

    name = "TEDPolicy"


def learn(project: Project) -> Learnt:
    """The policies of a project."""
    domain = project.domain
    try:
        trackers = training_trackers(project.stories, project.rules, domain)
    except TooManyWays as too_many:
        return Learnt(Policies((), RuleOnly()), (), (str(too_many),))
    problems: list[str] = []
    rule_only = RuleOnly()
    made: list[Policy] = []
    for part in project.config.policies:
        if part.name == "RulePolicy":
            policy = RulePolicy(trackers, domain, _rule_options(part))
            problems += check_rules(policy, trackers, domain)
            rule_only = policy.rule_only
            made.append(policy)
        elif (memory := _memory(part, trackers, domain)) is not None:
            made.append(memory)
    return Learnt(Policies(tuple(made), rule_only), tuple(trackers), tuple(problems))


def _rule_options(part: Part) -> RuleOptions:
    given = part.options
    return RuleOptions(
        given.get("priority", RULE_PRIORITY),
        float(given.get("core_fallback_threshold", 0.3)),
        given.get("core_fallback_action_name", DEFAULT_FALLBACK),
        given.get("enable_fallback_prediction", True),
        given.get("restrict_rules", True),
        given.get("check_for_contradictions", True),
        given.get("use_nlu_confidence_as_score", False),
    )


def _memory(part: Part, trackers: Sequence[TrainingTracker], domain: Domain) -> Policy | None:
    kinds: dict[str, tuple[type[Memoization], int]] = {
        "MemoizationPolicy": (Memoization, MEMORY_PRIORITY),
        "AugmentedMemoizationPolicy": (AugmentedMemoization, MEMORY_PRIORITY),
        "TEDPolicy": (TedMemory, NETWORK_PRIORITY),
    }
    if part.name not in kinds:
        return None
    kind, priority = kinds[part.name]
    given = part.options
    confident = bool(given.get("use_nlu_confidence_as_score", False))
    return kind(trackers, given.get("max_history"), given.get("priority", priority), confident)


def check(project: Project) -> Learnt | None:
    """Check the parts against each other and learn; None where something is refused that learning needs."""
    check_references(project)
    if project.findings.refused:
        return None
    learnt = learn(project)
    for problem in learnt.problems:
        named = _NAMED.search(problem)
        file, line = place_of(project, named[1]) if named else (project.folder, None)
        project.findings.refused.append(Remark(problem, file, line))
    return learnt


def prepare(
    project: Project,
    learnt: Learnt | None,
    understanding: Understanding,
    server: ActionServer | None = None,
    clock: Callable[[], float] = time.time,
) -> Processor:
    """The project, as `check` learnt it, ready to talk; raises ProjectRefused with everything that is refused."""
    if learnt is None or project.findings.refused:
        raise ProjectRefused(tuple(project.findings.refused))
    stamp = {"assistant_id": project.config.assistant_id}
    return Processor(project.domain, learnt.policies, understanding, server, clock, stamp)
