"""Foreign widgets at our doors: deep-chat and rasa-webchat from npm in a real Chromium, and their dialects by hand."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import socketio
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from bot.channels.web_sessions import WebSession
from bot.store import Store
from bot.tracker import Event
from connectors.web.deep_chat import plain, read_form, read_request, replies_of, stream_of, suggestions
from connectors.web.deep_chat_api import COOKIE, PATH
from connectors.web.rasa_socket import uttered
from tests.npm import installed
from tests.servers import Server
from tests.test_evidence import png
from tests.test_web import BROWSER_FLAGS, CHROMEDRIVER, CHROMIUM
from tests.web_city import Site

QUESTION, KNOWN = "驾照快到期了怎么办", "驾驶证"
# A word of the answer that calls a person; 人工 stands in the button already.
CALLED = "排队号"
SECONDS = 60
DEEP_CHAT = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>deep-chat</title>
<script type="module" src="/node_modules/deep-chat/dist/deepChat.bundle.js"></script>
<deep-chat id="chat" {attributes}></deep-chat>"""
RASA = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>rasa-webchat</title>
<script src="/node_modules/rasa-webchat/lib/index.js"></script><div id="webchat"></div>
<script>window.WebChat.default({{customData: {{language: 'zh'}}, socketUrl: '{url}', socketPath: '/socket.io/',
  title: '城答', initPayload: null, embedded: true, params: {{storage: 'session'}}}}, null);</script>"""
SHADOW_TEXT = "return document.querySelector('deep-chat').shadowRoot.textContent"


@pytest.fixture(scope="module")
def widgets(site: Site) -> Site:
    """The other site with the npm packages."""
    folder = installed("deep-chat@2.4.2", "rasa-webchat@1.0.1")
    (site.pages / "node_modules").mkdir(exist_ok=True)
    for name in ("deep-chat", "rasa-webchat"):
        (site.pages / "node_modules" / name).symlink_to(folder / "node_modules" / name)
    return site


@pytest.fixture(scope="module")
def server(web_server: Server) -> Server:
    return web_server


@pytest.fixture(scope="module")
def store(web_store: Store) -> Store:
    return web_store


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    if not (CHROMIUM and CHROMEDRIVER):
        pytest.skip("chromium or chromedriver is missing")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*BROWSER_FLAGS, "--lang=zh-CN", f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(CHROMEDRIVER)))
    yield driver
    driver.quit()


def agent_says(store: Store, session: WebSession, text: str) -> None:
    with store.work() as work:
        now = store.now()
        work.save(work.tracker(session.sender), None, (Event("agent", now.timestamp(), text=text),), [], now)


def session_of(store: Store, secret: str) -> WebSession:
    with store.work() as work:
        return work.web.of_secret(secret, store.now())


# ---- deep-chat in a browser ----


def deep_chat(browser: webdriver.Chrome, widgets: Site, attributes: str) -> Any:
    browser.get(f"{widgets.url}/{widgets.page(DEEP_CHAT.format(attributes=attributes))}")
    wait = WebDriverWait(browser, SECONDS)
    script = "return document.querySelector('deep-chat')?.shadowRoot?.querySelector('#text-input')"
    wait.until(lambda driver: driver.execute_script(script))

    def say(text: str) -> None:
        box = browser.execute_script(script)
        box.click()
        box.send_keys(text, Keys.ENTER)

    def until(word: str) -> None:
        wait.until(lambda driver: word in str(driver.execute_script(SHADOW_TEXT)))

    return say, until


@pytest.mark.web
@pytest.mark.parametrize("stream", ["", ' "stream": true,'])
def test_deep_chat_converses_from_another_site(
    browser: webdriver.Chrome, widgets: Site, server: Server, store: Store, stream: str
) -> None:
    secret = f"page-made-secret-{len(stream)}"
    connect_to = (
        f'{{"url": "{server.url}/webchat/deep-chat",{stream} "additionalBodyProps": {{"session_id": "{secret}"}}}}'
    )
    say, until = deep_chat(browser, widgets, f"connect='{connect_to}'")
    say("您好")
    until("城答")
    say(QUESTION)
    until(KNOWN)
    agent_says(store, session_of(store, secret), "我是坐席小王。")
    say("谢谢")
    until("我是坐席小王")
    errors = browser.execute_script(
        "return document.querySelector('deep-chat').shadowRoot.querySelectorAll('.error-message-text').length"
    )
    assert errors == 0


@pytest.mark.web
def test_deep_chat_shows_suggestions_and_takes_a_tap(browser: webdriver.Chrome, widgets: Site, server: Server) -> None:
    body = '"additionalBodyProps": {"session_id": "tapping-secret-1"}'
    say, until = deep_chat(browser, widgets, f'connect=\'{{"url": "{server.url}/webchat/deep-chat", {body}}}\'')
    say("您好")
    find = (
        "return [...document.querySelector('deep-chat').shadowRoot.querySelectorAll('.deep-chat-suggestion-button')]"
        ".find((one) => one.textContent === '转人工')"
    )
    WebDriverWait(browser, SECONDS).until(lambda driver: driver.execute_script(find)).click()
    until(CALLED)


@pytest.mark.web
def test_deep_chat_over_a_socket_hears_an_agent_without_asking(
    browser: webdriver.Chrome, widgets: Site, server: Server, store: Store
) -> None:
    address = server.url.replace("http://", "ws://") + "/webchat/deep-chat"
    say, until = deep_chat(browser, widgets, f'connect=\'{{"url": "{address}", "websocket": true}}\'')
    say(QUESTION)
    until(KNOWN)
    held = browser.execute_cdp_cmd("Network.getCookies", {"urls": [server.url + PATH]})["cookies"]
    (secret,) = (one["value"] for one in held if one["name"] == COOKIE)
    agent_says(store, session_of(store, secret), "坐席上线了。")
    until("坐席上线了")


# ---- deep-chat by hand ----


def test_deep_chat_answers_in_json_parts_and_with_a_cookie(server: Server) -> None:
    url = f"{server.url}/webchat/deep-chat"
    body = {"messages": [{"role": "user", "text": QUESTION}], "session_id": "s1"}
    answer = httpx.post(url, json=body, timeout=SECONDS)
    assert answer.status_code == 200 and "set-cookie" not in answer.headers
    assert KNOWN in answer.json()[0]["text"] and answer.json()[0]["custom"]["ai_generated"]
    with httpx.Client(timeout=SECONDS) as client:
        streamed = client.post(url, json={"messages": body["messages"]}, headers={"Accept": "text/event-stream"})
        assert streamed.headers["content-type"].startswith("text/event-stream")
        cookie = streamed.headers["set-cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/webchat/deep-chat"))
        lines = [line for line in streamed.text.split("\n\n") if line]
        assert all(line.startswith("data: {") for line in lines) and len(lines) > 2
        assert KNOWN in "".join(json.loads(line[6:])["text"] for line in lines)
        again = client.post(url, json={"messages": [{"role": "user", "text": "再说一遍"}]})
        assert KNOWN in again.json()[0]["text"] and "set-cookie" not in again.headers


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"messages": []}', b'{"messages": "x"}', b'{"messages": [{"role": "ai", "text": "x"}]}'],
)
def test_deep_chat_is_told_what_is_no_message(server: Server, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Accept-Language": "en"}
    answer = httpx.post(f"{server.url}/webchat/deep-chat", content=body, headers=headers, timeout=60)
    assert answer.status_code == 422 and "missing" in answer.json()["error"]


def test_a_foreign_site_gets_nothing(server: Server) -> None:
    url = f"{server.url}/webchat/deep-chat"
    headers = {"Origin": "https://evil.example"}
    body = {"messages": [{"role": "user", "text": "hi"}]}
    answer = httpx.post(url, json=body, headers=headers, timeout=60)
    assert answer.status_code == 403 and "error" in answer.json()
    with pytest.raises(InvalidStatus), connect(url.replace("http", "ws"), origin="https://evil.example"):  # type: ignore[arg-type]
        pass
    polled = httpx.get(f"{server.url}/socket.io/?EIO=4&transport=polling", headers=headers, timeout=60)
    assert polled.status_code == 400
    assert httpx.get(f"{server.url}/socket.io/?EIO=4&transport=polling", timeout=60).status_code == 200


def test_files_go_to_the_case_of_the_conversation(server: Server) -> None:
    url = f"{server.url}/webchat/deep-chat"

    def send(text: str, **files: Any) -> httpx.Response:
        said, secret = {"role": "user", "text": text}, {"session_id": "filing-secret-1"}
        if not files:
            return httpx.post(url, json={"messages": [said], **secret}, timeout=SECONDS)
        return httpx.post(url, data={"message1": json.dumps(said), **secret}, timeout=SECONDS, **files)

    file = {"files": [("files", ("灯.png", png(), "image/png"))]}
    refused = send("", **file)
    assert refused.status_code == 409 and "工单" in refused.json()["error"]
    for text in ("福田区福强路的路灯坏了一个星期", "跳过", "跳过", "跳过", "跳过", "确认提交"):
        answer = send(text)
        if any(reply.get("custom", {}).get("turn", {}).get("outcome") == "case_filed" for reply in answer.json()):
            break
    else:
        raise AssertionError(answer.text)
    taken = send("", **file)
    assert taken.status_code == 200 and "灯.png" in taken.json()[0]["text"], taken.text
    assert taken.json()[0]["role"] == "system"
    wrong = send("", files=[("files", ("a.png", b"<html>", "image/png"))])
    assert wrong.status_code == 415 and "error" in wrong.json()


def test_the_socket_keeps_the_conversation_by_its_cookie(server: Server) -> None:
    address = server.url.replace("http://", "ws://") + "/webchat/deep-chat"
    with connect(address, open_timeout=SECONDS) as socket:
        assert socket.response is not None
        cookie = socket.response.headers["Set-Cookie"].split(";")[0]
        socket.send(json.dumps({"messages": [{"role": "user", "text": QUESTION}]}))
        assert KNOWN in json.loads(socket.recv(SECONDS))["text"]
        socket.send("nonsense")
        while "error" not in (told := json.loads(socket.recv(SECONDS))):
            pass
        assert told["error"]
    with connect(address, additional_headers={"Cookie": cookie}, open_timeout=SECONDS) as socket:
        assert socket.response is not None and "Set-Cookie" not in socket.response.headers
        socket.send(json.dumps({"messages": [{"role": "user", "text": "再说一遍"}]}))
        assert KNOWN in json.loads(socket.recv(SECONDS))["text"]


@pytest.mark.parametrize("way", ["frame", "address", "subprotocol"])
def test_a_socket_without_cookies_goes_on_by_the_secret_of_the_page(server: Server, way: str) -> None:
    address, secret = server.url.replace("http://", "ws://") + "/webchat/deep-chat", f"secret-of-a-page-{way}"
    address += f"?session={secret}" if way == "address" else ""
    protocols = [f"session.{secret}"] if way == "subprotocol" else None
    more = {"session_id": secret, "lang": None} if way == "frame" else {"session_id": ""}

    def said(socket: Any, text: str, word: str, **named: Any) -> None:
        socket.send(json.dumps({"messages": [{"role": "user", "text": text}], **(named or more)}))
        while word not in str(told := json.loads(socket.recv(SECONDS))):
            assert told

    with connect(address, subprotocols=protocols, open_timeout=SECONDS) as socket:  # type: ignore[arg-type]
        said(socket, QUESTION, KNOWN)
        said(socket, "再说一遍", "error", session_id="the-secret-of-another-page")
    with connect(address, subprotocols=protocols, open_timeout=SECONDS) as socket:  # type: ignore[arg-type]
        said(socket, "再说一遍", KNOWN)
    body = {"messages": [{"role": "user", "text": "再说一遍"}], "session_id": secret}
    assert KNOWN in httpx.post(f"{server.url}/webchat/deep-chat", json=body, timeout=SECONDS).text


@pytest.mark.parametrize("way", ["address", "subprotocol"])
def test_a_secret_too_long_is_refused_and_not_cut(server: Server, way: str) -> None:
    address, secret = server.url.replace("http://", "ws://") + "/webchat/deep-chat", "s" * 201
    address += f"?session={secret}" if way == "address" else ""
    protocols = [f"session.{secret}"] if way == "subprotocol" else None
    with (
        pytest.raises(InvalidStatus),
        connect(address, subprotocols=protocols, open_timeout=SECONDS),  # type: ignore[arg-type]
    ):
        pass


def test_null_and_empty_are_not_told() -> None:
    asked = read_request(
        '{"messages": [{"text": "a", "role": null}], "lang": null, "session_id": "", "message_id": null}'
    )
    assert asked is not None and (asked.text, asked.lang, asked.session_id, asked.message_id) == (
        "a",
        "auto",
        None,
        None,
    )
    form = read_form({"message1": '{"role": "user", "text": "z"}', "session_id": "", "lang": ""})
    assert form is not None and form.session_id is None and form.lang == "auto"
    assert read_request('{"messages": [{"text": "a"}], "session_id": 7}') is None


def test_markdown_and_markup_are_shown_and_never_run() -> None:
    assert (
        plain("a*b_[c](d)<img src=x>\n# e\n\n- f")
        == r"a\*b\_\[c\](d)\<img src=x\>" + "  \n" + r"\# e" + "\n\n" + r"\- f"
    )
    assert "<script>" not in suggestions(["<script>alert(1)</script>"])
    message = {
        "role": "assistant",
        "text": "选一个",
        "ai_generated": True,
        "citations": [],
        "buttons": [{"title": "甲", "payload": "/a"}, {"title": "乙", "payload": "/b"}],
    }
    assert [sorted(reply) for reply in replies_of([message, {**message, "role": "user"}])] == [
        ["custom", "text"],
        ["html"],
    ]
    assert "".join(part["text"] for part in stream_of([message])) == "选一个\n\n1\\. 甲\n2\\. 乙"
    assert replies_of([{**message, "buttons": [], "role": "agent"}])[0]["role"] == "agent"


def test_the_whole_history_counts_as_its_newest_message() -> None:
    history = [
        {"role": "user", "text": "a"},
        {"role": "ai", "text": "b"},
        {"role": "user", "text": "c"},
        {"role": "ai", "html": "x"},
    ]
    asked = read_request(json.dumps({"messages": history}))
    assert asked is not None and asked.text == "c"
    form = read_form({"message10": '{"role": "user", "text": "z"}', "message2": '{"role": "user", "text": "y"}'})
    assert form is not None and form.text == "z"
    assert read_form({"message1": "no json"}) is None


# ---- Rasa's socket.io ----


def test_rasas_dialect_by_an_independent_client(server: Server, store: Store) -> None:
    with socketio.SimpleClient() as client:
        client.connect(server.url, transports=["websocket"], wait_timeout=SECONDS)
        client.emit("session_request", {"session_id": None})
        name, secret = client.receive(SECONDS)
        assert name == "session_confirm" and isinstance(secret, str) and len(secret) >= 40
        client.emit("user_uttered", {"message": "您好", "customData": {"language": "zh"}, "session_id": secret})
        name, said = client.receive(SECONDS)
        assert name == "bot_uttered" and "城答" in said["text"]
        assert set(said) == {"text", "quick_replies"}
        assert said["quick_replies"][0].keys() == {"content_type", "title", "payload"}
        client.emit("user_uttered", {"message": said["quick_replies"][-1]["payload"], "session_id": secret})
        assert CALLED in client.receive(SECONDS)[1]["text"]
        agent_says(store, session_of(store, secret), "我是坐席。")
        assert client.receive(SECONDS)[1] == {"text": "我是坐席。"}
        for nonsense in (None, "x", {}, {"message": 3}):
            client.emit("user_uttered", nonsense)
    with socketio.SimpleClient() as client:
        client.connect(server.url, transports=["websocket"], wait_timeout=SECONDS)
        client.emit("session_request", {"session_id": secret})
        assert client.receive(SECONDS) == ["session_confirm", secret]
        client.emit("user_uttered", {"message": "how do I renew my driving licence", "customData": {"language": "en"}})
        texts = ""
        while "licen" not in texts:
            texts += client.receive(SECONDS)[1].get("text", "")


def test_two_messages_at_once_begin_one_conversation(server: Server) -> None:
    """Neither has a session yet, and each answer is told once."""
    with socketio.SimpleClient() as client:
        client.connect(server.url, transports=["websocket"], wait_timeout=SECONDS)
        secret, told = secrets.token_urlsafe(32), Counter[str]()
        for text in ("您好", "谢谢"):
            client.emit("user_uttered", {"message": text, "session_id": secret})
        while not all(any(word in text for text in told) for word in ("城答", "不客气")):
            told[client.receive(SECONDS)[1].get("text", "")] += 1
        client.emit("user_uttered", {"message": "再见"})
        while not any("再见" in text for text in told):
            told[client.receive(SECONDS)[1].get("text", "")] += 1
        assert set(told.values()) == {1}, told


def test_uttered() -> None:
    assert uttered({"role": "user", "text": "a"}) == []
    picture = uttered({"role": "assistant", "text": "", "image": "https://x/a.png"})
    assert picture == [{"attachment": {"type": "image", "payload": {"src": "https://x/a.png"}}}]
    assert uttered({"role": "assistant", "text": "a\nb"}) == [{"text": "a  \nb"}]


@pytest.mark.web
def test_rasa_webchat_converses_from_another_site(
    browser: webdriver.Chrome, widgets: Site, server: Server, store: Store
) -> None:
    browser.get(f"{widgets.url}/{widgets.page(RASA.format(url=server.url))}")
    wait = WebDriverWait(browser, SECONDS)
    box = wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, ".rw-new-message"))[0]
    wait.until(lambda driver: box.is_enabled())

    def until(word: str) -> None:
        wait.until(lambda driver: word in driver.find_element(By.CSS_SELECTOR, ".rw-messages-container").text)

    box.send_keys("您好", Keys.ENTER)
    until("城答")
    replies = wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, ".rw-reply"))
    assert "转人工" in [one.text for one in replies]
    next(one for one in replies if one.text == "转人工").click()
    until(CALLED)
    box = browser.find_element(By.CSS_SELECTOR, ".rw-new-message")
    box.send_keys(QUESTION, Keys.ENTER)
    until(KNOWN)
