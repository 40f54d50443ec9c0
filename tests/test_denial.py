"""What a message takes back, and where a second request begins."""

from __future__ import annotations

import pytest

from bot.language import detect
from bot.nlu.denial import asserted
from bot.nlu.requests import pieces_of
from knowledge.normal import canonical

DENIALS = [
    ("不是要投诉，我想咨询一下噪音归谁管", "噪音归谁管", {"file_demand"}),
    ("我不想举报谁，就问问广场舞几点必须停", "就问问广场舞几点必须停", {"file_demand"}),
    ("唔系要投诉，想問下居住證點辦", "想问下居住证怎么办", {"file_demand"}),
    ("不用转人工，告诉我社保卡怎么补就行", "告诉我社保卡怎么补就行", {"hand_off"}),
    ("I don't want to complain, I just want to know who is in charge of street lights",
     "want to know who is in charge of street lights", {"file_demand"}),
    ("this is not a complaint. where do i renew my residence permit",
     "where do i renew my residence permit", {"file_demand"}),
    ("no need for a human, just tell me the fee for a passport", "tell me the fee for a passport", {"hand_off"}),
    ("我要的不是居住证，是居留许可", "居留许可", set()),
    ("我问的是护照不是签证", "护照", set()),
    ("not the work permit, I mean the residence permit", "the residence permit", set()),
    ("I meant the driving licence, not the vehicle licence", "the driving licence", set()),
]  # fmt: skip
KEPT_WHOLE = [
    "我不是深圳户口，能办居住证吗",
    "孩子不是深圳户口，是湖南户口，能上学吗",
    "没人处理我的投诉",
    "我不是中国人，可以考驾照吗",
    "I'm not a resident, can I use the library?",
    "投诉电话打不通",
    "my complaint has not been answered",
    "公司不给我交社保",
]
PIECES = [
    ("办居住证要什么材料，顺便问下社保卡丢了怎么办", 2),
    ("怎么换驾照？护照多少钱？", 2),
    ("How do I renew my passport? And by the way, where can I register my dog?", 2),
    ("我是外地人，来深圳打工，想办居住证", 1),
    ("my wife is pregnant, she works here, how do we claim the allowance", 1),
    ("老婆下个月生，生育津贴怎么领", 1),
]


@pytest.mark.parametrize(("text", "left", "denied"), DENIALS)
def test_what_is_denied_is_taken_out(text: str, left: str, denied: set[str]) -> None:
    told = asserted(canonical(text, detect(text).cantonese))
    assert told.text == left
    assert told.denied_intents == denied


@pytest.mark.parametrize("text", KEPT_WHOLE)
def test_a_not_that_denies_no_act_stays(text: str) -> None:
    clean = canonical(text, cantonese=True)
    assert asserted(clean).text == clean


@pytest.mark.parametrize(("text", "count"), PIECES)
def test_pieces(text: str, count: int) -> None:
    assert len(pieces_of(text)) == count
