"""Errors over HTTP: problem+json (RFC 9457) in the person's language, never a trace."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from bot.cases.hastening import Effect
from bot.cases.states import Move, Role, Status
from bot.domain import Domain
from bot.errors import (
    AccountRefused,
    AlertDecided,
    AnonymousCase,
    BadCallback,
    BadFrame,
    CallOver,
    ChengdaError,
    DraftDecided,
    EvidenceKind,
    EvidenceMissing,
    EvidenceTooLarge,
    EvidenceTooMany,
    IllegalTransition,
    JoinChanged,
    LastAdmin,
    LoginTaken,
    MissingForMove,
    NoCaseForFile,
    NotAllowed,
    NotJoinable,
    NotNow,
    NotYourTalk,
    NoVersion,
    RulingDecided,
    SessionEnded,
    StaleCase,
    TalkOver,
    TalkTaken,
    TooManyLogins,
    UnknownAccount,
    UnknownAlert,
    UnknownCall,
    UnknownCase,
    UnknownDraft,
    UnknownEvidence,
    UnknownRuling,
    UnknownTalk,
    UnknownUnit,
    UnknownWebSession,
    WeakPassword,
    WrongLogin,
)
from bot.staff.desk import Why

logger = logging.getLogger("chengda")
MEDIA_TYPE = "application/problem+json"
KNOWN = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported",
    422: "invalid",
    428: "no_version",
    429: "too_many",
    503: "not_ready",
}
# An error of the tree -> status and wording of the detail; the first that fits counts, None is the status's own.
REFUSALS: Mapping[type[ChengdaError], tuple[int, str | None]] = {
    WrongLogin: (401, "utter_refused_login"),
    SessionEnded: (401, None),
    UnknownWebSession: (401, "utter_refused_web_session"),
    TooManyLogins: (429, "utter_refused_logins"),
    UnknownAccount: (404, None),
    LoginTaken: (409, "utter_refused_taken"),
    LastAdmin: (409, "utter_refused_last_admin"),
    AccountRefused: (422, None),
    WeakPassword: (422, "utter_refused_password"),
    UnknownCase: (404, None),
    UnknownEvidence: (404, None),
    NoCaseForFile: (409, "utter_web_no_case"),
    UnknownRuling: (404, None),
    UnknownUnit: (422, "utter_refused_unit"),
    RulingDecided: (409, "utter_refused_ruling"),
    UnknownAlert: (404, None),
    AlertDecided: (409, "utter_refused_alert"),
    NotAllowed: (403, "utter_refused_role"),
    AnonymousCase: (403, "utter_refused_anonymous"),
    NoVersion: (428, None),
    StaleCase: (409, "utter_refused_stale"),
    NotNow: (409, "utter_refused_now"),
    IllegalTransition: (409, "utter_refused_status"),
    MissingForMove: (422, "utter_refused_missing"),
    EvidenceKind: (415, "utter_refused_kind"),
    EvidenceTooLarge: (413, "utter_refused_size"),
    EvidenceTooMany: (409, "utter_refused_files"),
    EvidenceMissing: (422, "utter_refused_no_file"),
    BadCallback: (403, "utter_call_signature"),
    BadFrame: (422, "utter_call_bad_frame"),
    UnknownCall: (404, "utter_call_unknown"),
    CallOver: (409, "utter_call_over"),
    UnknownTalk: (404, None),
    TalkTaken: (409, "utter_refused_talk_taken"),
    NotYourTalk: (409, "utter_refused_talk_other"),
    TalkOver: (409, "utter_refused_talk_over"),
    UnknownDraft: (404, None),
    DraftDecided: (409, "utter_refused_draft"),
    JoinChanged: (409, "utter_refused_join_changed"),
    NotJoinable: (409, "utter_refused_join"),
}
NAMED: Mapping[type, str] = {Move: "move", Status: "status", Role: "role", Effect: "hasten", Why: "why"}
CHALLENGE = {"WWW-Authenticate": "Bearer"}


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


def refusal(error: ChengdaError, status: int, wording: str | None, domain: Domain, language: str) -> JSONResponse:
    """A problem document for an error of the tree; one that lacks what its wording tells gets the status's own."""
    extra = dict(error.extra)
    headers = extra.pop("headers", CHALLENGE if status == 401 else None)
    values = {name: told(value, domain, language) for name, value in error.values.items()}
    try:
        detail = {"detail": domain.text(wording, language, **values)} if wording else {}
    except KeyError:
        detail = {}
    return problem(status, domain, language, headers=headers, **extra, **detail)


def told(value: object, domain: Domain, language: str) -> str:
    """A value as a person reads it: moves, statuses and roles by their names."""
    if isinstance(value, tuple):
        names = [told(one, domain, language) for one in value]
        return ("、" if language == "zh" else ", ").join(names) or domain.text("utter_nothing", language)
    prefix = next((f"utter_{word}_" for kind, word in NAMED.items() if isinstance(value, kind)), None)
    return domain.text(f"{prefix}{value}", language) if prefix else str(value)


def language_of(request: HTTPConnection) -> str:
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

    @app.exception_handler(ChengdaError)
    async def on_refusal(request: Request, error: ChengdaError) -> JSONResponse:
        found = next((row for kind, row in REFUSALS.items() if isinstance(error, kind)), None)
        return await on_crash(request, error) if found is None else refusal(error, *found, domain, language_of(request))

    @app.exception_handler(DataError)
    async def on_unkept(request: Request, error: DataError) -> JSONResponse:
        """A value that no column can hold, such as a number with a NUL in it."""
        return problem(400, domain, language_of(request))

    @app.exception_handler(Exception)
    async def on_crash(request: Request, error: Exception) -> JSONResponse:
        reference = secrets.token_hex(4)
        logger.error("reference %s: %s %s failed", reference, request.method, request.url.path, exc_info=error)
        return problem(500, domain, language_of(request), reference=reference)
