"""Every error the product raises on purpose, as one tree."""

from __future__ import annotations

from collections.abc import Mapping


class ChengdaError(Exception):
    """Root of the tree; its text is safe to show to the staff who run the product.

    `values` fill the wording a person reads, `extra` stands in the problem document beside it.
    """

    def __init__(
        self, text: str = "", values: Mapping[str, object] | None = None, extra: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(text)
        self.values, self.extra = dict(values or {}), dict(extra or {})


class StaleModels(ChengdaError):
    """The models of the content as it stands are not trained yet."""


class UntrainableProject(ChengdaError):
    """The training data of a Rasa project is too little for what its pipeline learns."""


class UnfitModel(ChengdaError):
    """A folder holds no understanding that this version can read."""


class UnknownWebSession(ChengdaError):
    """No session of the web chat has this secret, or it ended; the two are never told apart."""


class CaseError(ChengdaError):
    """A case operation was refused."""


class UnknownCase(CaseError):
    """No case has this number, or the query code is not its own; the two are never told apart."""


class NoCaseForFile(CaseError):
    """A file came in a conversation that has no case to take it."""


class IllegalTransition(CaseError):
    """The state machine does not allow this change."""


class HastenRefused(IllegalTransition):
    """Hastening would do nothing now; `why` is one of `bot.cases.hastening.Effect`."""

    def __init__(self, problem: str, why: str) -> None:
        super().__init__(problem)
        self.why = why


class NotNow(IllegalTransition):
    """The state fits, but something else of the case forbids the change."""


class StaleCase(CaseError):
    """The case was changed since the one who changes it looked."""


class NoVersion(CaseError):
    """A change did not tell which version of the case it is made on."""


class AnonymousCase(CaseError):
    """Nothing of who filed an anonymous case is ever told."""


class RulingDecided(CaseError):
    """What a ruling is now does not allow this decision."""


class UnknownUnit(CaseError):
    """No unit of the duty list has this id."""


class UnknownAlert(CaseError):
    """No surge has this id."""


class AlertDecided(CaseError):
    """What a surge is now does not allow this."""


class UnknownRuling(CaseError):
    """No ruling has this id."""


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


class KeyOwnerWrong(CaseError):
    """The name given for the owner of a key cannot be one."""


class StaffError(ChengdaError):
    """A staff account or session was refused."""


class WrongLogin(StaffError):
    """Login or password is wrong, or the account is closed or locked; never told apart."""


class TooManyLogins(StaffError):
    """Too many logins from one address or to one account."""


class SessionEnded(StaffError):
    """There is no open session."""


class UnknownAccount(StaffError):
    """No account has this login."""


class LoginTaken(StaffError):
    """Another account has this login."""


class AccountRefused(StaffError):
    """A login, name, role or unit cannot be."""


class WeakPassword(StaffError):
    """A password is too short, too long or the login itself."""


class LastAdmin(StaffError):
    """The last administrator would be gone."""


class DeskError(ChengdaError):
    """Something at the desk of talks was refused."""


class UnknownTalk(DeskError):
    """No talk has this number."""


class TalkTaken(DeskError):
    """Somebody else holds this talk."""


class NotYourTalk(DeskError):
    """This can only be done by who holds the talk."""


class TalkOver(DeskError):
    """The talk is over."""


class UnknownDraft(DeskError):
    """No answer that waits for approval has this number."""


class NotJoinable(DeskError):
    """The citizen cannot be joined to this case: one's own, ended, anonymous, or the role may not merge."""


class JoinChanged(NotJoinable):
    """The case would be joined by another way by now than the agent was offered."""


class DraftDecided(DeskError):
    """The answer was approved, refused or sent meanwhile."""


class EvidenceError(ChengdaError):
    """A file is of no allowed type, too large, or not what its name says."""


class EvidenceKind(EvidenceError):
    """The content is of no allowed type, or not what its name says."""


class EvidenceTooLarge(EvidenceError):
    """The file is larger than its type may be, or empty."""


class EvidenceTooMany(EvidenceError):
    """The case has as many files as it may have."""


class EvidenceMissing(EvidenceError):
    """The reply to this case needs a file, or a file named with it is not the case's."""


class UnknownEvidence(EvidenceError):
    """No file has this id."""


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


class ChannelError(ChengdaError):
    """Something of a messenger is wrong."""


class BadCallback(ChannelError):
    """A messenger's call is forged, old, damaged or not for us; never told apart."""


class BadFrame(ChannelError):
    """A frame of a call is not in the agreed form; its text names the field, never a value."""


class UnknownCall(ChannelError):
    """There is no such call, or it is another's; the two are never told apart."""


class CallOver(ChannelError):
    """The call is over: nothing more can be said in it."""


class ActionError(ChengdaError):
    """An action server gave no answer to a call that can be used."""


class ActionRejected(ActionError):
    """The action looked at the conversation and will not run; another may be predicted in its place."""


class ActionUnknown(ActionError):
    """The action server has no such action."""


class ActionFailed(ActionError):
    """The action broke, or its server is away, slow, or answers in no agreed form."""


class ActionCallUnreadable(ActionError):
    """A call of an action is not in the agreed form."""


class EngineAway(ChengdaError):
    """Another engine that answers in our place gave no answer that can be used."""


class ConversationBusy(ChengdaError):
    """Another message of the same conversation of a project takes long."""
