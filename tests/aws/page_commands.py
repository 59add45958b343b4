"""The commands that README.md, docs/operations.md and docs/migrate.md tell a person to type, taken from the pages.

A block is a run of lines that Markdown shows as code: indented by four spaces, or between fences. An inline command is
a code span that starts with the name of a program and is no block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from binaries import ROOT

PAGES = ("README.md", "docs/operations.md", "docs/migrate.md")
PROGRAMS = "make|bluetick|aws|sam|cargo|curl|git|openssl|docker|[A-Z_]+=\\S+ make"
INLINE = re.compile(rf"`((?:{PROGRAMS})(?: [^`]*)?)`")


@dataclass(frozen=True)
class Block:
    page: str
    # Of the first line of the block, from 1.
    line: int
    text: str

    @property
    def title(self) -> str:
        """The first line, which names the block."""
        return self.text.splitlines()[0]


def blocks(page: str, text: str) -> Iterator[Block]:
    """Every block of code of a page."""
    found: list[str] = []
    start = 0
    fenced = False
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            if not fenced and found:
                yield Block(page, start, "\n".join(found))
                found = []
            continue
        # A blank line inside a block belongs to it; Markdown goes on with the next indented line.
        if fenced or line.startswith("    "):
            if not found:
                start = number
            found.append(line if fenced else line[4:])
        elif found:
            yield Block(page, start, "\n".join(found))
            found = []


def all_blocks() -> list[Block]:
    pages = ((page, (ROOT / page).read_text(encoding="utf-8")) for page in PAGES)
    return [block for page, text in pages for block in blocks(page, text)]


def inline_commands(text: str) -> set[str]:
    """Commands inside sentences and tables; lines of blocks are none."""
    prose = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
    return {" ".join(match.split()) for match in INLINE.findall(prose)}


def all_inline_commands() -> set[str]:
    return {command for page in PAGES for command in inline_commands((ROOT / page).read_text(encoding="utf-8"))}


# The titles of the blocks whose text a test has taken in order to run it.
TAKEN: set[str] = set()


def run_as_typed(title: str, values: dict[str, str] | None = None) -> str:
    """The text of the block that starts with this line, with each `<name>` replaced by its value."""
    [found] = [item for item in all_blocks() if item.title == title]
    TAKEN.add(title)
    return fill(found.text, values or {})


def fill(text: str, values: dict[str, str]) -> str:
    """Replaces each `<name>` of a command. Fails if one has no value."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise AssertionError(f"the page has <{match[1]}>, and the test has no value for it")
        return values[match[1]]

    # `<<'JSON'` and the like are no placeholders.
    return re.sub(r"(?<!<)<([A-Za-z][\w -]*)>", value, text)
