"""The calls between an engine and an action server, as Rasa 3 and rasa-sdk put them on the wire; no network here.

An engine sends the tracker and the name of an action; the server answers with events for the tracker and responses for
the citizen. Status 400 is a rejection, 404 an unknown action, 449 wants the call again with the domain, 500 a failure.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.errors import ActionCallUnreadable, ActionFailed, ActionRejected, ActionUnknown

DEFLATE = "deflate"
MAX_CALL_BYTES = 8 * 1024 * 1024
REJECTED, UNKNOWN, DOMAIN_WANTED = 400, 404, 449
# JSON can tell one of the two halves of a character alone; no database keeps it.
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
# A `response` names the wording of the domain to render.
RESPONSE, TEMPLATE = "response", "template"
VALIDATE = "validate_"


@dataclass(frozen=True)
class ActionAnswer:
    """What an action did: events as on the wire, and responses as on the wire (see `split_response`)."""

    events: tuple[Mapping[str, Any], ...] = ()
    responses: tuple[Mapping[str, Any], ...] = ()


class ActionServer(Protocol):
    """Runs actions that live elsewhere."""

    def run(self, name: str, call: Mapping[str, Any]) -> ActionAnswer:
        """Run an action; `call` has `sender_id`, `tracker`, `version` and `domain`, all in Rasa's JSON.

        Raises ActionRejected, ActionUnknown or ActionFailed.
        """
        ...


def split_response(response: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The wording of the domain that a response names, and its own fields.

    The fields fill the wording's placeholders; those that are not empty win over what it says, and its buttons come
    after the wording's.
    """
    named = response.get(RESPONSE)
    values = {key: value for key, value in response.items() if key not in (RESPONSE, TEMPLATE)}
    return (str(named) if named else None), values


def needs_domain(name: str, domain: Mapping[str, Any]) -> bool:
    """Whether a selective call carries the domain: the domain says `send_domain: true`, or a form is validated."""
    for entry in domain.get("actions") or ():
        if isinstance(entry, Mapping):
            body = entry.get(name)
            if isinstance(body, Mapping) and body.get("send_domain"):
                return True
        elif entry == name and name.startswith(VALIDATE):
            return True
    return False


def digest_of_domain(domain: Mapping[str, Any]) -> str:
    """What newer action servers know a domain by, to tell whether theirs is the one meant."""
    return hashlib.sha256(json.dumps(domain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def body_of(name: str, call: Mapping[str, Any], with_domain: bool) -> dict[str, Any]:
    """The body of a call, without its domain where the server is to keep what it knows."""
    domain = call.get("domain") or {}
    body = {key: value for key, value in call.items() if key != "domain"}
    body = {"next_action": name, **body, "domain_digest": digest_of_domain(domain)}
    return {**body, "domain": domain} if with_domain else body


def read_answer(name: str, status: int, content: bytes) -> ActionAnswer:
    """The answer of an action server; raises ActionRejected, ActionUnknown or ActionFailed."""
    if status == REJECTED:
        told = _object(content)
        if told.get("action_name"):
            raise ActionRejected(str(told.get("error") or f"{told['action_name']} rejected to run"))
        raise ActionFailed(f"the action server does not understand the call of {name}")
    if status == UNKNOWN:
        raise ActionUnknown(f"the action server has no action {name}")
    if status != 200:
        raise ActionFailed(f"{name} failed at its action server with status {status}")
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ActionFailed(f"the answer to {name} is no JSON object")
    return ActionAnswer(_events(name, answer.get("events")), _responses(name, answer.get("responses")))


@dataclass(frozen=True)
class ActionCall:
    """A call as a server reads it; `domain` is None where the engine left it out."""

    action: str
    sender: str
    tracker: Mapping[str, Any]
    domain: Mapping[str, Any] | None
    digest: str | None

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of the conversation, oldest first."""
        return [event for event in self.tracker.get("events") or () if isinstance(event, dict)]

    @property
    def slots(self) -> Mapping[str, Any]:
        """The slots of the conversation; an engine tells every slot of its domain, also those not set."""
        slots = self.tracker.get("slots")
        return slots if isinstance(slots, Mapping) else {}


def read_call(content: bytes, encoding: str | None = None) -> ActionCall:
    """The call in a request body, inflated where its Content-Encoding says so; raises ActionCallUnreadable."""
    body = _object(_inflated(content) if (encoding or "").strip().lower() == DEFLATE else content)
    action, tracker = body.get("next_action"), body.get("tracker")
    if not isinstance(action, str) or not action or not isinstance(tracker, dict):
        raise ActionCallUnreadable("a call needs `next_action` and `tracker`")
    sender = body.get("sender_id") or tracker.get("sender_id")
    if not isinstance(sender, str) or not sender:
        raise ActionCallUnreadable("a call needs a `sender_id`")
    if HALF_CHARACTER.search(action + sender):
        raise ActionCallUnreadable("a name has half a character")
    latest = tracker.get("latest_message")
    lists = (tracker.get("events"), latest.get("entities") if isinstance(latest, dict) else None)
    if any(one is not None and not isinstance(one, list) for one in lists):
        raise ActionCallUnreadable("`events` and `entities` are lists")
    domain, digest = body.get("domain"), body.get("domain_digest")
    return ActionCall(
        action,
        sender,
        tracker,
        domain if isinstance(domain, dict) and domain else None,
        str(digest) if digest else None,
    )


def deflated(content: bytes) -> bytes:
    """A body as Rasa compresses it where COMPRESS_ACTION_SERVER_REQUEST is set."""
    return zlib.compress(content)


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(content, MAX_CALL_BYTES)
    except zlib.error as broken:
        raise ActionCallUnreadable("the body is not deflated") from broken
    if inflater.unconsumed_tail or not inflater.eof:
        raise ActionCallUnreadable("the deflated body is cut off or too large")
    return found


def _object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


def _events(name: str, found: object) -> tuple[Mapping[str, Any], ...]:
    events = found or []
    if not isinstance(events, list) or not all(isinstance(one, dict) and one.get("event") for one in events):
        raise ActionFailed(f"the events of {name} are not in the agreed form")
    return tuple(events)


def _responses(name: str, found: object) -> tuple[Mapping[str, Any], ...]:
    responses = found or []
    if not isinstance(responses, list) or not all(isinstance(one, dict) for one in responses):
        raise ActionFailed(f"the responses of {name} are not in the agreed form")
    return tuple(responses)
