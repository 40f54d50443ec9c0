"""Measurements on public sets, on small samples made by hand."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from connectors.cli import app
from knowledge.answer_bench import (
    BASELINE,
    AnswerSet,
    Questions,
    character_terms,
    chosen_weights,
    compare_answers,
    judged,
    policy_answers,
)
from knowledge.classifier_bench import compare, macro_f1
from knowledge.encoder import Encoder, load_encoder
from knowledge.public_sets import READERS, Example, bucket, read_set, split

THINGS = ("路灯", "井盖", "电梯", "公交车", "水管", "垃圾桶", "护栏", "红绿灯", "公厕", "长椅")
ACTS = {"report": "{}坏了没人修", "ask": "{}归哪个部门管", "praise": "谢谢你们把{}修好了"}
EXAMPLES = [
    Example(act.format(place + thing), label, place + thing + label)
    for thing, place in itertools.product(THINGS, ("我家门口的", "学校旁边的", "公园里的"))
    for label, act in ACTS.items()
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("builtin")


def test_the_split_is_stable_and_keeps_keys_apart() -> None:
    assert [bucket(key) for key in ("1", "2", "MASSIVE")] == [bucket(key) for key in ("1", "2", "MASSIVE")]
    found = split("acts", EXAMPLES)
    assert len(found.train) + len(found.test) == len(EXAMPLES)
    assert not {example.key for example in found.train} & {example.key for example in found.test}
    assert split("acts", reversed(EXAMPLES)) == found
    alone = [*EXAMPLES, Example("只有一句", "single", "single")]
    assert all(example.label != "single" for example in (*split("acts", alone).train, *split("acts", alone).test))
    assert len(split("acts", EXAMPLES, sample=30).train) < 30


def test_both_classifiers_are_compared_on_the_same_lines(encoder: Encoder) -> None:
    found = compare(split("acts", EXAMPLES, outside=("今天天气真好", "我想听歌", "讲个笑话")), encoder)
    assert [line.measure for line in found] == ["accuracy", "macro-F1", "outside AUROC"]
    for line in found:
        assert line.ours > 0.8 and line.baseline > 0.5
        assert line.gain.low <= line.gain.value <= line.gain.high
        assert line.gain.value == pytest.approx(line.ours - line.baseline)


def test_macro_f1() -> None:
    truth, found = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    assert macro_f1(truth, found, 3) == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_missing_sets_are_skipped(tmp_path: Path) -> None:
    assert all(read_set(name, tmp_path) is None for name in READERS)
    assert policy_answers(tmp_path) is None
    result = CliRunner().invoke(app, ["bench", "nlu", "--data", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert result.output.count("skipped, no") == len(READERS)


def test_a_set_is_read(tmp_path: Path) -> None:
    (tmp_path / "massive").mkdir()
    rows = [f"{n}\ttrain\ts\tintent_{n % 2}\tsay {n}\tx" for n in range(40)]
    text = "\n".join(["id\tpartition\tscenario\tintent\tutt\tannot_utt", *rows])
    (tmp_path / "massive" / "en-US.tsv").write_text(text, encoding="utf-8")
    public = read_set("MASSIVE en-US intent", tmp_path)
    assert public is not None and len(public.train) + len(public.test) == 40 and public.test


def answers(*pairs: tuple[str, str]) -> Questions:
    return Questions(
        tuple(q for q, _ in pairs),
        tuple(a for _, a in pairs),
        tuple("ab"[: len(pairs)] + "b"),
        tuple(range(len(pairs))),
    )


def test_answers_are_ranked_and_compared(encoder: Encoder, tmp_path: Path) -> None:
    assert character_terms("办证 id") == ["办", "证", "办证", "id"]
    scores = np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 0.0]], dtype=np.float32)
    found = judged("x", scores, [0, 0])
    assert (found.recall_at_1, found.recall_at_5, found.mrr) == (0.5, 1.0, 0.75)
    arms = {BASELINE: scores[:, ::-1], "dense": scores}
    assert chosen_weights(arms, [0, 0])["dense"] > 0
    given = answers(
        ("驾驶证丢了怎么补", "机动车驾驶证遗失的，本人持身份证到车管所申请补发。交工本费10元。"),
        ("宝宝怎么上户口", "新生儿随父或随母落户，在户籍派出所办理出生登记，需出生医学证明。"),
        ("公积金能租房吗", "在本市没有住房的缴存人，可提取住房公积金支付房租，每月一次。"),
    )
    line = compare_answers(AnswerSet("own", given, given), encoder)
    assert line.questions == line.answers == 3
    assert line.hybrid.recall_at_1 >= line.baseline.recall_at_1
    (tmp_path / "ncp_policies_qa").mkdir()
    rows = [{"id": str(n), "docid": str(n), "question": f"问{n}", "answer": f"答{n}" * 20} for n in range(30)]
    text = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "ncp_policies_qa" / "qa_train.jsonl").write_text(text, encoding="utf-8")
    policies = policy_answers(tmp_path)
    assert policies is not None and len(policies.inner.questions) + len(policies.test.questions) == 30
