"""Short answers and corrections, as people give them while a form runs."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from bot.nlu.entities import Entity
from bot.nlu.parse import Parse
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA

LOOKUPS = NLU_DATA / "lookups"
COMMANDS_FILE = LOOKUPS / "commands.csv"
# Orders to a filed case that no model is trained on.
CASE_COMMANDS_FILE = LOOKUPS / "case_commands.csv"
LEAD_IN_FILE = LOOKUPS / "lead_ins.csv"
TRIM = re.compile(r"^[\s,.!?;:，。！？；：、~…]+|[\s,.!?;:，。！？；：、~…]+$")
SOFT = re.compile(r"(?:了|吧|啊|呀|哦|喔|哈|啦|喇|呢|嘛|的|哎|诶|please|thanks|thank you|谢谢|多谢|唔该|麻烦)+$")
LEAD = re.compile(
    r"^(?:(?:那我还是|那还是|我还是|还是|那就|那我|那|就|哦|噢|嗯|呃|哎呀|哎|唉|诶|好了|行了|得了|好啦|行啦|得啦|好|行|请|"
    r"(?:well|okay|ok|oh|um|uh|so|then|actually|in that case|alright|fine|please|just|nah|hmm|whatever|you know what)\b)"
    r"[\s,，.]*)+"
)
NEGATED_ZH = re.compile(
    r"(?:不是|不在|并非|而不是|唔系|唔喺|不要写|别写|不用写|不用填|不要填|别填|写错|弄错)(?:在)?\s*$"
)
NEGATED_EN = re.compile(
    r"(?:\bnot|isn't|is not|wasn't|instead of|rather than|\bno longer)\s+(?:in|at|on|the|near|from)?\s*$"
)
AFTER_NEGATED = re.compile(r"^\s*(?:是错的|不对|写错|错了|is wrong|was wrong)")
CHANGE_WORDS = re.compile(
    r"不对|不是|改|换成|更正|纠正|写错|说错|弄错|打错|应该是|其实是|唔系|唔啱|"
    r"\b(?:actually|change|correct|correction|wrong|should be|i mean|i meant|sorry|instead|not)\b"
)
FIELD_WORDS = (
    (
        "location",
        re.compile(
            r"地点|地址|位置|地方|在哪|门牌|楼栋号|栋号|楼号|房号|房间号|室号|(?:楼栋|楼层)(?=是|为|改|应)|(?<![a-z])(?:place|location|address|where)(?![a-z])|"
            r"\b(?:house|street|building|block|room|flat|apartment|floor) number\b"
        ),
    ),
    ("occurred_at", re.compile(r"时间|什么时候|日期|几点|(?<![a-z])(?:time|date|when)(?![a-z])")),
    ("contact", re.compile(r"电话|手机|联系|号码|contact|phone|number|mobile")),
    ("description", re.compile(r"内容|描述|情况|事情|问题|说法|description|content|details?|problem|text")),
)
SET_VALUE = re.compile(
    r"(?:改成|改为|换成|改到|更正为|应该是|应为|其实是|写成|是|为|变成|(?<![A-Za-z])(?:change (?:it )?to|changed? to|should be|is actually|is|to|was)(?![A-Za-z])|:|：)\s*(?P<value>.+)$"
)
ANONYMOUS = re.compile(
    r"(?<!不)(?<!不要)匿名|不(?:要|想|用)?(?:留|透露|公开|写)(?:我的)?(?:姓名|名字|电话|联系方式|身份|个人信息)|\banonymous(?:ly)?\b"
    r"|(?:^|[,，。;；!！] ?)(?:我|请|就|先|那|也)*(?:不要|不想|不用|不必|别|唔使)(?:再)?(?:登记|填写?|写|留|记|透露|公开)(?:下)?"
    r"(?:我的|我)?(?:姓名|名字|电话|联系方式|身份|个人信息)"
    r"|(?:^|[,，。;；!！] ?)(?:我的?)?(?:姓名|名字|电话|联系方式)(?:我)?(?:就|先)?(?:不|唔)(?:留|填写?|写|登记)(?:了|啦|喇)?(?:$|[,，。;；!！])"
    r"|(?:^|[,.;!] ?)(?:please |and |but |i |i'd )*(?:don't|do not|rather not|no need to)(?: want to)?"
    r" (?:write|put|record|register|give|mention|include|leave|share)(?: down)? my (?:name|phone|number|contact)"
)
SUBMIT = re.compile(r"提交|确认|登记吧|报上去|帮我交|交吧|交啦|\b(?:submit|file it|confirm|go ahead|send it)\b")
DO_NOT = re.compile(r"不要|不想|不用提交|不必提交|先不|别|不提交|不确认|等|\b(?:don't|do not|not|wait|before)\b")
GO_ON = re.compile(
    r"(?:继续|接着|回到)(?:刚才|头先|先前|之前)(?:的|那个|嗰个)?(?:投诉|登记|反映|举报|事)?|"
    r"继续(?:投诉|登记|反映|举报|填|报|吧|$)|接着(?:说|填|报|来)|"
    r"\b(?:go on|continue|resume|carry on) ?(?:with|$)|back to (?:my|the) (?:report|complaint)"
)
MAX_SUBMIT_CHARS = 60
SENTENCE_END = re.compile(r"[.!?。！？;；]+\s*")
# A command that is wished for: "投诉也没用" orders nothing.
WISHES = re.compile(r"(?:我|想|要|请|帮|麻烦|改|(?:i|we|please|let me|rather|instead)\b)", re.I)
CLAUSE_END = re.compile(r"[,，.。!！;；~…]+\s*")
CONTENT = re.compile(r"[\u3400-\u9fff]|[a-z]{2,}")
EMPTY_WORDS = re.compile(
    r"^(?:我|你|您|的|了|是|有|要|想|一下|个|这|那|吗|呢|吧|啊|和|请|谢谢|你好|您好|这个|那个|关于|对|向|"
    r"i|to|a|an|the|about|my|please|it|is|of|with|want|would|like|hi|hello|something|issue|problem|complaint|two|three|several|some|things?|matters?|problems|issues|两件事|几件事|两个|三个|几个|情况|问题|事情|事|诉求|意见|[\s,.!?，。！？、:：])+$"
)


@lru_cache(maxsize=1)
def _short_answers() -> dict[str, str]:
    with (LOOKUPS / "short_answers.csv").open(encoding="utf-8") as rows:
        return {normalise(row["phrase"]).text: row["act"] for row in csv.DictReader(rows)}


@lru_cache(maxsize=1)
def _commands() -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = [
        row
        for path in (COMMANDS_FILE, CASE_COMMANDS_FILE)
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    ]
    return tuple((row["intent"], re.compile(row["pattern"])) for row in rows)


def short_answer(text: str) -> str | None:
    """The act of a short answer (`affirm`, `deny`, `cancel`, `skip`, `anonymous`, `neither`), else None."""
    clean = TRIM.sub("", normalise(text).text)
    table = _short_answers()
    for form in (clean, SOFT.sub("", clean), LEAD.sub("", clean), LEAD.sub("", SOFT.sub("", clean))):
        if (act := table.get(TRIM.sub("", form))) is not None:
            return act
    parts = [TRIM.sub("", part) for part in re.split(r"[,，.。!！;；\s]+", clean) if part]
    acts = {table.get(SOFT.sub("", part)) or table.get(part) for part in parts}
    return acts.pop() if len(acts) == 1 and parts else None


def opening_act(text: str) -> str | None:
    """The short answer a longer message opens with ("是的，电话…"), else None."""
    head = re.split(r"[,，.。!！;；\s]", TRIM.sub("", normalise(text).text), maxsplit=1)[0]
    return _short_answers().get(head)


def without_commands(text: str, intent: str) -> str:
    """A text in normal form without the words that only order something, such as "I want to report"."""
    for name, pattern in _commands():
        if name in (intent, "polite", intent.replace("_case", "_topic")):
            text = pattern.sub(" ", text)
    return TRIM.sub("", text)


RULES = ("says", "unless", "nobody", "false_alarm", "denies", "though", "worse")


@lru_cache(maxsize=1)
def _all_clear() -> dict[str, re.Pattern[str]]:
    with (LOOKUPS / "all_clear.csv").open(encoding="utf-8") as rows:
        table = [(row["rule"], row["pattern"]) for row in csv.DictReader(rows)]
    return {rule: re.compile("|".join(one for other, one in table if other == rule)) for rule in RULES}


def says_all_clear(text: str) -> bool:
    """Whether a canonical text says that a danger is over or help is called, and tells of no other trouble."""
    return bool(_all_clear()["says"].search(text)) and not _all_clear()["unless"].search(text)


def denies_danger(text: str) -> bool:
    """Whether a canonical text says that there is no danger, and nothing else in it speaks against that."""
    return any(_denies(text, rule) for rule in ("denies", "nobody", "false_alarm"))


def says_false_alarm(text: str) -> bool:
    """Whether a canonical text says that an alarm was none, and nothing else in it speaks against that."""
    return _denies(text, "false_alarm")


def denies_people(text: str) -> bool:
    """Whether a canonical text says that nobody is in there, and nothing else in it speaks against that."""
    return _denies(text, "nobody")


def _denies(text: str, rule: str) -> bool:
    rules = _all_clear()
    denied = rules[rule].search(text)
    if denied is None or rules["though"].search(text, denied.end()):
        return False
    return not rules["worse"].search(text[: denied.start()]) and not rules["worse"].search(text[denied.end() :])


def says_nothing(text: str) -> bool:
    """Whether what is left of a text tells no matter of its own."""
    return bool(EMPTY_WORDS.match(text)) or len(CONTENT.findall(text)) < 2


def wants_anonymity(text: str) -> bool:
    """Whether a message asks to stay anonymous, wherever in it."""
    return bool(ANONYMOUS.search(normalise(text).text)) or short_answer(text) == "anonymous"


def says_submit(text: str) -> bool:
    """Whether a short message at the confirmation says to file."""
    clean = normalise(text).text
    return len(clean) <= MAX_SUBMIT_CHARS and bool(SUBMIT.search(clean)) and not DO_NOT.search(clean)


def goes_on(text: str) -> bool:
    """Whether a message asks to go on with what was interrupted."""
    return bool(GO_ON.search(normalise(text).text))


def without_going_on(text: str) -> str:
    """What a message tells beside asking to go on with what was interrupted."""
    return TRIM.sub("", LEAD.sub("", TRIM.sub("", GO_ON.sub(" ", text))))


def content_of(text: str, parse: Parse, intent: str) -> str | None:
    """What a message tells beyond the command itself and its case number, None when nothing."""
    clean = normalise(text).text
    for entity in parse.all("case_number"):
        clean = clean.replace(normalise(entity.text).text, " ")
    rest = without_commands(clean, intent)
    if says_nothing(rest):
        return None
    for entity in parse.all("case_number"):
        text = text.replace(entity.text, " ")
    return text.strip(" ,，.。:：")


def opens_with_command(text: str, intent: str) -> bool:
    """Whether a message begins with words that order something, such as "add to my case"."""
    clean = TRIM.sub("", LEAD.sub("", normalise(text).text))
    return any(
        name == intent and (found := pattern.match(clean)) is not None and len(found.group()) >= 2
        for name, pattern in _commands()
    )


def commands_in(text: str, intent: str) -> bool:
    """Whether a sentence of a message begins with words that order something."""
    return any(opens_with_command(sentence, intent) for sentence in SENTENCE_END.split(text) if sentence)


def command_after(text: str, intent: str) -> str | None:
    """What follows a first clause and begins by ordering something with its matter told, None where nothing does."""
    for clause in CLAUSE_END.finditer(text):
        rest = text[clause.end() :].strip()
        if (
            WISHES.match(rest)
            and opens_with_command(rest, intent)
            and not says_nothing(without_commands(normalise(rest).text, intent))
        ):
            return rest
    return None


@lru_cache(maxsize=1)
def _lead_ins() -> re.Pattern[str]:
    with LEAD_IN_FILE.open(encoding="utf-8") as rows:
        phrases = [(row["language"], re.escape(row["phrase"])) for row in csv.DictReader(rows)]
    zh, en = (
        "|".join(sorted((p for name, p in phrases if name == one), key=len, reverse=True)) for one in ("zh", "en")
    )
    return re.compile(rf"^[\s,.!?;:，。！？；：、~…]*(?:(?:{en})(?![a-z0-9'])|{zh})[\s,.!?;:，。！？；：、~…]*")


def without_lead_ins(text: str, kept: int | None = None) -> str:
    """An answer without the words before it ("好的。地点是…", "ok, it's at …"); never past its character `kept`."""
    normal, at = normalise(text), 0
    limit = len(text) if kept is None else kept
    while (lead := _lead_ins().match(normal.text[at:])) is not None and lead.end() < len(normal.text) - at:
        if normal.original_span(at, at + lead.end())[1] > limit:
            break
        at += lead.end()
    return TRIM.sub("", text[normal.origin[at] :] if normal.origin else text)


def is_change(parse: Parse) -> bool:
    """Whether a message says that something told before is different."""
    return parse.intent == "correct" or bool(CHANGE_WORDS.search(parse.canonical))


def named_field(text: str) -> str | None:
    """The field of a demand a message names, None when it names none."""
    clean = normalise(text).text
    return next((field for field, pattern in FIELD_WORDS if pattern.search(clean)), None)


def names_field(field: str, text: str) -> bool:
    """Whether a message names a field of a demand, perhaps beside others."""
    return bool(dict(FIELD_WORDS)[field].search(normalise(text).text))


def value_told(text: str) -> str | None:
    """What follows "改成", "should be", "is": the new value of a named field."""
    found = SET_VALUE.search(text)
    return TRIM.sub("", found["value"]) if found else None


def kept_and_negated(entities: tuple[Entity, ...], text: str) -> tuple[list[Entity], list[Entity]]:
    """Entities that a correction asserts, and those it takes back ("是民治不是龙华")."""
    kept: list[Entity] = []
    negated: list[Entity] = []
    for entity in entities:
        before, after = text[: entity.start].lower(), text[entity.end :].lower()
        off = NEGATED_ZH.search(before) or NEGATED_EN.search(before) or AFTER_NEGATED.match(after)
        (negated if off else kept).append(entity)
    return kept, negated
