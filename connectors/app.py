"""The HTTP application: a list of small parts around one assistant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles

from bot.assistant import Assistant
from bot.build import build_assistant
from bot.channels.web_sessions import CHANNEL
from bot.database import in_memory
from bot.domain import read_domain
from bot.messages import BEHIND
from bot.settings import Settings
from bot.staff.sessions import signing_key
from connectors import assist_api, cases_api, feedback_api, knowledge_api, metrics, problem, rest, track_api
from connectors.channels.gateway import Gateway
from connectors.channels.postman import Postman
from connectors.channels.registry import check_channels, open_channels, read_channels
from connectors.desk.known import KnownSearch
from connectors.desk.router import router as desk_router
from connectors.desk.stream_api import Pulse
from connectors.heap import settle
from connectors.limits import Limits
from connectors.live.connect import live_desk
from connectors.open311.client import neighbour_of
from connectors.open311.connect import open311_of
from connectors.open311.router import refusal_of
from connectors.open311.selection import SOURCE as OPEN311_SOURCE
from connectors.phone import taps
from connectors.phone.connect import router as calls_router
from connectors.phone.connect import switchboard_of
from connectors.rasa import action_server, http_api
from connectors.rasa.action_turns import FOREIGN
from connectors.rasa.engine import engine_of
from connectors.rasa.seal import Seal
from connectors.reload import Reloader
from connectors.reload import router as reload_router
from connectors.security_headers import SecurityHeaders
from connectors.shadow import STOP_SECONDS, start_shadow
from connectors.staff.caller import staff_parts
from connectors.staff.router import router as staff_router
from connectors.sweeper import Sweeper
from connectors.throttle import Throttle
from connectors.web import api as web_api
from connectors.web import deep_chat_api, embed
from connectors.web import stream as web_stream
from connectors.web.channel import WebPages
from connectors.web.chat import WebChat
from connectors.web.origins import Doors
from connectors.web.rasa_socket import PATH as RASA_PATH
from connectors.web.rasa_socket import RasaSocket

OPEN311 = "/open311"
STATIC = Path(__file__).with_name("static")
# Of an address that answers browsers and programs differently, so that no cache mixes them up.
VARY = {"Vary": "Accept"}


def create_app(settings: Settings | None = None, assistant: Assistant | None = None) -> FastAPI:
    """The application; the assistant is built at start-up unless one is given."""
    settings = settings or Settings()
    domain = assistant.domain if assistant else read_domain()
    web = WebChat(lambda: app.state.assistant, settings)
    gateway = Gateway(lambda: app.state.assistant, lambda: postman.ring())
    channels = open_channels(check_channels(read_channels(settings.channels)), gateway)
    postman = Postman(lambda: app.state.assistant.store, (*channels, WebPages(web)))
    postman.gateway = gateway

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.assistant = assistant or build_assistant(settings, live=live_desk(settings))
        app.state.settings = settings
        seal = app.state.seal = Seal(signing_key(settings.secret.get_secret_value(), settings.data_dir))
        rasa = engine_of(settings, seal)
        app.state.readers = CapacityLimiter(action_server.READERS)
        app.state.assistant.stand_in = rasa.handle if rasa else None
        engine = app.state.assistant
        throttle = app.state.throttle = Throttle(settings.redis_url)
        app.state.staff = staff_parts(
            settings, engine.store, engine.clock, domain, engine.catalogue, throttle,
            lambda: app.state.assistant.dispatcher, lambda: app.state.assistant.duplicates,
        )  # fmt: skip
        shadow = start_shadow(settings, app.state.assistant)
        reloader = app.state.reloader = Reloader(app, settings)
        reloader.start()
        neighbour = neighbour_of(settings, app.state.assistant.store, domain)
        sweeper = Sweeper(
            lambda: app.state.assistant.store,
            settings.sweep_seconds,
            neighbour.delivery if neighbour else None,
            neighbour.follow if neighbour else None,
            lambda: app.state.assistant.dispatcher if settings.auto_dispatch else None,
            lambda: app.state.assistant.duplicates.index if app.state.assistant.duplicates else None,
            domain,
        )
        sweeper.start()
        app.state.gateway, app.state.postman, app.state.web = gateway, postman, web
        app.state.pulse = Pulse(lambda: app.state.assistant.store)
        known = app.state.known = KnownSearch()
        if not in_memory(engine.store.engine):
            engine.store.channels = frozenset(postman.channels)
            postman.start()
        web.feed.start()
        calls = app.state.calls = switchboard_of(lambda: app.state.assistant, settings.call_days)
        calls.start()
        if assistant is None:
            settle()
        yield
        await rasa_socket.stop()
        await calls.stop()
        known.stop()
        await web.feed.stop()
        sweeper.stop()
        postman.stop()
        gateway.close()
        for channel in channels:
            channel.close()
        if neighbour is not None:
            neighbour.close()
        reloader.stop()
        if shadow is not None:
            shadow.close(STOP_SECONDS)
        app.state.assistant.live.close()
        if rasa is not None:
            rasa.close()

    app = FastAPI(title="Chengda 城答", lifespan=lifespan, docs_url="/docs", redoc_url=None)
    app.state.reserved = frozenset({CHANNEL, OPEN311_SOURCE, FOREIGN, BEHIND, *(channel.name for channel in channels)})
    problem.install(app, domain)
    app.include_router(rest.router)
    app.include_router(knowledge_api.router)
    app.include_router(cases_api.router)
    app.include_router(assist_api.router)
    app.include_router(track_api.router)
    app.include_router(feedback_api.router)
    app.include_router(reload_router)
    app.include_router(metrics.router)
    app.include_router(web_api.router)
    app.include_router(web_stream.router)
    app.include_router(deep_chat_api.router)
    app.include_router(embed.router)
    app.include_router(staff_router)
    app.include_router(calls_router)
    app.include_router(desk_router)
    app.include_router(action_server.router)
    app.include_router(http_api.router)
    app.include_router(http_api.conversations)
    doors = [channel.router() for channel in channels]
    signed = [route for door in (*doors, taps.router) for route in door.routes if isinstance(route, APIRoute)]
    for door in doors:
        app.include_router(door)
    rasa_socket = RasaSocket(web, lambda: app.state.throttle)
    app.mount(RASA_PATH, rasa_socket.app)
    app.mount(OPEN311, open311_of(settings, lambda: app.state.assistant, domain))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(
        Limits,
        domain=domain,
        requests_a_minute=settings.rate_limit,
        trusted_proxy=settings.trusted_proxy,
        refusals={f"{OPEN311}/": refusal_of(domain), deep_chat_api.PATH: deep_chat_api.refusal_of(domain)},
        may_call=action_server.may_call,
        uncounted=[route.path_regex for route in signed],
    )
    app.add_middleware(Doors, origins=web.origins)
    app.add_middleware(SecurityHeaders)

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/status", response_model=None, tags=["Rasa"])
    def status(request: Request, response: Response) -> FileResponse | dict[str, Any]:
        """For browsers, which ask for HTML, the page of a case's progress; else the model, as Rasa tells it."""
        if "text/html" in request.headers.get("accept", ""):
            return FileResponse(STATIC / "status.html", headers=VARY)
        response.headers.update(VARY)
        return http_api.status_of(request.app.state.assistant)

    @app.get("/desk", include_in_schema=False)
    def desk_page() -> FileResponse:
        return FileResponse(STATIC / "desk.html")

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz(request: Request) -> dict[str, str]:
        """200 once model, index and database can serve."""
        request.app.state.assistant.store.ready()
        return {"status": "ready"}

    return app
