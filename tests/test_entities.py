"""Places and times of messages, and that the writing of a message does not change what is found."""

from __future__ import annotations

import opencc
import pytest

from bot.nlu.entities import find_entities, likeliest_place
from bot.nlu.said import without_lead_ins

TRADITIONAL = opencc.OpenCC("s2hk")
WIDE = {ord(char): ord(char) + 0xFEE0 for char in "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"}
PLACES: tuple[tuple[str, str | None], ...] = (
    ("地点是宝安区新安街道宝民一路12号", "宝安区新安街道宝民一路12号"),
    ("光明区公明街道合水口村十巷5号", "光明区公明街道合水口村十巷5号"),
    ("大鹏新区葵涌街道葵新北路今天早上污水冒出来了", "大鹏新区葵涌街道葵新北路"),
    ("我想表扬福田区行政服务大厅3号窗口的小李", "福田区行政服务大厅3号窗口"),
    ("我要complain，蛇口海上世界旁边的construction site还在施工", "蛇口海上世界旁边"),
    ("沙井街道万丰村东区八巷12号", "沙井街道万丰村东区八巷12号"),
    ("坂田街道马安堂社区中心围二区14栋3单元502室没水", "坂田街道马安堂社区中心围二区14栋3单元502室"),
    ("龙岗区横岗街道六约社区金塘街27弄8号", "龙岗区横岗街道六约社区金塘街27弄8号"),
    ("水围村半夜装修", "水围村"),
    ("Someone was rude at counter 12 of the Futian service hall", "counter 12 of the Futian service hall"),
    ("a hole on Xixiang Avenue, Bao'an District", "Xixiang Avenue, Bao'an District"),
    ("In Zhuzilin a wall fell", "Zhuzilin"),
    ("the lamp at 118-2 Xinzhou Rd is broken", "118-2 Xinzhou Rd"),
    ("Room 502, Building 3, 18 Xinzhou Road", "Room 502, Building 3, 18 Xinzhou Road"),
    ("a hole at 1188a fuhua 3rd road", "1188a fuhua 3rd road"),
    ("Minle Village garbage truck come 2 am", "Minle Village"),
    ("健身房跑路了", None),
    ("健身房旁边的construction site太吵", None),
    ("Apply for permanent residence in China", None),
    ("they go to the police station", None),
)
TIMES: tuple[tuple[str, list[str]], ...] = (
    ("福田区行政服务大厅3号窗口，今天上午", ["今天上午"]),
    ("那我现在要投诉了，公司欠了我两个月工资", []),
    ("The company owes me two months of wages", []),
    ("从10月下旬开始，每逢下雨", ["10月下旬", "每逢下雨"]),
    ("it was about half past three on the 15th", ["about half past three on the 15th"]),
    ("it happens between 1 am and 3 am", ["between 1 am and 3 am"]),
    ("now I want to complain", []),
)
LEAD_INS = (
    ("好的。地点是宝安区新安街道宝民一路12号", "宝安区新安街道宝民一路12号"),
    ("嗯，就在民治大道", "民治大道"),
    ("ＯＫ，地址：民治大道", "民治大道"),
    ("ok, it's at Keyuan Road", "Keyuan Road"),
    ("Yes, the place is 88 Fuhua 3rd Road", "88 Fuhua 3rd Road"),
    ("在", "在"),
    ("wonderful place", "wonderful place"),
)
SAYINGS = (
    "宝安区新安街道宝民一路12号路灯坏了", "光明区公明街道合水口村十巷5号漏水", "福田区梅林路昨天晚上有人打架",
    "南山区科技园3栋电梯困人", "龙华区民治大道每天半夜施工", "罗湖区东门老街停车乱收费", "盐田区深盐路大货车太快",
    "坪山区坪山大道积水两天了", "大鹏新区葵涌街道葵新北路污水", "龙岗区布吉路垃圾没人收", "前海路口红绿灯坏了",
    "我的电话是13800138000", "打我手机13900000000就行", "车牌粤B12345占了消防通道", "身份证110101199003070038",
    "工单SZ261120-000123-4到哪了", "查SZ2611200001234", "护照号码E12345678", "邮箱wang@example.com",
    "今天下午3点半停水", "昨晚11点多吵得睡不着", "从上周三开始没电", "2026年11月3日被罚款", "11月18日上午9点15分",
    "最近两个星期都这样", "每天凌晨1点到4点有渣土车", "已经三个月了没人管", "国庆期间收费涨了", "每逢下雨就内涝",
    "周末晚上很吵", "被收了500元停车费", "扣了我2000块钱", "在福田口岸排了两个小时", "深圳湾口岸过关太慢",
    "蛇口海上世界旁边有人钓鱼", "深圳北站东广场黑车", "华强北路买到假手机", "香蜜湖路公交太少",
    "西丽街道曙光社区茶光路", "沙井街道后亭社区臭", "西乡街道固戍一路路灯不亮", "石岩街道塘头大道塌了",
    "观澜街道桂花社区桂花路", "公明街道上村社区有人烧垃圾", "南山图书馆对面", "五和大道南隔离带坏了",
    "市民中心地铁站B出口", "购物公园酒吧街太吵", "民治街道白石龙一区61栋", "坂田街道万科城3栋",
    "北环大道香梅立交有坑", "松岗街道碧头社区第二工业区", "固戍二路路灯", "仙湖植物园停车场", "横岗街道四联路货车",
    "吉华街道水径社区", "12号窗口的人态度差", "南头古城太挤", "福海街道桥头村垃圾", "怡景花园7号楼漏水",
    "学府路早上7点40分堵车", "信用卡6222020200112230", "I live at 88 Fuhua 3rd Road, call 13800138000",
    "Keyuan Road at 3:30 pm on 18 November", "a hole on Xixiang Avenue, Bao'an District",
)  # fmt: skip
SPOKEN = (
    ("电话一三八零零一三八零零零", "电话13800138000"),
    ("我的号码幺三八洞洞幺三八洞洞洞", "我的号码13800138000"),
    ("我的号码么三八零零妖三八零零零", "我的号码13800138000"),
    ("是什么一三八零零么三八零零零", "是什么13800138000"),
    ("工单SZ 二六一一二零 零零零一二三 四", "工单SZ261120-000123-4"),
    ("my number is one three eight double zero one three eight triple zero", "my number is 13800138000"),
    ("call one three nine, oh oh oh oh, oh oh oh oh", "call 13900000000"),
    ("case S Z two six one one two zero zero zero zero one two three four", "case SZ261120-000123-4"),
    ("今天三点半停水", "今天3点半停水"),
    ("今天三点半停水", "今天3:30停水"),
    ("明天下午三点一刻", "明天下午3点15分"),
    ("明天下午三点十五分", "明天下午15:15"),
    ("十一月十八日晚上十点", "11月18日晚上10点"),
    ("三天了", "3天了"),
    ("at half past three in the afternoon", "at 3:30 pm"),
    ("at quarter to nine", "at 8:45"),
    ("three weeks ago", "3 weeks ago"),
    ("民治大道十二号", "民治大道12号"),
)

PHONES: tuple[tuple[str, list[str]], ...] = (
    ("我的电话是9123 4567多谢", ["91234567"]),
    ("call me at 9123-4567 please", ["91234567"]),
    ("房租5000-8000元", []),
    ("¥5000-8000一个月", []),
    ("有5000-8000人", []),
    ("rent is 5000-8000 yuan", []),
    ("RMB 5000-8000 a month", []),
    ("收了110-120元，不是12345元", []),
)


def values(text: str, language: str = "zh") -> list[tuple[str, str]]:
    """Labels and values, without spaces."""
    found = find_entities(text, language)
    return sorted((entity.label, entity.value.replace(" ", "")) for entity in found)


def language_of(text: str) -> str:
    return "en" if text.isascii() else "zh"


@pytest.mark.parametrize(("text", "place"), PLACES)
def test_place(text: str, place: str | None) -> None:
    found = likeliest_place(find_entities(text, language_of(text)))
    assert (found.text.removeprefix("the ") if found else None) == place


@pytest.mark.parametrize(("text", "times"), TIMES)
def test_times(text: str, times: list[str]) -> None:
    found = find_entities(text, language_of(text))
    assert [entity.text.removeprefix("从") for entity in found if entity.label == "time"] == times


@pytest.mark.parametrize(("text", "numbers"), PHONES)
def test_amounts_are_no_telephone_numbers(text: str, numbers: list[str]) -> None:
    found = find_entities(text, language_of(text))
    assert [entity.value for entity in found if entity.label == "phone"] == numbers


@pytest.mark.parametrize(("text", "rest"), LEAD_INS)
def test_words_before_an_answer_are_no_part_of_it(text: str, rest: str) -> None:
    assert without_lead_ins(text) == rest


@pytest.mark.parametrize("text", SAYINGS)
def test_entities_do_not_depend_on_the_writing(text: str) -> None:
    language = language_of(text)
    plain = values(text, language)
    assert plain
    assert values(TRADITIONAL.convert(text), language) == plain
    assert values(text.translate(WIDE), language) == plain
    assert values(f"  {text} ", language) == plain
    filler = ("呃，那个，", "，嗯") if language == "zh" else ("uh, um, ", ", you know")
    assert values(filler[0] + text + filler[1], language) == plain


@pytest.mark.parametrize(("spoken", "written"), SPOKEN)
def test_entities_read_out_have_the_value_of_written_ones(spoken: str, written: str) -> None:
    language = language_of(spoken)
    assert values(spoken, language)
    assert values(spoken, language) == values(written, language)
