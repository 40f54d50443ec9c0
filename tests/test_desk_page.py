"""The desk's pages in a real Chromium against the real server: a talk by keyboard alone, approval, cases, figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from bot.cases.case import Case, CaseDraft, DemandType
from bot.database import open_database
from bot.messages import SenderId
from bot.store import Store
from tests.desk_office import PASSWORD, Office
from tests.test_web import SMALL, Page, browser, pytestmark

__all__ = ["browser", "pytestmark"]
ZONE = ZoneInfo("Asia/Shanghai")
WIDE = (1440, 1000)
# A refusal that the page tells stands in the console, too.
REFUSED = re.compile(r" 4(?:09|22) ")
SLOW_QUEUE = """
const real = window.fetch.bind(window);
window.fetch = (url, told) => String(url).includes('queue') ? new Promise(() => {}) : real(url, told);
"""
TOO_WIDE = """
return [...document.querySelectorAll('chengda-desk *')]
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && !node.closest('.table'))
  .map((node) => node.outerHTML.slice(0, 100));
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One server for this file."""
    made = Office(tmp_path_factory.mktemp("desk_page"), {"CHENGDA_SWEEP_SECONDS": "0"})
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def store(office: Office) -> Store:
    """The server's database, written to from outside with a clock of two months ago."""
    url = f"sqlite:///{office.server._folder / 'test.sqlite3'}"
    return Store(open_database(url), "SZ", lambda: datetime.now(ZONE) - timedelta(days=60))


Login = Callable[..., Page]


@pytest.fixture
def login(browser: webdriver.Chrome, office: Office) -> Login:
    """Opens the desk as a member of the staff, with the keyboard alone."""

    def opened(who: str, language: str = "zh", size: tuple[int, int] = WIDE) -> Page:
        page = Page(browser, language)
        page.resize(*size)
        page.media(prefers_color_scheme="light", prefers_reduced_motion="reduce", forced_colors="none")
        browser.get(f"{office.url}/desk")
        page.run(
            f"localStorage.clear(); sessionStorage.clear(); localStorage.setItem('chengda.desk.language', '{language}')"
        )
        browser.get_log("browser")  # type: ignore[no-untyped-call]
        browser.refresh()
        page.until(lambda: page.focused.get_attribute("id") == "login")
        page.press(who, Keys.TAB, PASSWORD, Keys.ENTER)
        page.until(lambda: page.all(".tabs button"))
        return page

    return opened


def focus_on(page: Page, css: str) -> None:
    """Tab until an element has the focus: it can be reached by keyboard."""
    target = page.one(css)
    for _ in range(150):
        if page.focused == target:
            return
        page.press(Keys.TAB)
    raise AssertionError(f"{css} is not reached by the keyboard")


def calm(page: Page) -> None:
    """No error in the console, nothing wider than the screen."""
    lines = page.driver.get_log("browser")  # type: ignore[no-untyped-call]
    wrong = [line for line in lines if line["level"] == "SEVERE" and not REFUSED.search(line["message"])]
    assert not wrong, wrong
    assert page.run(TOO_WIDE) == []


def moves(page: Page) -> list[str]:
    """The moves that a case's form offers."""
    found: list[str] = page.run("return [...document.querySelectorAll('#move option')].map((one) => one.value)")
    return found


def offers(page: Page, move: str) -> bool:
    """Whether a case's form offers a move."""
    return move in moves(page)


def filed(store: Store, text: str = "民治大道路灯坏了三天") -> Case:
    """A case that came in two months ago."""
    draft = CaseDraft(text, DemandType.COMPLAINT, "市政设施", "H08", "UMB", "民治大道88号", "南山区", "粤海街道")
    with store.work() as work:
        return work.cases.file(draft, SenderId("earlier"), "zh", "13800138000", False)


def test_a_wrong_password_is_told(browser: webdriver.Chrome, login: Login, office: Office) -> None:
    page = login("wang")
    page.one("#logout").click()
    page.until(lambda: page.all("#login"))
    page.one("#login").send_keys("wang")
    page.one("#password").send_keys("wrong wrong 42", Keys.ENTER)
    page.until(lambda: page.one("#refused").text)
    assert page.violations() == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_whole_talk_by_keyboard_alone(login: Login, office: Office, language: str) -> None:
    sender = f"keys-{language}"
    first, more = {
        "zh": ("楼下烧烤店半夜噪音扰民", "我想问一下驾照快到期了怎么换，在福田区福强路"),
        "en": ("the street light on Minkang Road in Longhua is broken", "how do I renew my driving licence"),
    }[language]
    office.say(first, sender)
    office.say("转人工" if language == "zh" else "a person please", sender)
    page = login("wang", language)
    page.until(lambda: page.all(".lists button.primary"))
    focus_on(page, f"#claim-{office.last_waiting()}")
    page.press(Keys.ENTER)
    page.until(lambda: page.all("#say") and page.focused.get_attribute("id") == "say")
    assert office.say(more, sender)["outcome"] == "handoff"
    page.until(lambda: more in page.one(".log").text)
    page.until(lambda: page.all(".suggestion"))
    page.until(lambda: "C01" in page.one(".suggestions").text)
    page.press("您好，我来帮您" if language == "zh" else "Hello, let me help", Keys.ENTER)
    page.until(lambda: page.all(".by-agent"))
    page.press(Keys.F2)
    page.until(lambda: len(page.all(".by-agent")) == 2)
    page.press(Keys.F9)
    page.until(lambda: "suggestion" in str(page.focused.get_attribute("class")))
    left = len(page.all(".suggestion"))
    page.press("d")
    page.until(lambda: len(page.all(".suggestion")) < left)
    if page.all(".suggestion"):
        page.press(Keys.F9, "e")
        page.until(lambda: page.focused.get_attribute("id") == "say" and page.one("#say").get_attribute("value"))
        page.press(Keys.END, "！", Keys.ENTER)
        page.until(lambda: len(page.all(".by-agent")) == 3)
    page.shot(f"desk-talk-{language}")
    assert page.violations() == []
    calm(page)
    focus_on(page, "#take-summary")
    page.press(Keys.ENTER)
    focus_on(page, "#hand-back")
    page.press(Keys.ENTER)
    page.until(lambda: not page.all("#say"))
    told = office.say("谢谢" if language == "zh" else "thank you", sender)
    assert told["outcome"] in ("smalltalk", "form_question")
    figures = office.get("zhao", "/figures").json()
    assert figures["agents"][0]["accepted"] >= 1 and figures["agents"][0]["dismissed"] >= 1


def test_the_case_form_fills_and_files(login: Login, office: Office) -> None:
    office.say("你好", "filing")
    office.say("转人工", "filing")
    page = login("wang")
    page.until(lambda: page.all(".lists button.primary"))
    page.one(f"#claim-{office.last_waiting()}").click()
    page.until(lambda: page.all("#say"))
    office.say("龙华区民治大道88号工地每天晚上十一点还在施工，我电话13800138000", "filing")
    page.until(lambda: page.one("#case-location").get_attribute("value"))
    assert "民治大道" in str(page.one("#case-location").get_attribute("value"))
    assert "%" in page.one("#case-location-hint").text
    page.one("#case-occurred_at").clear()
    page.one("#case-occurred_at").send_keys("每天夜里")
    page.shot("desk-form-zh")
    page.one("#file-case").click()
    page.until(lambda: "已提交：SZ" in page.one("#told").text)
    page.until(lambda: "********" in page.one(".log").text)
    assert page.violations() == []
    page.one("#search").send_keys("居住证", Keys.ENTER)
    page.until(lambda: page.all("form[role=search] li button"))
    page.one("#close-talk").click()
    page.until(lambda: not page.all("#say"))
    assert office.say("查我的工单进度", "filing")["outcome"] == "case_status"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_key_joins_the_citizen_to_a_case_on_the_same(
    login: Login, office: Office, store: Store, language: str
) -> None:
    place, matter = f"民治大道{'88' if language == 'zh' else '99'}号", "工地每天晚上十一点还在施工，吵得睡不着"
    draft = CaseDraft(
        f"{place}{matter}", DemandType.COMPLAINT, "环保水务", "H01", None, place, "龙华区", "民治街道", "每天晚上"
    )
    other = office.filed(draft, f"neighbour-{language}")
    sender = f"joins-{language}"
    office.say("转人工", sender)
    page = login("wang", language)
    page.until(lambda: page.all(".lists button.primary"))
    page.one(f"#claim-{office.last_waiting()}").click()
    page.until(lambda: page.all("#say"))
    office.say(f"龙华区{place}{matter}，我电话13900000000", sender)
    page.until(lambda: page.all(f"#join-{other.number}"))
    page.shot(f"desk-join-{language}")
    assert page.violations() == []
    focus_on(page, f"#join-{other.number}")
    page.press(Keys.F7)
    page.until(lambda: other.number in page.one("#told").text)
    page.until(lambda: other.number in page.one(".log").text)
    assert not page.all(f"#join-{other.number}") and page.violations() == []
    calm(page)
    with store.work() as work:
        assert work.followers.reported(other.number) == 2
    page.one("#close-talk").click()
    page.until(lambda: not page.all("#say"))


def test_a_call_as_it_is_heard(login: Login, office: Office) -> None:
    page = login("li")
    page.until(lambda: page.all("[data-page=calls]"))
    page.one("[data-page=calls]").click()
    office.heard("desk-1", "您好请讲", "agent")
    page.until(lambda: page.all("[data-call=desk-1]"))
    page.one("[data-call=desk-1]").click()
    office.heard("desk-1", "我们小区楼下的工地半夜还在施工 在龙华区民治大道八十八号")
    page.until(lambda: "半夜还在施工" in page.one(".log").text)
    page.until(lambda: page.all(".suggestion"))
    page.until(lambda: page.one("#case-location").get_attribute("value"))
    page.press(Keys.F2)
    page.until(lambda: page.one(".said-next").text)
    page.shot("desk-call-zh")
    assert page.violations() == []
    calm(page)
    page.one("#file-case").click()
    page.until(lambda: "已提交：SZ" in page.one("#told").text)


def joinable(page: Page, number: str, wanted: bool) -> bool:
    """Whether a caller can be joined to a case, or cannot."""
    return bool(page.all(f"#join-{number}")) is wanted


# At places of their own: the likeliest case is the one meant, whatever other tests filed.
SAME = {
    "zh": (
        CaseDraft(
            "民治大道166号工地每天晚上十一点还在施工，吵得睡不着，我叫王小明", DemandType.COMPLAINT, "环保水务", "H01",
            None, "民治大道166号", "龙华区", "民治街道", "每天晚上",
        ),
        "民治大道一百六十六号 工地每天晚上十一点还在施工 吵得睡不着",
    ),
    "en": (
        CaseDraft(
            "The building site at 177 Keyuan Road works every night at eleven, we cannot sleep", DemandType.COMPLAINT,
            "环保水务", "H01", None, "177 Keyuan Road", "南山区", "粤海街道", "every night",
        ),
        "the building site at 177 Keyuan Road works every night at eleven and we cannot sleep",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_key_joins_a_caller_to_a_case_on_the_same(
    login: Login, office: Office, store: Store, language: str
) -> None:
    draft, words = SAME[language]
    other = office.filed(draft, f"next-door-{language}")
    call = f"same-{language}"
    page = login("li", language)
    page.one("[data-page=calls]").click()
    office.heard(call, "您好请讲" if language == "zh" else "hello how can I help you", "agent")
    page.until(lambda: page.all(f"[data-call={call}]"))
    page.one(f"[data-call={call}]").click()
    office.heard(call, words)
    page.until(lambda: page.one("#case-location").get_attribute("value"))
    page.until(lambda: page.all(f"#join-{other.number}"))
    shown = page.one(".duplicates").text
    assert "%" in shown and str(draft.district) in shown and "王小明" not in shown and "13800138000" not in shown
    page.shot(f"desk-call-same-{language}")
    assert page.violations() == []
    # What the agent writes is looked for, too.
    elsewhere = (
        ("井盖丢了", "蛇口工业七路9号") if language == "zh" else ("a manhole is open", "9 Gongye 7th Road, Shekou")
    )
    for texts, same in ((elsewhere, False), ((draft.description, str(draft.location)), True)):
        for name, text in zip(("description", "location"), texts, strict=True):
            page.one(f"#case-{name}").clear()
            page.one(f"#case-{name}").send_keys(text)
        page.until(partial(joinable, page, other.number, same))
    focus_on(page, f"#join-{other.number}")
    page.press(Keys.F7)
    page.until(lambda: other.number in page.one("#told").text)
    said = page.one(".said-next").text
    assert page.focused == page.one(".said-next") and not re.search(r"\d", said)
    assert ("登记加入" if language == "zh" else "added you") in said
    assert not page.all(f"#join-{other.number}") and page.violations() == []
    page.resize(*SMALL)
    page.shot(f"desk-call-same-small-{language}")
    calm(page)
    with store.work() as work:
        assert work.followers.reported(other.number) == 2


def test_two_agents_see_who_was_first(login: Login, office: Office) -> None:
    office.say("转人工", "contested")
    page = login("wang")
    number = office.last_waiting()
    page.until(lambda: page.all(f"#claim-{number}"))
    # The other agent is faster than the page's news.
    page.run(SLOW_QUEUE)
    assert office.post("li", f"/talks/{number}/claim").status_code == 200
    page.run("document.querySelector(arguments[0]).click()", f"#claim-{number}")
    page.until(lambda: "li" in page.one("#refused").text)
    assert not page.all("#say")
    office.post("li", f"/talks/{number}/close", {"outcome": "resolved"})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_dispatcher_a_unit_and_a_supervisor(login: Login, office: Office, store: Store, language: str) -> None:
    case = filed(store)
    page = login("chen", language)
    page.until(lambda: page.all(f"#case-{case.number}"))
    page.one(f"#case-{case.number}").click()
    page.until(lambda: page.all("#dispatching"))
    page.shot(f"desk-dispatch-{language}")
    assert page.violations() == []
    calm(page)
    assert page.all("#dispatch-first")
    select = Select(page.one("#move"))
    select.select_by_value("accept")
    page.one("#move-go").click()
    page.until(lambda: page.one("#told").text)
    page.until(lambda: "dispatch" in moves(page))
    Select(page.one("#move")).select_by_value("dispatch")
    page.one("#move-unit").send_keys("UMB:南山区")
    page.one("#move-go").click()
    page.until(lambda: "dispatch" not in moves(page))

    page = login("unit1", language)
    page.until(lambda: page.all(f"#case-{case.number}"))
    page.one(f"#case-{case.number}").click()
    page.until(lambda: page.all("#move"))
    for move, words in (("sign", ""), ("contact", ""), ("reply", "已更换灯泡")):
        page.until(partial(offers, page, move))
        Select(page.one("#move")).select_by_value(move)
        if words:
            page.one("#move-reply").send_keys(words)
        page.run("document.querySelector('#told').textContent = ''")
        page.one("#move-go").click()
        page.until(lambda: page.one("#told").text or page.one("#refused").text)
    assert page.violations() == []
    calm(page)

    page = login("zhao", language)
    page.until(lambda: page.all("[data-page=supervision]"))
    page.one("[data-page=supervision]").click()
    page.until(lambda: page.all("#sup-figures h2"))
    page.until(lambda: page.all("#sup-overdue .line, #sup-overdue .quiet"))
    page.shot(f"desk-supervision-{language}")
    assert page.violations() == []
    calm(page)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_small_and_dark_screens(login: Login, office: Office, language: str) -> None:
    office.say("楼下烧烤店半夜噪音扰民", f"small-{language}")
    office.say("转人工", f"small-{language}")
    page = login("wang", language, SMALL)
    page.until(lambda: page.all(".lists button.primary"))
    page.one(f"#claim-{office.last_waiting()}").click()
    page.until(lambda: page.all("#say"))
    page.until(lambda: page.all(".suggestion"))
    page.media(prefers_color_scheme="dark")
    assert page.violations() == []
    calm(page)
    page.shot(f"desk-small-{language}")
    page.one("#other-language").click()
    page.until(lambda: page.all("#say"))
    page.one("#close-talk").click()
    page.until(lambda: not page.all("#say"))
    assert page.one("html").get_attribute("lang") == ("en" if language == "zh" else "zh-CN")
