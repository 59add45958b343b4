"""How far a query is, on a terminal, while it takes long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE_SECONDS = 1.0
_REFRESH_SECONDS = 0.2
_WIDTH = 30


def bar(share: float | None, seconds: float) -> str:
    """One line: a bar with the percentage, or the seconds alone where the engine does not say how far it is."""
    if share is None:
        return f"running, {seconds:.0f} s"
    share = min(max(share, 0.0), 1.0)
    full = round(share * _WIDTH)
    return f"[{'#' * full}{' ' * (_WIDTH - full)}] {share * 100:3.0f} %, {seconds:.0f} s"


@contextmanager
def shown(share: Callable[[], float | None]) -> Iterator[None]:
    """Shows `share()`, from 0 to 1, on stderr after a second, and wipes it at the end. Silent without a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()

    def draw() -> None:
        start = time.monotonic()
        if done.wait(_PATIENCE_SECONDS):
            return
        while not done.wait(_REFRESH_SECONDS):
            print(f"\r\033[K{bar(share(), time.monotonic() - start)}", end="", file=sys.stderr, flush=True)
        print("\r\033[K", end="", file=sys.stderr, flush=True)

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
