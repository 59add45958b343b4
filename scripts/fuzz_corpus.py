#!/usr/bin/env python3
"""Writes the first inputs of coverage-guided fuzzing: each fixture of crates/events, and a byte for its provider.

fuzz_corpus.py DIRECTORY
"""

from __future__ import annotations

import sys
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent / "crates" / "events" / "fixtures"
# In the order of crates/events/src/providers.rs, which is that of Provider::ALL.
PROVIDERS_FILE = FIXTURES.parent / "src" / "providers.rs"
# The bits that switch pseudonyms and the answers of flows on: crates/events/fuzz/src/main.rs.
PSEUDONYMS, ANSWERS = 64, 128


def providers() -> list[str]:
    """The providers' names in the order of the list in providers.rs."""
    source = PROVIDERS_FILE.read_text(encoding="utf-8")
    names = [path.name for path in FIXTURES.iterdir() if path.is_dir()]
    return sorted(names, key=lambda name: source.index(f" => {name},"))


def write(directory: Path) -> None:
    """Writes each fixture twice: with plain options, and with pseudonyms and the answers of flows."""
    directory.mkdir(parents=True, exist_ok=True)
    count = len(providers())
    for number, provider in enumerate(providers()):
        for path in sorted((FIXTURES / provider).glob("*.json")):
            if path.name.endswith(".records.json"):
                continue
            for bits in (0, PSEUDONYMS | ANSWERS):
                # The byte must have these bits, and the provider's number as remainder.
                choice = next(byte for byte in range(bits, 256) if byte & 192 == bits and byte % count == number)
                (directory / f"{provider}_{path.stem}_{bits}").write_bytes(bytes([choice]) + path.read_bytes())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
