"""The stand-in's side of `api.weixin.qq.com`: tokens, customer messages, templates, with WeChat's rules and codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from connectors.mock.body import Body, body_of
from connectors.mock.wechat_account import Account, ApiError

MAX_TEXT_BYTES = 2048
ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}")
# The kind of a template's field, its name without the number -> what a value must be.
FITTING: Mapping[str, re.Pattern[str]] = {
    "thing": re.compile(r"[^\n]{1,20}"),
    "character_string": re.compile(r"[\x20-\x7e]{1,32}"),
    "phrase": re.compile(r"[\u4e00-\u9fff]{1,5}"),
    "name": re.compile(r"[\u4e00-\u9fff]{1,10}|[A-Za-z ]{1,20}"),
    "number": re.compile(r"\d{1,32}"),
    "phone_number": re.compile(r"[\d+-]{1,17}"),
    "time": re.compile(r"\d{4}[-年]\d{1,2}[-月]\d{1,2}日?( \d{1,2}:\d{2}(:\d{2})?)?|\d{1,2}:\d{2}"),
    "const": re.compile(r".{1,20}"),
}
Handler = Callable[[Account, Body], Body]


def custom_send(account: Account, body: Body) -> Body:
    """One customer message."""
    follower, kind = account.receiver(str(body.get("touser", ""))), str(body.get("msgtype", ""))
    content = body.get(kind)
    if not isinstance(content, dict):
        raise ApiError(47001, "data format error")
    KINDS.get(kind, _refuse_kind)(account, content)
    account.spend(follower)
    follower.typing = False
    account.record("custom", follower.openid, body)
    return {}


def typing(account: Account, body: Body) -> Body:
    """The sign that an answer is being written."""
    follower, wanted = account.receiver(str(body.get("touser", ""))), body.get("command")
    if wanted not in ("Typing", "CancelTyping"):
        raise ApiError(45072, "invalid command")
    if not any(quota.until > account.clock() for quota in follower.quotas.values()):
        raise ApiError(45080, "can not type: no message received before")
    if wanted == "Typing" and follower.typing:
        raise ApiError(45081, "already in typing")
    follower.typing = wanted == "Typing"
    account.record("typing", follower.openid, body)
    return {}


def template_send(account: Account, body: Body) -> Body:
    """One template message; the same `client_msg_id` again sends nothing anew."""
    follower = account.receiver(str(body.get("touser", "")))
    _check_template(account, body)
    key = body.get("client_msg_id")
    return {"msgid": account.record("template", follower.openid, body, str(key) if key else None)}


def subscribe_send(account: Account, body: Body) -> Body:
    """One notice that was subscribed to."""
    follower = account.receiver(str(body.get("touser", "")))
    _check_template(account, body)
    template = str(body["template_id"])
    if follower.consents.get(template, 0) < 1:
        raise ApiError(43101, "user refuse to accept the msg")
    follower.consents[template] -= 1
    return {"msgid": account.record("subscription", follower.openid, body)}


def _text(account: Account, content: Body) -> None:
    text = content.get("content")
    if not isinstance(text, str) or not text:
        raise ApiError(44004, "empty content")
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise ApiError(45002, "content size out of limit")


def _news(account: Account, content: Body) -> None:
    if len(content.get("articles", ())) > 1:
        raise ApiError(45008, "article size out of limit")


def _menu(account: Account, content: Body) -> None:
    if not account.verified:
        raise ApiError(40200, "invalid account type")
    _text(account, {"content": content.get("head_content")})


def _media(account: Account, content: Body) -> None:
    if content.get("media_id") not in account.media:
        raise ApiError(40007, "invalid media_id")


def _refuse_kind(account: Account, content: Body) -> None:
    raise ApiError(40008, "invalid message type")


def _check_template(account: Account, body: Body) -> None:
    if body.get("template_id") not in account.templates:
        raise ApiError(40037, "invalid template_id")
    for name, given in (body.get("data") or {}).items():
        pattern = FITTING.get(str(name).rstrip("0123456789"))
        value = given.get("value") if isinstance(given, dict) else None
        if not isinstance(value, str) or not value or (pattern and not pattern.fullmatch(value)):
            raise ApiError(47003, f"argument invalid! data.{name}.value invalid")


KINDS: Mapping[str, Callable[[Account, Body], None]] = {
    "text": _text,
    "news": _news,
    "msgmenu": _menu,
    "image": _media,
    "voice": _media,
}
PATHS: Mapping[str, Handler] = {
    "/cgi-bin/message/custom/send": custom_send,
    "/cgi-bin/message/custom/typing": typing,
    "/cgi-bin/message/template/send": template_send,
    "/cgi-bin/message/subscribe/bizsend": subscribe_send,
}


def api_router(
    account: Account, then: Callable[[str, Body, Body], None] = lambda path, body, answer: None
) -> APIRouter:
    """The API; `then` is told of every call that went well, after its answer is made."""
    router = APIRouter()

    @router.post("/cgi-bin/stable_token")
    async def stable_token(request: Request) -> JSONResponse:
        body = await request.body()
        return _answer(account, "/cgi-bin/stable_token", lambda: _stable(account, body_of(body)))

    @router.get("/cgi-bin/token")
    def token(grant_type: str = "", appid: str = "", secret: str = "") -> JSONResponse:
        return _answer(account, "/cgi-bin/token", lambda: _told(*account.classic_token(appid, secret)))

    @router.get("/cgi-bin/media/get")
    def media(access_token: str = "", media_id: str = "") -> Response:
        try:
            account.check("/cgi-bin/media/get", access_token)
        except ApiError as error:
            return JSONResponse({"errcode": error.code, "errmsg": str(error)})
        if media_id not in account.media:
            return JSONResponse({"errcode": 40007, "errmsg": "invalid media_id"})
        return Response(account.media[media_id], media_type="application/octet-stream")

    @router.post("/cgi-bin/message/{kind}/{verb}")
    async def call(kind: str, verb: str, request: Request, access_token: str = "") -> JSONResponse:
        path, body = request.url.path, await request.body()

        def done() -> Body:
            account.check(path, access_token)
            handler = PATHS.get(path)
            if handler is None:
                raise ApiError(48001, "api unauthorized")
            if ESCAPED.search(body):
                raise ApiError(
                    40033, "invalid charset. please check your request, if include \\uxxxx will create fail!"
                )
            found = body_of(body)
            with account.lock:
                answer = handler(account, found)
            then(path, found, answer)
            return answer

        return await run_in_threadpool(_answer, account, path, done)

    return router


def _answer(account: Account, path: str, make: Callable[[], Body]) -> JSONResponse:
    try:
        answer = make()
        code, words = 0, "ok"
    except ApiError as error:
        answer, code, words = {}, error.code, str(error)
    account.calls.append((path, code))
    named = {} if "access_token" in answer else {"errcode": code, "errmsg": words}
    return JSONResponse({**named, **answer})


def _stable(account: Account, body: Body) -> Body:
    if waiting := account.faults.get("/cgi-bin/stable_token"):
        raise ApiError(waiting.pop(0), "as told")
    if body.get("grant_type") != "client_credential":
        raise ApiError(40002, "invalid grant_type")
    appid, secret = str(body.get("appid", "")), str(body.get("secret", ""))
    return _told(*account.stable_token(appid, secret, bool(body.get("force_refresh"))))


def _told(token: str, seconds: int) -> Body:
    return {"access_token": token, "expires_in": seconds}
