"""Messengers in front of the assistant: one door in, one postman out, a small part for each of them."""
