"""The whole stand-in of WeCom as one server: the API, and addresses under `/mock` to act and to look in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from connectors.mock.wechat import Fault
from connectors.mock.wecom_api import api_router
from connectors.mock.wecom_corp import Corp
from connectors.mock.wecom_pusher import Pusher


class Said(BaseModel):
    """A text of a citizen, or a tap on a line of a menu by its id."""

    user: str = "wmCitizen"
    text: str
    menu: str = ""


class Sent(BaseModel):
    """A message of any kind with its content as WeCom names it."""

    user: str = "wmCitizen"
    kind: str = Field(description="image, voice, location, link …")
    content: dict[str, Any] = Field(default_factory=dict)


class Done(BaseModel):
    """What is done to a citizen's conversation: enter, take, say (by a person of the corp) or finish."""

    user: str = "wmCitizen"
    text: str = ""


def create_wecom(corp: Corp, pusher: Pusher) -> FastAPI:
    """The server."""
    app = FastAPI(title="Stand-in for WeCom", redoc_url=None)
    app.include_router(api_router(corp))

    @app.post("/mock/check")
    def check() -> dict[str, bool]:
        return {"accepted": pusher.check()}

    @app.post("/mock/say")
    def say(said: Said) -> dict[str, bool]:
        return {"called": pusher.say(said.user, said.text, menu=said.menu)}

    @app.post("/mock/send")
    def send(sent: Sent) -> dict[str, bool]:
        return {"called": pusher.send(sent.user, sent.kind, sent.content)}

    @app.post("/mock/enter")
    def enter(done: Done) -> dict[str, str]:
        return {"welcome_code": pusher.enter(done.user, done.text)}

    @app.post("/mock/servicer/{what}")
    def servicer(what: str, done: Done) -> dict[str, bool]:
        match what:
            case "take":
                return {"called": pusher.take(done.user)}
            case "say":
                return {"called": pusher.servicer_says(done.user, done.text)}
            case "finish":
                return {"called": pusher.finish(done.user)}
        raise HTTPException(404)

    @app.post("/mock/fault")
    def fault(told: Fault) -> dict[str, str]:
        corp.faults[told.path] = list(told.codes)
        return {"status": "set"}

    @app.post("/mock/expire")
    def expire(forget: bool = False) -> dict[str, str]:
        corp.expire(forget)
        return {"status": "expired"}

    @app.get("/mock/state")
    def state() -> dict[str, Any]:
        with corp.lock:
            return {
                "customers": [asdict(one) for one in corp.customers.values()],
                "sent": [{**asdict(one), "text": one.text} for one in corp.sent],
                "calls": [{"path": path, "errcode": code} for path, code in corp.calls],
            }

    return app
