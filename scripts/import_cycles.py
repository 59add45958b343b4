"""Finds circles of `use crate::` between the modules of each crate.

A module is a file below `src`; a folder's `mod.rs`, `lib.rs` and `main.rs` only arrange others and re-export their
items, so an import through one counts for the module that defines the item. Imports inside `#[cfg(test)]` do not count.
Exit status 1 if a crate has a circle.
"""

import re
import sys
from pathlib import Path

IMPORT = re.compile(r"^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+((?:crate|super|self)::.*?);", re.DOTALL | re.MULTILINE)
PATH = re.compile(r"\b(?:crate|super)(?:::\w+)+")
TESTS = re.compile(r"#\[cfg\(test\)\]\s*mod \w+\s*\{")


def expand(text: str) -> list[str]:
    """The paths of a use declaration without braces: a::{b, c::{d}} is a::b and a::c::d."""
    text = re.sub(r"\s+", "", re.sub(r"\bas\s+\w+", "", text))
    if "{" not in text:
        return [text]
    head, rest = text.split("{", 1)
    body, depth, items, start = rest.rsplit("}", 1)[0], 0, [], 0
    for index, char in enumerate(body):
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            items.append(body[start:index])
            start = index + 1
    items.append(body[start:])
    return [path for item in items if item for path in expand(head + item)]


def modules(source: Path) -> dict[tuple[str, ...], Path]:
    """The modules of a crate by their path; lib.rs and main.rs are the empty path."""
    found = {}
    for file in source.rglob("*.rs"):
        parts = file.relative_to(source).with_suffix("").parts
        if parts[0] == "bin":
            continue
        if parts[-1] in ("mod", "lib", "main"):
            parts = parts[:-1]
        found[parts] = file
    return found


def absolute(path: str, module: tuple[str, ...]) -> tuple[str, ...]:
    """A path as the crate's root sees it."""
    base, parts = list(module), path.split("::")
    if parts[0] == "crate":
        return tuple(parts[1:])
    while parts and parts[0] in ("super", "self"):
        if parts.pop(0) == "super" and base:
            base.pop()
    return tuple(base + parts)


def production_code(file: Path) -> str:
    """The text of a file without comments and up to its tests."""
    text = re.sub(r"//[^\n]*", "", file.read_text())
    tests = TESTS.search(text)
    return text[: tests.start()] if tests else text


def target(path: tuple[str, ...], known: dict, exports: dict, depth: int = 0) -> tuple[str, ...] | None:
    """The module that defines what a path names, followed through re-exports."""
    for length in range(len(path), -1, -1):
        module = path[:length]
        if module in known:
            name = path[length] if length < len(path) else None
            if name in exports.get(module, {}) and depth < 5:
                return target(exports[module][name], known, exports, depth + 1)
            return module
    return None


def graph(source: Path) -> dict[tuple[str, ...], set]:
    """Which module imports from which."""
    known = modules(source)
    imports, exports = {}, {}
    for module, file in known.items():
        text, paths = production_code(file), []
        for match in IMPORT.finditer(text):
            expanded = [absolute(path, module) for path in expand(match.group(1))]
            paths += expanded
            if match.group(0).lstrip().startswith("pub"):
                exports.setdefault(module, {}).update({path[-1]: path for path in expanded if path})
        for match in re.finditer(r"^pub(?:\([^)]*\))? use (\w+(?:::[^;]+)?);", text, re.MULTILINE | re.DOTALL):
            for path in expand(match.group(1)):
                if path.split("::")[0] not in ("crate", "super", "self"):
                    parts = module + tuple(path.split("::"))
                    exports.setdefault(module, {})[parts[-1]] = parts
        paths += [absolute(path, module) for path in PATH.findall(IMPORT.sub("", text))]
        imports[module] = paths
    edges = {}
    for module, paths in imports.items():
        found = {target(path, known, exports) for path in paths} - {None, module, ()}
        # A folder's mod.rs arranges its children; it may name them, and they may name it.
        edges[module] = {other for other in found if other[: len(module)] != module and module[: len(other)] != other}
    edges.pop((), None)
    return edges


def circles(edges: dict) -> list[list[str]]:
    """The groups of modules that import each other (strongly connected, Tarjan's algorithm)."""
    index, low, stack, found = {}, {}, [], []

    def visit(module):
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(edges.get(module, ())):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(sorted("::".join(member) for member in group))

    for module in sorted(edges):
        if module not in index:
            visit(module)
    return found


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    names = sys.argv[1:] or sorted(path.name for path in (root / "crates").iterdir() if (path / "src").is_dir())
    count = 0
    for name in names:
        for group in circles(graph(root / "crates" / name / "src")):
            print(f"{name}: circle of imports between {', '.join(group)}")
            count += 1
    if count == 0:
        print(f"no circle of imports in {len(names)} crates")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
