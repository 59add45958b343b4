"""Compares Bluetick with its peers in one run: `make bench`. Writes bench-results.json and docs/performance.md.

Programs take turns and medians are compared, because other work may run on the machine. A time counts only after the
results were found equal.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import deltalake
import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet as pq

import measure
import page
import peers
import raw_lines
import servers

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "bench" / ".data"
PROFILE = ROOT / "target" / "bench-fast"
BLUETICK = PROFILE / "bluetick"
INGEST_COST = PROFILE / "examples" / "ingest_cost"
LIMIT = ROOT / "bench" / "limit" / "target" / "release" / "machine-limit"
SCHEMA = ROOT / "sql" / "schema.json"
PEERS = ROOT / "bench" / "peers.py"
SEED = 7
MIB = 2**20

Row = page.Row


def row(name: str, peer: str, size: str, ours: float, theirs: float, unit: str) -> Row:
    """A result. The ratio says how many times more the peer needs."""
    ratio = round(theirs / ours, 3) if ours else None
    figures = {"ours": round(ours, 6), "theirs": round(theirs, 6), "unit": unit, "ratio": ratio}
    return {"name": name, "peer": peer, "size": size, **figures}


def must_equal(what: str, ours: object, theirs: object) -> None:
    if ours != theirs:
        sys.exit(f"bench: {what}: results differ, so no time counts. Ours: {ours}; theirs: {theirs}")


# Running the programs


def run_ours(raw: Path, lake: Path) -> measure.Usage:
    """Moves raw objects into an empty lake."""
    shutil.rmtree(lake, ignore_errors=True)
    lake.mkdir(parents=True)
    return add_ours(raw, lake)


def add_ours(raw: Path, lake: Path) -> measure.Usage:
    return measure.run([str(BLUETICK), "run", "--json", "--raw", raw.as_uri(), "--lake", lake.as_uri()])


def run_peer(name: str, out: Path, objects: list[Path]) -> measure.Usage:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    return peer("transform", name, out, SCHEMA, *objects)


def peer(*arguments: object) -> measure.Usage:
    return measure.run([sys.executable, str(PEERS), *map(str, arguments)])


# Comparing results


def referenced_parts(lake: Path) -> list[Path]:
    """The parts that the manifests of a lake reference."""
    parts = []
    for manifest in lake.glob("manifest/*/dt=*/symlink.txt"):
        lines = manifest.read_text(encoding="utf-8").splitlines()
        parts += [Path(line.removeprefix("file://")) for line in lines]
    return parts


def content(paths: list[Path], table_of: Callable[[Path], str]) -> dict[str, tuple[int, int, int]]:
    """For each table: rows, the sum of their event times in milliseconds, and different message ids."""
    files: dict[str, list[Path]] = {}
    for path in paths:
        files.setdefault(table_of(path), []).append(path)
    found = {}
    for table, of_table in sorted(files.items()):
        names = [name for name in ("event_ts", "message_id") if name in pq.read_schema(of_table[0]).names]
        rows = pyarrow.concat_tables([pq.ParquetFile(path).read(columns=names) for path in of_table])
        times = rows["event_ts"]
        if not pyarrow.types.is_integer(times.type):
            times = times.cast(pyarrow.timestamp("ms", "UTC")).cast(pyarrow.int64())
        messages = pc.count_distinct(rows["message_id"]).as_py() if "message_id" in names else 0
        found[table] = (len(rows), pc.sum(times).as_py() or 0, messages)
    return {table: figures for table, figures in found.items() if figures[0]}


def lake_content(lake: Path) -> dict[str, tuple[int, int, int]]:
    return content(referenced_parts(lake), lambda path: path.relative_to(lake).parts[1])


def peer_content(out: Path) -> dict[str, tuple[int, int, int]]:
    return content(list(out.rglob("*.parquet")), lambda path: path.parent.name)


# The comparisons


def plain_output(lake: Path, path: Path) -> Path:
    """The output of a run before compression, for the machine's limit: each part written again without compression."""
    with path.open("wb") as target:
        for part in referenced_parts(lake):
            buffer = pyarrow.BufferOutputStream()
            pq.write_table(pq.ParquetFile(part).read(), buffer, compression="none")
            target.write(buffer.getvalue())
    return path


def transform(scratch: Path, size: str, rows: int, objects: int, names: list[str], rounds: int) -> list[Row]:
    """Raw objects into an empty lake."""
    raw = DATA / f"raw-{rows}"
    paths = raw_lines.write(raw, rows, SEED, objects)
    lake = scratch / "lake"
    run_ours(raw, lake)
    expected = lake_content(lake)
    for name in names:
        run_peer(name, scratch / name, paths)
        must_equal(f"transform of {size}, {name}", expected, peer_content(scratch / name))
    plain = plain_output(lake, scratch / "plain")
    runs = {
        "ours": partial(run_ours, raw, lake),
        "limit": partial(measure.run, [str(LIMIT), str(plain), *map(str, paths)]),
    }
    runs |= {name: partial(run_peer, name, scratch / name, paths) for name in names}
    usage = measure.interleaved(runs, rounds)
    ours = usage["ours"]
    mine = sum(part.stat().st_size for part in referenced_parts(lake)) / MIB
    results = [row("transform", name, size, ours.user, usage[name].user, "user CPU s") for name in ("limit", *names)]
    for name in names:
        theirs = measure.bytes_of(scratch / name, "*.parquet") / MIB
        results.append(row("memory", name, f"transform {size}", ours.peak / MIB, usage[name].peak / MIB, "peak MiB"))
        results.append(row("bytes", name, f"transform {size}", mine, theirs, "MiB of Parquet"))
    return results


def commit(scratch: Path, day_rows: int, rounds: int) -> list[Row]:
    """10,000 rows, 500 of them duplicates, into a day that is there already."""
    increment = DATA / "increment" / "increment.gz"
    raw_lines.day(DATA / f"day-{day_rows}" / "day.gz", day_rows, 1)
    raw_lines.day(increment, 9_500, 2, repeat_from=(1, 500))
    base, lake, delta = scratch / "base", scratch / "lake", scratch / "delta"
    one_file, rewritten = scratch / "day.parquet", scratch / "rewritten.parquet"
    run_ours(DATA / f"day-{day_rows}", base)
    day = pyarrow.concat_tables([pq.ParquetFile(part).read() for part in referenced_parts(base)])
    pq.write_table(day, one_file, compression="zstd", compression_level=3)

    # Manifests hold absolute paths, so those of the copy are changed.
    def ours() -> measure.Usage:
        shutil.rmtree(lake, ignore_errors=True)
        shutil.copytree(base, lake)
        for manifest in lake.glob("manifest/*/dt=*/symlink.txt"):
            manifest.write_text(manifest.read_text().replace(base.as_uri(), lake.as_uri()))
        return add_ours(increment.parent, lake)

    def merged() -> measure.Usage:
        shutil.rmtree(delta, ignore_errors=True)
        deltalake.write_deltalake(str(delta), day.cast(peers.with_microseconds(day.schema)))
        return peer("merge-delta", delta, increment)

    runs = {"ours": ours, "duckdb": partial(peer, "rewrite-day", one_file, increment, rewritten), "delta-rs": merged}
    for once in runs.values():
        once()
    expected = lake_content(lake)["statuses"][0]
    must_equal("commit, duckdb", expected, pq.read_metadata(rewritten).num_rows)
    must_equal("commit, delta-rs", expected, deltalake.DeltaTable(str(delta)).to_pyarrow_table().num_rows)
    usage = measure.interleaved(runs, rounds)
    size = f"10k into {day_rows // 1000}k"
    results = []
    for name in ("duckdb", "delta-rs"):
        results.append(row("commit", name, size, usage["ours"].user, usage[name].user, "user CPU s"))
        peaks = (usage["ours"].peak / MIB, usage[name].peak / MIB)
        results.append(row("memory", name, f"commit {size}", *peaks, "peak MiB"))
    return results


def ingest(scratch: Path, rounds: int) -> list[Row]:
    """Microseconds of CPU for one body: the difference between many repetitions and few."""
    results = []
    for size, statuses, few, many in (("1", 1, 10_000, 210_000), ("batch1000", 1000, 40, 440)):
        body = scratch / f"body-{statuses}.json"
        body.write_bytes(servers.status_body(statuses))
        ours = [str(INGEST_COST), str(body), servers.signature(body.read_bytes())]
        node = ["node", str(servers.NODE), "repeat", str(body)]
        must_equal(f"ingest of {size}", measure.run([*ours, "3"]).output, measure.run([*node, "3"]).output)
        commands = {"ours": ours, "node": node}
        runs = {
            (name, count): partial(measure.run, [*command, str(count)])
            for name, command in commands.items()
            for count in (few, many)
        }
        usage = measure.interleaved(runs, rounds)
        mine, theirs = ((usage[name, many].user - usage[name, few].user) * 1e6 / (many - few) for name in commands)
        results.append(row("ingest", "node", size, mine, theirs, "user CPU µs a body"))
    return results


def serve(scratch: Path, rounds: int, requests: int) -> list[Row]:
    """Time from start to the first answer, CPU for a request over HTTP, memory."""
    ours, node = servers.measure(BLUETICK, scratch, rounds, requests)
    return [
        row("cold-start", "node", "serve", ours["ready"], node["ready"], "ms to the first answer"),
        row("cold-start", "node", "serve, webhook", ours["first"], node["first"], "ms to the first answer"),
        row("load", "node", f"{requests} requests", ours["each"], node["each"], "CPU µs a request"),
        row("memory", "node", "serve, one webhook", ours["first_peak"], node["first_peak"], "peak MiB"),
        row("memory", "node", "serve", ours["peak"], node["peak"], "peak MiB"),
    ]


def query(scratch: Path, commits: int, rounds: int) -> list[Row]:
    """A day that was written in many commits, against one file of the same rows."""
    lake, one = scratch / "query-lake", scratch / "one.parquet"
    lake.mkdir()
    for number in range(commits):
        folder = DATA / "commits" / f"{number:03}"
        raw_lines.day(folder / "raw.gz", 1_000 + 137 * (number % 7), 100 + number)
        add_ours(folder, lake)
    parts = referenced_parts(lake)
    peer("one-file", one, *parts)
    # The day has ended, so the sweep compacts it. The superseded parts stay for a day, so both can be measured.
    measure.run([str(BLUETICK), "sweep", "--lake", lake.as_uri()])
    swept = referenced_parts(lake)
    runs = {"as committed": parts, "after the sweep": swept, "one file": [one]}
    usage = measure.interleaved({name: partial(peer, "ask", *files) for name, files in runs.items()}, rounds)
    results = []
    for name in ("as committed", "after the sweep"):
        must_equal(f"query, {name}", usage[name].output, usage["one file"].output)
        size = f"{commits} commits, {name}: {len(runs[name])} parts"
        mine = sum(part.stat().st_size for part in runs[name]) / MIB
        one_mib = one.stat().st_size / MIB
        results.append(row("query", "one file a day", size, usage[name].user, usage["one file"].user, "user CPU s"))
        results.append(row("bytes", "one file a day", size, mine, one_mib, "MiB of Parquet"))
    return results


def comparisons(quick: bool) -> dict[str, Callable[[Path], list[Row]]]:
    rounds = 3 if quick else 5
    everyone = ["duckdb", "duckdb-2", "polars", "pyarrow", "python"]
    large = ["duckdb"] if quick else ["duckdb", "polars", "python"]
    return {
        "transform-10k": lambda scratch: transform(scratch, "10k", 10_000, 1, everyone, rounds),
        "transform-150k": lambda scratch: transform(scratch, "150k", 150_000, 1, everyone, rounds),
        "transform-1500k": lambda scratch: transform(scratch, "1500k", 1_500_000, 10, large, 1 if quick else 3),
        "commit": lambda scratch: commit(scratch, 1_000_000, 1 if quick else 3),
        "ingest": lambda scratch: ingest(scratch, rounds),
        "servers": lambda scratch: serve(scratch, rounds, 1_000 if quick else 3_000),
        "query": lambda scratch: query(scratch, 60 if quick else 288, rounds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and peers")
    parser.add_argument("--only", help="run these comparisons only, separated by commas; writes nothing")
    arguments = parser.parse_args()
    known = comparisons(arguments.quick)
    chosen = arguments.only.split(",") if arguments.only else list(known)
    if unknown := sorted(set(chosen) - set(known)):
        parser.error(f"no comparison named {', '.join(unknown)}; known are {', '.join(known)}")
    load_before = os.getloadavg()[0]
    results: list[Row] = []
    for name in chosen:
        print(name, file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="bluetick-bench-") as scratch:
            results += known[name](Path(scratch))
    print(page.table(results))
    if not arguments.only:
        (ROOT / "bench-results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
        command = "make bench QUICK=1" if arguments.quick else "make bench"
        (ROOT / "docs" / "performance.md").write_text(page.render(results, command, load_before), "utf-8")


if __name__ == "__main__":
    main()
