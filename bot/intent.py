"""What a message wants once its intent, its form, the conversation and the catalogue are weighed together."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.actions.life_path import wants_path
from bot.actions.say import door_of
from bot.cases.demand_heads import NO_ITEM
from bot.context import CHOICE_STEP, brought_up, search, subject_of, told_about
from bot.live_need import asks_live, tells_only_time
from bot.nlu.elsewhere import lies_elsewhere
from bot.nlu.nowhere import nowhere
from bot.nlu.safety import PREFIXES
from bot.nlu.said import commands_in, content_of, opens_with_command, short_answer
from bot.subject import Subject
from bot.turn import TurnContext
from knowledge.catalogue import Kind
from knowledge.fusion import LEAST_SHARE
from knowledge.live import LOOKED_UP, live_kinds
from knowledge.names import names_of
from knowledge.normal import normalise
from knowledge.queries import OUTSIDE as OUT
from knowledge.queries import UNCOVERED, VAGUE
from knowledge.retriever import Retrieval
from knowledge.verdict import Verdict

UNSURE, UNSURE_CHAT = 0.35, 0.55
OUTSIDE = 0.75
OUTSIDE_SIMILARITY = 0.6
OUTSIDE_DOOR = 0.7
LEAST_OUTSIDE = 0.1
NOTHING_LIKE_IT = 0.4
LITTLE_LIKE_IT = 0.55
SOME_SENSE = 0.6
DEMAND_LEAN = 0.15
QUESTION_LEAN = 0.3
LEAST_FILING = 0.2
LEAST_TRACE = 0.5
REPORTED = 0.6
LIKELY_FOREIGN, FOREIGN = 0.4, 0.6
OPEN, SURE_CHAT = 0.8, 0.9
SURELY_NONE = 0.75
ASKS_ANEW, LEAST_ON = 0.5, 0.17
SURELY = 0.8
NAMED = 0.9
CASE_CHANGES = ("hasten_case", "withdraw_case", "supplement_case", "reopen_case")
CASE_INTENTS = ("case_status", *CASE_CHANGES)
CHAT = ("capabilities", "bot_challenge", "switch_language", "repeat")
SMALL_TALK = (*CHAT, "greet", "goodbye", "thank")
SEARCHED = ("ask_service", "ask_detail", "file_demand", "out_of_scope", "inform", "correct")
ASKS_WHERE = re.compile(
    r"归谁|找谁|谁管|哪个部门|(?:怎么|如何|点样|哪里|去哪)(?:投诉|举报|反映)|\b(?:where|who|how) (?:do|can|should|to)\b"
)


def settled(turn: TurnContext) -> str:
    """The intent to act on; `unclear` when nothing fits."""
    parse = turn.parse
    if parse.payload is not None:
        return parse.intent
    if parse.intent.startswith(PREFIXES):
        return settled(replace(turn, parse=parse.ordinary()))
    act = short_answer(turn.message.text)
    if act is not None and act != "skip":
        return act
    if turn.tracker.slot("case_number") and opens_with_command(turn.message.text, "supplement_case"):
        return "supplement_case"
    if not any(char.isalpha() for char in parse.canonical) or (parse.denied and not parse.topic):
        return "unclear"
    if turn.tracker.slot("service_code") in live_kinds() and tells_only_time(parse):
        return "ask_detail"
    if commands_in(turn.message.text, "file_demand"):
        told = content_of(turn.message.text, parse, "file_demand")
        if told is None or not (parse.asks() or _is_service(turn)):
            return "file_demand"
    if parse.first("case_number") and parse.intent not in CASE_CHANGES:
        return "case_status"
    asks = parse.asks() or parse.probability("ask_service", "ask_detail") >= ASKS_ANEW
    if asks and parse.topic and nowhere(parse.canonical) is not None:
        return "out_of_scope"
    on_case = parse.intent in CASE_INTENTS and (turn.tracker.slot("case_number") or parse.confidence >= SURELY)
    chats = parse.intent in SMALL_TALK and parse.confidence >= SURE_CHAT and not parse.aspects and not parse.persons
    if not on_case and not chats and (about := _about(turn)) is not None:
        return about
    if (
        parse.intent in CASE_INTENTS
        and not parse.first("case_number")
        and door_of(parse.canonical, turn.analyst.city.names) != "none"
    ):
        return "out_of_scope"
    if parse.intent in CASE_INTENTS and not turn.tracker.slot("case_number"):
        talking = turn.tracker.slot("service_code") or turn.tracker.slot("choices")
        if _names_service(turn) or (talking and parse.confidence < SURELY and not parse.first("case_number")):
            return _by_search(turn)
    if wants_path(turn):
        return "list_services"
    unsure = parse.intent in CHAT and parse.topic and parse.confidence < SURE_CHAT
    if unsure and search(turn).kinds.get(VAGUE, 0.0) > OPEN:
        return "ask_service"
    asks_on = turn.tracker.slot("service_code") is not None and (parse.asks() or parse.aspects)
    bar = UNSURE_CHAT if (parse.intent in CHAT and parse.topic) or asks_on else UNSURE
    searched = parse.intent in SEARCHED or parse.intent == "list_services"
    if parse.intent in CHAT and parse.confidence >= UNSURE_CHAT and search(turn).verdict is Verdict.NO_SERVICE:
        return parse.intent
    if searched or parse.confidence < bar or asks_live(turn, search(turn)):
        return _by_search(turn)
    return parse.intent


def _about(turn: TurnContext) -> str | None:
    """Asking on where a message speaks of a service that was brought up, asking anew where of another."""
    subject, parse = subject_of(turn), turn.parse
    if subject is None:
        return None
    code = told_about(turn, subject)
    if code is None or (subject.code is None and not _rather_asks_on(turn, subject)):
        talking = turn.tracker.slot("service_code") or turn.tracker.slot("choice_purpose") == CHOICE_STEP
        return "ask_detail" if talking and parse.aspects and not parse.topic else None
    tells = turn.catalogue[code].kind is Kind.DEMAND or subject.code not in (None, code)
    if tells and not (parse.asks() or parse.aspects):
        return None
    return "ask_detail" if brought_up(turn, code) else "ask_service"


def _rather_asks_on(turn: TurnContext, subject: Subject) -> bool:
    """Whether a message that hardly speaks of anything else is about the service under discussion after all.

    One that asks for a service with a topic of its own asks anew, whatever little the catalogue has on it.
    """
    services, parse = subject.services(), turn.parse
    if parse.topic and parse.probability("ask_service") >= ASKS_ANEW:
        return False
    near = bool(services) and services[0][1] >= LEAST_ON and brought_up(turn, services[0][0])
    if not near or subject.share >= SURELY_NONE or parse.intent not in (*SEARCHED, "list_services"):
        return False
    lost = search(turn).verdict in (Verdict.NO_SERVICE, Verdict.VAGUE)
    return lost and parse.probability("out_of_scope") < SURE_CHAT and parse.probability("file_demand") < SURELY


def _names_service(turn: TurnContext) -> bool:
    """Whether a message that sounds like one on a case surely names a service, where no case was spoken of."""
    found = search(turn)
    known = found.verdict is Verdict.ANSWERED and found.best.service.kind is Kind.SERVICE
    alike = OUTSIDE_DOOR if turn.parse.asks() else NAMED
    return known and found.similarity >= alike and found.best.score >= SURELY


def _is_service(turn: TurnContext) -> bool:
    """Whether "I want to report …" asks for a service after all, such as a lost passport."""
    found = search(turn)
    surely = found.best.score >= SURELY and found.similarity >= SURELY
    asked = turn.parse.probability("ask_service") > SURELY
    return surely and asked and found.best.service.kind is Kind.SERVICE


def _surely_service(turn: TurnContext, found: Retrieval) -> bool:
    """Whether a question that orders nothing names a service beyond doubt, whatever it sounds like."""
    surely = found.verdict is Verdict.ANSWERED and found.best.score >= SURELY and found.similarity >= SURELY
    commanded = opens_with_command(turn.message.text, "file_demand")
    return surely and turn.parse.asks() and not commanded and found.best.service.kind is Kind.SERVICE


def _reports(turn: TurnContext) -> bool:
    """Whether a statement with a place or time in it speaks of a hotline item."""
    if not turn.parse.all("location", "time"):
        return False
    code, share = turn.analyst.items(turn.parse.canonical, turn.parse.vector)[0]
    return code != NO_ITEM and share >= REPORTED


def _lies_elsewhere(turn: TurnContext, found: Retrieval) -> bool:
    """Whether the matter lies in another place, which neither the best service's names nor live data know."""
    place = lies_elsewhere(turn.parse, turn.analyst.city.names)
    if place is None or set(live_kinds().get(found.best.service.code, ())) & set(LOOKED_UP):
        return False
    return not any(place in normalise(name).text for name in names_of(found.best.service))


def _by_gate(found: Retrieval, ask: float, file: float, outside: float) -> str | None:
    """Where the search's gate and the intents together see no service: outside, an open question, or nothing there."""
    if file > max(ask, outside):
        return None
    if found.verdict is Verdict.VAGUE:
        return "ask_service"
    beyond = found.kinds.get(OUT, 0.0)
    if found.verdict is Verdict.NO_SERVICE:
        foreign = (_share(beyond, found.kinds.get(UNCOVERED, 0.0)) + _share(outside, ask)) / 2
        return "out_of_scope" if foreign > LIKELY_FOREIGN else "ask_service"
    foreign = (beyond + outside) / 2
    return "out_of_scope" if foreign > (LIKELY_FOREIGN if outside > ask else FOREIGN) else None


def _share(one: float, other: float) -> float:
    return one / max(one + other, LEAST_SHARE)


def _by_search(turn: TurnContext) -> str:
    """Asking, filing or outside, by the intents' shares and by what the catalogue has."""
    parse = turn.parse
    ask, file = parse.probability("ask_service", "ask_detail"), parse.probability("file_demand")
    outside = parse.probability("out_of_scope")
    found = search(turn)
    if asks_live(turn, found) and (parse.asks() or parse.intent != "file_demand"):
        return "ask_service"
    door = door_of(parse.canonical, turn.analyst.city.names)
    if door == "foreign_state":
        return "out_of_scope"
    if (file < ask + outside or parse.asks()) and _lies_elsewhere(turn, found):
        return "out_of_scope"
    if (told := _by_gate(found, ask, file, outside)) is not None:
        return told
    unlike = found.verdict is not Verdict.ANSWERED or found.similarity < OUTSIDE_SIMILARITY
    foreign = outside > OUTSIDE and found.kinds.get(OUT, 1.0) > LEAST_OUTSIDE
    if outside > max(ask, file) and (foreign or unlike):
        return "out_of_scope"
    if door != "none" and outside > LEAST_OUTSIDE and file < outside and found.similarity < OUTSIDE_DOOR:
        return "out_of_scope"
    if parse.intent == "ask_detail" and not parse.topic:
        return "ask_detail"
    if not found.known and parse.confidence < SOME_SENSE:
        return "unclear"
    if found.similarity < (NOTHING_LIKE_IT if parse.confidence >= UNSURE else LITTLE_LIKE_IT):
        return "unclear"
    if _surely_service(turn, found):
        return "ask_service"
    demand_found = found.best.service.kind is Kind.DEMAND
    if ASKS_WHERE.search(parse.canonical) and ask + file > outside:
        return "ask_service"
    if not parse.asks() and file > LEAST_TRACE * ask and (demand_found or _reports(turn)):
        return "file_demand"
    lean = (DEMAND_LEAN if demand_found else -DEMAND_LEAN) - (QUESTION_LEAN if parse.asks() else 0.0)
    if file + lean > ask and file > LEAST_FILING:
        return "file_demand"
    return "ask_detail" if parse.intent == "ask_detail" else "ask_service"
