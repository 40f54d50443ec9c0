"""The stand-in's side of `qyapi.weixin.qq.com`: fetching, sending and sessions, with WeCom's rules and codes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from connectors.mock.body import Body, body_of
from connectors.mock.wechat_account import ApiError
from connectors.mock.wecom_corp import ALLOWED, AT_ONCE, BOT, ENDED, HUMAN, NEW, QUEUED, Corp, Customer

MAX_TEXT_BYTES, MAX_MENU_BYTES, MAX_LINE_BYTES = 2048, 1024, 128
MSGID = re.compile(r"[0-9a-zA-Z_-]{0,32}")
GET_TOKEN = "/cgi-bin/gettoken"
Handler = Callable[[Corp, Body], Body]


def sync_msg(corp: Corp, body: Body) -> Body:
    """A page of what was said."""
    limit = body.get("limit", 1000)
    if not isinstance(limit, int) or not 1 <= limit <= 1000:
        raise ApiError(40058, "invalid limit")
    return corp.fetched(body.get("open_kfid"), str(body.get("cursor", "")), str(body.get("token", "")), limit)


def send_msg(corp: Corp, body: Body) -> Body:
    """One message to a citizen; the same `msgid` again delivers nothing anew."""
    customer, msgid = corp.known(body.get("open_kfid"), body.get("touser")), _msgid(body)
    _check_content(body)
    if any(one.msgid == msgid for one in corp.sent):
        return {"msgid": msgid}
    if customer.session == ENDED or customer.until <= corp.clock():
        raise ApiError(95013, "conversation is end")
    if customer.session not in (NEW, BOT):
        raise ApiError(95018, "session status invalid")
    if customer.left < 1:
        raise ApiError(95001, "send msg count limit")
    customer.left -= 1
    corp.deliver("send", customer, msgid, body)
    return {"msgid": msgid}


def send_on_event(corp: Corp, body: Body) -> Body:
    """The one message that a code allows."""
    code, msgid = corp.codes.get(str(body.get("code"))), _msgid(body)
    _check_content(body)
    if code is None or code.until <= corp.clock():
        raise ApiError(41050, "code expired")
    if code.used:
        raise ApiError(41051, "code used")
    code.used = True
    corp.deliver("event", code.customer, msgid, body)
    return {"msgid": msgid}


def state_get(corp: Corp, body: Body) -> Body:
    """Who has a conversation."""
    customer = corp.known(body.get("open_kfid"), body.get("external_userid"))
    return {"service_state": customer.session, "servicer_userid": customer.servicer}


def state_trans(corp: Corp, body: Body) -> Body:
    """Give a conversation to somebody else."""
    customer, to = corp.known(body.get("open_kfid"), body.get("external_userid")), body.get("service_state")
    if to not in ALLOWED[customer.session]:
        raise ApiError(95016, "not allowed to change the session status")
    if to == HUMAN and body.get("servicer_userid") not in corp.servicers:
        raise ApiError(95005, "invalid servicer")
    return _moved(corp, customer, int(to), str(body.get("servicer_userid", "")))


def _moved(corp: Corp, customer: Customer, to: int, servicer: str) -> Body:
    customer.session, customer.servicer = to, servicer if to == HUMAN else ""
    return {"msg_code": corp.code(customer)} if to in (QUEUED, HUMAN, ENDED) else {}


def _msgid(body: Body) -> str:
    msgid = body.get("msgid", "")
    if not isinstance(msgid, str) or not MSGID.fullmatch(msgid):
        raise ApiError(40058, "invalid msgid")
    return msgid or secrets.token_hex(16)


def _check_content(body: Body) -> None:
    kind = body.get("msgtype")
    content = body.get(str(kind))
    if not isinstance(content, dict) or kind not in ("text", "msgmenu"):
        raise ApiError(40008, "invalid message type")
    text = content.get("content" if kind == "text" else "head_content")
    if not isinstance(text, str) or not text:
        raise ApiError(44004, "empty content")
    if len(text.encode()) > (MAX_TEXT_BYTES if kind == "text" else MAX_MENU_BYTES):
        raise ApiError(45002, "content size out of limit")
    for line in content.get("list", ()):
        told = line.get("click") if isinstance(line, dict) else None
        sizes = [len(str(told.get(name, "")).encode()) for name in ("id", "content")] if isinstance(told, dict) else [0]
        if not all(1 <= size <= MAX_LINE_BYTES for size in sizes):
            raise ApiError(40058, "invalid menu")


PATHS: Mapping[str, Handler] = {
    "/cgi-bin/kf/sync_msg": sync_msg,
    "/cgi-bin/kf/send_msg": send_msg,
    "/cgi-bin/kf/send_msg_on_event": send_on_event,
    "/cgi-bin/kf/service_state/get": state_get,
    "/cgi-bin/kf/service_state/trans": state_trans,
}


def api_router(corp: Corp) -> APIRouter:
    """The API."""
    router = APIRouter()

    @router.get(GET_TOKEN)
    def token(corpid: str = "", corpsecret: str = "") -> JSONResponse:
        def told() -> Body:
            waiting = corp.faults.get(GET_TOKEN)
            if waiting:
                raise ApiError(waiting.pop(0), "as told")
            found, seconds = corp.token(corpid, corpsecret)
            return {"access_token": found, "expires_in": seconds}

        return _answer(corp, GET_TOKEN, told)

    @router.post("/cgi-bin/kf/{rest:path}")
    async def call(request: Request, access_token: str = "") -> JSONResponse:
        path, content = request.url.path, await request.body()

        def done() -> Body:
            corp.check(path, access_token)
            handler = PATHS.get(path)
            if handler is None:
                raise ApiError(48002, "api forbidden")
            body = body_of(content)
            if handler is sync_msg:
                with corp.lock:
                    corp.syncing += 1
                try:
                    if corp.syncing > AT_ONCE:
                        raise ApiError(45033, "too many calls at once")
                    found = handler(corp, body)
                    corp.done(path)
                    return found
                finally:
                    with corp.lock:
                        corp.syncing -= 1
            with corp.lock:
                found = handler(corp, body)
            corp.done(path)
            return found

        return await run_in_threadpool(_answer, corp, path, done)

    return router


def _answer(corp: Corp, path: str, make: Callable[[], Body]) -> JSONResponse:
    try:
        answer, code, words = make(), 0, "ok"
    except ApiError as error:
        answer, code, words = {}, error.code, str(error)
    corp.calls.append((path, code))
    return JSONResponse({"errcode": code, "errmsg": words, **answer})
