"""The whole stand-in as one server: the API, and addresses under `/mock` to act as a citizen and to look in."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from connectors.mock.wechat_account import Account
from connectors.mock.wechat_api import api_router
from connectors.mock.wechat_pusher import Pusher

TEMPLATE_PATH = "/cgi-bin/message/template/send"


class Said(BaseModel):
    """A text of a citizen; the same `number` again is a retry."""

    openid: str = "oCitizen"
    text: str
    number: str | None = Field(default=None, pattern="^[0-9]{1,20}$")


class Pushed(BaseModel):
    """A message or an event of any kind with its fields as WeChat names them."""

    openid: str = "oCitizen"
    kind: str = Field(description="text, voice, image, location … or event")
    event: str = ""
    fields: dict[str, str | int | float] = Field(default_factory=dict)


class Fault(BaseModel):
    """Error codes for the next calls to a path."""

    path: str
    codes: list[int]


def create_wechat(account: Account, pusher: Pusher) -> FastAPI:
    """The server."""
    app = FastAPI(title="Stand-in for WeChat", redoc_url=None)

    def then(path: str, body: dict[str, Any], answer: dict[str, Any]) -> None:
        if path == TEMPLATE_PATH:
            told = (body["touser"], answer["msgid"], account.job_status)
            threading.Thread(target=pusher.job_end, args=told, daemon=True).start()

    app.include_router(api_router(account, then))

    @app.post("/mock/check")
    def check() -> dict[str, bool]:
        return {"accepted": pusher.check()}

    @app.post("/mock/say")
    def say(said: Said) -> dict[str, Any]:
        return asdict(pusher.say(said.openid, said.text, said.number))

    @app.post("/mock/push")
    def push(pushed: Pushed) -> dict[str, Any]:
        if pushed.kind == "event":
            return asdict(pusher.do(pushed.openid, pushed.event, "", **pushed.fields))
        return asdict(pusher.send(pushed.openid, pushed.kind, **pushed.fields))

    @app.post("/mock/attack/{name}")
    def attack(name: str) -> dict[str, int]:
        found = pusher.attacks().get(name)
        if found is None:
            raise HTTPException(404)
        return {"status": found().status_code}

    @app.get("/mock/attacks")
    def attacks() -> list[str]:
        return list(pusher.attacks())

    @app.post("/mock/fault")
    def fault(told: Fault) -> dict[str, str]:
        account.faults[told.path] = list(told.codes)
        return {"status": "set"}

    @app.post("/mock/expire")
    def expire(forget: bool = False) -> dict[str, str]:
        account.expire(forget)
        return {"status": "expired"}

    @app.get("/mock/state")
    def state() -> dict[str, Any]:
        with account.lock:
            return {
                "followers": [asdict(one) for one in account.followers.values()],
                "sent": [{**asdict(one), "text": one.text} for one in account.sent],
                "calls": [{"path": path, "errcode": code} for path, code in account.calls],
            }

    return app
