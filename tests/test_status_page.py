"""The status page in a real Chromium against the real server."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from bot.cases.case import Case
from bot.database import open_database
from bot.messages import SenderId
from bot.store import Store
from tests.servers import Server
from tests.test_closing import ACCEPT, DISPATCH, DRAFT, REPLY, REVIEW, SIGN, Step
from tests.test_evidence import png
from tests.test_web import DESKTOP, PHONE, SMALL, Page, browser, pytestmark

__all__ = ["browser", "pytestmark"]
ZONE = ZoneInfo("Asia/Shanghai")
WORDS = {
    "zh": {
        "title": "工单 {number}",
        "unit": "南山区城市管理",
        "hastened": "已催办",
        "rated": "已收到您的评价",
        "refused": "没有找到",
        "saved": "已保存",
    },
    "en": {
        "title": "Case {number}",
        "unit": "Nanshan District",
        "hastened": "Hastened.",
        "rated": "has arrived",
        "refused": "Nothing was found",
        "saved": "Saved",
    },
}
TOO_WIDE = """
return [...document.querySelectorAll('chengda-status *')]
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
  .map((node) => node.outerHTML.slice(0, 100));
"""


class Desk:
    """The server, and the office working on the same database."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.url = server.url
        self._store = Store(open_database(f"sqlite:///{folder / 'test.sqlite3'}"), "SZ", lambda: datetime.now(ZONE))
        with self._store.work() as work:
            self._citizen = work.web.open("zh", self._store.now())[0].sender

    def known(self, case: Case) -> None:
        """Its citizen is known on the web and, as it seems here, in WeChat, for which this server has no door."""
        with self._store.work() as work:
            now, wechat = self._store.now(), SenderId(f"wechat:{case.number}")
            work.contacts.wrote(self._citizen, "web", "zh", now, None)
            work.contacts.wrote(wechat, "web", "zh", now, None, "wechat")
            work.mailing.places.shown(case.number, wechat, now)

    def filed(self, *steps: Step) -> Case:
        with self._store.work() as work:
            case = work.cases.file(DRAFT, self._citizen, "zh", None, False)
            for move, actor, facts in steps:
                work.cases.move(case.number, move, actor, facts)
        return case


@pytest.fixture(scope="module")
def desk(web_server: Server, web_folder: Path) -> Desk:
    return Desk(web_server, web_folder)


def opened(
    driver: webdriver.Chrome, desk: Desk, case: Case | None, language: str, size: tuple[int, int] = DESKTOP
) -> Page:
    """The page with a case looked up by a link, as a first-time visitor."""
    page = Page(driver, language)
    agent = {"userAgent": page.run("return navigator.userAgent"), "acceptLanguage": language}
    driver.execute_cdp_cmd("Emulation.setUserAgentOverride", agent)
    page.resize(*size)
    driver.get(f"{desk.url}/healthz")
    page.run("localStorage.clear()")
    driver.get(f"{desk.url}/status" + (f"?number={case.number}&code={case.query_code}" if case else ""))
    if case:
        page.until(lambda: page.all("#case-title"))
    return page


def told(page: Page) -> str:
    """What the page says of the last thing done; it is drawn anew in between."""
    return str(page.run("return document.querySelector('#told')?.textContent ?? ''"))


def words(page: Page) -> str:
    return page.one("main").text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_looked_up_by_keyboard_and_hastened_once(browser: webdriver.Chrome, desk: Desk, language: str) -> None:
    case = desk.filed(ACCEPT, DISPATCH, SIGN)
    page = opened(browser, desk, None, language, PHONE)
    assert page.focused == page.one("#case-number")
    page.press(case.number, Keys.TAB, "WRONG234", Keys.ENTER)
    page.until(lambda: WORDS[language]["refused"] in page.one("[role=alert]").text)
    page.one("#case-code").clear()
    page.one("#case-code").send_keys(case.query_code.lower() + Keys.ENTER)
    page.until(lambda: page.all("#case-title"))
    assert page.focused == page.one("#case-title")
    assert page.focused.text == WORDS[language]["title"].format(number=case.number)
    assert WORDS[language]["unit"] in words(page)
    assert len(page.all(".stations li")) == 6
    assert len(page.all(".stations [aria-current=step]")) == 1
    page.one(".hasten button").send_keys(Keys.ENTER)
    page.until(lambda: WORDS[language]["hastened"] in told(page))
    assert not page.all(".hasten button"), "not twice a day"
    page.shot(f"status-{language}")


def test_no_code_stays_in_the_address(browser: webdriver.Chrome, desk: Desk) -> None:
    case = desk.filed()
    page = opened(browser, desk, case, "zh")
    assert browser.current_url == f"{desk.url}/status"
    assert case.query_code not in page.run("return JSON.stringify({...localStorage, ...sessionStorage})")
    browser.back()
    browser.forward()
    assert case.query_code not in browser.current_url


def test_the_language_changes_without_losing_the_case(browser: webdriver.Chrome, desk: Desk) -> None:
    page = opened(browser, desk, desk.filed(ACCEPT, DISPATCH), "zh")
    page.one(".tools button").click()
    assert "Nanshan District" in words(page)
    assert page.run("return document.documentElement.lang") == "en"
    assert not any("\u4e00" <= char <= "\u9fff" for char in page.one(".history").text)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_rating_on_the_page(browser: webdriver.Chrome, desk: Desk, language: str) -> None:
    case = desk.filed(ACCEPT, DISPATCH, SIGN, REPLY, REVIEW)
    page = opened(browser, desk, case, language)
    page.one("input[value=no]").click()
    page.one(".rating .primary").click()
    page.until(lambda: page.one("[role=alert]").text)
    page.one("input[value=yes]").click()
    Select(page.one("select[name=speed]")).select_by_value("4")  # type: ignore[no-untyped-call]
    page.one(".rating .primary").click()
    page.until(lambda: WORDS[language]["rated"] in told(page))
    assert not page.all(".rating")
    assert page.one(".stations [aria-current=step]") == page.all(".stations li")[-1]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_where_notices_go_is_chosen_on_the_page(browser: webdriver.Chrome, desk: Desk, language: str) -> None:
    case = desk.filed(ACCEPT)
    desk.known(case)
    page = opened(browser, desk, case, language, SMALL)
    assert page.one(".notices input[name=place]:checked").get_attribute("value") == "web"
    page.one(".notices input[value=wechat]").send_keys(Keys.SPACE)
    page.one(".notices input[name=only]").send_keys(Keys.SPACE)
    assert page.one(".notices input[name=only]").is_selected()
    page.one(".notices button").click()
    page.until(lambda: WORDS[language]["saved"] in told(page))
    assert page.one(".notices input[name=place]:checked").get_attribute("value") == "wechat"
    assert page.one(".notices input[name=only]").is_selected()
    assert page.violations() == []
    assert page.run(TOO_WIDE) == []
    for choice in page.all(".notices .choice, .notices button"):
        assert choice.rect["height"] >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SMALL, DESKTOP])
def test_axe_finds_nothing_and_nothing_is_too_wide(
    browser: webdriver.Chrome, desk: Desk, scheme: str, size: tuple[int, int]
) -> None:
    page = opened(browser, desk, None, "en", size)
    page.media(prefers_color_scheme=scheme)
    assert page.violations() == []
    for case in (desk.filed(ACCEPT, DISPATCH), desk.filed(ACCEPT, DISPATCH, SIGN, REPLY, REVIEW)):
        page = opened(browser, desk, case, "zh", size)
        page.media(prefers_color_scheme=scheme)
        assert page.violations() == []
        assert page.run(TOO_WIDE) == []
        page.shot(f"status-{scheme}-{size[0]}-{case.number[-1]}")


def test_every_control_is_large_enough_to_tap(browser: webdriver.Chrome, desk: Desk) -> None:
    page = opened(browser, desk, desk.filed(ACCEPT, DISPATCH, SIGN, REPLY), "zh", SMALL)
    for control in page.all("main button, main select, main textarea, main .choice, header button, header a.to-chat"):
        assert control.rect["height"] >= 44, control.get_attribute("outerHTML")


def test_the_browser_has_nothing_to_complain_of(browser: webdriver.Chrome, desk: Desk) -> None:
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    page = opened(browser, desk, desk.filed(), "zh")
    assert page.driver.find_elements(By.CSS_SELECTOR, ".history li")
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_a_photo_is_added_on_the_page(browser: webdriver.Chrome, desk: Desk, tmp_path: Path) -> None:
    page = opened(browser, desk, desk.filed(ACCEPT), "zh", SMALL)
    page.one(".files button").click()
    page.until(lambda: "选择文件" in page.one("[role=alert]").text)
    photo = tmp_path / "lamp.png"
    photo.write_bytes(png())
    page.one("#case-file").send_keys(str(photo))
    page.one(".files button").click()
    page.until(lambda: "lamp.png" in told(page))
    assert "附件" in page.one(".history").text
