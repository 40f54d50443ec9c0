"""What goes over the wire in GeoReport v2, one record each, for the server that writes and the client that reads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from connectors.open311.wire import Format, Unreadable, read


def _nothing(value: Any) -> Any:
    """An empty value is an absent one."""
    return None if isinstance(value, str) and not value.strip() else value


def _date(value: Any) -> Any:
    """A moment that can be read, else None: servers differ in what they write where nothing is known."""
    if not isinstance(value, str):
        return value if isinstance(value, datetime) else None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None


def _number(value: Any) -> Any:
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _list(value: Any) -> Any:
    return value if isinstance(value, list) else None


def _table(value: Any) -> Any:
    return value if isinstance(value, dict) else None


Words = Annotated[str | None, BeforeValidator(_nothing)]
Moment = Annotated[datetime | None, BeforeValidator(_date)]
Number = Annotated[float | None, BeforeValidator(_number)]


# Before a token that stands for a request until it has a number.
TOKEN = "token:"


class Wire(BaseModel):
    """A record; fields it does not know are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    def tree(self) -> dict[str, Any]:
        """The record as the tree to write, moments in W3C form with their zone."""
        return {name: _plain(value) for name, value in self.model_dump().items() if self._told(name)}

    def _told(self, name: str) -> bool:
        return True


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


Record = TypeVar("Record", bound=Wire)


class Note(Wire):
    """One line of what happened, an extension."""

    datetime: Moment = None
    description: Words = None
    type: Words = None


class ServiceRequest(Wire):
    """A case as the public reads it; `notes` and `extended_attributes` are told only where they were asked for."""

    service_request_id: str
    status: Words = None
    status_notes: Words = None
    service_name: Words = None
    service_code: Words = None
    description: Words = None
    agency_responsible: Words = None
    service_notice: Words = None
    requested_datetime: Moment = None
    updated_datetime: Moment = None
    expected_datetime: Moment = None
    address: Words = None
    address_id: Words = None
    zipcode: Words = None
    lat: Number = None
    long: Number = None
    media_url: Words = None
    account_id: Words = Field(default=None, exclude=True)
    notes: Annotated[list[Note] | None, BeforeValidator(_list)] = None
    extended_attributes: Annotated[dict[str, Any] | None, BeforeValidator(_table)] = None

    def _told(self, name: str) -> bool:
        return name not in ("notes", "extended_attributes") or getattr(self, name) is not None


class Made(Wire):
    """The answer to a request posted; `token` only of servers that give no number at once."""

    service_request_id: Words = None
    service_notice: Words = None
    account_id: Words = None
    token: Words = None

    def _told(self, name: str) -> bool:
        return name != "token" or self.token is not None


class Token(Wire):
    """A token and the request it became, none yet while it waits."""

    service_request_id: Words = None
    token: Words = None


class Update(Wire):
    """One change of a request, the extension of mySociety."""

    update_id: str
    service_request_id: Words = None
    status: Words = None
    updated_datetime: Moment = None
    description: Words = None
    media_url: Words = None


class ErrorEntry(Wire):
    """One problem of a request."""

    code: int
    description: str


def read_requests(form: Format, body: bytes) -> list[ServiceRequest]:
    """The requests of an answer; raises Unreadable."""
    return _all(ServiceRequest, read(form, body))


def read_made(form: Format, body: bytes) -> Made:
    """The answer to a posted request; raises Unreadable."""
    return _first(Made, read(form, body))


def read_token(form: Format, body: bytes) -> Token:
    """The answer for a token; raises Unreadable."""
    return _first(Token, read(form, body))


def read_updates(form: Format, body: bytes) -> list[Update]:
    """The answer to a posted update; raises Unreadable."""
    return _all(Update, read(form, body))


def read_contact(form: Format, body: bytes) -> str | None:
    """How to reach the city, as its discovery document says; raises Unreadable."""
    tree = read(form, body)
    told = tree.get("contact") if isinstance(tree, dict) else None
    return told.strip() or None if isinstance(told, str) else None


def read_errors(form: Format, body: bytes) -> list[str]:
    """What an error answer says, empty where it says nothing readable."""
    try:
        return [entry.description for entry in _all(ErrorEntry, read(form, body))]
    except Unreadable:
        return []


def _all(kind: type[Record], tree: Any) -> list[Record]:
    if not isinstance(tree, list):
        raise Unreadable("no list of records")
    try:
        return [kind.model_validate(one) for one in tree]
    except ValidationError as error:
        raise Unreadable(f"{kind.__name__}: {error.errors()[0]['msg']}") from None


def _first(kind: type[Record], tree: Any) -> Record:
    found = _all(kind, tree)
    if not found:
        raise Unreadable("an empty list")
    return found[0]
