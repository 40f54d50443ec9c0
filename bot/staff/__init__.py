"""The people behind the desk: accounts, roles, sessions and the log of who looked at what."""
