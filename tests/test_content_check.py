"""`chengda check`: the content is clean, and each kind of error is told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.content_check import check_content, plain
from connectors.cli import app

EXAMPLES = "nlu:\n- intent: {intent}\n  examples: |\n    - {text}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("eval", "queries", "lookups"):
        (tmp_path / name).mkdir()
    write(tmp_path, "nlu.zh.yml", EXAMPLES.format(intent="greet", text="您好啊朋友"))
    write(tmp_path, "nlu.en.yml", EXAMPLES.format(intent="greet", text="hello dear friend"))
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def told(folder: Path) -> list[str]:
    """Errors but those of too few lines, with files named from the folder."""
    problems = [str(problem).removeprefix(f"{folder}/") for problem in check_content(folder)]
    return [problem for problem in problems if "fewer than" not in problem]


def test_the_content_is_clean() -> None:
    assert [str(problem) for problem in check_content()] == []


@pytest.mark.parametrize(
    ("name", "text", "line", "problem"),
    [
        ("acts.csv", "intent,text\n", 1, "the columns are intent, language, text"),
        ("acts.csv", "intent,language,text\ngreet,zh\n", 2, "not 3 columns"),
        ("acts.csv", "intent,language,text\ngreeting,zh,早\n", 2, "intent is 'greeting'"),
        ("acts.csv", "intent,language,text\ngreet,fr,bonjour\n", 2, "language is 'fr'"),
        ("acts.csv", "intent,language,text\ngreet,zh,  \n", 2, "text is '  '"),
        ("acts.csv", "intent,language,text\ngreet,zh,您好啊，朋友！\n", 2, "stands in nlu.zh.yml:4 already"),
        ("acts.csv", "intent,language,text\ngreet,zh,ＨＥＬＬＯ Dear-friend\n", 2, "stands in nlu.en.yml:4 already"),
        ("new.csv", "text,more\nHello dear friend,x\n", 2, "stands in nlu.en.yml:4 already"),
        ("queries/train_x.csv", "code,language,style,text\nZ99,zh,plain,开店\n", 2, "code is 'Z99'"),
        (
            "demands_x.csv",
            "type,category,subcategory,service_item,urgency,language,style,text\nwish,,,Q1,soon,zh,plain,路灯不亮\n",
            2,
            "type is 'wish'",
        ),
        ("eval/services_x.jsonl", "{", 1, "not JSON"),
        ("eval/services_x.jsonl", '{"text": "a"}', 1, "needs text, code, language, style and nothing else"),
        ("eval/safety_x.jsonl", '{"text": "您好啊朋友。", "label": "ordinary", "language": "zh"}', 1, "is trained on"),
        ("eval/entities_x.jsonl", '{"text": "在福田", "language": "zh", "spans": [[1, 9, "location"]]}', 1, "spans is"),
        ("lookups/x.csv", "word\na\nb\na\n", 4, "the row of line 2 again"),
        ("lookups/x.csv", "pattern\n(a\n", 2, "not a pattern"),
        ("nlu.zh.yml", EXAMPLES.format(intent="salute", text="您好"), 4, "unknown intent 'salute'"),
    ],
)
def test_errors_name_file_line_and_problem(folder: Path, name: str, text: str, line: int, problem: str) -> None:
    write(folder, name, text)
    found = [one for one in told(folder) if one.startswith(f"{name}:{line}: ")]
    assert found, told(folder)
    assert any(problem in one for one in found), found


def test_services_and_intents_need_lines_in_both_languages(folder: Path) -> None:
    problems = {problem.problem for problem in check_content(folder)}
    assert {"A01 has 0 lines in en, fewer than 20", "greet has 1 lines in zh, fewer than 20"} <= problems
    assert told(folder) == []


@pytest.mark.parametrize("text", ["Ｗhere's 檔案館？", "wheres档案馆", "WHERE S 档案館!"])
def test_plain_is_the_same_for_any_writing(text: str) -> None:
    assert plain(text) == plain("where's 档案馆")


def test_the_command_says_what_was_read() -> None:
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 0
    assert "no errors" in result.output
