"""New models in a running server: noticed by the pointer file, loaded beside the old ones, swapped between turns.

A request takes the assistant once, at its start, so a turn in flight ends with the models it began with. Every worker
process looks for itself; `/admin/reload` only makes the one it reaches look at once.
"""

from __future__ import annotations

import logging
import secrets
import threading

from fastapi import APIRouter, FastAPI, HTTPException, Request
from pydantic import BaseModel

from bot.build import rebuilt
from bot.model_folder import ModelFolder
from bot.settings import Settings
from connectors.heap import settle
from connectors.limits import is_local

router = APIRouter()
logger = logging.getLogger("chengda")


class Reloader:
    """Keeps the assistant of one application up to date with the model folder."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._folder = ModelFolder(settings.data_dir)
        self._failed: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="chengda-reload", daemon=True)

    def start(self) -> None:
        """Look for new models every few seconds."""
        if self._settings.reload_seconds:
            self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def check(self, again: bool = False) -> bool:
        """Swap to the models the pointer names, when they are other ones; False when nothing changed.

        Models that cannot be loaded are logged and left, and tried anew only when told to `again`; the old ones go on.
        """
        with self._lock:
            named = self._folder.current()
            if not named or named == self._app.state.assistant.parts or (named == self._failed and not again):
                return False
            try:
                self._app.state.assistant = rebuilt(self._app.state.assistant, self._settings)
            except Exception:
                logger.exception("new models %s could not be loaded; the old ones go on", " ".join(named))
                self._failed = named
                return False
            # Another city's server may share the folder: what names its models is looked at once.
            self._failed = named
            settle()
            logger.warning("new models are served: %s", " ".join(named))
            return True

    def _watch(self) -> None:
        while not self._ended.wait(self._settings.reload_seconds):
            self.check()


class Reloaded(BaseModel):
    """Whether new models are served since this call, and the parts of those in use."""

    reloaded: bool
    models: list[str]


@router.post("/admin/reload", responses={403: {"description": "Neither the token nor a caller on this machine."}})
def reload(request: Request) -> Reloaded:
    """Look for newly trained models at once.

    Needs `Authorization: Bearer` with CHENGDA_ADMIN_TOKEN, or a caller on the same machine where no token is set.
    """
    settings: Settings = request.app.state.settings
    if not _allowed(request, settings.admin_token.get_secret_value()):
        raise HTTPException(403)
    reloader: Reloader = request.app.state.reloader
    return Reloaded(reloaded=reloader.check(again=True), models=list(ModelFolder(settings.data_dir).current()))


def _allowed(request: Request, token: str) -> bool:
    if token:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and secrets.compare_digest(given.encode(), token.encode())
    return is_local(request)
