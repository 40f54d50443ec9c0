"""Public look-ups of a case by its query code, closed to guessing: one answer for every refusal."""

from __future__ import annotations

from bot.cases.case import Case
from bot.cases.number import CaseNumber, is_case_number
from bot.errors import UnknownCase
from bot.store import Store
from connectors.throttle import WRONG_CODES_BY_ADDRESS, WRONG_CODES_BY_CASE, Throttle, network_of


def look_up(store: Store, throttle: Throttle, number: str, code: str, address: str) -> Case:
    """The case of a number and its code.

    Raises UnknownCase alike for an unknown number, a wrong code, a case with ten wrong codes in a day, and an address
    with thirty in 15 minutes.
    """
    wanted, network = CaseNumber(number.upper()), network_of(address)
    closed = throttle.spent(WRONG_CODES_BY_ADDRESS, "codes-address", network) or throttle.spent(
        WRONG_CODES_BY_CASE, "codes-case", wanted
    )
    try:
        with store.read() as work:
            found = work.cases.with_code(wanted, code)
    except UnknownCase:
        throttle.hit(WRONG_CODES_BY_ADDRESS, "codes-address", network)
        if is_case_number(wanted):
            throttle.hit(WRONG_CODES_BY_CASE, "codes-case", wanted)
        raise
    if closed:
        raise UnknownCase(wanted)
    return found
