"""The project's conversations as files tell them: what a citizen writes, and what the office does in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.cases.case import Actor, Facts
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Role
from bot.store import Store
from knowledge.yaml_file import read_yaml

UNIT = Actor(Role.UNIT, "u1", "UMB_D:南山区")
DESK = Actor(Role.DISPATCHER, "d1")
# What the office does to the case told last, before the citizen writes: step -> move, actor, facts.
OFFICE: Mapping[str, tuple[Move, Actor, Facts]] = {
    "accept": (Move.ACCEPT, DESK, Facts()),
    "reject": (Move.REJECT, DESK, Facts(reason="内部", note="属于法院诉讼事项，请向受理法院咨询")),
    "dispatch": (Move.DISPATCH, DESK, Facts(unit=UNIT.unit)),
    "sign": (Move.SIGN, UNIT, Facts()),
    "contact": (Move.CONTACT, UNIT, Facts()),
    "extend": (Move.EXTEND, DESK, Facts(reason="内部：等审批", note="需要办理开挖许可")),
    "suspend": (Move.SUSPEND, UNIT, Facts(reason="内部：等市民", note="请补充灯杆编号")),
    "reply": (Move.REPLY, UNIT, Facts(reply="已更换灯泡")),
    "review": (Move.REVIEW, DESK, Facts()),
    "close": (Move.CLOSE, DESK, Facts()),
    "supervise": (Move.SUPERVISE, Actor(Role.SUPERVISOR, "s1"), Facts(reason="内部：挂牌")),
    "note": (Move.NOTE, DESK, Facts(note="内部备注：来电三次")),
}


@dataclass(frozen=True)
class Step:
    """One message of a citizen; `{number}` and `{code}` in it stand for the case told last."""

    text: str
    sender: str
    office: tuple[str, ...]

    def written(self, told: Mapping[str, str]) -> str:
        """The message as it is sent; a button's payload is sent as it is."""
        return self.text.format(**told) if "{" in self.text and not self.text.startswith("/") else self.text


@dataclass(frozen=True)
class Conversation:
    """One conversation of a file."""

    file: str
    name: str
    steps: tuple[Step, ...]


def read_conversations(folder: Path) -> tuple[Conversation, ...]:
    """All conversations of a folder in the order of their files."""
    return tuple(
        Conversation(
            path.stem,
            str(told["name"]),
            tuple(
                Step(str(one["user"]), str(one.get("sender", "citizen")), tuple(one.get("office", ())))
                for one in told["turns"]
            ),
        )
        for path in sorted(folder.glob("*.yml"))
        for told in read_yaml(path)
    )


def work_in_office(store: Store, step: Step, number: str | None) -> None:
    """What the office does before a step, to the case told last."""
    with store.work() as work:
        for name in step.office:
            work.cases.move(CaseNumber(str(number)), *OFFICE[name])
