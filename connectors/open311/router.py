"""The Open311 endpoint over HTTP, as an application of its own: each method a thin shell around the office."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect

from bot.domain import Domain
from connectors.limits import MAX_BODY_BYTES
from connectors.open311.asked import Asked, read_query
from connectors.open311.office import Office
from connectors.open311.posted import Posted, read_form
from connectors.open311.problems import OF_STATUS, Kind, Problem, Refused, refused
from connectors.open311.records import Wire
from connectors.open311.services import endpoints
from connectors.open311.wire import MEDIA_TYPES, Format, write
from connectors.problem import language_of

logger = logging.getLogger("chengda")
PREFIX, TEST_PREFIX = "/v2", "/test/v2"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
MOST_FIELDS = 500


def language_for(request: Request) -> str:
    """The language asked for in the query, else that of the Accept-Language header."""
    wanted = request.query_params.get("language", "").lower()[:2]
    return wanted if wanted in ("zh", "en") else language_of(request)


def format_of(request: Request) -> Format:
    """The format of a path; of another path the one the Accept header names, else XML."""
    ending = request.url.path.rpartition(".")[2].lower()
    if ending in tuple(Format):
        return Format(ending)
    return Format.JSON if "json" in request.headers.get("accept", "") else Format.XML


def answer(form: Format, root: str, value: Any, status: int = 200) -> Response:
    """A tree, a record or a list of records as a response."""
    tree = [one.tree() if isinstance(one, Wire) else one for one in value] if isinstance(value, list) else value
    return Response(write(form, root, tree), status, media_type=MEDIA_TYPES[form])


def refusal(request: Request, domain: Domain, *problems: Problem) -> Response:
    """Problems as the error array of the protocol; the status is that of the first."""
    language = language_for(request)
    entries = [problem.entry(domain, language) for problem in problems]
    return answer(format_of(request), "errors", entries, problems[0].kind.status)


def refusal_of(domain: Domain) -> Callable[[Request, int], Response]:
    """How a refusal before the endpoint is reached is told: too many requests, too large a body."""
    return lambda request, status: refusal(request, domain, Problem(OF_STATUS[status]))


def create_open311(office: Callable[[], Office], rehearsal: Callable[[], Office], domain: Domain) -> FastAPI:
    """The application to mount; `rehearsal` gives the office of the test endpoint, whose cases nobody works on."""
    app = FastAPI(
        title="Chengda 城答 · Open311 GeoReport v2", docs_url=None, redoc_url=None, openapi_url="/openapi.json"
    )
    for prefix, door in ((PREFIX, office), (TEST_PREFIX, rehearsal)):
        app.include_router(_routes(door), prefix=prefix)
    app.include_router(_discovery(office))
    app.include_router(_discovery(office), prefix=PREFIX)
    _install_errors(app, domain)
    return app


def _discovery(office: Callable[[], Office]) -> APIRouter:
    router = APIRouter()

    @router.get("/discovery.{form}")
    def discovery(request: Request, form: Format) -> Response:
        """Where the endpoints are and what they speak."""
        root = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
        tree = endpoints(office().city, root + PREFIX, root + TEST_PREFIX, language_for(request))
        return answer(form, "discovery", tree)

    return router


def _routes(office: Callable[[], Office]) -> APIRouter:
    router = APIRouter()

    @router.get("/services.{form}")
    def services(request: Request, form: Format, jurisdiction_id: str = "") -> Response:
        """The services of the city."""
        office().check_city(jurisdiction_id)
        return answer(form, "services", office().services(language_for(request)).trees())

    @router.get("/services/{code}.{form}")
    def definition(request: Request, code: str, form: Format, jurisdiction_id: str = "") -> Response:
        """What a service asks for."""
        office().check_city(jurisdiction_id)
        found = office().services(language_for(request))
        item = found.find(code)
        if item is None:
            raise refused(Kind.SERVICE_UNKNOWN, code=code[:20])
        return answer(form, "service_definition", found.definition(item))

    @router.post("/requests.{form}")
    async def post_request(request: Request, form: Format) -> Response:
        """Make a case."""
        posted, retry_key = await _posted(request), request.headers.get("idempotency-key", "").strip()
        made = await run_in_threadpool(office().file, posted, retry_key or None, language_for(request))
        return answer(form, "service_requests", [made])

    @router.get("/requests.{form}")
    def requests(request: Request, form: Format, reader: str | None = Depends(_reader(office))) -> Response:
        """The cases of a time, or of a list of numbers."""
        found = office().requests(_asked(request, office()), reader, language_for(request))
        return answer(form, "service_requests", found)

    @router.get("/requests/{number}.{form}")
    def one(request: Request, number: str, form: Format, reader: str | None = Depends(_reader(office))) -> Response:
        """One case, in a list of one."""
        asked = _asked(request, office())
        found = office().request(number, reader, language_for(request), asked.extensions)
        return answer(form, "service_requests", [found])

    @router.get("/tokens/{token}.{form}")
    def token(token: str, form: Format, reader: str | None = Depends(_reader(office))) -> Response:
        """The case of a token."""
        return answer(form, "service_requests", [office().token(token, reader)])

    @router.get("/servicerequestupdates.{form}")
    def updates(request: Request, form: Format, reader: str | None = Depends(_reader(office))) -> Response:
        """What changed, the extension of mySociety."""
        found = office().updates(_asked(request, office()), reader, language_for(request))
        return answer(form, "service_request_updates", found)

    @router.post("/servicerequestupdates.{form}")
    async def post_update(request: Request, form: Format) -> Response:
        """A word from outside on a case."""
        made = await run_in_threadpool(office().update, await _posted(request))
        return answer(form, "service_request_updates", [{"update_id": made.update_id}])

    return router


def _reader(office: Callable[[], Office]) -> Callable[[Request], str | None]:
    def reader(request: Request) -> str | None:
        query = request.query_params
        office().check_city(query.get("jurisdiction_id"))
        return office().reader(query.get("api_key"))

    return reader


def _asked(request: Request, office: Office) -> Asked:
    return read_query(request.query_params, office.store.now())


async def _posted(request: Request) -> Posted:
    """The form of a request with its files, and what stands in the address."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    pairs = list(request.query_params.multi_items())
    if kind not in FORMS:
        raise refused(Kind.FORM_WRONG)
    length = request.headers.get("content-length", "0")
    if kind == FORMS[0] and length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise refused(Kind.TOO_LARGE)
    try:
        async with request.form(max_fields=MOST_FIELDS) as form:
            items = form.multi_items()
            pairs += [(name, value) for name, value in items if isinstance(value, str)]
            uploads = [value for _, value in items if not isinstance(value, str) and value.filename]
            files = [(str(upload.filename), await upload.read()) for upload in uploads]
    except (MultiPartException, UnicodeDecodeError):
        raise refused(Kind.FORM_WRONG) from None
    except ClientDisconnect:
        raise refused(Kind.TOO_LARGE) from None
    return read_form(pairs, files)


def _install_errors(app: FastAPI, domain: Domain) -> None:
    """Answer every error below the endpoint with an error array."""

    @app.exception_handler(Refused)
    async def on_refused(request: Request, error: Refused) -> Response:
        return refusal(request, domain, *error.problems)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        told = refusal(request, domain, Problem(OF_STATUS.get(error.status_code, Kind.FORM_WRONG)))
        told.headers.update(error.headers or {})
        return told

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return refusal(request, domain, Problem(Kind.PATH_UNKNOWN))

    @app.exception_handler(Exception)
    async def on_crash(request: Request, error: Exception) -> Response:
        reference = secrets.token_hex(4)
        logger.error("reference %s: %s %s failed", reference, request.method, request.url.path, exc_info=error)
        return refusal(request, domain, Problem(Kind.BROKEN, {"reference": reference}))
