"""Another city's Open311 endpoint as seen from here: requests over HTTP in XML, failures told as DeliveryFailed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

import httpx

from bot.errors import DeliveryFailed
from connectors.open311.asked import SPAN
from connectors.open311.records import (
    Made,
    ServiceRequest,
    read_contact,
    read_errors,
    read_made,
    read_requests,
    read_token,
    read_updates,
)
from connectors.open311.wire import Format, Unreadable

MOST_BYTES = 8_000_000
PAGES, PAGE_SIZE, IDS_AT_ONCE = 20, 200, 50
# Refusals that another try may change: a key can be renewed, a limit passes.
PASSING = frozenset({401, 403, 408, 425, 429})
NOT_OFFERED = 501
T = TypeVar("T")


class Remote:
    """The endpoint; XML because only that is mandatory. Every method raises DeliveryFailed."""

    def __init__(self, client: httpx.Client, url: str, key: str, jurisdiction: str = "") -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._key = key
        self._city = {"jurisdiction_id": jurisdiction} if jurisdiction else {}

    def post(self, fields: Mapping[str, str], retry_key: str) -> Made:
        """File a request; the same `retry_key` again files nothing twice where the endpoint knows such keys."""
        body = {"api_key": self._key, **self._city, **fields}
        made = self._ask("POST", "/requests.xml", read_made, data=body, headers={"Idempotency-Key": retry_key})
        if not made.service_request_id and not made.token:
            raise DeliveryFailed("the endpoint gave neither a number nor a token")
        return made

    def update(self, fields: Mapping[str, str]) -> None:
        """Say something of a request, by the extension of mySociety; final where the endpoint does not offer it."""
        self._ask(
            "POST", "/servicerequestupdates.xml", read_updates, data={"api_key": self._key, **self._city, **fields}
        )

    def contact(self) -> str | None:
        """How people reach the city, where it says so."""
        try:
            return self._ask("GET", "/discovery.xml", read_contact, params=self._query())
        except DeliveryFailed:
            return None

    def token(self, token: str) -> str | None:
        """The number that a token became, None while it waits."""
        path = f"/tokens/{quote(token, safe='')}.xml"
        return self._ask("GET", path, read_token, params=self._query()).service_request_id

    def by_number(self, numbers: Sequence[str]) -> Iterator[ServiceRequest]:
        """The requests of these numbers, as many as it shows us."""
        for first in range(0, len(numbers), IDS_AT_ONCE):
            ids = ",".join(numbers[first : first + IDS_AT_ONCE])
            query = self._query(service_request_id=ids, extensions="true")
            yield from self._ask("GET", "/requests.xml", read_requests, params=query)

    def since(self, start: datetime, now: datetime, code: str) -> Iterator[ServiceRequest]:
        """The requests for a service filed since a moment, of the last 90 days at most, page by page."""
        first = max(start, now - SPAN)
        window = {"start_date": _w3c(first), "end_date": _w3c(now + timedelta(minutes=5)), "service_code": code}
        seen: set[str] = set()
        for page in range(1, PAGES + 1):
            query = self._query(**window, page=str(page), page_size=str(PAGE_SIZE))
            found = self._ask("GET", "/requests.xml", read_requests, params=query)
            fresh = [one for one in found if one.service_request_id not in seen]
            seen |= {one.service_request_id for one in fresh}
            yield from fresh
            if not fresh or len(found) < PAGE_SIZE:
                return

    def _query(self, **more: str) -> dict[str, str]:
        return {"api_key": self._key, **self._city, **more}

    def _ask(self, method: str, path: str, reader: Callable[[Format, bytes], T], **more: object) -> T:
        try:
            with self._client.stream(method, self._url + path, **more) as answer:  # type: ignore[arg-type]
                body = _bounded(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryFailed(f"no answer: {type(error).__name__}") from None
        if not answer.is_success:
            told = "; ".join(read_errors(Format.XML, body))[:500]
            final = (answer.is_client_error and answer.status_code not in PASSING) or answer.status_code == NOT_OFFERED
            raise DeliveryFailed(f"{answer.status_code} {told}".strip(), final=final)
        try:
            return reader(Format.XML, body)
        except Unreadable as error:
            raise DeliveryFailed(f"an answer that cannot be read: {error}") from None


def _bounded(answer: httpx.Response) -> bytes:
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise DeliveryFailed("an answer too large to be read")
    return body


def _w3c(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
