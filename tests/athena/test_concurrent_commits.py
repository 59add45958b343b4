"""While a writer keeps committing to the partition that is queried, every query on Trino sees one whole commit.

Each commit is one run of `bluetick run` over one more raw object; it adds a part, or absorbs small parts into a larger
one, and replaces the manifest. Files that no manifest names any more stay where they are, as the sweep's rule demands.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import threading
from pathlib import Path

from bluetick_sql.statements import Settings
from lake_writer import at
from local_pipeline import BLUETICK
from trino_server import TrinoServer

COMMITS = int(os.environ.get("BLUETICK_COMMITS", "200"))
ROWS = 50
REPEATED = 20
_DAY = int(at("2025-06-10 00:00:00").timestamp() * 1000)


def _status(number: int) -> str:
    moment = _DAY + number * 1000 % 86_400_000
    return json.dumps(
        {
            "table": "statuses",
            "event_ts": moment,
            "provider": "meta",
            "received_at": moment,
            "message_id": f"m{number:07d}",
            "status": "sent",
        }
    )


class Writer(threading.Thread):
    """Commits one raw object after the other. `rows` is how many distinct rows the lake must hold at least."""

    def __init__(self, work: Path) -> None:
        super().__init__(name="writer")
        self.raw, self.lake = work / "raw", work / "lake"
        self.lake.mkdir()
        self.rows = 0
        self.commits = 0
        self.manifests: set[str] = set()
        self.fault: str | None = None

    def commit(self, number: int) -> None:
        """One more object: new rows, and some of the object before."""
        folder = self.raw / f"{number:05d}"
        folder.mkdir(parents=True)
        first = number * ROWS
        with gzip.open(folder / "object.gz", "wt", encoding="utf-8") as out:
            out.writelines(_status(row) + "\n" for row in range(max(0, first - REPEATED), first + ROWS))
        subprocess.run(
            [BLUETICK, "run", "--raw", folder.as_uri(), "--lake", self.lake.as_uri()], check=True, capture_output=True
        )
        self.manifests.add(
            (self.lake / "manifest" / "statuses" / "dt=2025-06-10" / "symlink.txt").read_text(encoding="utf-8")
        )
        self.rows = first + ROWS
        self.commits += 1

    def run(self) -> None:
        """All commits but the first."""
        try:
            for number in range(1, COMMITS + 1):
                self.commit(number)
        except Exception as error:
            self.fault = repr(error)


def test_queries_see_whole_commits_only(trino: TrinoServer, tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.commit(0)
    engine = trino.database(writer.lake, Settings("concurrent"))
    writer.start()
    queries, distinct_counts, last = 0, set(), 0
    faults: list[str] = []
    while True:
        alive, floor = writer.is_alive(), writer.rows
        _, rows, _ = engine.execute(
            "SELECT count(*), count(DISTINCT message_id), max(message_id) FROM statuses WHERE dt = '2025-06-10'"
        )
        count, distinct, highest = rows[0]
        queries += 1
        distinct_counts.add(count)
        if count != distinct:
            faults.append(f"{count} rows, but {distinct} messages")
        if count < max(last, floor):
            faults.append(f"{count} rows after {last}; {floor} were committed before the query")
        if highest != f"m{count - 1:07d}":
            faults.append(f"{count} rows, the last of them {highest}: no whole commit")
        last = count
        if not alive:
            break
    writer.join()
    print(
        f"{writer.commits} commits, {len(writer.manifests)} manifests, {queries} queries, {len(distinct_counts)} "
        "different counts"
    )
    assert writer.fault is None
    assert faults == []
    assert last == writer.rows == (COMMITS + 1) * ROWS
    assert len(writer.manifests) == COMMITS + 1
    assert len(distinct_counts) > 5, "the queries hardly met the commits"
