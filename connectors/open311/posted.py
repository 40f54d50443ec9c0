"""A posted form as read from the wire: fields, attributes and files; pure, every problem told at once."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.open311.problems import Kind, Problem
from connectors.open311.wire import clean

Pairs = Sequence[tuple[str, str]]
# Field -> most characters.
LENGTHS: Mapping[str, int] = {
    "service_code": 20,
    "address_string": 500,
    "address_id": 100,
    "email": 40,
    "device_id": 100,
    "account_id": 100,
    "first_name": 100,
    "last_name": 100,
    "phone": 40,
    "description": 4000,
}
MEDIA_LENGTH, MOST_MEDIA = 2000, 20
ATTRIBUTE_LENGTH, MOST_ATTRIBUTES = 1000, 50
# Other spellings seen in the wild.
SPELLINGS = {"deviceid": "device_id", "lng": "long", "lon": "long"}
_ATTRIBUTE = re.compile(r"attribute\[([A-Za-z0-9_.\-]{1,60})\](?:\[\d*\])?")
_MEDIA = re.compile(r"media_url(?:\[\d*\])?")
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")
_PHONE = re.compile(r"\+?[\d\s()./\-]{5,}(?:(?:x|ext\.?|转)\s*\d{1,6})?")
_URL = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class Posted:
    """What a form says; empty fields are absent. Files are names with their content."""

    fields: Mapping[str, str]
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    media: tuple[str, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()

    def get(self, name: str) -> str | None:
        """A field's value."""
        return self.fields.get(name)

    @property
    def coordinates(self) -> tuple[float, float] | None:
        """Latitude and longitude (WGS-84), None where they were not given or are none."""
        try:
            lat, long = float(self.fields["lat"]), float(self.fields["long"])
        except (KeyError, ValueError):
            return None
        inside = math.isfinite(lat) and math.isfinite(long) and abs(lat) <= 90 and abs(long) <= 180
        return (lat, long) if inside else None

    @property
    def contact(self) -> str | None:
        """How to reach the person: the phone, else the e-mail address."""
        return self.get("phone") or self.get("email")

    def digest(self) -> str:
        """The same for the same content, whatever the order of its fields."""
        content = (
            sorted((name, value) for name, value in self.fields.items() if name != "api_key"),
            sorted(self.attributes.items()),
            self.media,
        )
        return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()


def read_form(pairs: Pairs, files: Sequence[tuple[str, bytes]] = ()) -> Posted:
    """The fields of a form; a field given twice counts as last told, `media_url` and attributes collect."""
    fields: dict[str, str] = {}
    attributes: dict[str, tuple[str, ...]] = {}
    media: list[str] = []
    for name, raw in pairs:
        value = clean(raw).strip()
        if not value:
            continue
        if match := _ATTRIBUTE.fullmatch(name):
            attributes[match[1]] = (*attributes.get(match[1], ()), value)
        elif _MEDIA.fullmatch(name):
            media.append(value)
        else:
            fields[SPELLINGS.get(name, name)] = value
    return Posted(fields, attributes, tuple(media), tuple(files))


def problems_of(posted: Posted) -> Iterator[Problem]:
    """What is wrong with the shape of a form, whatever the service."""
    yield from _location_problems(posted)
    for name, most in LENGTHS.items():
        if len(posted.get(name) or "") > most:
            yield Problem(Kind.TOO_LONG, {"field": name, "most": most})
    for name, pattern, kind in (("email", _EMAIL, Kind.EMAIL_WRONG), ("phone", _PHONE, Kind.PHONE_WRONG)):
        value = posted.get(name)
        if value is not None and len(value) <= LENGTHS[name] and not pattern.fullmatch(value):
            yield Problem(kind)
    if len(posted.media) > MOST_MEDIA or not all(_is_link(link) for link in posted.media):
        yield Problem(Kind.MEDIA_WRONG, {"most": MOST_MEDIA})
    if sum(len(values) for values in posted.attributes.values()) > MOST_ATTRIBUTES:
        yield Problem(Kind.ATTRIBUTES_MANY, {"most": MOST_ATTRIBUTES})
    for code, values in posted.attributes.items():
        if any(len(value) > ATTRIBUTE_LENGTH for value in values):
            yield Problem(Kind.TOO_LONG, {"field": f"attribute[{code}]", "most": ATTRIBUTE_LENGTH})


def _location_problems(posted: Posted) -> Iterator[Problem]:
    given = [name for name in ("lat", "long") if posted.get(name)]
    if len(given) == 1:
        yield Problem(Kind.COORDINATES_HALF)
    elif given and posted.coordinates is None:
        yield Problem(Kind.COORDINATES_WRONG)
    elif not given and not posted.get("address_string") and not posted.get("address_id"):
        yield Problem(Kind.LOCATION_MISSING)


def _is_link(text: str) -> bool:
    return len(text) <= MEDIA_LENGTH and bool(_URL.fullmatch(text))
