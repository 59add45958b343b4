"""Where the repository and its compiled binaries lie."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def binary(name: str) -> Path:
    """The path of a binary: in $BLUETICK_BINARIES if that is set, else where `make build` leaves it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return Path(os.environ.get("BLUETICK_BINARIES", target / "debug")) / name
