"""What a caller heard of an answer that was broken off, noted beside the stored turn."""

from __future__ import annotations

from sqlalchemy import select, update

from bot.messages import MessageId, SenderId
from bot.store import Work
from bot.tables import turns


def note_heard(work: Work, sender: SenderId, message_id: MessageId, heard: str) -> bool:
    """Note what was heard of the answer to a message in its `custom.heard`; False for an unknown one.

    The text itself stays, so that "please repeat" says all of it.
    """
    mine = (turns.c.sender == sender, turns.c.message_id == message_id)
    row = work.connection.execute(select(turns.c.id, turns.c.answer).where(*mine)).one_or_none()
    if row is None or not row.answer:
        return False
    answer = [dict(bubble) for bubble in row.answer]
    answer[-1]["custom"] = {**answer[-1].get("custom", {}), "heard": heard}
    work.connection.execute(update(turns).where(turns.c.id == row.id).values(answer=answer))
    return True
