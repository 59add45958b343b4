#!/usr/bin/env python3
"""Invokes both Lambda functions with the sample events, without an AWS account; shows what they answer and leave."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import lambda_emulator
from binaries import ROOT
from make_samples import EVENTS


def raw_object_event(raw: Path, obj: Path) -> dict:
    """The sample SQS event, naming `obj` among the raw objects at `raw`."""
    text = (EVENTS / "sqs" / "raw_object.json").read_text()
    return json.loads(text.replace("RAW_OBJECT_KEY", str(obj.relative_to(raw))))


def main() -> None:
    place = ROOT / ".demo" / "invoke"
    shutil.rmtree(place, ignore_errors=True)
    raw, lake = place / "raw", place / "lake"
    raw.mkdir(parents=True)
    settings = {"SINK_URL": raw.as_uri(), "RAW_URL": raw.as_uri(), "LAKE_URL": lake.as_uri()}
    with lambda_emulator.functions(place / "functions.log", **settings) as functions:
        for event in sorted((EVENTS / "apigateway").glob("*.json")):
            answer = functions.invoke("ingest", event)
            print(f"ingest     {event.name:48} {answer['statusCode']} {answer.get('body', '')}")
        for obj in sorted(raw.rglob("*.gz")):
            answer = functions.invoke("transform", raw_object_event(raw, obj))
            print(f"transform  {obj.name:48} {json.dumps(answer)}")
    print(f"\nraw objects: {raw}\nParquet:     {lake / 'data'}")


if __name__ == "__main__":
    main()
