"""The doors: HTTP, terminal and messengers in front of the engine."""
