"""docs/performance.md: the page that `make bench` writes."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import deltalake
import duckdb
import polars
import pyarrow

# A result: name, peer, size, ours, theirs, unit, ratio.
Row = dict[str, object]

PAGE = """# Performance

`{command}` wrote this page and `bench-results.json`. Each figure is the median of interleaved runs on one
machine: {cores} cores ({model}), {memory:.0f} GiB. The load average was {load_before:.1f} before the run and
{load_after:.1f} at its end; other work may have run beside it, so CPU time is compared and not time by the clock (but
for cold starts).

`ratio` is the peer's figure divided by ours: 2 means that the peer needs twice as much. Peers use one thread
where they let us choose; `duckdb-2` is DuckDB with two. `python` parses with `json` and writes with pyarrow. A time
counts only if the results are equal: rows, sum of event times and different messages of each table, or the number of
rows, or the answers of the query, or the number of lines.

Versions: DuckDB {duckdb}, polars {polars}, pyarrow {pyarrow}, delta-rs {deltalake}, Python {python}, Node.js {node}.

## Results

{table}

- `transform`: gzip NDJSON to Parquet, from an empty lake; 75 % statuses, 15 % clicks, 10 % other rows, 5 % duplicates.
  All write zstd level 3, sorted, a file for each table and day. `limit` is no tool: it decompresses the same objects
  with libdeflate, skips over their JSON and compresses as many bytes as the output has with zstd level 1. Its ratio is
  the share of our time that no design can avoid. Ours also computes a SHA-256 of each row and of each file.
- `commit`: 10,000 statuses, 500 of them duplicates, into a day that is there already. DuckDB rewrites the day, delta-rs
  merges.
- `ingest`: signature, parsing and flattening of one body in a running process, without the network.
- `cold-start`: from the start of the process to the first answer of `bluetick serve` and of a Node.js server: to
  `/health`, and then to a webhook, which each of them answers when its lines are on disk.
- `load`: user and system CPU for a webhook over HTTP, one connection, one webhook at a time. Ours writes a new object
  for it, and each new folder, to disk; Node.js appends to one file.
- `query`: DuckDB over the parts of a day as the commits left them, over the parts after the sweep has compacted the
  day, and over one file with the same rows.

## Repeat it

    make bench           # all sizes; needs Node.js and 8 GiB of free memory
    make bench QUICK=1   # fewer rounds and peers; ten minutes on two cores

Raw lines are generated from a seed and kept in `bench/.data`. The profile `bench-fast` compiles as the release does,
but without link-time optimisation.
"""


def table_row(result: Row) -> str:
    ours, theirs, ratio = (float(str(result[name] or 0)) for name in ("ours", "theirs", "ratio"))
    return (
        f"| {result['name']} | {result['size']} | {result['peer']} | {ours:.3g} | {theirs:.3g} | {result['unit']} "
        f"| {ratio:.2f} |"
    )


def table(results: list[Row]) -> str:
    """A Markdown table."""
    heads = ["| what | size | peer | ours | theirs | unit | ratio |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*heads, *map(table_row, results)])


def render(results: list[Row], command: str, load_before: float) -> str:
    """The page. `load_before`: the load average before the run."""
    with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return PAGE.format(
        command=command,
        cores=os.cpu_count(),
        model=models[0] if models else platform.machine(),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        load_before=load_before,
        load_after=os.getloadavg()[0],
        duckdb=duckdb.__version__,
        polars=polars.__version__,
        pyarrow=pyarrow.__version__,
        deltalake=deltalake.__version__,
        python=platform.python_version(),
        node=subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip(),
        table=table(results),
    )
