"""Wire round trips of GeoReport v2 with invented values, and bodies that attack the parser."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.open311.asked import MOST_ROWS, SPAN, read_query
from connectors.open311.posted import problems_of, read_form
from connectors.open311.problems import Refused
from connectors.open311.records import Made, Note, ServiceRequest, Update, read_made, read_requests, read_token
from connectors.open311.wire import Format, Unreadable, clean, read, write
from tests.open311_city import NOON

TEXT = st.text(max_size=60).map(lambda text: clean(text)).filter(lambda text: bool(text.strip()))
WORDS = st.none() | TEXT
ZONES = st.integers(-720, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=ZONES).map(
    lambda moment: moment.replace(microsecond=0)
)
NUMBERS = st.none() | st.floats(-180, 180)
NOTES = st.none() | st.lists(st.builds(Note, datetime=MOMENTS, description=WORDS, type=TEXT), max_size=3)
REQUESTS = st.lists(
    st.builds(
        ServiceRequest,
        service_request_id=TEXT,
        status=st.sampled_from(["open", "closed"]),
        status_notes=WORDS,
        description=WORDS,
        requested_datetime=MOMENTS,
        updated_datetime=MOMENTS,
        lat=NUMBERS,
        long=NUMBERS,
        notes=NOTES,
    ),
    max_size=4,
)
FORMATS = st.sampled_from(list(Format))


@settings(max_examples=150, deadline=None)
@given(REQUESTS, FORMATS)
def test_requests_come_back_as_they_went(requests: list[ServiceRequest], form: Format) -> None:
    body = write(form, "service_requests", [one.tree() for one in requests])
    assert read_requests(form, body) == requests


@settings(max_examples=100, deadline=None)
@given(WORDS, WORDS, FORMATS)
def test_answers_come_back_as_they_went(number: str | None, notice: str | None, form: Format) -> None:
    made = Made(service_request_id=number, service_notice=notice, token=None if number else "t-1")
    assert read_made(form, write(form, "service_requests", [made.tree()])) == made
    assert ("token" in made.tree()) == (number is None)


@settings(max_examples=100, deadline=None)
@given(st.text(), FORMATS)
def test_any_text_can_be_written(text: str, form: Format) -> None:
    update = Update(update_id="1", description=text)
    tree = read(form, write(form, "service_request_updates", [update.tree()]))
    assert (tree[0]["description"] or "") == ((update.description and clean(text)) or "")


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=12), st.text(max_size=40), max_size=8))
def test_any_form_is_read(fields: dict[str, str]) -> None:
    posted = read_form(list(fields.items()))
    assert posted.digest() == read_form(list(reversed(fields.items()))).digest() or len(posted.media) > 1
    list(problems_of(posted))


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "start_date": MOMENTS.map(str) | st.text(max_size=20),
            "end_date": MOMENTS.map(str) | st.text(max_size=20),
            "page": st.integers().map(str),
            "page_size": st.text(max_size=5),
            "status": st.sampled_from(["open", "closed", "open,closed", "x", ""]),
        },
    )
)
def test_any_query_is_read_or_refused(query: dict[str, str]) -> None:
    try:
        asked = read_query(query, NOON)
    except Refused as error:
        assert {problem.kind.status for problem in error.problems} == {400}
        return
    assert timedelta(0) <= asked.end - asked.start <= SPAN + timedelta(days=1)
    assert 1 <= asked.page_size <= MOST_ROWS


ENTITIES = b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 1000 + b'">]><errors>' + b"&x;" * 1000 + b"</errors>"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<services>",
        b"<errors><error>",
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><errors/>',
        ENTITIES,
        b"\xff\xfe<a/>",
        b'<?xml version="1.0" encoding="none"?><a/>',
        b"<html><body>Bad gateway</body></html>",
        b"<service_requests><request><status>open</status></request></service_requests>",
    ],
)
def test_bodies_that_are_none(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_requests(Format.XML, body)


def test_answers_of_other_servers() -> None:
    """Numbers as ids, capitals, dates without a zone or none at all, elements nobody knows."""
    body = b"""<?xml version="1.0"?><service_requests type="array"><request>
      <service_request_id>42</service_request_id><status>Closed</status><requested_datetime>n/a</requested_datetime>
      <lat/><long> </long><notes>plain</notes><media>x</media></request></service_requests>"""
    one = read_requests(Format.XML, body)[0]
    assert (one.service_request_id, one.status, one.requested_datetime, one.lat, one.notes) == (
        "42", "Closed", None, None, None,
    )  # fmt: skip
    told: Any = read_made(Format.JSON, b'[{"service_request_id": 7, "extra": []}]')
    assert told.service_request_id == "7"
    assert read_token(Format.JSON, b'[{"service_request_id": "", "token": "t"}]').service_request_id is None
