"""Ports on loopback."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A TCP port that nothing listens on. Another process can take it before the caller does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
