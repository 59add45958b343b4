"""The demo prints the figures that one works out by hand from the sample events, however often they are delivered."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

import local_pipeline
from binaries import ROOT

DAY = "2026-10-05"

# Worked out by hand in the README.
CTR_BY_BUTTON = {
    ("order_update", "track"): (3, 1),
    ("order_update", "help"): (3, 1),
    ("lift_alert", "lift_b_entrapment"): (1, 1),
    ("lift_alert", "lift_b_test"): (1, 0),
    ("feedback_request", "Give feedback"): (1, 1),
    ("feedback_request", "Visit us"): (1, 1),
    ("book_a_slot", "slot_9"): (1, 1),
    ("book_a_slot", "slot_10"): (1, 0),
    ("rate_us", "flow"): (1, 1),
    (None, "support"): (1, 1),
}
CTR_BY_TEMPLATE = {
    "order_update": (4, 3, 2),
    "lift_alert": (2, 1, 1),
    "feedback_request": (2, 1, 1),
    "rate_us": (1, 1, 1),
    "book_a_slot": (1, 1, 1),
    None: (1, 1, 1),
}
FUNNEL = {"sent": 11, "delivered": 8, "read": 7, "clicked": 7, "replied": 1, "failed": 3}


def query(lake: Path, name: str) -> list[dict]:
    command = [
        sys.executable,
        "-m",
        "bluetick_sql",
        name,
        "--lake",
        str(lake),
        "--from",
        DAY,
        "--to",
        DAY,
        "--format",
        "json",
    ]
    return json.loads(subprocess.run(command, cwd=ROOT / "sql", check=True, capture_output=True, text=True).stdout)


def figures(lake: Path) -> tuple[dict, dict, dict]:
    buttons = {
        (row["template_name"], row["button"]): (row["delivered"], row["clicked"])
        for row in query(lake, "ctr_by_button")
    }
    templates = {
        row["template_name"]: (row["messages"], row["delivered"], row["clicked"])
        for row in query(lake, "ctr_by_template")
    }
    [day] = query(lake, "funnel_daily")
    assert day["sent_date"] == DAY
    return buttons, templates, {name: day[name] for name in FUNNEL}


@pytest.mark.parametrize("deliveries", [1, 2, 3])
def test_the_figures_are_those_worked_out_by_hand(tmp_path: Path, deliveries: int) -> None:
    samples = local_pipeline.all_samples() * deliveries
    random.Random(deliveries).shuffle(samples)
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    with local_pipeline.server(raw) as port:
        assert {local_pipeline.post_sample(port, sample) for sample in samples} == {200}
    assert local_pipeline.run(raw, lake)["new"] == 48
    assert local_pipeline.run(raw, lake)["new"] == 0
    assert figures(lake) == (CTR_BY_BUTTON, CTR_BY_TEMPLATE, FUNNEL)
    assert local_pipeline.bluetick("verify", "--lake", lake.as_uri())["problems"] == []


def test_a_missing_delivery_changes_the_figures(tmp_path: Path) -> None:
    samples = [sample for sample in local_pipeline.all_samples() if sample.name != "meta_quick_reply"]
    with local_pipeline.server(tmp_path / "raw") as port:
        assert {local_pipeline.post_sample(port, sample) for sample in samples} == {200}
    local_pipeline.run(tmp_path / "raw", tmp_path / "lake")
    assert figures(tmp_path / "lake") != (CTR_BY_BUTTON, CTR_BY_TEMPLATE, FUNNEL)


def test_serve_moves_what_arrived_into_the_lake_by_itself(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    with local_pipeline.server(tmp_path / "raw", "--every", "1h", "--lake", lake.as_uri()) as port:
        assert {local_pipeline.post_sample(port, sample) for sample in local_pipeline.all_samples()} == {200}
    # Stopping it makes a last pass.
    assert figures(lake) == (CTR_BY_BUTTON, CTR_BY_TEMPLATE, FUNNEL)
