"""`chengda rasa check|train|shell|run`: Rasa projects checked, learnt, talked to on the console, and served."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.errors import UntrainableProject
from bot.rasa.assembly import check as check_project
from bot.rasa.assembly import prepare
from bot.rasa.learnt_nlu import DONE, understanding_of
from bot.rasa.processor import Processor
from bot.rasa.project import Layout, Project, read_project, read_tests
from bot.rasa.refusals import ProjectRefused, Remark
from bot.rasa.reminders import Reminders
from bot.settings import Settings
from connectors.heap import settle
from connectors.http_head import BoundedHead
from connectors.rasa.action_client import HttpActionServer, action_server_of
from connectors.rasa.guard import Guard, is_secret
from connectors.rasa.project_api import project_app
from knowledge.yaml_file import ContentError

console = Console()
EXIT = ("/stop", "/exit", "/quit")
CONSOLE_CHANNEL = "cmdline"
# What `train` says when its learning begins and when it is over.
LEARNING, LEARNT = "vectors of the examples 例句向量", "learnt 学完"
STEPS = {
    "encoder": LEARNING,
    "intents": "intents 意图",
    "entities": "entities 实体",
    "responses": "responses 回复",
    DONE: LEARNT,
}
Folder = Annotated[
    Path, typer.Argument(exists=True, file_okay=False, help="The project's folder, as `rasa init` lays it out.")
]
ConfigFile = Annotated[str, typer.Option("--config", "-c", help="The config, relative to the folder.")]
DomainPlaces = Annotated[
    list[str] | None, typer.Option("--domain", "-d", help="The domain's file or folder, relative to the folder.")
]
DataFolder = Annotated[str, typer.Option("--data", help="The training data, relative to the folder.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port; Rasa's own is 5005.")]
Host = Annotated[str, typer.Option(help="The address to listen at.")]
EnableApi = Annotated[
    bool, typer.Option("--enable-api", help="Also serve tracker, parsing and intents from outside, as Rasa does.")
]
AuthToken = Annotated[
    str, typer.Option("--auth-token", "-t", help="What callers of these must show as `?token=`; empty lets all call.")
]
JwtSecret = Annotated[
    str,
    typer.Option("--jwt-secret", help="What the JSON Web Tokens (HS256) of callers are signed with; empty takes none."),
]


def layout_of(config: str, domain: Sequence[str] | None, data: str) -> Layout:
    """Where the parts of a project lie, as the options say."""
    return Layout(config=config, domain=tuple(domain) if domain else None, data=data)


def _read(folder: Path, layout: Layout) -> tuple[Project, HttpActionServer | None]:
    """The project and its action server; a wrong entry of it is refused as the rest."""
    project = read_project(folder, layout)
    server = None
    if project.action_endpoint:
        try:
            server = action_server_of(project.action_endpoint, os.environ)
        except ContentError as error:
            if (remark := Remark(error.problem, error.file, error.line)) not in project.findings.refused:
                project.findings.refused.append(remark)
    return project, server


def processor_of(
    folder: Path, layout: Layout, tell: Callable[[str], None] = lambda step: None, status: int = 1
) -> tuple[Project, Processor]:
    """The project ready to talk; what is refused is printed, and the command ends with this status."""
    project, server = _read(folder, layout)
    try:
        learnt = check_project(project)
        if project.findings.refused:
            raise ProjectRefused(tuple(project.findings.refused))
        return project, prepare(project, learnt, understanding_of(project, Settings().data_dir, tell=tell), server)
    except ProjectRefused as refused:
        print_remarks("refused 不支持", refused.remarks, folder)
        raise typer.Exit(status) from None
    except UntrainableProject as too_little:
        console.print(f"refused 不支持: {escape(str(too_little))}", highlight=False, soft_wrap=True)
        raise typer.Exit(status) from None


def check(
    folder: Folder, config: ConfigFile = "config.yml", domain: DomainPlaces = None, data: DataFolder = "data"
) -> None:
    """Tell what is read of a project, what is left alone and what is refused; exit 1 when anything is refused."""
    project, _ = _read(folder, layout_of(config, domain, data))
    learnt = check_project(project)
    counted = Table("read 已读", "", show_edge=False)
    for name, count in _counts(project).items():
        counted.add_row(name, str(count))
    tests, in_tests = read_tests(project)
    counted.add_row("test stories 测试故事", str(len(tests)))
    if learnt is not None:
        counted.add_row("conversations learnt 学到的对话", str(len(learnt.trackers)))
    console.print(counted)
    if project.config.auto:
        console.print(f"filled in as Rasa does 按 Rasa 默认补全: {', '.join(project.config.auto)}")
    findings = project.findings
    print_remarks("left alone 读取但不起作用", findings.left_alone, folder)
    print_remarks("Rasa would warn 提醒", findings.told, folder)
    wrong = (*in_tests.refused, *in_tests.told, *in_tests.left_alone)
    print_remarks("in the tests, not in the way of running 测试文件，不影响运行", wrong, folder)
    print_remarks("refused 不支持", findings.refused, folder)
    if findings.refused:
        raise typer.Exit(1)
    console.print("runs 可以运行")


def _counts(project: Project) -> dict[str, int]:
    domain, data = project.domain, project.training
    return {
        "intents 意图": len(domain.intents),
        "entities 实体": len(domain.entities),
        "slots 槽位": len(domain.declared_slots),
        "forms 表单": len(domain.forms),
        "responses 回复": len(domain.responses),
        "actions 动作": len(domain.declared_actions),
        "examples 例句": len(data.examples),
        "synonyms 同义词": len(data.synonyms),
        "lookups 词表": len(data.lookups),
        "regexes 正则": len(data.regexes),
        "retrieval intents 检索意图": len(data.retrieval_intents),
        "rules 规则": len(project.rules),
        "stories 故事": len(project.stories),
    }


def print_remarks(title: str, remarks: Sequence[Remark], folder: Path) -> None:
    """What was found, each with its place in the folder."""
    if not remarks:
        return
    console.print(f"{title}: {len(remarks)}")
    for remark in remarks:
        inside = remark.file.is_relative_to(folder)
        file = remark.file.relative_to(folder) if inside else remark.file
        place = f"{file}:{remark.line}" if remark.line else str(file)
        console.print(escape(f"  {place}: {remark.problem}"), highlight=False, soft_wrap=True)


def train(
    folder: Folder, config: ConfigFile = "config.yml", domain: DomainPlaces = None, data: DataFolder = "data"
) -> None:
    """Learn a project's rules and stories and its understanding, and tell how long it took."""
    begun = time.monotonic()

    def tell(step: str) -> None:
        console.print(f"{time.monotonic() - begun:7.2f} s  {STEPS[step]}", highlight=False)

    project, processor = processor_of(folder, layout_of(config, domain, data), tell)
    policies = ", ".join(str(getattr(policy, "name", policy)) for policy in processor.policies.all)
    console.print(f"{escape(project.config.assistant_id)}: {policies}; {time.monotonic() - begun:.2f} s")


def shell(
    folder: Folder, config: ConfigFile = "config.yml", domain: DomainPlaces = None, data: DataFolder = "data"
) -> None:
    """Talk to a project on the console; `/stop` ends."""
    _, processor = processor_of(folder, layout_of(config, domain, data))
    console.print("talk 开始对话 (/stop)")
    while True:
        try:
            text = console.input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if text in EXIT:
            return
        for message in processor.handle(text, input_channel=CONSOLE_CHANNEL, channel=CONSOLE_CHANNEL):
            for part in ("text", "image", "custom", "attachment"):
                if part in message:
                    console.print(escape(str(message[part])), highlight=False)
            for number, button in enumerate(message.get("buttons", ()), start=1):
                console.print(escape(f"  {number}: {button.get('title')} ({button.get('payload')})"), highlight=False)


def run(
    folder: Folder,
    port: Port = 5005,
    host: Host = "127.0.0.1",
    config: ConfigFile = "config.yml",
    domain: DomainPlaces = None,
    data: DataFolder = "data",
    enable_api: EnableApi = False,
    auth_token: AuthToken = "",
    jwt_secret: JwtSecret = "",
) -> None:
    """Serve a project: Rasa's REST channel, and with --enable-api tracker, parsing and intents from outside."""
    if (auth_token or jwt_secret) and not enable_api:
        option = "--auth-token" if auth_token else "--jwt-secret"
        raise typer.BadParameter(f"{option} guards what --enable-api opens 需与 --enable-api 一起使用")
    if jwt_secret and not is_secret(jwt_secret):
        raise typer.BadParameter(
            "is a key file's text, no secret for HS256 不能是密钥文件的内容", param_hint="--jwt-secret"
        )
    project, processor = processor_of(folder, layout_of(config, domain, data))
    served = project_app(processor, project.config.assistant_id, enable_api, Guard(auth_token, jwt_secret))
    processor.reminders = Reminders(processor.remind)
    settle()
    uvicorn.run(served, host=host, port=port, http=BoundedHead, log_level="warning")


def register(commands: typer.Typer) -> None:
    """Add the commands on projects."""
    for command in (check, train, shell, run):
        commands.command()(command)
