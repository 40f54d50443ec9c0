"""Calls of actions on the wire, read and written."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from bot.errors import ActionCallUnreadable, ActionError, ActionFailed, ActionRejected, ActionUnknown
from bot.rasa import action_call
from bot.rasa.action_call import body_of, needs_domain, read_answer, read_call, split_response

CALL: dict[str, Any] = {
    "sender_id": "u1",
    "version": "3.6.21",
    "tracker": {"sender_id": "u1", "slots": {"place": None}, "events": [{"event": "session_started"}]},
    "domain": {"actions": ["action_a", {"action_b": {"send_domain": True}}]},
}


def test_a_call_carries_the_domain_or_only_its_digest() -> None:
    full, selective = body_of("action_a", CALL, True), body_of("action_a", CALL, False)
    assert full["next_action"] == "action_a" and full["domain"] == CALL["domain"]
    assert "domain" not in selective and selective["domain_digest"] == full["domain_digest"]
    assert needs_domain("action_b", CALL["domain"]) and not needs_domain("action_a", CALL["domain"])


def test_a_selective_call_carries_the_domain_where_a_form_is_validated() -> None:
    domain = {"actions": ["validate_a_form", {"validate_b_form": {"send_domain": False}}, "action_validate"]}
    asked = ("validate_a_form", "validate_b_form", "action_validate", "validate_c_form")
    assert [needs_domain(name, domain) for name in asked] == [True, False, False, False]


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (400, {"error": "not now", "action_name": "action_a"}, ActionRejected),
        (400, {"error": "Invalid body request"}, ActionFailed),
        (404, {"error": "none", "action_name": "action_a"}, ActionUnknown),
        (500, {"error": "broken"}, ActionFailed),
        (200, None, ActionFailed),
        (200, {"events": [{"name": "x"}]}, ActionFailed),
        (200, {"events": {}, "responses": "hello"}, ActionFailed),
    ],
)
def test_every_other_answer_is_an_error_of_the_tree(status: int, content: object, error: type[ActionError]) -> None:
    with pytest.raises(error):
        read_answer("action_a", status, json.dumps(content).encode())


def test_an_answer_with_nothing_in_it_is_one() -> None:
    assert read_answer("action_a", 200, b'{"events": null, "responses": []}') == action_call.ActionAnswer()


def test_a_response_names_a_wording_or_speaks_for_itself() -> None:
    sdk: dict[str, Any] = {
        "text": None,
        "buttons": [],
        "custom": {},
        "template": "utter_x",
        "response": "utter_x",
        "open": 0,
    }
    fields = {"text": None, "buttons": [], "custom": {}, "open": 0}
    assert split_response(sdk) == ("utter_x", fields), "nothing and none fill placeholders, too"
    assert split_response({"text": "已受理", "template": None}) == (None, {"text": "已受理"})


def test_a_call_is_read_plain_and_deflated() -> None:
    content = json.dumps(body_of("action_a", CALL, True), ensure_ascii=False).encode()
    plain, small = read_call(content), read_call(zlib.compress(content), "deflate")
    assert plain == small and plain.action == "action_a" and plain.slots == {"place": None}
    assert read_call(json.dumps(body_of("action_a", CALL, False)).encode()).domain is None


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"", None),
        (b"[]", None),
        (b"{}", None),
        (b'{"next_action": "a", "tracker": {}}', None),
        (b"not deflated", "deflate"),
        (zlib.compress(b"{}" * 100)[:-6], "deflate"),
        (zlib.compress(b" " * (action_call.MAX_CALL_BYTES + 1)), "deflate"),
        (b"[" * 100_000, None),
    ],
)
def test_what_is_no_call_is_refused(content: bytes, encoding: str | None) -> None:
    with pytest.raises(ActionCallUnreadable):
        read_call(content, encoding)
