"""Coordinates told inside the text of a place, as a messenger's location message has them."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.cases.case import CaseDraft

TOLD = re.compile(r"\s*[(（](-?\d{1,2}\.\d{4,8})[,，]\s*(-?\d{1,3}\.\d{4,8})[)）]")


def place_told(name: str, latitude: float, longitude: float) -> str:
    """The text of a place with its coordinates (degrees of WGS 84), as `located` reads it."""
    return f"{name}（{latitude:.6f},{longitude:.6f}）"


def located(draft: CaseDraft) -> CaseDraft:
    """The draft with the coordinates that its place tells in fields of their own; the words of the place stay."""
    found = TOLD.search(draft.location or "")
    if found is None or draft.location is None:
        return draft
    latitude, longitude = float(found[1]), float(found[2])
    if abs(latitude) > 90 or abs(longitude) > 180:
        return draft
    name = TOLD.sub("", draft.location, count=1).strip() or found[0].strip()
    return replace(draft, location=name, latitude=latitude, longitude=longitude)
