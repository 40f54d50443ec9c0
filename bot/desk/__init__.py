"""Where people help: conversations that a member of the staff holds, answers that wait for one's approval."""
