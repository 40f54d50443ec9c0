"""What can be wrong with a request, each with its HTTP status; the wording stands in domain.yml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bot.domain import Domain
from bot.errors import ChengdaError
from connectors.open311.records import ErrorEntry


class Kind(Enum):
    """A kind of problem with its status; the response `utter_open311_<kind>` tells it."""

    KEY_MISSING = ("key_missing", 403)
    KEY_WRONG = ("key_wrong", 403)
    JURISDICTION_UNKNOWN = ("jurisdiction_unknown", 404)
    SERVICE_MISSING = ("service_missing", 400)
    SERVICE_UNKNOWN = ("service_unknown", 404)
    NOT_FILED = ("not_filed", 400)
    LOCATION_MISSING = ("location_missing", 400)
    COORDINATES_HALF = ("coordinates_half", 400)
    COORDINATES_WRONG = ("coordinates_wrong", 400)
    TOO_LONG = ("too_long", 400)
    EMAIL_WRONG = ("email_wrong", 400)
    PHONE_WRONG = ("phone_wrong", 400)
    MEDIA_WRONG = ("media_wrong", 400)
    ATTRIBUTES_MANY = ("attributes_many", 400)
    ATTRIBUTE_WRONG = ("attribute_wrong", 400)
    FORM_WRONG = ("form_wrong", 400)
    KEY_REUSED = ("key_reused", 409)
    REQUEST_UNKNOWN = ("request_unknown", 404)
    DATE_WRONG = ("date_wrong", 400)
    DATES_TURNED = ("dates_turned", 400)
    SPAN_LONG = ("span_long", 400)
    STATUS_WRONG = ("status_wrong", 400)
    PAGE_WRONG = ("page_wrong", 400)
    IDS_MANY = ("ids_many", 400)
    FIELD_MISSING = ("field_missing", 400)
    UPDATE_REFUSED = ("update_refused", 400)
    PATH_UNKNOWN = ("path_unknown", 404)
    METHOD_WRONG = ("method_wrong", 405)
    TOO_LARGE = ("too_large", 413)
    TOO_MANY = ("too_many", 429)
    BROKEN = ("broken", 500)

    def __init__(self, text: str, status: int) -> None:
        self.text = text
        self.status = status


# What the web server itself refuses, by its status.
OF_STATUS: Mapping[int, Kind] = {
    404: Kind.PATH_UNKNOWN,
    405: Kind.METHOD_WRONG,
    413: Kind.TOO_LARGE,
    429: Kind.TOO_MANY,
    500: Kind.BROKEN,
}


@dataclass(frozen=True)
class Problem:
    """One problem, `values` are the words its sentence names."""

    kind: Kind
    values: Mapping[str, Any] = field(default_factory=dict)

    def entry(self, domain: Domain, language: str) -> ErrorEntry:
        """The problem as told to the caller."""
        text = domain.text(f"utter_open311_{self.kind.text}", language, **self.values)
        return ErrorEntry(code=self.kind.status, description=text)


class Refused(ChengdaError):
    """A request with problems; nothing was done. The status is that of the first one."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(", ".join(problem.kind.text for problem in self.problems))

    @property
    def status(self) -> int:
        """The HTTP status of the whole."""
        return self.problems[0].kind.status


def refused(kind: Kind, **values: Any) -> Refused:
    """One problem as an error to raise."""
    return Refused([Problem(kind, values)])
