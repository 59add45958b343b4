#!/usr/bin/env python3
"""The demo: posts the sample webhooks (some twice, all out of order), moves them into a lake, asks three questions."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys

import local_pipeline
from binaries import ROOT

DAY = "2026-10-05"


def main() -> None:
    place = ROOT / ".demo"
    shutil.rmtree(place, ignore_errors=True)
    raw, lake = place / "raw", place / "lake"

    samples = local_pipeline.all_samples()
    shuffled = samples + samples[::2]
    random.Random(5).shuffle(shuffled)
    with local_pipeline.server(raw) as port:
        answers = [local_pipeline.post_sample(port, sample) for sample in shuffled]
        forged = local_pipeline.Sample(samples[-1].name, "meta", samples[-1].body + b" ")
        headers = {"X-Hub-Signature-256": "sha256=" + "0" * 64}
        refused, _ = local_pipeline.post(port, "/webhooks/meta", headers, forged.body)
    if set(answers) != {200} or refused != 401:
        raise SystemExit(f"unexpected answers: {sorted(set(answers))}, forged: {refused}")
    objects = sum(1 for path in raw.rglob("*.gz"))
    print(f"posted {len(shuffled)} webhooks, {len(samples)} of them different: all answered 200")
    print(f"posted 1 forged webhook: answered {refused}")
    print(f"raw objects: {objects} in {raw}")

    for attempt in ("first", "second"):
        report = local_pipeline.run(raw, lake)
        print(
            f"{attempt} run: {report['records_in']} records in, {report['new']} new, {report['duplicates']} duplicates"
            f", {report['rejected']} rejected"
        )

    for query in ("ctr_by_button", "ctr_by_template", "funnel_daily"):
        print(f"\n{query}", flush=True)
        command = [sys.executable, "-m", "bluetick_sql", query, "--lake", str(lake), "--from", DAY, "--to", DAY]
        subprocess.run(command, cwd=ROOT / "sql", check=True)
    print(f"\nParquet: {lake / 'data'}")
    print("report:", end=" ", flush=True)
    command = [sys.executable, "-m", "bluetick_report", "--lake", str(lake), "--from", DAY, "--to", DAY]
    subprocess.run(command, cwd=ROOT / "sql", check=True)
    print(f"ask more: make query LAKE={lake.relative_to(ROOT)} Q=response_times FROM={DAY} TO={DAY}")


if __name__ == "__main__":
    main()
