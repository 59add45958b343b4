"""Compares Bluetick with its peers in one run: `make bench`. Writes bench-results.json and docs/performance.md.

Programs take turns and medians are compared, because other work may run on the machine. A time counts only after the results were
found equal.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import http.client
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure
import pyarrow.parquet as pq
import raw_lines

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "bench" / ".data"
PROFILE = ROOT / "target" / "bench-fast"
BLUETICK = PROFILE / "bluetick"
INGEST_COST = PROFILE / "examples" / "ingest_cost"
LIMIT = ROOT / "bench" / "limit" / "target" / "release" / "machine-limit"
SCHEMA = ROOT / "sql" / "schema.json"
PEERS = ROOT / "bench" / "peers.py"
NODE = ROOT / "bench" / "ingest.mjs"
SECRET = "test-meta-app-secret"
SEED = 7

Row = dict[str, object]


def row(name: str, peer: str, size: str, ours: float, theirs: float, unit: str) -> Row:
    """A result. The ratio says how many times more the peer needs."""
    return {
        "name": name,
        "peer": peer,
        "size": size,
        "ours": round(ours, 6),
        "theirs": round(theirs, 6),
        "unit": unit,
        "ratio": round(theirs / ours, 3) if ours else None,
    }


def referenced_parts(lake: Path) -> list[Path]:
    """The parts that the manifests of a lake reference."""
    parts = []
    for manifest in lake.glob("manifest/*/dt=*/symlink.txt"):
        for line in manifest.read_text(encoding="utf-8").splitlines():
            parts.append(Path(line.removeprefix("file://")))
    return parts


def rows_by_table(paths: list[Path], table_of) -> dict[str, int]:
    counts: dict[str, int] = {}
    for path in paths:
        table = table_of(path)
        counts[table] = counts.get(table, 0) + pq.read_metadata(path).num_rows
    return counts


def lake_rows(lake: Path) -> dict[str, int]:
    return rows_by_table(referenced_parts(lake), lambda path: path.relative_to(lake).parts[1])


def peer_rows(out: Path) -> dict[str, int]:
    return rows_by_table(list(out.rglob("*.parquet")), lambda path: path.parent.name)


def must_equal(what: str, ours: object, theirs: object) -> None:
    if ours != theirs:
        sys.exit(f"bench: {what}: results differ: {ours} and {theirs}")


def run_ours(raw: Path, lake: Path) -> measure.Usage:
    shutil.rmtree(lake, ignore_errors=True)
    lake.mkdir(parents=True)
    return add_ours(raw, lake)


def add_ours(raw: Path, lake: Path) -> measure.Usage:
    return measure.run([str(BLUETICK), "run", "--json", "--raw", raw.as_uri(), "--lake", lake.as_uri()])


def run_peer(name: str, out: Path, objects: list[Path]) -> measure.Usage:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    return measure.run([sys.executable, str(PEERS), name, str(out), str(SCHEMA), *map(str, objects)])


def plain_output(lake: Path, path: Path) -> Path:
    """The output of a run before compression, for the machine's limit: each part written again without compression."""
    with path.open("wb") as target:
        for part in referenced_parts(lake):
            buffer = tempfile.SpooledTemporaryFile()
            pq.write_table(pq.read_table(part), buffer, compression="none")
            buffer.seek(0)
            shutil.copyfileobj(buffer, target)
    return path


def transform(scratch: Path, size: str, rows: int, objects: int, peers: list[str], rounds: int) -> list[Row]:
    print(f"transform of {size} rows", file=sys.stderr, flush=True)
    raw = DATA / f"raw-{rows}"
    paths = raw_lines.write(raw, rows, SEED, objects)
    lake = scratch / "lake"
    run_ours(raw, lake)
    counts = lake_rows(lake)
    for peer in peers:
        run_peer(peer, scratch / peer, paths)
        must_equal(f"transform, {peer}", counts, peer_rows(scratch / peer))
    plain = plain_output(lake, scratch / "plain")
    runs = {"ours": lambda: run_ours(raw, lake)}
    runs["limit"] = lambda: measure.run([str(LIMIT), str(plain), *map(str, paths)])
    runs |= {peer: (lambda peer=peer: run_peer(peer, scratch / peer, paths)) for peer in peers}
    usage = measure.interleaved(runs, rounds)
    ours = usage["ours"]
    results = []
    for name in runs:
        if name == "ours":
            continue
        results.append(row("transform", name, size, ours.user, usage[name].user, "user CPU s"))
        if name != "limit":
            results.append(row("memory", name, size, ours.peak / 2**20, usage[name].peak / 2**20, "peak MiB"))
            theirs = measure.bytes_of(scratch / name, "*.parquet") / 2**20
            mine = sum(part.stat().st_size for part in referenced_parts(lake)) / 2**20
            results.append(row("bytes", name, size, mine, theirs, "MiB of Parquet"))
    return results


def day_lines(path: Path, rows: int, seed: int, repeat_from: tuple[int, int] | None = None) -> None:
    """A gzip object of statuses of one day. `repeat_from`: seed and number of earlier rows to repeat first."""
    import gzip

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)

    def lines(seed: int, count: int):
        rng = random.Random(seed)
        for _ in range(count):
            event_ts = 1_795_132_800_000 + rng.randrange(86_400) * 1000
            yield json.dumps(
                {
                    "table": "statuses",
                    "event_ts": event_ts,
                    "provider": "meta",
                    "account_id": "102290129340398",
                    "phone_number_id": "106540352242922",
                    "received_at": event_ts + 1500,
                    "message_id": raw_lines.wamid(rng),
                    "status": rng.choice(("sent", "delivered", "read")),
                    "wa_id": f"4917{rng.randrange(10**8):08d}",
                    "pricing_category": "marketing",
                },
                separators=(",", ":"),
            )

    with gzip.open(path, "wt", compresslevel=6, encoding="utf-8") as file:
        if repeat_from:
            file.writelines(line + "\n" for line in lines(*repeat_from))
        file.writelines(line + "\n" for line in lines(seed, rows))


def commit(scratch: Path, day_rows: int, rounds: int) -> list[Row]:
    """10,000 rows, 500 of them duplicates, into a day of a million."""
    print("commit of 10k rows into a large day", file=sys.stderr, flush=True)
    day_lines(DATA / f"day-{day_rows}" / "day.gz", day_rows, 1)
    day_lines(DATA / "increment" / "increment.gz", 9_500, 2, repeat_from=(1, 500))
    base, lake = scratch / "base", scratch / "lake"
    run_ours(DATA / f"day-{day_rows}", base)

    # Manifests hold absolute paths: the copy must be moved to where the original was built.
    def ours() -> measure.Usage:
        shutil.rmtree(lake, ignore_errors=True)
        shutil.copytree(base, lake)
        for manifest in lake.glob("manifest/*/dt=*/symlink.txt"):
            manifest.write_text(manifest.read_text().replace(base.as_uri(), lake.as_uri()))
        return add_ours(DATA / "increment", lake)

    one_file = scratch / "day.parquet"
    script = scratch / "duck.py"
    script.write_text(
        f"""import duckdb, sys
db = duckdb.connect(); db.execute("SET threads = 1")
names = [c[0] for c in db.execute("DESCRIBE SELECT * FROM '{one_file}'").fetchall()]
db.execute('''COPY (SELECT * FROM (SELECT * FROM '{one_file}' UNION ALL BY NAME
  SELECT * EXCLUDE ("table") REPLACE (make_timestamptz(event_ts * 1000) AS event_ts, make_timestamptz(received_at * 1000) AS received_at)
  FROM read_json('{DATA / "increment" / "increment.gz"}', format = 'newline_delimited'))
  QUALIFY row_number() OVER (PARTITION BY message_id, status, event_ts ORDER BY received_at) = 1
  ORDER BY event_ts, message_id, status) TO '{scratch / "rewritten.parquet"}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)''')
"""
    )
    delta = scratch / "delta.py"
    delta.write_text(
        f"""import json, gzip, pyarrow as pa, pyarrow.parquet as pq
from deltalake import DeltaTable
rows = [json.loads(line) for line in gzip.open('{DATA / "increment" / "increment.gz"}', 'rt')]
[row.pop('table') for row in rows]
table = DeltaTable('{scratch / "delta"}')
schema = pq.read_schema('{one_file}')
new = pa.Table.from_pylist([row | {{'event_ts': row['event_ts'] * 1000, 'received_at': row['received_at'] * 1000}} for row in rows],
    schema=pa.schema([(f.name, pa.int64() if f.name in ('event_ts', 'received_at') else f.type) for f in schema])).cast(
    pa.schema([(f.name, pa.timestamp('us', 'UTC') if f.name in ('event_ts', 'received_at') else f.type) for f in schema]))
table.merge(new, 's.message_id = t.message_id AND s.status = t.status AND s.event_ts = t.event_ts', source_alias='s',
    target_alias='t').when_not_matched_insert_all().execute()
"""
    )
    import pyarrow as pa
    from deltalake import write_deltalake

    day = pq.read_table(referenced_parts(base))
    pq.write_table(day, one_file, compression="zstd", compression_level=3)
    micro = pa.schema(
        [(f.name, pa.timestamp("us", "UTC") if f.name in ("event_ts", "received_at") else f.type) for f in day.schema]
    )

    def run_delta() -> measure.Usage:
        shutil.rmtree(scratch / "delta", ignore_errors=True)
        write_deltalake(str(scratch / "delta"), day.cast(micro))
        return measure.run([sys.executable, str(delta)])

    def run_duckdb() -> measure.Usage:
        return measure.run([sys.executable, str(script)])

    ours(), run_duckdb(), run_delta()
    from deltalake import DeltaTable

    expected = lake_rows(lake)["statuses"]
    must_equal("commit, duckdb", expected, pq.read_metadata(scratch / "rewritten.parquet").num_rows)
    must_equal("commit, delta-rs", expected, DeltaTable(str(scratch / "delta")).to_pyarrow_table().num_rows)
    usage = measure.interleaved({"ours": ours, "duckdb": run_duckdb, "delta-rs": run_delta}, rounds)
    results = []
    size = f"10k into {day_rows // 1000}k"
    for peer in ("duckdb", "delta-rs"):
        results.append(row("commit", peer, size, usage["ours"].user, usage[peer].user, "user CPU s"))
        results.append(
            row("memory", peer, f"commit {size}", usage["ours"].peak / 2**20, usage[peer].peak / 2**20, "peak MiB")
        )
    return results


def status_body(count: int) -> bytes:
    """A body of Meta's with `count` statuses."""
    rng = random.Random(SEED)
    statuses = [
        {
            "id": raw_lines.wamid(rng),
            "status": "delivered",
            "timestamp": str(1_795_170_000 + number),
            "recipient_id": f"4917{number:08d}",
            "conversation": {"id": f"{rng.getrandbits(128):032x}", "origin": {"type": "marketing"}},
            "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"},
        }
        for number in range(count)
    ]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "27110000001", "phone_number_id": "106540352242922"},
        "statuses": statuses,
    }
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}, separators=(",", ":")).encode()


def signature(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def ingest(scratch: Path, rounds: int) -> list[Row]:
    """Microseconds of CPU for one body: the difference between many repetitions and few."""
    print("ingest", file=sys.stderr, flush=True)
    results = []
    for size, statuses, few, many in (("1", 1, 2_000, 42_000), ("batch1000", 1000, 20, 220)):
        body = scratch / f"body-{statuses}.json"
        body.write_bytes(status_body(statuses))
        sign = signature(body.read_bytes())

        def ours(count: int, body=body, sign=sign) -> measure.Usage:
            return measure.run([str(INGEST_COST), str(body), sign, str(count)])

        def node(count: int, body=body) -> measure.Usage:
            return measure.run(["node", str(NODE), "repeat", str(body), str(count)])

        must_equal(f"ingest, {size}", ours(3).output, node(3).output)
        usage = measure.interleaved(
            {
                "ours": lambda: ours(many),
                "ours few": lambda: ours(few),
                "node": lambda: node(many),
                "node few": lambda: node(few),
            },
            rounds,
        )
        each = 1e6 / (many - few)
        mine = (usage["ours"].user - usage["ours few"].user) * each
        theirs = (usage["node"].user - usage["node few"].user) * each
        results.append(row("ingest", "node", size, mine, theirs, "user CPU µs a body"))
    return results


class Server:
    """A server under test: started, answering, and measured until it is stopped."""

    def __init__(self, command: list[str]) -> None:
        started = time.monotonic()
        env = os.environ | {"META_APP_SECRETS": SECRET}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        body = status_body(1)
        self.post(body)
        self.first_answer = time.monotonic() - started

    def post(self, body: bytes, connection: http.client.HTTPConnection | None = None) -> None:
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port)
        headers = {"X-Hub-Signature-256": signature(body), "Content-Type": "application/json"}
        connection.request("POST", "/webhooks/meta", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"bench: a server answered {answer.status}")

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def servers(scratch: Path, rounds: int, requests: int) -> list[Row]:
    """Time from start to the first answer, CPU for a request over HTTP, memory."""
    print("servers", file=sys.stderr, flush=True)
    sink = scratch / "sink"
    sink.mkdir(exist_ok=True)
    commands = {
        "ours": [str(BLUETICK), "serve", "--listen", "127.0.0.1:0", "--sink", sink.as_uri()],
        "node": ["node", str(NODE), "serve", str(scratch / "node.ndjson")],
    }
    figures: dict[str, dict[str, list[float]]] = {name: {"first": [], "each": [], "peak": []} for name in commands}
    body = status_body(1)
    for _ in range(rounds):
        for name, command in commands.items():
            server = Server(command)
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            before = server.cpu()
            for _ in range(requests):
                server.post(body, connection)
            figures[name]["each"].append((server.cpu() - before) * 1e6 / requests)
            figures[name]["first"].append(server.first_answer * 1e3)
            figures[name]["peak"].append(server.peak() / 2**20)
            server.stop()
    median = {name: {key: statistics.median(values) for key, values in of.items()} for name, of in figures.items()}
    ours, node = median["ours"], median["node"]
    return [
        row("cold-start", "node", "serve", ours["first"], node["first"], "ms to the first answer"),
        row("load", "node", f"{requests} requests", ours["each"], node["each"], "CPU µs a request"),
        row("memory", "node", "serve", ours["peak"], node["peak"], "peak MiB"),
    ]


QUERY = """import duckdb, glob, sys
db = duckdb.connect(); db.execute("SET threads = 1")
for _ in range(5):
    print(db.execute("SELECT provider, status, count(DISTINCT message_id), min(event_ts), max(event_ts) FROM "
        "read_parquet({files!r}) GROUP BY ALL ORDER BY ALL").fetchall())
"""


def query(scratch: Path, commits: int, rounds: int) -> list[Row]:
    """A day that was written in many commits, against one file of the same rows."""
    print("query", file=sys.stderr, flush=True)
    lake = scratch / "query-lake"
    lake.mkdir()
    for number in range(commits):
        folder = DATA / f"commits-{commits}" / f"{number:03}"
        day_lines(folder / "raw.gz", 1_000 + 137 * (number % 7), 100 + number)
        add_ours(folder, lake)
    parts = referenced_parts(lake)
    one = scratch / "one.parquet"
    script = scratch / "sort.py"
    script.write_text(
        f"""import duckdb
duckdb.execute('''COPY (SELECT * FROM read_parquet({[str(part) for part in parts]!r}) ORDER BY event_ts, message_id)
TO '{one}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)''')"""
    )
    measure.run([sys.executable, str(script)])

    def ask(files: list[str]) -> measure.Usage:
        return measure.run([sys.executable, "-c", QUERY.format(files=files)])

    runs = {"ours": lambda: ask([str(part) for part in parts]), "one file": lambda: ask([str(one)])}
    usage = measure.interleaved(runs, rounds)
    must_equal("query", usage["ours"].output, usage["one file"].output)
    size = f"{commits} commits, {len(parts)} parts"
    mine = sum(part.stat().st_size for part in parts) / 2**20
    return [
        row("query", "one file a day", size, usage["ours"].user, usage["one file"].user, "user CPU s"),
        row("bytes", "one file a day", size, mine, one.stat().st_size / 2**20, "MiB of Parquet"),
    ]


def document(results: list[Row], command: str) -> str:
    """docs/performance.md."""
    with Path("/proc/cpuinfo").open() as file:
        model = next(
            (line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine()
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    import deltalake
    import duckdb
    import polars
    import pyarrow

    node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    lines = [
        "# Performance",
        "",
        f"`{command}` wrote this page and `bench-results.json`. Each figure is the median of interleaved runs on one machine: {os.cpu_count()} cores "
        f"({model}), {memory:.0f} GiB. Load average at the end of the run: {os.getloadavg()[0]:.1f}; other work may have run beside it, so CPU time "
        "is compared and not time by the clock (except for cold starts).",
        "",
        "`ratio` is the peer's figure divided by ours: 2 means that the peer needs twice as much. Peers use one thread where they let us choose. Before a time "
        "counts, the number of rows in each table (or the query's answer, or the number of lines) must be equal.",
        "",
        f"Versions: DuckDB {duckdb.__version__}, polars {polars.__version__}, pyarrow {pyarrow.__version__}, delta-rs {deltalake.__version__}, "
        f"Python {platform.python_version()}, Node.js {node}.",
        "",
        "## Results",
        "",
        "| what | size | peer | ours | theirs | unit | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        ours, theirs, ratio = (float(result[name] or 0) for name in ("ours", "theirs", "ratio"))
        lines.append(
            f"| {result['name']} | {result['size']} | {result['peer']} | {ours:.3g} | {theirs:.3g} | {result['unit']} | {ratio:.2f} |"
        )
    lines += [
        "",
        "- `transform`: gzip NDJSON to Parquet, from an empty lake; 75 % statuses, 15 % clicks, 10 % other rows, 5 % duplicates. All write zstd level 3, one sorted file "
        "for each table and day. `limit` is not a tool: it decompresses the same objects with libdeflate, skips their JSON and compresses as many bytes as the output "
        "has with zstd level 1. Its ratio is the share of our time that no design can avoid.",
        "- `commit`: 10,000 statuses, 500 of them duplicates, into a day that is there already. DuckDB rewrites the day, delta-rs merges.",
        "- `ingest`: signature, parsing and flattening of one body in a running process.",
        "- `cold-start`, `load`: `bluetick serve` and a Node.js server, from the start of the process to the first answer, and CPU for a request.",
        "- `query`: DuckDB over the parts of a day, and over one file with the same rows.",
        "",
        "## Repeat it",
        "",
        "    make bench           # all sizes; needs Node.js and 8 GiB of free memory",
        "    make bench QUICK=1   # fewer rounds; about ten minutes",
        "",
        "Raw lines are generated from a seed and kept in `bench/.data`. The profile `bench-fast` compiles as the release does, without link-time optimisation.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--only", help="run these parts only, separated by commas; writes nothing")
    arguments = parser.parse_args()
    quick = arguments.quick
    rounds = 3 if quick else 5
    peers = ["duckdb", "duckdb-2", "polars", "pyarrow", "python"]
    parts = {
        "transform-10k": lambda scratch: transform(scratch, "10k", 10_000, 1, peers, rounds),
        "transform-150k": lambda scratch: transform(scratch, "150k", 150_000, 1, peers, rounds),
        "transform-1500k": lambda scratch: transform(
            scratch, "1500k", 1_500_000, 10, ["duckdb"] if quick else ["duckdb", "polars", "python"], 1 if quick else 3
        ),
        "commit": lambda scratch: commit(scratch, 1_000_000, rounds),
        "ingest": lambda scratch: ingest(scratch, rounds),
        "servers": lambda scratch: servers(scratch, rounds, 500 if quick else 2_000),
        "query": lambda scratch: query(scratch, 60 if quick else 288, rounds),
    }
    chosen = arguments.only.split(",") if arguments.only else list(parts)
    results: list[Row] = []
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="bluetick-bench-") as scratch:
            results += parts[name](Path(scratch))
    print(json.dumps(results, indent=1))
    if not arguments.only:
        (ROOT / "bench-results.json").write_text(json.dumps(results, indent=1) + "\n")
        command = "make bench QUICK=1" if quick else "make bench"
        (ROOT / "docs" / "performance.md").write_text(document(results, command))


if __name__ == "__main__":
    main()
