"""A port for a server that a test starts in a moment."""

from __future__ import annotations

import random
import socket

# Below those that the system gives to whoever calls out, so that none is taken until the server is up.
PORTS = range(20_000, 30_000)


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
