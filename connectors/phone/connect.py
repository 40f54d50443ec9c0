"""What the application needs of the telephone: the switchboard and the doors."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from bot.assistant import Assistant
from connectors.assist_api import assistance_of
from connectors.phone import sockets, taps
from connectors.phone.switchboard import Switchboard

router = APIRouter()
router.include_router(sockets.router)
router.include_router(taps.router)


def switchboard_of(assistant: Callable[[], Assistant], days: int) -> Switchboard:
    """The calls of a process; their transcripts are kept for some days."""
    return Switchboard(lambda: assistant().store, lambda: assistance_of(assistant()), days)
