"""What an agent does beside a telephone call: filing its case, and noting what became of suggestions."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from fastapi import APIRouter, Path, Response

from bot.desk.suggestions import Used
from bot.errors import UnknownCall
from bot.messages import SenderId
from bot.staff.audit import Action
from connectors.desk.schemas import CaseBody, FiledCase, UsedBody
from connectors.desk.talks_api import draft_of
from connectors.rest import Engine
from connectors.staff.accounts_api import NEEDS_RIGHT
from connectors.staff.caller import Talker
from connectors.staff.schemas import Problem

router = APIRouter(tags=["desk: calls"])
NO_CALL = NEEDS_RIGHT | {404: {"model": Problem, "description": "No such call."}}
CallId = Annotated[str, Path(max_length=100)]
SOURCE = "phone"


@router.post("/calls/{call_id}/case", status_code=201, responses=NO_CALL)
def file(call_id: CallId, body: CaseBody, caller: Talker, engine: Engine) -> FiledCase:
    """File the case of a call, once a key; its number is read out to the caller."""
    draft, request = draft_of(body, engine), request_of(call_id, body.key)
    with caller.parts.store.work() as work:
        record = work.calls.of(call_id)
        if record is None:
            raise UnknownCall(call_id)
        language = record.language if record.language in ("zh", "en") else "zh"
        sender = SenderId(f"phone:{call_id}"[:200])
        made = work.cases.file(draft, sender, language, body.contact or None, body.anonymous, SOURCE, request)
        work.audit.write(caller.account, Action.CASE_FILED, caller.address, made.number, [f"call:{call_id}"])
    return FiledCase(number=made.number, expected_at=made.expected_at)


def request_of(call_id: str, key: str) -> str:
    """The key of a filing: of all of both, as gateways give calls names that begin alike."""
    return f"call:{hashlib.sha256(json.dumps([call_id, key]).encode()).hexdigest()}"


@router.post("/calls/{call_id}/used", status_code=204, responses=NO_CALL)
def used(call_id: CallId, body: UsedBody, caller: Talker) -> Response:
    """Note what was done with a suggestion during a call."""
    with caller.parts.store.work() as work:
        if work.calls.of(call_id) is None:
            raise UnknownCall(call_id)
        line = Used(caller.account.login, None, body.kind, body.service, body.place, body.confidence, body.use)
        work.suggestions.write(line, caller.parts.clock())
    return Response(status_code=204)
