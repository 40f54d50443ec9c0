"""How a case reaches a unit: the door that a hand-over goes through, whatever lies behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bot.cases.case import Case
from bot.cases.handover import Handover
from bot.errors import DeliveryFailed

__all__ = ["Delivery", "DeliveryFailed", "DeliveryOf", "InHouse"]


class Delivery(Protocol):
    """Brings cases to units; called outside any transaction, for it may wait for a network.

    It may be called again for a hand-over of which the first answer was lost, and must then deliver nothing twice.
    """

    def deliver(self, case: Case, handover: Handover) -> str | None:
        """Hand the case over; gives the unit's own number for it, if it has one. Raises DeliveryFailed."""


class InHouse:
    """Units that work at our own desk: the case is before them as soon as it is dispatched."""

    def deliver(self, case: Case, handover: Handover) -> str | None:
        """Nothing is left to do."""
        return None


class DeliveryOf:
    """Every unit by its own delivery; those not named work at our desk."""

    def __init__(self, of_unit: Mapping[str, Delivery], otherwise: Delivery | None = None) -> None:
        self._of_unit = of_unit
        self._otherwise = otherwise or InHouse()

    def deliver(self, case: Case, handover: Handover) -> str | None:
        """By the delivery of the unit; raises DeliveryFailed."""
        return self._of_unit.get(handover.unit, self._otherwise).deliver(case, handover)
