"""Telegram: a bot in front of the assistant."""
