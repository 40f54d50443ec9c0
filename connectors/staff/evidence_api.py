"""Files of a case: added, listed and fetched."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, File, Response, UploadFile

from bot.cases.evidence import Evidence, evidence_rules
from bot.cases.number import CaseNumber
from connectors.staff.caller import Adder, Looker
from connectors.staff.cases_api import NOT_FOUND
from connectors.staff.schemas import EvidenceList, EvidenceView, Problem

router = APIRouter(tags=["staff: evidence"])


@router.get("/cases/{number}/evidence", responses=NOT_FOUND)
def files(number: str, caller: Looker) -> EvidenceList:
    """The files of a case, without their content."""
    with caller.desk() as desk:
        return EvidenceList(evidence=[_view(one) for one in desk.files(CaseNumber(number.upper()))])


@router.post(
    "/cases/{number}/evidence",
    status_code=201,
    responses=NOT_FOUND
    | {
        200: {"model": EvidenceView, "description": "The case had this very file."},
        409: {"model": Problem, "description": "The case has as many files as it may have."},
        413: {"model": Problem, "description": "Too large, or empty."},
        415: {"model": Problem, "description": "Not an allowed type, or not what its name says."},
    },
)
def add(
    number: str,
    file: Annotated[UploadFile, File(description="jpg, png, webp, heic, pdf or mp4.")],
    caller: Adder,
    response: Response,
) -> EvidenceView:
    """Add a photo, paper or video to a case; what it is, its content tells, and its name must agree."""
    content = file.file.read(evidence_rules().most_bytes + 1)
    with caller.desk() as desk:
        made, fresh = desk.add_file(CaseNumber(number.upper()), file.filename or "", content)
    if not fresh:
        response.status_code = 200
    return _view(made)


@router.get(
    "/evidence/{key}",
    responses=NOT_FOUND | {200: {"content": {"application/octet-stream": {}}, "description": "The file."}},
    response_class=Response,
)
def fetch(key: int, caller: Looker) -> Response:
    """A file, to be saved and never shown as a page; stands in the audit log."""
    with caller.desk() as desk:
        found, content = desk.file(key)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=found.media_type, headers=headers)


def _view(one: Evidence) -> EvidenceView:
    return EvidenceView(**asdict(one))
