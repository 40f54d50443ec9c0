"""A life event as a guided path: the list of its services in order, and its steps one by one."""

from __future__ import annotations

from dataclasses import replace

from bot.actions.answer_service import answer_service, tell
from bot.context import CHOICE_STEP, search_alone
from bot.messages import BotMessage, Button
from bot.nlu.moves import Move, aspects_at_step, move_of
from bot.nlu.paths import PathMatch
from bot.nlu.persons import audience_of
from bot.turn import ActionResult, Outcome, TurnContext
from knowledge.catalogue import Source
from knowledge.paths import LifePath, PathKey, Step
from knowledge.retriever import Hit
from knowledge.verdict import Verdict

CHOICE_PATH = "path"
FITS = 0.5
LEADS = 0.4
ASKED = 0.35
HINTED, SURE_PATH = 0.15, 0.95
SURELY_ASKED = 0.95
OVER_SERVICE = 0.5
IN_TALK = 0.8
TELLS = 0.85
SURELY_SINGLE = 0.9
SURE_SERVICE, LIKELY_SERVICE = 0.8, 0.5
NEAREST = 3
MAX_NEED = 120
STEP_BUTTONS = 6
LISTS = "list_services"
WHOLE = {"steps", "materials"}
SITUATIONS = ("ask_service", "ask_detail", "inform")


def match_of(turn: TurnContext) -> PathMatch:
    """The paths ranked for the message and the person it names."""
    parse = turn.parse
    return turn.paths.find(parse.asserted, parse.vector, audience_of(parse.persons))


def wants_path(turn: TurnContext) -> bool:
    """Whether a message asks for all that a situation takes, or tells a situation instead of naming a service."""
    parse = turn.parse
    if not turn.paths.paths or parse.intent not in (*SITUATIONS, LISTS):
        return False
    match, found = match_of(turn), search_alone(turn)
    named = found.verdict is Verdict.ANSWERED and found.best.score >= SURE_SERVICE
    unsettled = turn.tracker.slot("service_code") or found.verdict is Verdict.VAGUE
    if unsettled and match.share < IN_TALK:
        return False
    likely = found.verdict is not Verdict.NO_SERVICE and found.best.score >= LIKELY_SERVICE
    one_detail = parse.aspects and not set(parse.aspects) & WHOLE and parse.probability(LISTS) < SURELY_ASKED
    if likely and one_detail:
        return False
    if parse.intent == LISTS and parse.confidence >= ASKED:
        return not named or match.share >= OVER_SERVICE or parse.confidence >= SURELY_ASKED
    hinted = parse.probability(LISTS) >= HINTED and match.share >= SURE_PATH
    if hinted and not named and not turn.tracker.slot("service_code"):
        return True
    named = named or likely
    return match.share >= TELLS and not named and not turn.retriever.sharing_name(parse.asserted)


def list_services(turn: TurnContext) -> ActionResult:
    """The path that fits, or the question which one is meant."""
    wanted = turn.parse.payload or {}
    if (key := wanted.get("path")) in turn.paths.paths:
        number = wanted.get("step")
        return tell_path(turn, PathKey(str(key))) if number is None else tell_step(turn, PathKey(str(key)), int(number))
    if not turn.paths.paths:
        return answer_service(turn)
    match = match_of(turn)
    if match.share >= FITS and match.lead >= LEADS:
        return replace(tell_path(turn, match.best), belief=match.share)
    alone = search_alone(turn).verdict
    unfit = match.share < FITS and alone is Verdict.CLARIFY
    if unfit or (alone is Verdict.ANSWERED and (match.share < FITS or match.single >= SURELY_SINGLE)):
        return answer_service(turn)
    return _which_path(turn, match)


def wanted_move(turn: TurnContext) -> Move | None:
    """The move of a message on the path under way; a weak one counts only while the path is being talked about."""
    key = turn.tracker.slot("path")
    if key not in turn.paths.paths or turn.parse.payload is not None:
        return None
    move = move_of(turn.message.text)
    if move is None or move.strong:
        return move
    steps, at = turn.paths.paths[key].codes, int(turn.tracker.slot("path_step") or 0)
    if turn.tracker.slot("choices"):
        return move if turn.tracker.slot("choice_purpose") == CHOICE_STEP else None
    return move if at and turn.tracker.slot("service_code") == steps[at - 1] else None


def move_on_path(turn: TurnContext) -> ActionResult:
    """Go to the step asked for, or show the list again."""
    key, move = PathKey(str(turn.tracker.slot("path"))), move_of(turn.message.text)
    assert move is not None
    at, total = int(turn.tracker.slot("path_step") or 0), len(turn.paths.paths[key].steps)
    number = {"next": at + 1, "back": max(at - 1, 1), "step": move.number or 1}.get(move.to)
    if number is None or (move.to == "step" and not 1 <= number <= total):
        return tell_path(turn, key)
    if number > total:
        return _path_done(turn, key)
    asked = aspects_at_step(turn.message.text)
    return tell_step(replace(turn, parse=replace(turn.parse, aspects=asked)), key, number)


def tell_path(turn: TurnContext, key: PathKey) -> ActionResult:
    """The whole list; a number or a name then opens a step."""
    path = turn.paths.paths[key]
    services = [turn.catalogue[code] for code in path.codes]
    names = [service.everyday_name.in_language(turn.language) for service in services]
    lines = [
        turn.text("utter_path_head", name=_name(turn, path), lead=path.lead.in_language(turn.language)),
        *(
            _step_line(turn, number, name, step)
            for number, (name, step) in enumerate(zip(names, path.steps, strict=True), start=1)
        ),
        turn.text("utter_path_foot"),
    ]
    buttons = tuple(
        Button(turn.text("utter_choice", number=number, name=name), _payload(key, number))
        for number, name in enumerate(names[:STEP_BUTTONS], start=1)
    )
    events = (
        turn.slot("path", key),
        turn.slot("path_step", None),
        turn.slot("choices", path.codes),
        turn.slot("choice_purpose", CHOICE_STEP),
        turn.slot("aspects", None),
        turn.slot("service_code", None),
        turn.slot("need", turn.parse.asserted[:MAX_NEED]),
    )
    hits = tuple(Hit(service, 1.0) for service in services)
    return ActionResult(
        Outcome.ANSWERED, (BotMessage("\n".join(lines), buttons),), events, hits[:5], _sources(turn, path)
    )


def tell_step(turn: TurnContext, key: PathKey, number: int) -> ActionResult:
    """One step's service, with the way on."""
    path = turn.paths.paths[key]
    if not 1 <= number <= len(path.steps):
        return tell_path(turn, key)
    step = path.steps[number - 1]
    service = turn.catalogue[step.code]
    told = tell(turn, service, (Hit(service, 1.0),))
    place = turn.text(
        "utter_path_place",
        path=_name(turn, path),
        number=number,
        total=len(path.steps),
        note=_note(turn, step),
    )
    last = told.messages[-1]
    on = () if number == len(path.steps) else (Button(turn.text("utter_path_next"), _payload(key, number + 1)),)
    buttons = (*on, Button(turn.text("utter_path_list"), _payload(key)), *last.buttons)
    events = (
        *told.events,
        turn.slot("path", key),
        turn.slot("path_step", str(number)),
        turn.slot("need", service.everyday_name.in_language(turn.language)),
    )
    message = BotMessage(f"{place}\n{last.text}", buttons)
    return replace(told, messages=(*told.messages[:-1], message), events=events)


def _which_path(turn: TurnContext, match: PathMatch) -> ActionResult:
    """Ask which situation is meant."""
    keys = [key for key, _ in match.ranked[:NEAREST]]
    names = [_name(turn, turn.paths.paths[key]) for key in keys]
    listed = "\n".join(
        turn.text("utter_choice", number=number, name=name) for number, name in enumerate(names, start=1)
    )
    buttons = tuple(Button(name, _payload(key)) for key, name in zip(keys, names, strict=True))
    neither = Button(turn.text("utter_neither"), turn.text("utter_neither"))
    events = (turn.slot("choices", list(keys)), turn.slot("choice_purpose", CHOICE_PATH))
    message = BotMessage(turn.text("utter_which_path", choices=listed), (*buttons, neither))
    return ActionResult(Outcome.CLARIFY, (message,), events)


def _path_done(turn: TurnContext, key: PathKey) -> ActionResult:
    name = _name(turn, turn.paths.paths[key])
    message = BotMessage(
        turn.text("utter_path_done", path=name), (Button(turn.text("utter_path_list"), _payload(key)),)
    )
    return ActionResult(Outcome.SMALLTALK, (message,))


def _name(turn: TurnContext, path: LifePath) -> str:
    return path.name.in_language(turn.language)


def _note(turn: TurnContext, step: Step) -> str:
    note = step.note.in_language(turn.language)
    if step.when is None:
        return note
    return turn.text("utter_path_when", when=step.when.in_language(turn.language), note=note)


def _step_line(turn: TurnContext, number: int, name: str, step: Step) -> str:
    return turn.text("utter_path_step", number=number, name=name, note=_note(turn, step))


def _payload(key: PathKey, number: int | None = None) -> str:
    step = "" if number is None else f', "step": {number}'
    return f'/list_services{{"path": "{key}"{step}}}'


def _sources(turn: TurnContext, path: LifePath) -> tuple[Source, ...]:
    """Where the facts of the steps were read, each once."""
    facts = [fact for code in path.codes for _, fact in turn.catalogue[code].facts()]
    keys = dict.fromkeys(key for fact in facts for key in fact.sources)
    return tuple(turn.catalogue.sources[key] for key in keys)
