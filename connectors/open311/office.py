"""The desk behind the Open311 endpoint: takes requests and updates, lists cases; every problem is raised as Refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta

from sqlalchemy import select

from bot.cases.case import CITIZEN, Case, CaseDraft, DemandType, Facts
from bot.cases.evidence import Ready, ready
from bot.cases.number import CaseNumber
from bot.cases.states import ENDED, TRANSITIONS, Move, Status
from bot.cases.tables import cases
from bot.domain import Domain
from bot.errors import EvidenceError
from bot.language import detect
from bot.nlu.entities import find_entities
from bot.privacy import redact
from bot.store import Store, Work
from connectors.open311.asked import Asked, read_moment
from connectors.open311.posted import Posted, problems_of
from connectors.open311.problems import Kind, Problem, Refused, refused
from connectors.open311.public import WORDS, Teller
from connectors.open311.records import Made, ServiceRequest, Token, Update
from connectors.open311.selection import SOURCE, filters_of, is_own, numbers_of, sender_of, visible
from connectors.open311.services import ANONYMOUS, TYPE, WHEN, YES, ServiceList
from knowledge.catalogue import Catalogue
from knowledge.city import City
from knowledge.open311 import Jurisdiction, jurisdiction_of

SAME_CONTENT = timedelta(minutes=10)
PLACE_TEXT = 500
MARK = "o311:"
# Kept in the words of an anonymous demand: where it is, and the vehicle it is about.
PLACE_KINDS = frozenset({"address", "plate"})
Urgency = Callable[[str], str]


def ordinary(text: str) -> str:
    """The urgency of words that nobody has read."""
    return "normal"


@dataclass(frozen=True)
class Office:
    """One endpoint: a database of cases, the keys (of the main database), the catalogue and the wording."""

    store: Store
    keys: Store
    catalogue: Catalogue
    domain: Domain
    place: City
    urgency: Urgency = ordinary
    read_needs_key: bool = False

    @property
    def city(self) -> Jurisdiction:
        """What the city tells of itself."""
        return jurisdiction_of(self.place)

    def services(self, language: str) -> ServiceList:
        """The list of services in a language."""
        return ServiceList(self.catalogue, self.city, self.domain, language)

    def check_city(self, told: str | None) -> None:
        """Another city's id is not found here; none at all is ours."""
        if told and told.strip() and told.strip().lower() != self.city.jurisdiction_id.lower():
            raise refused(Kind.JURISDICTION_UNKNOWN, id=told.strip()[:100])

    def reader(self, key: str | None) -> str | None:
        """Whose key a reader has, None without one."""
        if key and key.strip():
            return self._owner(key)
        if self.read_needs_key:
            raise refused(Kind.KEY_MISSING)
        return None

    def _owner(self, key: str | None) -> str:
        if not key or not key.strip():
            raise refused(Kind.KEY_MISSING)
        with self.keys.read() as work:
            owner = work.keys.owner_of(key.strip())
        if owner is None:
            raise refused(Kind.KEY_WRONG)
        return owner

    def file(self, posted: Posted, retry_key: str | None, language: str) -> Made:
        """Make a case of a form, or give the one that the same request made before."""
        owner = self._owner(posted.get("api_key"))
        self.check_city(posted.get("jurisdiction_id"))
        services = self.services(language)
        problems = [*services.problems_of(posted), *problems_of(posted)]
        if problems:
            raise Refused(problems)
        draft = self._draft(posted, services)
        digest = hashlib.sha256(f"{owner}\n{posted.digest()}".encode()).hexdigest()
        files = [_ready(name, content) for name, content in posted.files]
        with self.store.work() as work:
            case = self._filed(work, owner, posted, draft, retry_key, digest, language)
            kept = [file is not None and self._kept(work, case, file) for file in files]
        notices = [
            "utter_open311_danger" if case.draft.urgency == "emergency" else None,
            "utter_open311_notice",
            "utter_open311_files_left" if not all(kept) else None,
        ]
        told = " ".join(self.domain.text(name, language, code=case.query_code) for name in notices if name)
        return Made(service_request_id=case.number, service_notice=told, account_id=posted.get("account_id"))

    def _kept(self, work: Work, case: Case, file: Ready) -> bool:
        """Keep a file with its case; False where it has too many, as a report is worth more than its photo."""
        try:
            work.evidence.add(case.number, file, self.store.now())
        except EvidenceError:
            return False
        return True

    def _filed(
        self,
        work: Work,
        owner: str,
        posted: Posted,
        draft: CaseDraft,
        retry_key: str | None,
        digest: str,
        language: str,
    ) -> Case:
        sender = sender_of(owner, posted.get("account_id") or posted.get("device_id") or "")
        told = posted.get("description")
        spoken = ("en" if detect(told).language == "en" else "zh") if told else language
        request_key = self._request_key(work, owner, retry_key, digest)
        case = work.cases.file(draft, sender, spoken, posted.contact, _anonymous(posted), SOURCE, request_key)
        known = {mark for mark in work.cases.marks(case.number) if mark.startswith(MARK)}
        mark = f"{MARK}{digest[:40]}"
        if known and mark not in known:
            raise refused(Kind.KEY_REUSED)
        if not known:
            work.cases.mark(case.number, mark)
            item = self.catalogue[str(draft.service_item)]
            if (beyond := self.services(language).beyond(posted, item)) is not None:
                work.cases.move(case.number, Move.SUPPLEMENT, CITIZEN, Facts(note=beyond))
        return case

    def _request_key(self, work: Work, owner: str, retry_key: str | None, digest: str) -> str:
        """The caller's own key; else the content within the last 10 minutes, whatever the clock's slots."""
        if retry_key:
            return SOURCE + ":" + hashlib.sha256(f"{owner}\n{retry_key}".encode("utf-8", "replace")).hexdigest()
        now = self.store.now()
        slot = int(now.timestamp() // SAME_CONTENT.total_seconds())
        current, before = (f"{SOURCE}:{digest[:48]}:{number}" for number in (slot, slot - 1))
        recent = (cases.c.request_key == before, cases.c.filed_at > (now - SAME_CONTENT).astimezone(UTC))
        return before if work.connection.execute(select(cases.c.number).where(*recent)).first() else current

    def _draft(self, posted: Posted, services: ServiceList) -> CaseDraft:
        item = self.catalogue[posted.fields["service_code"]]
        words = services.described(posted, item)
        if _anonymous(posted):
            words = redact(words, keep=PLACE_KINDS).text
        at = posted.coordinates
        where = posted.get("address_string") or posted.get("address_id")
        entities = find_entities(f"{where or ''}\n{words}"[:PLACE_TEXT], "zh", self.place)
        sub = next((entity for entity in entities if entity.label == "subdistrict"), None)
        district = next((entity.district for entity in entities if entity.district), None)
        kind = posted.attributes.get(TYPE, (DemandType.COMPLAINT,))[0]
        return CaseDraft(
            words,
            DemandType(kind),
            item.category,
            item.code,
            item.agency,
            where or (f"{at[0]:.6f}, {at[1]:.6f}" if at else None),
            (sub.district if sub else None) or district,
            sub.value if sub else None,
            ", ".join(posted.attributes.get(WHEN, ())) or None,
            urgency=self.urgency(words),
            latitude=at[0] if at else None,
            longitude=at[1] if at else None,
        )

    def requests(self, asked: Asked, owner: str | None, language: str) -> list[ServiceRequest]:
        """The cases asked for, the newest first; those of public items, and those the reader's key filed."""
        services = self.services(language)
        unknown = [code for code in asked.codes if services.find(code) is None]
        if unknown and not asked.ids:
            raise refused(Kind.SERVICE_UNKNOWN, code=unknown[0][:20])
        query = select(cases).where(visible(self.city.public, owner))
        if asked.ids:
            query = query.where(cases.c.number.in_(numbers_of(asked.ids)))
        else:
            query = query.where(
                cases.c.filed_at.between(asked.start.astimezone(UTC), asked.end.astimezone(UTC)), *filters_of(asked)
            ).offset((asked.page - 1) * asked.page_size)
        query = query.order_by(cases.c.filed_at.desc(), cases.c.number.desc()).limit(asked.page_size)
        with self.store.read() as work:
            found = work.cases.found_by(query)
        teller = self._teller(language)
        return [teller.request(case, is_own(case, owner), asked.extensions) for case in found]

    def request(self, number: str, owner: str | None, language: str, extensions: bool) -> ServiceRequest:
        """One case by its number; raises Refused alike for one that is unknown and one that is not public."""
        case = self._one(number, owner)
        return self._teller(language).request(case, is_own(case, owner), extensions)

    def token(self, token: str, owner: str | None) -> Token:
        """The request of a token: numbers are given at once here, so every number is its own token."""
        return Token(service_request_id=self._one(token, owner).number, token=token)

    def updates(self, asked: Asked, owner: str | None, language: str) -> list[Update]:
        """What changed between two moments, the oldest first."""
        between = (cases.c.updated_at >= asked.start.astimezone(UTC), cases.c.filed_at <= asked.end.astimezone(UTC))
        query = select(cases).where(visible(self.city.public, owner), *between)
        if asked.ids:
            query = query.where(cases.c.number.in_(numbers_of(asked.ids)))
        with self.store.read() as work:
            found = work.cases.found_by(query.order_by(cases.c.updated_at).limit(asked.page_size))
        teller = self._teller(language)
        told = [update for case in found for update in teller.updates(case, asked.start, asked.end)]
        return sorted(told, key=lambda update: (update.updated_datetime or asked.start, update.update_id))

    def update(self, posted: Posted) -> Update:
        """A word from outside on a case that the same key filed: noted, or the case opened again."""
        owner = self._owner(posted.get("api_key"))
        self.check_city(posted.get("jurisdiction_id"))
        names = ("service_request_id", "update_id", "description")
        missing = [Problem(Kind.FIELD_MISSING, {"field": name}) for name in names if not posted.get(name)]
        when = posted.get("updated_datetime")
        if when and read_moment(when, self.store.now()) is None:
            missing.append(Problem(Kind.DATE_WRONG, {"field": "updated_datetime"}))
        problems = [*missing, *(one for one in problems_of(posted) if one.kind is not Kind.LOCATION_MISSING)]
        if problems:
            raise Refused(problems)
        case = self._one(posted.fields["service_request_id"], owner)
        if not is_own(case, owner):
            raise refused(Kind.REQUEST_UNKNOWN, id=case.number)
        own_id = hashlib.sha256(posted.fields["update_id"].encode("utf-8", "replace")).hexdigest()[:32]
        with self.store.work() as work:
            if work.cases.mark(case.number, f"{MARK}update:{own_id}"):
                self._take_update(work, case.number, posted)
        return Update(update_id=own_id, service_request_id=case.number)

    def _take_update(self, work: Work, number: CaseNumber, posted: Posted) -> None:
        case, status = work.cases.by_number(number), posted.get("status")
        told = "" if status is None or status.upper() == WORDS[Status.SUBMITTED] else f"[{status}]"
        note = "\n".join([told, posted.fields["description"], *posted.media]).strip()
        move = Move.REOPEN if case.status in ENDED else Move.SUPPLEMENT
        if case.status not in TRANSITIONS[move].origins:
            raise refused(Kind.UPDATE_REFUSED)
        work.cases.move(number, move, CITIZEN, Facts(note=note))

    def _one(self, number: str, owner: str | None) -> Case:
        query = select(cases).where(cases.c.number.in_(numbers_of((number,))), visible(self.city.public, owner))
        with self.store.read() as work:
            found = work.cases.found_by(query)
        if not found:
            raise refused(Kind.REQUEST_UNKNOWN, id=number[:30])
        return found[0]

    def _teller(self, language: str) -> Teller:
        return Teller(self.catalogue, self.domain, language)


def _anonymous(posted: Posted) -> bool:
    return YES in posted.attributes.get(ANONYMOUS, ())


def _ready(name: str, content: bytes) -> Ready | None:
    """A file as it may be kept, None for one that may not."""
    try:
        return ready(name, content, CITIZEN.role)
    except EvidenceError:
        return None
