"""Before filing: others reported it already, so the citizen may follow that case instead; filing stays open."""

from __future__ import annotations

import csv
from functools import lru_cache

from bot.actions.demand_form import DEMAND_FORM, FormState
from bot.cases.case import Case, CaseDraft
from bot.cases.duplicate_finder import Found
from bot.cases.number import CaseNumber
from bot.cases.progress import WORK, Holder, Progress, Seen
from bot.cases.telling import TIME_FORMAT
from bot.messages import BotMessage
from bot.tracker import Event
from bot.turn import ActionResult, Outcome, TurnContext
from knowledge.normal import normalise
from knowledge.queries import NLU_DATA

SLOT = "known_case"
FOLLOW, FILE = "follow", "file"
MAX_TRACK = 6


@lru_cache(maxsize=1)
def _words() -> dict[str, str]:
    with (NLU_DATA / "lookups" / "follow_words.csv").open(encoding="utf-8", newline="") as rows:
        return {normalise(row["phrase"]).text: row["act"] for row in csv.DictReader(rows)}


def act_on_offer(turn: TurnContext) -> str | None:
    """What a message wants of the case offered: `follow` it or `file` its own all the same; None without an offer."""
    if turn.tracker.active_form != DEMAND_FORM or not offered(turn):
        return None
    return _words().get(normalise(turn.message.text).text.strip(" .,!，。！"))


def offered(turn: TurnContext) -> CaseNumber | None:
    """The case that was offered to follow."""
    looked = turn.tracker.slot(SLOT)
    return CaseNumber(looked["number"]) if looked and looked.get("number") else None


def offer(turn: TurnContext, state: FormState) -> tuple[tuple[BotMessage, ...], tuple[Event, ...]]:
    """What is told of a case that others filed on the same, and the slot that remembers it; told once a matter."""
    if len(state.drafts) != 1 or turn.duplicates is None:
        return (), ()
    key = _key(state.drafts[0])
    looked = turn.tracker.slot(SLOT)
    if looked and looked.get("key") == key:
        return (), ()
    found = next((one for one in turn.duplicates.find(state.drafts[0]) if _fits(turn, one, state.drafts[0])), None)
    events = (turn.slot(SLOT, {"key": key, "number": found.case.number if found else None}),)
    return ((_told(turn, found.case),) if found else ()), events


def follow(turn: TurnContext) -> ActionResult:
    """Follow the case offered; the form ends with it, as the caller sees to."""
    number = offered(turn)
    assert number is not None and turn.duplicates is not None
    case = turn.duplicates.followers.follow(number, turn.sender, turn.now)
    message = turn.say("utter_now_following", number=case.number, track=track(turn, case))
    return ActionResult(Outcome.CASE_UPDATED, (message,), cases=(case,))


def followed(turn: TurnContext) -> tuple[Case, ...]:
    """The cases the sender follows, newest first."""
    return turn.duplicates.followers.of_sender(turn.sender) if turn.duplicates else ()


def followed_message(turn: TurnContext, case: Case) -> BotMessage:
    """A followed case: how the work goes, nothing of the citizen who filed it."""
    return turn.say("utter_followed_case", number=case.number, track=track(turn, case))


def track(turn: TurnContext, case: Case) -> str:
    """Status, unit and what the office did, without words of the citizen who filed it."""
    progress = turn.closing.progress(case, turn.now)
    work = [event for event in case.timeline if event.kind in WORK][-MAX_TRACK:]
    head = turn.text("utter_followed_head", status=turn.telling.status(progress), holder=_holder(turn, progress))
    return "\n".join((head, *(turn.telling.line(Seen(event, None, True)) for event in work)))


def _told(turn: TurnContext, case: Case) -> BotMessage:
    assert turn.duplicates is not None
    progress = turn.closing.progress(case, turn.now)
    return turn.say(
        "utter_known_case",
        count=turn.duplicates.followers.reported(case.number),
        since=f"{case.filed_at:{TIME_FORMAT}}",
        status=turn.telling.status(progress),
        holder=_holder(turn, progress),
    )


def _holder(turn: TurnContext, progress: Progress) -> str:
    """Who holds the case; its own citizen, who is to rate it, is not the one told here."""
    if progress.holder is Holder.CITIZEN:
        return turn.text("utter_holder_centre")
    return turn.telling.holder(progress)


def _key(draft: CaseDraft) -> str:
    return f"{draft.description}\n{draft.location or ''}"


def _fits(turn: TurnContext, found: Found, draft: CaseDraft) -> bool:
    """Whether a case may be offered: someone else's, not anonymous, surely the same matter and place."""
    case = found.case
    if case.anonymous or case.sender == turn.sender:
        return False
    theirs = case.draft
    areas = ((draft.district, theirs.district), (draft.subdistrict, theirs.subdistrict))
    if any(one and other and one != other for one, other in areas) or found.signs.get("parts_other"):
        return False
    if draft.service_item != theirs.service_item and not found.signs.get("thing_shared"):
        return False
    return bool(found.signs.get("placed") or (draft.location and draft.location == theirs.location))
