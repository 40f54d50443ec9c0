"""The chat for other sites' pages: a loader, a page that only allowed sites may frame, and the tag to copy."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from connectors.web.chat import WebChat

STATIC = Path(__file__).resolve().parents[1] / "static"
LOADER = STATIC / "embed.js"
router = APIRouter(include_in_schema=False)


def widget_policy(origins: tuple[str, ...]) -> str:
    """The content security policy of the framed page."""
    framers = " ".join(("'self'", *origins))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
        f"frame-ancestors {framers}; require-trusted-types-for 'script'"
    )


def integrity(content: bytes) -> str:
    """The value of a script's integrity attribute."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def tag(address: str, language: str = "zh") -> str:
    """The script tag to copy into a page."""
    return (
        f'<script src="{address.rstrip("/")}/embed.js" integrity="{integrity(LOADER.read_bytes())}" '
        f'crossorigin="anonymous" data-language="{language}" data-position="right" async></script>'
    )


@router.get("/embed.js")
def loader() -> FileResponse:
    """The loader, which any site may read and check; who may show the chat is told by the page's own policy."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": "public, max-age=300",
    }
    return FileResponse(LOADER, media_type="text/javascript", headers=headers)


@router.get("/widget")
def widget(request: Request) -> FileResponse:
    """The chat page as other sites frame it; it knows by its address that it is framed."""
    chat: WebChat = request.app.state.web
    headers = {"Content-Security-Policy": widget_policy(chat.origins), "X-Robots-Tag": "noindex"}
    return FileResponse(STATIC / "index.html", headers=headers)
