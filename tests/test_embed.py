"""The chat in another site's page: one tag, a frame that only allowed sites get, files, ratings, streamed answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from bot.cases.number import CaseNumber
from bot.messages import SenderId
from bot.store import Store
from bot.tracker import Event
from connectors.web.embed import LOADER, integrity, tag, widget_policy
from tests.servers import Server
from tests.test_closing import TO_REVIEW
from tests.test_evidence import png
from tests.test_web import AXE, CASE_NUMBER, DESKTOP, PHONE, SMALL, TOO_WIDE, Page, browser, pytestmark
from tests.web_city import Site

__all__ = ["browser", "pytestmark"]
ALLOWED_PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>city site</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src {url}; frame-src {url}"></head>
<body><main><h1>City site</h1><p>Some text.</p></main>{tag}</body></html>"""
DEEP = "return document.querySelector('chengda-embed').shadowRoot.querySelector(arguments[0])"
SESSION = "return JSON.parse(sessionStorage.getItem('chengda.session'))"
NO_MOTION = {"prefers_reduced_motion": "reduce"}


@pytest.fixture(scope="module")
def stranger(site: Site) -> Iterator[str]:
    """Another site with the same pages, which is not allowed."""
    made = Site(site.pages)
    yield made.url
    made.close()


@pytest.fixture(scope="module")
def server(web_server: Server) -> Server:
    return web_server


@pytest.fixture(scope="module")
def store(web_store: Store) -> Store:
    return web_store


Open = Callable[..., Page]


@pytest.fixture
def embedded(browser: webdriver.Chrome, server: Server, site: Site) -> Iterator[Open]:
    """A page of the allowed site with the script tag, as a first visitor sees it."""

    def opened(language: str = "zh", size: tuple[int, int] = DESKTOP, wishes: str = "", at: str = "") -> Page:
        page = Page(browser, language)
        page.resize(*size)
        page.media(prefers_color_scheme="light", prefers_reduced_motion="no-preference", forced_colors="none")
        made = tag(server.url, language)
        if wishes:
            made = made.replace('data-position="right"', wishes)
        name = site.page(ALLOWED_PAGE.format(language=language, url=server.url, tag=made))
        browser.get(f"{server.url}/healthz")
        page.run("localStorage.clear(); sessionStorage.clear();")
        browser.get(f"{at or site.url}/{name}")
        page.until(lambda: page.run("return !!document.querySelector('chengda-embed')?.shadowRoot"))
        return page

    yield opened
    browser.switch_to.default_content()


def enter(page: Page) -> None:
    """Into the frame."""
    page.driver.switch_to.default_content()
    page.driver.switch_to.frame(page.run(DEEP, "iframe"))
    page.until(lambda: page.run("return !!document.querySelector('chengda-chat')?.conversation"))


def leave(page: Page) -> None:
    page.driver.switch_to.default_content()


def launch(page: Page) -> None:
    page.run(DEEP, ".launcher").click()
    enter(page)


@pytest.fixture
def widget(browser: webdriver.Chrome, server: Server) -> Open:
    """The framed page by itself."""

    def opened(language: str = "zh", size: tuple[int, int] = DESKTOP) -> Page:
        page = Page(browser, language)
        page.resize(*size)
        page.media(prefers_color_scheme="light", prefers_reduced_motion="no-preference", forced_colors="none")
        browser.get(f"{server.url}/widget#language={language}")
        page.run("localStorage.clear(); sessionStorage.clear();")
        browser.refresh()
        page.until(lambda: page.all("#chengda-input"))
        return page

    return opened


@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_tag_opens_the_chat_on_another_site_by_keyboard(embedded: Open, language: str) -> None:
    page = embedded(language)
    launcher = page.run(DEEP, ".launcher")
    assert page.violations() == []
    page.shot(f"embed-closed-{language}")
    launcher.send_keys(Keys.ENTER)
    enter(page)
    assert page.words["known"] in page.say(page.words["question"]).text
    assert page.run("return document.documentElement.lang").startswith(language)
    assert page.violations() == []
    page.shot(f"embed-open-{language}")
    page.input.send_keys(Keys.ESCAPE)
    leave(page)
    page.until(launcher.is_displayed)
    assert page.run("return document.activeElement.shadowRoot.activeElement.className") == "launcher right"
    launcher.send_keys(Keys.ENTER)
    enter(page)
    assert len(page.answers()) == 1
    page.one(".close").click()
    leave(page)
    page.until(launcher.is_displayed)


def test_position_colour_and_a_colour_nobody_could_read(embedded: Open) -> None:
    for colour, painted in (("#7a1f1f", "#7a1f1f"), ("#ffff00", ""), ("red;x", "")):
        page = embedded("zh", wishes=f'data-position="left" data-colour="{colour}"')
        assert page.run(DEEP, ".launcher").rect["x"] < 100
        launch(page)
        assert page.run("return document.documentElement.style.getPropertyValue('--header')") == painted
        leave(page)


def test_a_site_that_is_not_allowed_gets_no_frame(embedded: Open, stranger: str, server: Server) -> None:
    page = embedded("zh", at=stranger)
    page.run(DEEP, ".launcher").click()
    page.driver.switch_to.frame(page.run(DEEP, "iframe"))
    assert not page.all("chengda-chat")
    leave(page)
    policy = httpx.get(f"{server.url}/widget", timeout=60).headers["content-security-policy"]
    assert "frame-ancestors 'self' http://127.0.0.1:" in policy and stranger not in policy
    assert "frame-ancestors 'self';" in httpx.get(f"{server.url}/", timeout=60).headers["content-security-policy"]


def test_words_of_other_windows_are_left(embedded: Open) -> None:
    page = embedded("zh")
    launch(page)
    leave(page)
    page.run("window.postMessage({type: 'chengda:close'}, '*')")
    page.driver.implicitly_wait(0)
    assert page.run(DEEP, "iframe").is_displayed()


def test_the_tag_and_its_integrity(server: Server) -> None:
    told = httpx.get(f"{server.url}/embed.js", timeout=60)
    assert told.headers["access-control-allow-origin"] == "*"
    assert told.headers["content-type"].startswith("text/javascript")
    assert integrity(told.content) == integrity(LOADER.read_bytes()) and integrity(told.content).startswith("sha384-")
    assert integrity(told.content) in tag(server.url)
    assert widget_policy(()).endswith("frame-ancestors 'self'; require-trusted-types-for 'script'")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_citizen_downloads_and_deletes_the_conversation_by_keyboard(
    widget: Open, store: Store, language: str
) -> None:
    page = widget(language, SMALL)
    page.say(page.words["question"])
    sender = SenderId(f"web:{page.run(SESSION)['id']}")
    # What a link would save to the disk is kept in the page.
    page.run(
        "const real = URL.createObjectURL; URL.createObjectURL = (blob) => {"
        " blob.text().then((text) => { window.saved = text; }); return real.call(URL, blob); }"
    )
    page.one(".privacy summary").send_keys(Keys.ENTER)
    assert page.violations() == [] and page.run(TOO_WIDE) == []
    page.one(".rights .export").send_keys(Keys.ENTER)
    page.until(lambda: page.run("return window.saved"))
    kept = json.loads(page.run("return window.saved"))
    assert [one["role"] for one in kept["messages"]][:2] == ["user", "assistant"]
    page.one(".rights .erase").send_keys(Keys.ENTER)
    assert page.one("dialog").is_displayed() and page.violations() == []
    page.shot(f"erase-{language}")
    page.press(Keys.ESCAPE)
    assert page.focused == page.one(".rights .erase")
    page.one(".rights .erase").send_keys(Keys.ENTER)
    page.one("dialog .primary").send_keys(Keys.ENTER)
    page.until(lambda: not page.answers())
    assert page.focused == page.input
    with store.read() as work:
        assert work.transcript.after(sender) == ()
    assert page.words["known"] in page.say(page.words["question"]).text


def test_the_command_prints_the_tag_and_the_sites_allowed(server: Server, site: Site) -> None:
    told = server.command("embed", "https://chat.city.example", "--language", "en")
    assert tag("https://chat.city.example", "en") in told
    assert site.url in told and "CHENGDA_EMBED_ORIGINS" in told


def test_every_answer_of_the_machine_is_marked_and_no_person(widget: Open, store: Store) -> None:
    page = widget("zh")
    page.say("您好")
    sender = SenderId(f"web:{page.run(SESSION)['id']}")
    with store.work() as work:
        work.save(work.tracker(sender), None, (Event("agent", 1.0, text="我是坐席。"),), [], store.now())
    page.until(lambda: len(page.answers()) == 2)
    machine, person = page.answers()
    assert machine.find_elements(By.CSS_SELECTOR, ".ai-mark")
    assert not person.find_elements(By.CSS_SELECTOR, ".ai-mark") and "人工坐席" in person.text
    page.driver.refresh()
    page.until(lambda: len(page.answers()) == 2)


def filed(page: Page) -> str:
    """The number of a case filed in the page."""
    page.reach_confirmation()
    return str(CASE_NUMBER.findall(page.tap(page.words["confirm"]).text)[0])


def test_a_photo_goes_to_the_case_and_a_refusal_is_told(widget: Open, tmp_path: Path, store: Store) -> None:
    page = widget("en", PHONE)
    photo = tmp_path / "lamp.png"
    photo.write_bytes(png())
    upload = page.one("input[type=file]")
    upload.send_keys(str(photo))
    page.until(lambda: page.all(".notice"))
    page.still()
    assert "file your demand first" in page.one(".notice").text
    number = filed(page)
    page.await_answer(lambda: upload.send_keys(str(photo)))
    assert number in page.answers()[-1].text and "lamp.png" in page.answers()[-1].text
    assert "Notice" in page.answers()[-1].text
    assert page.violations() == []
    page.shot("upload-en")
    bad = tmp_path / "page.png"
    bad.write_bytes(b"<html>")
    upload.send_keys(str(bad))
    page.until(lambda: len(page.all(".notice")) == 2)
    with store.work() as work:
        assert len(work.evidence.of(CaseNumber(number))) == 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_answered_case_is_rated_in_the_chat_by_keyboard(widget: Open, store: Store, language: str) -> None:
    page = widget(language, PHONE)
    number = filed(page)
    reply(store, number)
    page.until(lambda: page.all(".rate-case"))
    button = page.one(".rate-case")
    button.send_keys(Keys.ENTER)
    assert page.violations() == []
    page.still()
    assert page.run("return document.querySelector('.rating-dialog').scrollWidth <= innerWidth")
    page.shot(f"rating-{language}")
    page.press(Keys.ESCAPE)
    assert page.focused == button
    button.send_keys(Keys.ENTER)
    page.one(".rating-dialog [value=no]").send_keys(Keys.SPACE)
    page.one(".rating-dialog .primary").send_keys(Keys.ENTER)
    page.until(lambda: page.one(".rating-problem").text)
    assert page.violations() == []
    for name in ("speed", "effect", "service", "feedback"):
        page.one(f".rating-dialog select[name={name}]").send_keys("4")
    page.one(".rating-dialog [value=yes]").send_keys(Keys.SPACE)
    page.one(".rating-dialog .primary").send_keys(Keys.ENTER)
    page.until(lambda: not page.all(".rating-dialog"))
    with store.work() as work:
        case = work.cases.by_number(CaseNumber(number))
    assert case.status == "closed"


def reply(store: Store, number: str) -> None:
    """The unit answers."""
    with store.work() as work:
        for step in TO_REVIEW:
            work.cases.move(CaseNumber(number), *step)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "media", [{}, {"prefers_color_scheme": "dark"}, {"forced_colors": "active"}, NO_MOTION], ids=str
)
def test_axe_finds_nothing_in_larger_text_at_320_pixels(widget: Open, language: str, media: dict[str, str]) -> None:
    page = widget(language, SMALL)
    page.media(**media)
    page.all(".tools button")[1].click()
    page.say(page.words["question"])
    assert page.violations() == []
    assert page.run("return document.documentElement.scrollWidth") <= SMALL[0]
    sizes = page.run(
        "return [...document.querySelectorAll('.messages *, textarea')].filter((node) => node.innerText || node.value)"
        ".filter((node) => [...node.childNodes].some((child) => child.nodeType === 3))"
        ".map((node) => [parseFloat(getComputedStyle(node).fontSize), node.className, node.innerText])"
    )
    assert [one for one in sizes if one[0] < 24] == []
    if media == NO_MOTION:
        assert page.run("return document.getAnimations().length") == 0
    page.shot(f"larger-{language}-{'-'.join(media.values())}")
    page.driver.refresh()
    assert page.run("return parseFloat(getComputedStyle(document.documentElement).fontSize)") == 24


def test_wide_screens_have_nothing_below_24_pixels_in_larger_text(widget: Open) -> None:
    page = widget("zh")
    page.all(".tools button")[1].click()
    sizes = page.run(
        "return [...document.querySelectorAll('chengda-chat *')].filter((node) => node.checkVisibility())"
        ".filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))"
        ".filter((node) => !node.closest('.visually-hidden'))"
        ".map((node) => [parseFloat(getComputedStyle(node).fontSize), node.className, node.innerText])"
    )
    assert [one for one in sizes if one[0] < 24] == []


@pytest.mark.parametrize("size", [DESKTOP, SMALL])
def test_the_embedding_page_scrolls_nowhere_sideways(embedded: Open, size: tuple[int, int]) -> None:
    page = embedded("en", size)
    assert page.run("return document.documentElement.scrollWidth") <= size[0]
    launch(page)
    page.say(page.words["question"])
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    page.shot(f"embed-{size[0]}")
    leave(page)
    assert page.run("return document.documentElement.scrollWidth") <= size[0]


def test_the_loader_and_the_page_say_the_same_in_both_languages(widget: Open) -> None:
    text = LOADER.read_text(encoding="utf-8")
    zh, en = (set(re.findall(r"(\w+):", line)) for line in re.findall(r"    (?:zh|en): \{(.*)\}", text))
    assert zh == en and zh
    assert AXE.exists()
