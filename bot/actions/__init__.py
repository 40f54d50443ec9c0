"""What the assistant can do, one file an action."""
