"""Every error the product raises on purpose, as one tree."""

from __future__ import annotations


class ChengdaError(Exception):
    """Root of the tree; its text is safe to show to the staff who run the product."""


class StaleModels(ChengdaError):
    """The models of the content as it stands are not trained yet."""


class CaseError(ChengdaError):
    """A case operation was refused."""


class UnknownCase(CaseError):
    """No case has this number, or the query code is not its own; the two are never told apart."""


class IllegalTransition(CaseError):
    """The state machine does not allow this change."""


class HastenRefused(IllegalTransition):
    """Hastening would do nothing now; `why` is one of `bot.cases.hastening.Effect`."""

    def __init__(self, problem: str, why: str) -> None:
        super().__init__(problem)
        self.why = why


class NotAllowed(CaseError):
    """This role, or this unit, may not make this change."""


class MissingForMove(CaseError):
    """The change lacks what it needs, such as a reason or a reply."""


class DeliveryFailed(CaseError):
    """A case could not be handed over; `final` when trying again would not help."""

    def __init__(self, problem: str, final: bool = False) -> None:
        super().__init__(problem)
        self.final = final


class NoNumberLeft(CaseError):
    """The day's case numbers are used up."""


class StaffError(ChengdaError):
    """A staff account or session was refused."""


class EvidenceError(ChengdaError):
    """A file is of no allowed type, too large, or not what its name says."""


class LiveError(ChengdaError):
    """A live source gave nothing that can be told."""


class LiveUnreachable(LiveError):
    """It did not answer in time, or broke down."""


class LiveRefused(LiveError):
    """It refused: key, quota or request."""


class LiveGarbled(LiveError):
    """Its answer is not in the agreed form."""


class LiveNoData(LiveError):
    """It answered well and knows nothing of the place."""


class SettingsError(ChengdaError):
    """A setting is missing or does not go with another."""
