"""Errors over HTTP: problem+json (RFC 9457) in the person's language, never a trace."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bot.domain import Domain

logger = logging.getLogger("chengda")
MEDIA_TYPE = "application/problem+json"
KNOWN = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    422: "invalid",
    429: "too_many",
    503: "not_ready",
}


def problem(status: int, domain: Domain, language: str, **extra: object) -> JSONResponse:
    """A problem document for a status."""
    name = KNOWN.get(status, "internal" if status >= 500 else "bad_request")
    values = {"reference": extra.get("reference", "")}
    headers = extra.pop("headers", None)
    body = {
        "type": "about:blank",
        "title": domain.text(f"utter_problem_title_{name}", language),
        "status": status,
        "detail": domain.text(f"utter_problem_{name}", language, **values),
        **extra,
    }
    return JSONResponse(
        body, status, headers=dict(headers) if isinstance(headers, Mapping) else None, media_type=MEDIA_TYPE
    )


def language_of(request: Request) -> str:
    """The language of the Accept-Language header, Chinese when it asks for neither."""
    wanted = request.headers.get("accept-language", "").lower()
    return "en" if wanted.startswith("en") or ("en" in wanted and "zh" not in wanted) else "zh"


def install(app: FastAPI, domain: Domain) -> None:
    """Answer every error of the app with a problem document."""

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, domain, language_of(request), headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        bad_json = any(part["type"] == "json_invalid" for part in error.errors())
        errors = [
            {"field": ".".join(str(part) for part in one["loc"] if part != "body"), "problem": one["msg"]}
            for one in error.errors()
        ]
        return problem(400 if bad_json else 422, domain, language_of(request), errors=errors)

    @app.exception_handler(Exception)
    async def on_crash(request: Request, error: Exception) -> JSONResponse:
        reference = secrets.token_hex(4)
        logger.error("reference %s: %s %s failed", reference, request.method, request.url.path, exc_info=error)
        return problem(500, domain, language_of(request), reference=reference)
