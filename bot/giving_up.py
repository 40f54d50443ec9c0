"""Whether a message gives the running form up, by what stays of it once the words that drop are taken away."""

from __future__ import annotations

from dataclasses import replace

from bot.actions.demand_form import DEMAND_FORM, state_of
from bot.actions.rate_case import RATING_FORM
from bot.cases.demand_heads import NO_ITEM
from bot.language import detect
from bot.nlu.bare_place import is_bare_place
from bot.nlu.dropping import BARE, NAMED, WEAK, dropped, drops_form
from bot.nlu.ratings import read_rating
from bot.turn import TurnContext

ANSWERS = ("inform", "correct", "affirm", "file_demand", "anonymous", "skip")
LEAVES = ("cancel", "deny", "thank", "goodbye", "greet")
SURE, REPORTED, LIKELY = 0.5, 0.6, 0.4
DESCRIPTION = "description"


def gives_up(turn: TurnContext) -> bool | None:
    """Whether the message drops the form in words for it; None where it has no such words, or they may mean else."""
    values = [entity.text for entity in turn.parse.all("location", "time", "phone", "email")]
    said = dropped(turn.message.text)
    if not said.drops:
        return None
    drops = drops_form(turn.message.text, values, _tells(turn))
    if not drops and other_matter(turn) is not None:
        return True
    if drops is not None or said.bare:
        return drops
    rest = without_dropping(turn)
    if _answers(rest):
        return False
    leaves = rest.parse.intent in LEAVES and rest.parse.confidence >= SURE
    return True if leaves or not said.weak else None


def without_dropping(turn: TurnContext) -> TurnContext:
    """The turn of what stays of the message without its dropping words; the turn itself where there are none."""
    rest = dropped(turn.message.text).rest
    if not rest or rest == turn.message.text.strip():
        return turn
    parse = turn.understand(rest, turn.language)
    return replace(turn, message=replace(turn.message, text=rest), parse=parse)


def reads_rest(turn: TurnContext) -> bool:
    """Whether the running form is told only what stays without the dropping words.

    Where it asks what happened, a complaint that was dropped by name may be part of that.
    """
    said = dropped(turn.message.text)
    return said.drops and not (said.named and _tells(turn))


def other_matter(turn: TurnContext) -> str | None:
    """What stays of a dropping message where it tells of another matter than the form's; None where it does not.

    Where the form's matter itself was dropped by name, all but the same item is another matter; else only an item of
    another category is.
    """
    said, drafts = dropped(turn.message.text), state_of(turn.tracker).drafts
    if said.head in (None, WEAK) or not drafts or said.bare or said.explains or said.wishes:
        return None
    if without_dropping(turn).parse.probability("file_demand") < SURE:
        return None
    found = turn.analyst.analyse(said.rest)
    if said.head in (NAMED, BARE):
        known = {draft.service_item for draft in drafts} - {None}
        return said.rest if not known & {one.service_item for one in found} else None
    fresh = {one.category for one in found if one.service_item} - {draft.category for draft in drafts} - {None}
    return said.rest if fresh and all(one.category in fresh for one in found if one.service_item) else None


def _tells(turn: TurnContext) -> bool:
    """Whether the form asks for what happened, in words of which any may stand in a matter."""
    return turn.tracker.requested_slot == DESCRIPTION or turn.tracker.active_form != DEMAND_FORM


def _answers(rest: TurnContext) -> bool:
    """Whether what stays answers the open question, corrects something or tells what happened."""
    parse = rest.parse
    if rest.tracker.active_form == RATING_FORM and read_rating(rest.message.text) is not None:
        return True
    if is_bare_place(rest.message.text, "en" if detect(rest.message.text).language == "en" else "zh", parse.entities):
        return True
    item, share = rest.analyst.items(parse.canonical, parse.vector)[0]
    if item != NO_ITEM and share >= (LIKELY if rest.tracker.requested_slot == DESCRIPTION else REPORTED):
        return True
    return parse.intent in ANSWERS and parse.confidence >= SURE
