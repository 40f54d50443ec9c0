"""A citizen's own case over HTTP, by number and query code: its track, hastening, rating and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Request, Response, UploadFile
from pydantic import Field

from bot.answer import case_json
from bot.assistant import Assistant
from bot.cases.case import CITIZEN, Case, Facts
from bot.cases.closing import LEAST, MOST, Rating
from bot.cases.evidence import evidence_rules, ready
from bot.cases.hastening import ALLOWED
from bot.cases.number import CaseNumber
from bot.cases.progress import Progress
from bot.cases.states import OPEN, Move, Role, Status
from bot.cases.telling import Telling
from bot.cases.units import units_of
from bot.channels.places import Place, first_of
from bot.errors import HastenRefused, IllegalTransition, MissingForMove
from bot.nlu.place_wishes import PlaceKind
from bot.settings import Settings
from bot.store import Work
from connectors.limits import address_of
from connectors.lookups import look_up
from connectors.problem import language_of, problem
from connectors.rest import Engine
from connectors.schemas import Body

router = APIRouter(tags=["a citizen's own case"])
LANGUAGES = ("zh", "en")
MAX_REASON = 2000
TAKES_FILES = OPEN | {Status.MERGED}
Score = Annotated[int, Field(ge=LEAST, le=MOST)]
REFUSALS: dict[int | str, dict[str, Any]] = {
    404: {"description": "An unknown number or a wrong code; the two are never told apart."},
    409: {"description": "The case is not where this can be done."},
}


class RatingBody(Body):
    """Four scores from 1 to 5, satisfied or not; not satisfied needs the reason."""

    speed: Score | None = None
    effect: Score | None = None
    service: Score | None = None
    feedback: Score | None = None
    satisfied: bool | None = None
    reason: Annotated[str, Field(max_length=MAX_REASON)] | None = None

    def rating(self) -> Rating:
        """The rating inside."""
        scores = {"speed": self.speed, "effect": self.effect, "service": self.service, "feedback": self.feedback}
        given = {axis: score for axis, score in scores.items() if score is not None}
        return Rating(given, self.satisfied, self.reason)


class PlaceBody(Body):
    """Where notices go, nowhere for null; `only` there, also where that place cannot deliver."""

    place: PlaceKind | None = None
    only: bool = False


def own_case(case_id: str, request: Request, assistant: Engine, code: str = "") -> CaseNumber:
    """The number of a case whose code was given; raises UnknownCase.

    Ten wrong codes in a day close a case to look-ups, thirty in 15 minutes an address, with the same 404.
    """
    settings: Settings = request.app.state.settings
    address = address_of(request.scope, settings.trusted_proxy)
    return look_up(assistant.store, request.app.state.throttle, case_id, code, address).number


Own = Annotated[CaseNumber, Depends(own_case)]


@router.get("/cases/{case_id}", responses={404: REFUSALS[404]})
def case(number: Own, assistant: Engine) -> dict[str, Any]:
    """A case with its track; a wrong code and an unknown number get the same 404."""
    with assistant.store.read() as work:
        return told_case(assistant, work, work.cases.by_number(number))


@router.post("/cases/{case_id}/hasten", responses=REFUSALS)
def hasten(number: Own, assistant: Engine, request: Request) -> Any:
    """Hasten a case, once a day; the answer tells what it brought about, a refusal why it did nothing."""
    with assistant.store.work() as work:
        found = work.cases.by_number(number)
        effect = work.closing.progress(found, assistant.clock()).hasten
        try:
            work.cases.move(number, Move.HASTEN)
        except HastenRefused as refused:
            return _refused(assistant, request, 409, f"utter_hasten_{refused.why}")
        told = told_case(assistant, work, work.cases.by_number(number))
        return {**told, "hastened": {"effect": effect, **_both(assistant, f"utter_hastened_{effect}")}}


@router.post("/cases/{case_id}/rating", responses=REFUSALS)
def rate(number: Own, body: RatingBody, assistant: Engine, request: Request) -> Any:
    """Rate the answer to a case: satisfied closes it, not satisfied sends it back to the unit with the reason."""
    with assistant.store.work() as work:
        return rated(assistant, work, number, body, request)


def rated(assistant: Assistant, work: Work, number: CaseNumber, body: RatingBody, request: Request) -> Any:
    """The case after a rating, or why it was refused."""
    try:
        after = work.closing.rate(number, body.rating(), assistant.clock())
    except IllegalTransition:
        return _refused(assistant, request, 409, "utter_rating_not_now")
    except MissingForMove:
        return _refused(assistant, request, 422, "utter_rating_incomplete")
    return told_case(assistant, work, after)


@router.post(
    "/cases/{case_id}/evidence",
    responses=REFUSALS
    | {
        413: {"description": "Too large, or empty."},
        415: {"description": "Not an allowed type, or not what its name says."},
    },
)
def add_file(
    number: Own,
    assistant: Engine,
    request: Request,
    file: Annotated[UploadFile, File(description="jpg, png, webp, heic, pdf or mp4.")],
) -> Any:
    """Add a photo or paper to an open case; the same file again changes nothing."""
    given = ready(file.filename or "", file.file.read(evidence_rules().most_bytes + 1), Role.CITIZEN)
    with assistant.store.work() as work:
        found = work.cases.held(number)
        if found.status not in TAKES_FILES:
            return _refused(assistant, request, 409, "utter_file_not_now")
        _, fresh = work.evidence.add(number, given, assistant.clock())
        if fresh:
            work.cases.record(number, "evidence", CITIZEN, Facts(), found.status)
        return told_case(assistant, work, work.cases.by_number(number))


@router.post(
    "/cases/{case_id}/notices",
    responses={
        404: REFUSALS[404],
        422: {"description": "The citizen is not known at such a place yet, or gets no notices there."},
    },
)
def choose_place(number: Own, body: PlaceBody, assistant: Engine, request: Request) -> Any:
    """Choose where notices of a case go, or that none are sent; another place follows where one cannot deliver."""
    with assistant.store.work() as work:
        if body.place is None:
            work.mailing.choose_none(number)
            return told_case(assistant, work, work.cases.by_number(number))
        places = [one for one in work.mailing.places.of_case(number) if one.kind == body.place]
        place = next((one for one in places if one.open), None)
        if place is None:
            named = {"place": assistant.domain.text(f"utter_place_{body.place}", language_of(request))}
            why = "utter_notices_place_shut" if places else "utter_notices_place_unknown"
            return _refused(assistant, request, 422, why, **named)
        work.mailing.choose([number], place.sender, body.only)
        return told_case(assistant, work, work.cases.by_number(number))


def _refused(assistant: Assistant, request: Request, status: int, wording: str, **values: str) -> Response:
    language = language_of(request)
    return problem(status, assistant.domain, language, detail=assistant.domain.text(wording, language, **values))


def told_case(assistant: Assistant, work: Work, found: Case) -> dict[str, Any]:
    """Everything the citizen may see; texts in both languages."""
    progress = work.closing.progress(found, assistant.clock())
    words = {
        language: Telling(assistant.domain, assistant.catalogue, assistant.analyst.city, language)
        for language in LANGUAGES
    }
    shown = progress.shown
    return {
        **case_json(found, assistant.catalogue, units_of(assistant.analyst.city), found.language),
        "expected_datetime": shown.expected_at.isoformat(),
        "description": found.draft.description,
        "location": found.draft.location,
        "district": found.draft.district,
        "subdistrict": found.draft.subdistrict,
        "occurred_at": found.draft.occurred_at,
        "requested_datetime": found.filed_at.isoformat(),
        "status_text": {language: told.status(progress) for language, told in words.items()},
        "held_by": {
            "kind": progress.holder,
            "unit": progress.unit,
            **{language: told.holder(progress) for language, told in words.items()},
        },
        "due": {
            "state": progress.due,
            "left": progress.left,
            **{language: told.due(progress) for language, told in words.items()},
        },
        "next_step": {language: told.next_step(progress) for language, told in words.items()},
        "hasten": {
            "allowed": progress.hasten in ALLOWED,
            "effect": progress.hasten,
            **{language: told.hasten(progress) for language, told in words.items()},
        },
        "reply": shown.handling.reply,
        "rateable": progress.rateable,
        "takes_files": found.status in TAKES_FILES,
        "notices": _notices(assistant, work.mailing.places.of_case(found.number)),
        "stations": _stations(progress, words),
        "timeline": _timeline(progress, words),
    }


def _notices(assistant: Assistant, places: Sequence[Place]) -> dict[str, Any]:
    """Where notices may go, and where they go now; nothing of whom a place belongs to."""
    now = first_of(places)
    known = [kind for kind in PlaceKind if any(place.kind == kind and place.open for place in places)]
    return {
        "now": now.kind if now is not None and now.kind in known else None,
        "only": now is not None and any(place.excluded for place in places),
        "places": [{"place": kind, **_both(assistant, f"utter_place_{kind}")} for kind in known],
    }


def _stations(progress: Progress, words: dict[str, Telling]) -> list[dict[str, Any]]:
    return [
        {
            "stage": station.stage,
            "at": station.at.isoformat() if station.at else None,
            "current": station.current,
            **{language: told.stage(station) for language, told in words.items()},
        }
        for station in progress.stations
    ]


def _timeline(progress: Progress, words: dict[str, Telling]) -> list[dict[str, Any]]:
    return [
        {
            "event": seen.event.kind,
            "at": seen.event.at.isoformat(),
            "actor": seen.event.actor,
            "note": seen.note,
            "leading": seen.leading,
            "text": {language: told.event(seen) for language, told in words.items()},
        }
        for seen in progress.events
    ]


def _both(assistant: Assistant, response: str) -> dict[str, str]:
    return {language: assistant.domain.text(response, language) for language in LANGUAGES}
