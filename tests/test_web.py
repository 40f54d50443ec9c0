"""The web chat page in a real Chromium against the real server."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.servers import Server

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.web,
    pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason="chromium or chromedriver is missing"),
]

AXE = Path(__file__).with_name("fixtures") / "axe" / "axe.min.js"
ANSWER_SECONDS = 60
# What is looked at while the page is drawn anew is gone, or not there yet.
REDRAWN = (NoSuchElementException, StaleElementReferenceException)
CASE_NUMBER = re.compile(r"[A-Z]{2}\d{6}-\d{6}-\d")
QUERY_CODE = re.compile(r"[2-9A-HJKMNP-Z]{8}")
PHONE, SMALL, DESKTOP = (390, 844), (320, 640), (1280, 800)
BROWSER_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
WATCHED_FETCH = """
window.sent = [];
const realFetch = window.fetch.bind(window);
let left = arguments[0];
window.fetch = async (url, options) => {
  const said = /\\/(messages|feedback)$/.test(url);
  if (said) window.sent.push(JSON.parse(options.body));
  const response = await realFetch(url, options);
  if (said && left-- > 0) throw new TypeError('the answer was lost');
  return response;
};
"""
HELD_FETCH = """
const realFetch = window.fetch.bind(window);
const released = new Promise((done) => { window.release = done; });
window.fetch = async (url, options) => {
  await released;
  return realFetch(url, options);
};
"""
REFUSING_FETCH = """
const [status, detail] = arguments;
window.fetch = async () => new Response(JSON.stringify({status, detail}),
  {status, headers: {'Content-Type': 'application/problem+json'}});
"""
SESSION = "return JSON.parse(sessionStorage.getItem('chengda.session'))?.id"
TOO_WIDE = """
return [...document.querySelectorAll('chengda-chat *')]
  .filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 1)
  .map((node) => node.outerHTML.slice(0, 100));
"""
ON_SCREEN = """
const {top, bottom} = arguments[0].getBoundingClientRect();
return top >= 0 && bottom <= innerHeight;
"""
WORDS = {
    "zh": {
        "question": "驾照快到期了怎么办",
        "known": "驾驶证",
        "person": "转人工",
        "offline": "网络连接中断",
        "demand": "楼下烧烤店每天半夜噪音扰民，在福田区福强路",
        "skip": "跳过",
        "confirm": "确认提交",
        "status": "查我的工单进度",
    },
    "en": {
        "question": "how do I renew my driving licence",
        "known": "licen",
        "person": "Talk to a person",
        "offline": "connection is down",
        "demand": "I want to report that the street light on Fuqiang Road in Futian has been broken since last week",
        "skip": "skip",
        "confirm": "Confirm",
        "status": "Check my case status",
    },
}


@pytest.fixture(scope="module")
def base_url(web_server: Server) -> str:
    """The page's address on a real server."""
    return f"{web_server.url}/"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One headless Chromium with a fresh profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*BROWSER_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(CHROMEDRIVER)))
    driver.set_script_timeout(60)
    yield driver
    driver.quit()


class Page:
    """The chat page as a person meets it."""

    def __init__(self, driver: webdriver.Chrome, language: str) -> None:
        self.driver = driver
        self.words = WORDS[language]

    def all(self, css: str) -> list[WebElement]:
        """The elements of a selector."""
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        """The first element of a selector."""
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def run(self, script: str, *values: object) -> Any:
        """The result of a script in the page."""
        return self.driver.execute_script(script, *values)

    def until(self, met: Callable[[], object], seconds: float = ANSWER_SECONDS) -> None:
        """Wait for a condition."""
        WebDriverWait(self.driver, seconds, 0.05, REDRAWN).until(lambda _: met())

    @property
    def input(self) -> WebElement:
        """The writing field."""
        return self.one("#chengda-input")

    @property
    def focused(self) -> WebElement:
        """What has the keyboard."""
        return self.driver.switch_to.active_element

    def answers(self) -> list[WebElement]:
        """The assistant's turns after the welcome."""
        return self.all(".turn.bot:not(.typing)")[1:]

    def press(self, *keys: str) -> None:
        """Keys for whatever has the focus."""
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def await_answer(self, act: Callable[[], object]) -> WebElement:
        """The turn that an act of the person brings."""
        before = len(self.answers())
        act()
        self.until(lambda: len(self.answers()) > before and not self.all(".typing"))
        self.still()
        return self.answers()[-1]

    def say(self, text: str) -> WebElement:
        """The answer to a typed message."""
        self.input.send_keys(text)
        return self.await_answer(lambda: self.input.send_keys(Keys.ENTER))

    def choice(self, title: str, root: WebElement | None = None) -> WebElement:
        """The reply button with a title, in the newest answer."""
        buttons = (root or self.answers()[-1]).find_elements(By.CSS_SELECTOR, ".choices button")
        return next(button for button in buttons if button.text == title)

    def tap(self, title: str) -> WebElement:
        """The answer to a reply button of the newest answer."""
        button = self.choice(title)
        self.run("arguments[0].scrollIntoView({block: 'center'})", button)
        return self.await_answer(button.click)

    def reach_confirmation(self) -> WebElement:
        """The question that asks to confirm a demand."""
        answer = self.say(self.words["demand"])
        for _ in range(5):
            if any(button.text == self.words["confirm"] for button in answer.find_elements(By.TAG_NAME, "button")):
                return answer
            answer = self.say(self.words["skip"])
        raise AssertionError(f"no confirmation was asked for: {answer.text}")

    def offline(self, on: bool) -> None:
        """Cut or restore the network."""
        conditions = {"offline": on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)

    def resize(self, width: int, height: int) -> None:
        """The size of the screen in CSS pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def media(self, **features: str) -> None:
        """Media features, such as prefers_color_scheme='dark'."""
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": told})

    def still(self) -> None:
        """Wait for every running animation to end."""
        self.until(lambda: self.run("return document.getAnimations().every((a) => a.playState !== 'running')"))

    def shot(self, name: str) -> None:
        """A picture for people, where CHENGDA_SCREENSHOTS names a folder."""
        folder = os.environ.get("CHENGDA_SCREENSHOTS")
        if folder:
            self.still()
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    def violations(self) -> list[str]:
        """What axe-core finds, one line a violation."""
        self.still()
        self.run(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script("axe.run(document).then(({violations}) => arguments[0](violations))")
        return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: webdriver.Chrome, base_url: str) -> Iterator[Open]:
    """Opens the page as a first-time visitor of a language and screen size."""

    def opened(language: str = "zh", size: tuple[int, int] = DESKTOP) -> Page:
        page = Page(browser, language)
        agent = {"userAgent": page.run("return navigator.userAgent"), "acceptLanguage": language}
        browser.execute_cdp_cmd("Emulation.setUserAgentOverride", agent)
        page.resize(*size)
        page.media(
            prefers_color_scheme="light",
            prefers_reduced_motion="no-preference",
            forced_colors="none",
        )
        browser.get(base_url)
        page.run("localStorage.clear(); sessionStorage.clear();")
        browser.get_log("browser")  # type: ignore[no-untyped-call]
        browser.refresh()
        # What is just arriving has no text yet.
        page.still()
        return page

    yield opened
    Page(browser, "zh").offline(False)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_question_gets_an_answer_in_its_language(open_page: Open, language: str) -> None:
    page = open_page(language)
    answer = page.say(page.words["question"])
    assert page.words["known"] in answer.text
    assert answer.get_attribute("lang") == language
    assert page.one(".turn.user .bubble").get_attribute("lang") == language
    assert page.focused == page.input
    assert page.input.get_attribute("value") == ""
    page.shot(f"answer-{language}-desktop")


def test_every_bubble_has_the_language_of_its_own_text(open_page: Open) -> None:
    page = open_page("zh")
    assert page.say(WORDS["en"]["question"]).get_attribute("lang") == "en"
    assert page.say(WORDS["zh"]["question"]).get_attribute("lang") == "zh"
    assert page.say("駕駛證快到期了怎麼辦").get_attribute("lang") == "zh-Hant"
    asked = [bubble.get_attribute("lang") for bubble in page.all(".turn.user .bubble")]
    assert asked == ["en", "zh", "zh-Hant"]


def test_the_answer_shows_its_sources(open_page: Open) -> None:
    page = open_page("zh")
    answer = page.say(page.words["question"])
    assert answer.find_elements(By.CSS_SELECTOR, ".sources li")
    assert re.search(r"\d{4}-\d{2}-\d{2} 核对", answer.text)
    for link in answer.find_elements(By.CSS_SELECTOR, ".sources a"):
        assert str(link.get_attribute("href")).startswith("http")
        assert link.get_attribute("rel") == "noopener"
        assert link.get_attribute("target") == "_blank"


def test_a_reply_button_sends_its_payload_and_shows_its_title(open_page: Open) -> None:
    page = open_page("en")
    page.run(WATCHED_FETCH, 0)
    quick = page.choice("Report a problem", page.one(".turn.bot"))
    page.await_answer(quick.click)
    assert page.all(".turn.user .bubble")[-1].text == "Report a problem"
    assert page.run("return window.sent[0].text") == "I want to report a problem"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_person_can_be_called_from_the_same_place_always(open_page: Open, language: str) -> None:
    page = open_page(language)
    button = page.one(".help button")
    assert button.text == page.words["person"]
    place = button.rect
    page.say(page.words["question"])
    assert button.rect == place
    page.await_answer(button.click)
    assert page.all(".turn.user .bubble")[-1].text == page.words["person"]


def test_emergency_numbers_and_the_ai_label_are_always_visible(open_page: Open) -> None:
    page = open_page("zh", PHONE)
    page.say(page.words["question"])
    numbers = [link.get_attribute("href") for link in page.all(".help a") if link.is_displayed()]
    assert numbers == ["tel:110", "tel:119", "tel:120", "tel:12345"]
    label = page.one(".ai-label")
    assert "AI" in label.text
    assert label.rect["y"] + label.rect["height"] <= PHONE[1]


def test_an_emergency_offers_the_numbers_to_call(open_page: Open) -> None:
    page = open_page("zh")
    answer = page.say("家里着火了！")
    assert "tel:119" in [link.get_attribute("href") for link in answer.find_elements(By.CSS_SELECTOR, ".calls a")]


def test_the_language_switch_changes_every_text_and_is_remembered(open_page: Open) -> None:
    page = open_page("zh")
    page.say(page.words["question"])
    page.one(".tools button").click()
    assert page.run("return document.documentElement.lang") == "en"
    assert page.driver.title.startswith("Chengda")
    assert page.one(".send").text == "Send"
    assert page.one(".turn.bot").get_attribute("lang") == "en"
    assert page.answers()[-1].get_attribute("lang") == "zh"
    chrome = page.run("return ['header', '.help', '.footer'].map((s) => document.querySelector(s).innerText).join(' ')")
    assert re.findall(r"[\u4e00-\u9fff]+", chrome) == ["中文"]
    page.driver.refresh()
    assert page.one(".send").text == "Send"


def test_both_languages_have_the_same_texts(open_page: Open) -> None:
    page = open_page("zh")
    zh, en = page.driver.execute_async_script(
        "const done = arguments[0]; import('/static/messages.js')"
        ".then(({MESSAGES}) => done([MESSAGES.zh, MESSAGES.en]))"
    )
    assert zh.keys() == en.keys()
    assert zh["status"].keys() == en["status"].keys()
    assert len(zh["quick"]) == len(en["quick"]) == 4
    assert len(zh["privacy_text"]) == len(en["privacy_text"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_demand_is_filed_by_keyboard_only(open_page: Open, language: str) -> None:
    page = open_page(language)
    for _ in range(25):
        page.press(Keys.TAB)
        if page.focused == page.input:
            break
    assert page.focused == page.input
    page.await_answer(lambda: page.press(page.words["demand"], Keys.ENTER))
    for _ in range(5):
        if page.words["confirm"] in page.answers()[-1].text:
            break
        page.await_answer(lambda: page.press(page.words["skip"], Keys.ENTER))
    for _ in range(6):
        ActionChains(page.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
        if page.focused.text == page.words["confirm"]:
            break
    assert page.focused.text == page.words["confirm"]
    page.shot(f"form-{language}-desktop")
    answer = page.await_answer(lambda: page.press(Keys.ENTER))
    assert CASE_NUMBER.fullmatch(answer.find_element(By.CSS_SELECTOR, ".case-number").text)
    assert QUERY_CODE.fullmatch(answer.find_element(By.CSS_SELECTOR, ".query-code").text)
    page.shot(f"case-{language}-desktop")


@pytest.mark.parametrize(("language", "names"), [("zh", ("有帮助", "没帮到我")), ("en", ("Helpful", "Not helpful"))])
def test_an_answer_is_rated_by_keyboard_and_the_rating_can_change(
    open_page: Open, language: str, names: tuple[str, str]
) -> None:
    page = open_page(language)
    page.run(WATCHED_FETCH, 0)
    answer = page.say(page.words["question"])
    group = answer.find_element(By.CSS_SELECTOR, ".rating")
    good, bad = group.find_elements(By.TAG_NAME, "button")
    assert [button.accessible_name for button in (good, bad)] == list(names)
    assert group.get_attribute("aria-label")
    for button, other, rating in ((bad, good, "bad"), (good, bad, "good")):
        button.send_keys(Keys.ENTER)
        page.until(lambda button=button: button.get_attribute("aria-pressed") == "true")
        assert other.get_attribute("aria-pressed") == "false"
        assert page.focused == button
        assert page.one("[role=status]").get_attribute("textContent")
        sent = page.run("return window.sent")
        assert sent[-1]["rating"] == rating
        assert sent[-1]["client_msg_id"] == sent[0]["client_msg_id"]
    assert page.violations() == []
    page.shot(f"rated-{language}")
    page.driver.refresh()
    page.until(lambda: page.answers())
    assert page.one(".rating [data-rating=good]").get_attribute("aria-pressed") == "true"


def test_a_rating_that_is_lost_is_told_and_leaves_nothing_pressed(open_page: Open) -> None:
    page = open_page("en")
    page.say(page.words["question"])
    page.offline(True)
    page.one(".rating [data-rating=bad]").click()
    page.until(lambda: "did not arrive" in str(page.one("[role=status]").get_attribute("textContent")))
    assert page.one(".rating [data-rating=bad]").get_attribute("aria-pressed") == "false"


def test_only_guidance_is_rated(open_page: Open) -> None:
    page = open_page("zh")
    for text in ("你好", "家里着火了！"):
        assert not page.say(text).find_elements(By.CSS_SELECTOR, ".rating")


def test_number_and_query_code_can_be_copied(open_page: Open) -> None:
    page = open_page("en")
    page.driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    page.reach_confirmation()
    card = page.tap(page.words["confirm"])
    button = card.find_element(By.CSS_SELECTOR, ".keep-code button")
    # It would say so for three seconds only, in which a busy machine may not look.
    page.run("const later = window.setTimeout; window.setTimeout = (act, after) => later(act, 100 * after)")
    button.click()
    page.until(lambda: button.text == "Copied")
    assert page.one("[role=status]").get_attribute("textContent") == "Copied"
    page.input.send_keys(Keys.CONTROL, "v")
    pasted = str(page.input.get_attribute("value"))
    assert CASE_NUMBER.match(pasted) and QUERY_CODE.fullmatch(pasted.split()[1])


def test_choices_of_a_form_step_end_with_the_step(open_page: Open) -> None:
    page = open_page("zh")
    page.reach_confirmation()
    old = page.choice(page.words["confirm"])
    page.await_answer(old.click)
    assert old.get_attribute("aria-disabled") == "true"
    before = len(page.all(".turn"))
    old.click()
    assert len(page.all(".turn")) == before


def test_the_transcript_is_a_polite_log(open_page: Open) -> None:
    page = open_page("zh")
    log = page.one("[role=log]")
    assert log.get_attribute("aria-live") == "polite"
    assert log.get_attribute("aria-relevant") == "additions"
    assert log.get_attribute("aria-label")
    page.say(page.words["question"])
    assert log.find_elements(By.CSS_SELECTOR, ".turn.bot .bubble")


def test_waiting_is_shown_and_told(open_page: Open) -> None:
    page = open_page("en")
    page.run(HELD_FETCH)
    page.input.send_keys("hello", Keys.ENTER)
    assert page.one(".typing").get_attribute("aria-hidden") == "true"
    assert page.one("[role=status]").get_attribute("textContent") == "Writing an answer…"
    page.run("window.release()")
    page.until(lambda: not page.all(".typing"))
    assert page.one("[role=status]").get_attribute("textContent") == ""


def test_reduced_motion_stops_the_dots(open_page: Open) -> None:
    page = open_page("zh")
    page.media(prefers_reduced_motion="reduce")
    page.run(HELD_FETCH)
    page.input.send_keys("您好", Keys.ENTER)
    assert page.run("return document.getAnimations().length") == 0


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [PHONE, SMALL])
@pytest.mark.parametrize("larger", [False, True])
def test_a_phone_needs_no_sideways_scrolling(
    open_page: Open, language: str, size: tuple[int, int], larger: bool
) -> None:
    page = open_page(language, size)
    if larger:
        page.all(".tools button")[1].click()
    name = f"{language}-{size[0]}{'-larger' if larger else ''}"
    page.shot(f"start-{name}")
    page.say(page.words["question"])
    page.shot(f"answer-{name}")
    page.reach_confirmation()
    page.tap(page.words["confirm"])
    page.shot(f"case-{name}")
    assert page.run("return document.documentElement.scrollWidth") <= size[0]
    assert page.run(TOO_WIDE) == []
    assert page.input.rect["width"] >= 120
    for permanent in (".urgent", ".human", ".ai-label"):
        assert page.run(ON_SCREEN, page.one(permanent)), permanent
    bottom = page.run("return document.querySelector('#chengda-input').getBoundingClientRect().bottom")
    assert bottom <= size[1]


@pytest.mark.parametrize("size", [DESKTOP, SMALL])
def test_targets_are_large_enough(open_page: Open, size: tuple[int, int]) -> None:
    page = open_page("en", size)
    page.say(page.words["question"])
    page.say("there is a fire in my building")
    targets = page.all("button, .help a, .calls a, textarea, summary")
    sizes = {node.text: node.size for node in targets if node.is_displayed()}
    small = {text: size for text, size in sizes.items() if size["height"] < 44 or size["width"] < 44}
    assert small == {}


def test_larger_text_is_a_switch_that_is_remembered(open_page: Open) -> None:
    page = open_page("zh")
    button = page.all(".tools button")[1]
    font = "return parseFloat(getComputedStyle(document.querySelector('.bubble')).fontSize)"
    before = page.run(font)
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert page.run(font) == before * 1.5
    page.driver.refresh()
    assert page.run(font) == before * 1.5
    assert page.all(".tools button")[1].get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_message_written_offline_is_kept_and_sent_on_retry(open_page: Open, language: str) -> None:
    page = open_page(language)
    page.offline(True)
    page.input.send_keys(page.words["question"], Keys.ENTER)
    retry = page.one(".failure button")
    page.until(retry.is_displayed)
    assert page.words["offline"] in page.one("[role=alert]").text
    assert page.one(".turn.user .bubble").text == page.words["question"]
    assert page.one(".turn.user .not-sent").is_displayed()
    assert page.violations() == []
    page.shot(f"offline-{language}")
    page.offline(False)
    answer = page.await_answer(retry.click)
    assert page.words["known"] in answer.text
    assert not page.one(".failure").is_displayed()
    assert len(page.all(".turn.user")) == 1
    assert page.focused == page.input


def test_messages_written_while_offline_go_out_in_order(open_page: Open) -> None:
    page = open_page("zh")
    page.run(WATCHED_FETCH, 0)
    page.offline(True)
    for text in ("您好", "谢谢"):
        page.input.send_keys(text, Keys.ENTER)
        page.until(lambda: not page.all(".typing"))
    page.run("window.sent.length = 0")
    page.offline(False)
    page.one(".failure button").click()
    page.until(lambda: len(page.answers()) == 2)
    assert page.run("return window.sent.map((body) => body.text)") == ["您好", "谢谢"]


def test_a_lost_answer_is_asked_for_again_under_the_same_id(open_page: Open) -> None:
    page = open_page("zh")
    page.reach_confirmation()
    page.run(WATCHED_FETCH, 1)
    page.choice(page.words["confirm"]).click()
    retry = page.one(".failure button")
    page.until(retry.is_displayed)
    answer = page.await_answer(retry.click)
    ids = page.run("return window.sent.map((body) => body.client_msg_id)")
    assert len(ids) == 2 and ids[0] == ids[1]
    number = answer.find_element(By.CSS_SELECTOR, ".case-number").text
    status = page.say(page.words["status"])
    assert set(CASE_NUMBER.findall(status.text)) == {number}


def test_a_reload_keeps_the_conversation_and_what_was_not_sent(open_page: Open) -> None:
    page = open_page("zh")
    page.say(page.words["question"])
    sender = page.run(SESSION)
    page.offline(True)
    page.input.send_keys("谢谢", Keys.ENTER)
    page.until(page.one(".failure button").is_displayed)
    page.offline(False)
    page.driver.refresh()
    page.until(lambda: all(bubble.text for bubble in page.all(".turn.user .bubble")) and page.answers())
    assert page.run(SESSION) == sender
    assert [bubble.text for bubble in page.all(".turn.user .bubble")] == [
        page.words["question"],
        "谢谢",
    ]
    assert len(page.answers()) == 1
    page.await_answer(page.one(".failure button").click)
    assert len(page.answers()) == 2


def test_a_new_conversation_is_confirmed_and_starts_empty(open_page: Open) -> None:
    page = open_page("en")
    page.say(page.words["question"])
    sender = page.run(SESSION)
    reset = page.all(".tools button")[2]
    reset.send_keys(Keys.ENTER)
    assert page.one("dialog").is_displayed()
    assert page.violations() == []
    page.press(Keys.ESCAPE)
    assert not page.one("dialog").is_displayed()
    assert page.focused == reset
    assert page.answers()
    reset.click()
    page.one("dialog .primary").click()
    assert not page.answers()
    assert not page.all(".turn.user")
    assert page.run(SESSION) != sender
    assert page.focused == page.input


def test_a_refusal_by_the_server_is_told_in_the_persons_language(open_page: Open) -> None:
    page = open_page("en")
    page.run("crypto.randomUUID = () => 'x'.repeat(300)")
    page.input.send_keys("hello", Keys.ENTER)
    page.until(lambda: page.all(".notice"))
    page.still()
    notice = page.one(".notice")
    assert notice.get_attribute("lang") == "en"
    assert re.search("[a-z]{3}", notice.text) and not re.search("[\u4e00-\u9fff]", notice.text)
    assert page.one(".turn.user .not-sent").is_displayed()
    assert not page.one(".failure").is_displayed()


def test_a_problem_of_the_server_can_be_retried_and_follows_the_language(open_page: Open) -> None:
    page = open_page("zh")
    page.run(REFUSING_FETCH, 503, "服务正在启动。")
    page.input.send_keys("您好", Keys.ENTER)
    alert = page.one("[role=alert]")
    page.until(lambda: alert.text == "服务正在启动。")
    assert page.one(".failure button").is_displayed()
    page.one(".tools button").click()
    assert "kept" in alert.text


def test_enter_sends_and_shift_enter_starts_a_line(open_page: Open) -> None:
    page = open_page("zh")
    page.input.send_keys("第一行")
    height = page.input.size["height"]
    page.input.send_keys(Keys.SHIFT, Keys.ENTER)
    page.input.send_keys("第二行")
    assert page.input.get_attribute("value") == "第一行\n第二行"
    assert page.input.size["height"] > height
    page.await_answer(lambda: page.input.send_keys(Keys.ENTER))
    assert page.one(".turn.user .bubble").text == "第一行\n第二行"
    assert page.input.size["height"] == height


def test_enter_that_picks_characters_sends_nothing(open_page: Open) -> None:
    page = open_page("zh")
    page.input.send_keys("nihao")
    event = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true})"
    page.run(f"document.querySelector('#chengda-input').dispatchEvent({event})")
    assert page.input.get_attribute("value") == "nihao"
    assert not page.all(".turn.user")


def test_the_counter_appears_near_the_limit(open_page: Open) -> None:
    page = open_page("en")
    counter = page.one(".counter")
    fill = "const i = arguments[0]; i.value = 'a'.repeat(arguments[1]); i.dispatchEvent(new Event('input'))"
    page.run(fill, page.input, 1700)
    assert not counter.is_displayed()
    page.run(fill, page.input, 1850)
    assert counter.text == "1850 / 2000"
    assert "150" in str(page.one("[role=status]").get_attribute("textContent"))
    page.run(fill, page.input, 1999)
    page.input.send_keys("bcd")
    assert len(str(page.input.get_attribute("value"))) == 2000


def test_markup_stays_text(open_page: Open) -> None:
    page = open_page("en")
    page.say("<img src=x onerror=document.title='broken'> <b>hello</b>")
    assert page.one(".turn.user .bubble").text.startswith("<img src=x")
    assert not page.all(".bubble *")
    assert page.driver.title != "broken"


def test_the_page_keeps_to_its_content_security_policy(open_page: Open) -> None:
    page = open_page("zh")
    page.say(page.words["question"])
    complaints = page.driver.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in complaints if entry["level"] in {"SEVERE", "WARNING"}] == []
    addresses = page.run("return performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin)")
    assert set(addresses) <= {page.run("return location.origin")}


def test_the_privacy_notice_opens_and_closes_by_keyboard(open_page: Open) -> None:
    page = open_page("zh")
    summary = page.one(".privacy summary")
    summary.send_keys(Keys.ENTER)
    assert "身份证号" in page.one(".privacy-text").text
    assert page.violations() == []
    page.press(Keys.ESCAPE)
    assert not page.one(".privacy-text").is_displayed()
    assert page.focused == summary


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_axe_finds_nothing(open_page: Open, language: str, scheme: str, size: tuple[int, int]) -> None:
    page = open_page(language, size)
    page.media(prefers_color_scheme=scheme)
    name = f"{language}-{size[0]}-{scheme}"
    assert page.violations() == []
    page.shot(f"axe-start-{name}")
    page.say(page.words["question"])
    assert page.violations() == []
    page.shot(f"axe-answer-{name}")
    page.reach_confirmation()
    assert page.violations() == []
    page.shot(f"axe-form-{name}")
    page.tap(page.words["confirm"])
    assert page.violations() == []
    page.shot(f"axe-case-{name}")


def test_a_browser_without_storage_or_random_uuid_still_talks(open_page: Open, base_url: str) -> None:
    page = open_page("zh")
    forbid = (
        "for (const area of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, area, {get() { throw new DOMException('no', 'SecurityError'); }});"
        " crypto.randomUUID = undefined;"
    )
    script = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": forbid})
    try:
        page.driver.get(base_url)
        assert page.words["known"] in page.say(page.words["question"]).text
    finally:
        page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
