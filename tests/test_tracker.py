"""The tracker is a fold over events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bot.assistant import Assistant
from bot.messages import SenderId
from bot.tracker import Event, Mode, Tracker, fold, from_json


def test_fold() -> None:
    events = [
        Event("user", 1.0, text="hi"),
        Event("slot", 2.0, "language", "en"),
        Event("active_loop", 3.0, "demand_form"),
        Event("slot", 4.0, "requested_slot", "location"),
        Event("mode", 5.0, value="manual"),
        Event("something new", 6.0),
    ]
    tracker = fold(Tracker(SenderId("a")), events)
    assert (tracker.turns, tracker.slot("language"), tracker.active_form) == (1, "en", "demand_form")
    assert (tracker.requested_slot, tracker.mode, tracker.last_at) == ("location", Mode.MANUAL, 6.0)
    assert from_json(json.loads(json.dumps(tracker.as_json()))) == tracker


def test_a_new_session_keeps_only_the_language() -> None:
    tracker = fold(
        Tracker(SenderId("a")),
        [Event("slot", 1.0, "language", "en"), Event("slot", 1.0, "location", "x"), Event("session_started", 2.0)],
    )
    assert tracker.slots == {"language": "en"}


def test_the_stored_state_is_the_fold_of_the_stored_events(
    assistant: Assistant, talk: Callable[..., dict[str, Any]]
) -> None:
    for text in ("你好", "我要投诉", "民治大道路灯坏了三天", "13800138000", "确认", "how do I renew my passport"):
        talk(text, "folded")
    sender = SenderId("folded")
    with assistant.store.work() as work:
        assert fold(Tracker(sender), work.events(sender)) == work.tracker(sender)
