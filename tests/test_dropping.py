"""What drops a form and what only sounds like it; fields declined; places of nowhere; calls for help; types told."""

from __future__ import annotations

import pytest

from bot.cases.analysis import _type_words
from bot.language import detect
from bot.nlu.declining import Declined, declined
from bot.nlu.dropping import dropped, drops_form
from bot.nlu.emergency_calls import wants_emergency_call
from bot.nlu.entities import find_entities
from bot.nlu.nowhere import nowhere
from bot.nlu.place_wishes import place_wish_of
from bot.nlu.said import says_submit, short_answer, wants_anonymity
from knowledge.normal import canonical, normalise

ANSWERS = (
    "不用填了，直接提交",
    "不用查了，提交吧",
    "不用说了，提交",
    "不要写我的名字了",
    "不用登记我的姓名了",
    "别写我的名字了",
    "电话就不填了",
    "不用填时间了",
    "我先不写地址了",
    "不用填了",
    "我不想提交照片了",
    "不用写福田了，是罗湖",
    "不要写昨天了，写今天",
    "不用再说了，就是民治地铁站",
    "没有了，不用写了",
    "地址就不写了",
    "时间不用填了",
    "照片就不报了",
    "姓名先不报了",
    "不要再查了",
    "别管了",
    "不用登记电话了",
    "不要提交我的电话",
    "Please skip this one",
    "skip this one",
    "Skip that one please",
    "leave the rest",
    "I don't want to do that",
    "scratch that, it's at Minzhi station",
    "ignore that, it's at Minzhi station",
    "forget that, yesterday evening",
    "forget that one",
    "leave that",
    "no need to do that",
    "I don't want to give my name",
    "don't send the photo",
    "forget the complaint, it's at Minzhi station",
    "drop the report, yesterday evening",
)
DESCRIPTIONS = (
    "物业说先不弄了，楼道漏水",
    "健身房就不办了，钱不退",
    "派出所就不登记了",
    "医院就不报了，让我自费",
    "不管了，电梯坏了三天",
    "施工队半夜还在施工，别弄了",
    "请他们晚上就不要弄了",
    "之前的工单取消了，没有人处理",
    "投诉撤销了，但是问题没解决",
    "单子取消了，商家不退款",
    "东西不要了，商家不退款",
    "公司就不报了",
    "社区说不登记了，让我去街道",
    "那个不要了，商家不退款",
    "物业把投诉取消了",
    "这个投诉不用弄了，楼道还在漏水",
    "课程取消了，学费不退",
    "航班取消了",
    "他们不想管这件事了",
    "保安说不用登记了，直接进",
    "医生说先不报了",
    "工单作废了，没人理",
    "投诉取消了，商家还在骗人",
    "我的投诉撤了，没人通知我",
    "Please stop it, the workers drill every night",
    "They ignore my complaint",
    "the office dropped the case",
    "ignore the complaint, they said, and nothing happened",
    "I don't want to complain, but the nurse was rude",
    "my report was cancelled and nobody told me",
    "please stop the noise at night",
    "they told me to forget the report",
)
DROPS = {
    "这个投诉不用弄了，请问怎么办居住证": "请问怎么办居住证",
    "路灯先不报了。交通违章罚款怎么交": "交通违章罚款怎么交",
    "帮我看看护照怎么申请吧，刚才那个就算了": "帮我看看护照怎么申请吧，",
    "算了，这件事不报了，我要投诉隔壁装修太吵": "我要投诉隔壁装修太吵",
    "先不提交了，谢谢你": "谢谢你",
    "不用登记了，查一下我的工单进度": "查一下我的工单进度",
    "我不想投诉了": "",
    "这件事就算了": "",
    "刚才的投诉取消吧": "",
    "投诉先取消了": "",
    "取消这个投诉吧": "",
    "我先不投诉了，在福田哪里办居住证": "在福田哪里办居住证",
    "呢件事唔使弄喇": "",
    "drop the report. How do I pay a traffic fine?": "How do I pay a traffic fine?",
    "please cancel my complaint, I need to pay my water bill": "I need to pay my water bill",
    "how do I get a dog licence? never mind the complaint": "how do I get a dog licence?",
    "forget the complaint": "",
    "I no longer want to file this report, thank you": "thank you",
    "I don't want to complain any more": "",
    "cancel the request please. Where can I renew my passport in Futian?": "Where can I renew my passport in Futian?",
}


def gives_form_up(text: str, telling: bool = False) -> bool:
    found = find_entities(text, "en" if detect(text).language == "en" else "zh")
    values = [one.text for one in found if one.label in ("location", "time", "phone", "email")]
    return drops_form(text, values, telling) is True


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_drops_no_form(text: str) -> None:
    assert not gives_form_up(text)
    assert short_answer(text) != "cancel"


@pytest.mark.parametrize("text", DESCRIPTIONS)
def test_what_others_did_drops_no_form(text: str) -> None:
    assert not gives_form_up(text, telling=True)


@pytest.mark.parametrize("text", DESCRIPTIONS)
def test_what_others_did_drops_no_form_past_the_description(text: str) -> None:
    assert not gives_form_up(text)


@pytest.mark.parametrize(("text", "rest"), DROPS.items())
@pytest.mark.parametrize("telling", [False, True])
def test_a_form_is_dropped_by_its_name(text: str, rest: str, telling: bool) -> None:
    assert gives_form_up(text, telling)
    assert dropped(text).rest == rest


# Dropping words with an answer, a correction or more of the matter beside them: the form goes on with the rest.
GOES_ON = {
    "stop it, they drill every night": "they drill every night",
    "stop it they drill every night": "they drill every night",
    "算了，我在民治地铁站": "我在民治地铁站",
    "算了我在民治地铁站": "我在民治地铁站",
    "算啦 我喺民治地鐵站": "我喺民治地鐵站",
    "算了吧，改成罗湖": "改成罗湖",
    "算了，还是写昨天吧": "还是写昨天吧",
    "算了，帮我写民治地铁站": "帮我写民治地铁站",
    "算了算了，就写昨晚十一点": "就写昨晚十一点",
    "算了，它每晚十二点还在打桩": "它每晚十二点还在打桩",
    "算了，匿名吧": "匿名吧",
    "算了，跳过": "跳过",
    "算了，地址不写了": "地址不写了",
    "cancel it, it is at Coco Park": "it is at Coco Park",
    "scratch that, it's at Minzhi station": "it's at Minzhi station",
    "never mind the time, it's at Minzhi station": "it's at Minzhi station",
    "算了别问了，就在碧海花园3栋": "别问了，就在碧海花园3栋",
    "取消，不对，是在福田区，上面说错了": "不对，是在福田区，上面说错了",
    "forget it, put Minzhi station": "put Minzhi station",
}
# Dropping words with the reason, thanks or nothing beside them.
GIVES_UP = (
    "算了不投诉了谢谢",
    "forget it thanks",
    "唔投诉啦",
    "唔投訴喇唔該",
    "都係唔投訴喇",
    "算啦 佢哋停咗喇",
    "never mind, they stopped",
    "never mind they fixed it this morning",
    "算了，昨天已经修好了",
    "算了，太麻烦了",
    "算了 我赶时间",
    "算了我自己打物业电话",
    "他们又停了，还是算了吧",
    "师傅来修好了那就算了",
    "everything is fine now so never mind",
    "the light is back on so forget it",
    "he never answered, forget it",
    "no no forget about it, wrong number",
    "不用了，已经解决了",
    "no thanks, it's ok now",
    "cancel it, my neighbour already reported it",
    "算了，帮我查一下龙华居住证怎么办",
    "cancel everything please",
    "退出登记",
    "stop it",
    "I changed my mind, I don't want to complain",
    "算了这个不投诉了，我要反映小区门口路灯不亮",
    "forget the light, I want to report a taxi driver who cheated me",
    "don't bother, I'm moving out anyway",
    "没事了，人走了，取消登记",
)
# What only sounds like dropping words, or where only the meaning of the rest can tell.
NO_DROP = (
    "stop the noise at night",
    "停止施工吧",
    "取消订单不退款",
    "they told me to forget it",
    "物业说算了",
    "算了一下水费多收了三百",
    "算了，楼下烧烤店油烟太大",
    "never mind the noise, the smell is worse",
    "算了就在我家楼下",
    "please stop this, old people cannot climb 20 floors",
    "算了，垃圾不报了，楼下餐馆油烟熏死人",
)


@pytest.mark.parametrize(("text", "rest"), GOES_ON.items())
def test_dropping_words_with_an_answer_go_on(text: str, rest: str) -> None:
    assert not gives_form_up(text)
    assert dropped(text).rest == rest


@pytest.mark.parametrize("text", GIVES_UP)
def test_dropping_words_with_a_reason_or_nothing_drop(text: str) -> None:
    assert short_answer(text) == "cancel" or gives_form_up(text)


@pytest.mark.parametrize("text", NO_DROP)
def test_words_that_may_be_no_dropping(text: str) -> None:
    assert not gives_form_up(text)


@pytest.mark.parametrize("text", ["算了，提交吧", "不填了，直接提交", "算了，继续登记吧", "never mind, submit it"])
def test_filing_after_all_drops_nothing(text: str) -> None:
    assert not gives_form_up(text)


@pytest.mark.parametrize("text", ["算了，确认取消", "算了，不提交了", "算了", "forget it, cancel it"])
def test_what_was_dropped_before_still_is(text: str) -> None:
    assert short_answer(text) == "cancel" or gives_form_up(text)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("我先不写地址了", Declined.LOCATION),
        ("地址就不写了", Declined.LOCATION),
        ("不用填时间了", Declined.TIME),
        ("时间不用填了", Declined.TIME),
        ("电话就不填了", Declined.CONTACT),
        ("我不想提交照片了", Declined.PHOTO),
        ("不要写我的名字了", Declined.CONTACT),
        ("不用填了，直接提交", Declined.MORE),
        ("不用查了，提交吧", Declined.MORE),
        ("没有了，不用写了", Declined.MORE),
        ("不用再说了", Declined.MORE),
        ("I don't want to give the address", Declined.LOCATION),
        ("leave the rest please", Declined.MORE),
        ("don't share my phone number", Declined.CONTACT),
        ("福强路地址不清楚", None),
        ("医院不写时间", None),
        ("物业不提供联系方式", None),
        ("不用", None),
        ("Minkang Road", None),
        ("我不知道", None),
        ("公司不发工资", None),
        ("地点在福强路", None),
    ],
)
def test_fields_declined(text: str, field: Declined | None) -> None:
    assert declined(text) is field


@pytest.mark.parametrize(
    "text",
    [
        "不用登记我的姓名了",
        "别写我的名字了",
        "不要写我的名字了",
        "电话就不填了",
        "请不要登记我的电话",
        "不留电话",
        "please don't write my name",
        "I do not want to give my phone number",
        "路灯坏了，别写我的名字",
    ],
)
def test_anonymity(text: str) -> None:
    assert wants_anonymity(text)


@pytest.mark.parametrize(
    "text",
    [
        "派出所说不用登记",
        "学校登记我的姓名弄错了",
        "派出所不登记我的身份",
        "商家电话不接",
        "they do not write my name correctly",
        "物业让我别填姓名栏",
    ],
)
def test_no_anonymity(text: str) -> None:
    assert not wants_anonymity(text)


def test_not_wanting_to_file_files_nothing() -> None:
    assert not says_submit("我不想提交照片了") and not says_submit("不用提交了")
    assert says_submit("不用填了，直接提交")


@pytest.mark.parametrize(
    "text", ["skip this one", "Skip that one please", "leave the rest", "please skip that", "skip this question"]
)
def test_a_question_is_skipped(text: str) -> None:
    assert short_answer(text) == "skip"


@pytest.mark.parametrize(
    "text",
    [
        "Where do I report a car in space B12?",
        "How do I apply for space in the car park?",
        "clinic near the Moon Bay",
        "noise at Mars cafe",
        "complaint at Neverland kindergarten",
        "在火星有限公司上班，欠薪怎么办",
        "can I park in space 12",
        "在海王星有限公司上班，欠薪怎么投诉",
        "在火星路办居住证",
        "在月球里小区怎么停车",
        "在火星的公司上班怎么投诉",
        "去火星能源公司怎么走",
        "noise at Mars in Futian",
        "work at Jupiter Technology",
        "火星公园在哪里",
        "在天王星网吧上网",
        "在火星上海分公司上班",
        "the bar on Atlantis Road",
    ],
)
def test_names_are_no_places_of_nowhere(text: str) -> None:
    assert nowhere(canonical(text)) is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("月球上的驾照怎么换", "月球"),
        ("怎么在火星办居住证", "火星"),
        ("怎么申请去火星的签证", "火星"),
        ("霍格沃茨的入学怎么办", "霍格沃茨"),
        ("在海王星有什么手续", "海王星"),
        ("and a driving licence in Narnia?", "narnia"),
        ("how do I get a permit on the Moon", "the moon"),
        ("a visa for Mars please", "mars"),
        ("register a car in outer space", "outer space"),
        ("can I vote on Mars or not", "mars"),
    ],
)
def test_places_of_nowhere(text: str, place: str) -> None:
    assert nowhere(canonical(text)) == place


@pytest.mark.parametrize(
    "text",
    [
        "快点帮我喊救护车",
        "报警吧",
        "拨打119",
        "can you ring the fire brigade please",
        "dial 120",
        "someone should call the cops",
        "唔该call白车",
        "叫辆救护车",
        "叫一部救护车",
        "快叫架白车",
        "找120",
        "联系救护车",
        "赶紧联系公安",
        "快点找警察",
        "马上通知派出所",
        "get an ambulance",
        "contact 110",
        "get the police now",
        "quick, get the police",
        "叫警察",
        "帮我报警",
        "要不要报警",
        "I want to call the police",
        "please contact the police immediately",
        "打110",
    ],
)
def test_calls_for_help(text: str) -> None:
    assert wants_emergency_call(text)


@pytest.mark.parametrize(
    "text",
    [
        "找交警",
        "联系公安",
        "联系派出所",
        "我想联系派出所",
        "找派出所",
        "通知派出所",
        "contact the police",
        "I want to contact the police station",
        "get the police",
        "call the police station",
        "报警了",
        "报警了吗",
        "我报警了",
        "叫救护车了",
        "打了110",
        "已经报警了",
        "contact the fire department",
        "联系消防",
    ],
)
def test_no_calls_for_help(text: str) -> None:
    assert not wants_emergency_call(text)


def test_only_here_is_a_place_where_one_is_asked_for() -> None:
    for text in ("only here", "here only", "只发到这里", "only on the web"):
        assert place_wish_of(text) is not None and (place_wish_of(text, place_asked=True) is None), text
    for text in ("send notifications only here", "只在这里通知我", "通知发到微信", "notify me on WeChat"):
        assert place_wish_of(text, place_asked=True) == place_wish_of(text) is not None or text, text
        assert place_wish_of(text, place_asked=True) is not None, text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I can't complain, the nurse was wonderful", False),
        ("I cannot complain about the staff", False),
        ("no complaints, great job", False),
        ("the complaints office was kind", False),
        ("I have two complaints", True),
        ("several complaints about the landlord", True),
        ("I want to complain", True),
        ("this is a complaint", True),
        ("我要投诉物业", True),
        ("I couldn't complain", False),
    ],
)
def test_a_complaint_told_outright(text: str, said: bool) -> None:
    patterns = dict(_type_words("says"))
    assert bool(patterns["complaint"].search(normalise(text).text)) is said
