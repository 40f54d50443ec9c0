"""A call as a fold over its segments: what the caller wants, and what was told for the form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce

from bot.assist.matter import Matter, MatterReader
from bot.assist.numbers import digits_told, mobile_in, reads_out
from bot.assist.place import Level, Place
from bot.assist.questions import Asked, agrees
from bot.assist.reading import Kind, Reader, Reading, words_spoken
from bot.assist.transcript import Segment, Speaker
from bot.assist.values import (
    NAMED,
    SURE,
    Aspect,
    Told,
    aspects_of_time,
    contact_told,
    exactness,
    places_told,
    says,
    time_told,
    unnamed_told,
    whole_answer,
)
from bot.nlu.parse import Parse
from bot.nlu.said import says_all_clear
from knowledge.catalogue import Catalogue
from knowledge.catalogue import Kind as CatalogueKind

OTHER_SHARE, OTHER_COVERED, MORE_COVERED, UNHEARD = 0.9, 0.9, 0.5, 0.05
MOST_MATTERS = 6
MERE_NOISE = 4
WISH = 0.6
TELLING = 6
UNTELLING = (Asked.CONTACT, Asked.NAME, Asked.ANONYMOUS, Asked.MORE, Asked.DESCRIPTION, Asked.CASE_NUMBER)
NO_CONTACT = ("id_card", "bank_card", "case_number", "plate", "passport", "time", "money")
FILLED_BY = (Asked.LOCATION, Asked.OCCURRED_AT, Asked.CONTACT, Asked.NAME, Asked.ANONYMOUS)


@dataclass(frozen=True)
class Form:
    """What was told of where and when of one matter."""

    place: Place = field(default_factory=Place)
    time: Told | None = None


@dataclass(frozen=True)
class Call:
    """The state of a call; `matters` and `forms` go together, the last one is spoken of now.

    `asked` is the field the agent asked for last, `question` the agent's words, `offered` words of the agent that a yes
    makes the caller's; `digits` is a number read out so far, `answered` the field that the caller answered last;
    `turning` when the caller said to turn to something else and has not told what, `waiting` while nobody has spoken
    after the agent's question, `placed` when the caller's last words told a place, `restated` what the agent then said.
    """

    segments: tuple[Segment, ...] = ()
    matters: tuple[Matter, ...] = (Matter(),)
    forms: tuple[Form, ...] = (Form(),)
    contact: Told | None = None
    unnamed: Told | None = None
    danger: Reading | None = None
    case_number: Told | None = None
    asked: Asked | None = None
    answered: Asked | None = None
    question: str = ""
    offered: Reading | None = None
    digits: str = ""
    skipped: frozenset[Asked] = frozenset()
    spoken: tuple[tuple[str, int], ...] = ()
    wants: str | None = None
    turning: bool = False
    waiting: bool = False
    placed: bool = False
    restated: Reading | None = None

    @property
    def language(self) -> str:
        """The caller's language by the letters said so far, Chinese while nothing was."""
        counts = dict(self.spoken)
        return "en" if counts.get("en", 0) > counts.get("zh", 0) else "zh"

    @property
    def matter(self) -> Matter:
        """What is spoken of now; the one before where nothing was told of a new one yet."""
        return self.matters[-1]

    @property
    def form(self) -> Form:
        """The form of what is spoken of now."""
        return self.forms[-1]

    def told(self) -> tuple[tuple[Matter, Form], ...]:
        """The matters of which something was told, in order."""
        return tuple(pair for pair in zip(self.matters, self.forms, strict=True) if pair[0].told)


class Listener:
    """Hears segments one by one; the same segments always give the same call."""

    def __init__(self, reader: Reader, matters: MatterReader, catalogue: Catalogue) -> None:
        self._reader, self._matters, self._catalogue = reader, matters, catalogue

    def listen(self, segments: Iterable[Segment], call: Call | None = None) -> Call:
        """The call after several segments."""
        return reduce(self.hear, segments, call or Call())

    def hear(self, call: Call, segment: Segment) -> Call:
        """The call after one more finished segment; one heard before changes nothing."""
        if any(one.id == segment.id for one in call.segments):
            return call
        at = len(call.segments)
        call = replace(call, segments=(*call.segments, segment))
        if not any(char.isalnum() for char in segment.text):
            return call
        reading = self._reader.read(at, segment, call.language if call.spoken else None, call.asked)
        return self._agent(call, reading) if segment.speaker is Speaker.AGENT else self._caller(call, reading)

    def _agent(self, call: Call, reading: Reading) -> Call:
        """What the agent asks gives the next words of the caller their meaning."""
        offered = reading if reading.reads_back else None
        if call.placed:
            call = replace(call, restated=reading)
        if reading.asked not in UNTELLING and len(reading.heard.text) >= TELLING:
            matter = self._matters.noted(call.matter, reading)
            call = replace(call, matters=(*call.matters[:-1], matter))
        if call.contact is None and call.digits and (number := mobile_in(reading.segment.text)) is not None:
            call = replace(call, contact=Told(number, NAMED, reading.segment.text, reading.at), digits="")
        if reading.asked is None:
            idle = len(reading.segment.text) <= MERE_NOISE
            return replace(call, offered=offered or call.offered, waiting=call.waiting and idle)
        digits = call.digits if reading.asked is Asked.CONTACT else ""
        return replace(
            call, asked=reading.asked, waiting=True, question=reading.segment.text, offered=offered, digits=digits
        )

    def _caller(self, call: Call, reading: Reading) -> Call:
        assert reading.parse is not None
        if call.offered is not None and agrees(reading.heard.text) and call.asked is not Asked.ANONYMOUS:
            call = self._agreed(call, call.offered)
            if reading.act == "affirm":
                return call
        call = replace(call, offered=None, spoken=words_spoken(call.spoken, reading))
        if (number := reading.parse.first("case_number")) is not None:
            words = reading.heard.words(number.start, number.end)
            call = replace(call, case_number=Told(number.value, SURE, words, reading.at))
        if reading.act in ("skip", "deny") and call.asked in FILLED_BY and call.asked is not Asked.ANONYMOUS:
            return replace(call, skipped=call.skipped | {call.asked}, asked=None)
        call = self._restated(call, reading)
        call = replace(call, answered=call.asked)
        call = self._contact(call, reading)
        call = replace(self._form(self._begun(call, reading), reading), waiting=False)
        if not self._tells(call, reading):
            return call
        matter = self._matters.heard(call.matter, reading)
        call = replace(call, matters=(*call.matters[:-1], matter), wants=_wants(reading.parse) or call.wants)
        return replace(call, danger=_danger(call.danger, matter, reading))

    def _agreed(self, call: Call, offered: Reading) -> Call:
        """The agent's words taken as the caller's, who agreed to them."""
        reading = self._reader.as_caller_words(offered)
        call = replace(call, offered=None)
        call = replace(self._form(self._contact(replace(call, asked=None), reading), reading), asked=call.asked)
        if call.matter.told or reading.kind is not Kind.CONTENT:
            return call
        return replace(call, matters=(*call.matters[:-1], self._matters.heard(call.matter, reading)))

    def _restated(self, call: Call, reading: Reading) -> Call:
        """The district that the agent named after the caller told a place, where the caller lets it stand."""
        restated = call.restated
        call = replace(call, restated=None)
        if restated is None or says("change", reading.heard.text) or reading.act == "deny":
            return call
        place = call.form.place
        for piece in places_told(self._reader.as_caller_words(restated), None):
            if piece.level is Level.AREA:
                place = place.take(piece)
        return replace(call, forms=(*call.forms[:-1], replace(call.form, place=place)))

    def _contact(self, call: Call, reading: Reading) -> Call:
        """The number to call back and whether the caller stays unnamed."""
        assert reading.parse is not None
        hidden = unnamed_told(reading, call.asked, call.question)
        if hidden is not None:
            call = replace(call, unnamed=hidden, asked=None if call.asked is Asked.ANONYMOUS else call.asked)
        if (told := contact_told(reading, call.asked)) is not None:
            return replace(call, contact=told, digits="", asked=_answered(call, Asked.CONTACT))
        alone = reads_out(reading.heard.text) and not reading.parse.all(*NO_CONTACT)
        if call.asked is not Asked.CONTACT and not alone:
            return call
        digits = call.digits + digits_told(reading.heard.text)
        if (number := mobile_in(digits)) is not None:
            told = Told(number, SURE, reading.segment.text, reading.at)
            return replace(call, contact=told, digits="", asked=_answered(call, Asked.CONTACT))
        return replace(call, digits=digits)

    def _begun(self, call: Call, reading: Reading) -> Call:
        """The call with a new matter begun where the segment tells of another one."""
        if not call.matter.told or reading.kind is not Kind.CONTENT:
            return call
        if self._another(call, reading):
            place = call.form.place.as_hint()
            matters, forms = (*call.matters, Matter()), (*call.forms, Form(place))
            return replace(call, matters=matters[-MOST_MATTERS:], forms=forms[-MOST_MATTERS:], turning=False)
        return replace(call, turning=says("turn", reading.heard.text))

    def _another(self, call: Call, reading: Reading) -> bool:
        parse = reading.parse
        assert parse is not None
        best, share = next(iter(reading.shares.items()), ("", 0.0))
        if not parse.topic or best not in self._catalogue:
            return False
        known = call.matter.ranked
        fresh = known.get(best, 0.0) < UNHEARD
        near = {code for one in list(known)[:2] for code in self._catalogue[one].related}
        turns = call.turning or says("more", reading.heard.text) or says("turn", reading.heard.text)
        if call.asked is Asked.MORE or turns:
            return fresh and reading.covered >= MORE_COVERED
        if call.asked in FILLED_BY:
            return False
        serves = self._catalogue[best].kind is CatalogueKind.SERVICE
        wish = _wants(parse) == ("ask_service" if serves else "file_demand")
        surely = share >= OTHER_SHARE and reading.covered >= OTHER_COVERED and best not in near
        return surely and fresh and wish and (serves or not call.matter.files_it)

    def _form(self, call: Call, reading: Reading) -> Call:
        """The form with the place and time of the segment."""
        assert reading.parse is not None
        form, asked = call.form, call.asked
        change = says("change", reading.heard.text)
        pieces = places_told(reading, asked, call.waiting)
        for piece in pieces:
            form = replace(form, place=form.place.take(piece, change and not piece.wanted))
        time = time_told(reading, asked, call.waiting)
        if time is not None:
            form = replace(form, time=_time(form.time, time, asked is Asked.OCCURRED_AT, change))
        call = replace(call, placed=bool(pieces))
        done = (bool(pieces) and asked is Asked.LOCATION) or (time is not None and asked is Asked.OCCURRED_AT)
        return replace(call, forms=(*call.forms[:-1], form), asked=None if done else call.asked)

    def _tells(self, call: Call, reading: Reading) -> bool:
        """Whether a segment tells of the matter itself rather than answering a question of the form."""
        assert reading.parse is not None
        if reading.kind is not Kind.CONTENT or call.answered is Asked.NAME:
            return False
        wish = reading.parse.probability("file_demand", "ask_service", "ask_detail")
        return not (call.answered in FILLED_BY and whole_answer(reading) and wish < WISH)


def _answered(call: Call, asked: Asked) -> Asked | None:
    return None if call.asked is asked else call.asked


def _time(old: Told | None, new: Told, wanted: bool, change: bool) -> Told:
    """The time after another one was told: an answer or a more exact one counts, two answers count together."""
    if old is None or change or new.value in old.value:
        return new if old is None or change else old
    one, other = aspects_of_time(old.value), aspects_of_time(new.value)
    regular = frozenset({Aspect.HOURS, Aspect.HABIT})
    if one and other and not one & other and (one <= regular or (other <= regular and exactness(old.value) > 0)):
        return _both(old, new)
    if not wanted:
        return new if old.confidence < NAMED and exactness(new.value) > exactness(old.value) else old
    if old.confidence < NAMED:
        return new if exactness(new.value) > 0 or exactness(old.value) == 0 else old
    return _both(old, new)


def _both(old: Told, new: Told) -> Told:
    """Two told times as one, each saying something else of when it happened."""
    comma = ", " if old.value.isascii() and new.value.isascii() else "，"
    return Told(f"{old.value}{comma}{new.value}", max(old.confidence, new.confidence), new.words, new.at)


def _wants(parse: Parse) -> str | None:
    """The kind of wish a segment surely tells: to ask, to file, or of a filed case."""
    for name in ("file_demand", "ask_service", "case_status", "hasten_case", "supplement_case", "withdraw_case"):
        if parse.probability(name) >= 0.6:
            return name
    return None


def _danger(before: Reading | None, matter: Matter, reading: Reading) -> Reading | None:
    """The segment that tells of danger, where all that was told so far does too; None once the danger is over."""
    assert reading.parse is not None and matter.whole is not None
    if says_all_clear(reading.parse.canonical):
        return None
    return reading if reading.parse.in_danger() and matter.whole.in_danger() else before
