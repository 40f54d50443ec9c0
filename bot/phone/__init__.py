"""Calls: what was said as it is heard, and answers as they are spoken."""
