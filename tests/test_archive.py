"""The archive of original bodies: `bluetick serve --archive`, `bluetick reflatten` and `bluetick erase --archive`."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import lake_reader
import local_pipeline
import make_samples

PERSON, OTHER = "491550000001", "491550000002"


@contextmanager
def archiving(place: Path, **variables: str) -> Iterator[int]:
    """A server with its raw objects and its archive in `place`; gives the port."""
    archive = (place / "archive").absolute().as_uri()
    with local_pipeline.server(place / "raw", "--archive", archive, **variables) as port:
        yield port


def objects(directory: Path) -> dict[str, bytes]:
    """The unpacked objects of a directory by path."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): gzip.decompress(path.read_bytes()) for path in paths}


def lines(directory: Path) -> list[dict]:
    return [json.loads(line) for content in objects(directory).values() for line in content.splitlines()]


def reflatten(place: Path, raw: Path, lake: Path, *arguments: str, check: bool = True) -> dict:
    lake.mkdir(exist_ok=True)
    urls = [(place / "archive").as_uri(), "--raw", raw.as_uri(), "--lake", lake.as_uri()]
    return local_pipeline.bluetick("reflatten", *urls, *arguments, check=check)


def erase(lake: Path, *arguments: str) -> dict:
    return local_pipeline.bluetick("erase", *arguments, "--lake", lake.as_uri())


def all_rows(lake: Path) -> set[str]:
    return {repr((table, row)) for table, rows in lake_reader.rows(lake).items() for row in rows}


def status(number: str, message: str, at: float) -> bytes:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": "1"},
        "statuses": [{"id": message, "status": "read", "timestamp": str(int(at)), "recipient_id": number}],
    }
    entry = {"id": "2", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def post_meta(port: int, body: bytes) -> None:
    headers = make_samples.signed_headers("meta", body)
    assert local_pipeline.post(port, make_samples.ROUTES["meta"], headers, body)[0] == 200


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw objects and the archive of all samples."""
    place = tmp_path_factory.mktemp("sampled")
    with archiving(place) as port:
        samples = local_pipeline.all_samples()
        assert {local_pipeline.post_sample(port, sample) for sample in samples} == {200}
    archived = [(line["route"], line["body"].encode()) for line in lines(place / "archive")]
    posted = [(make_samples.ROUTES[sample.route].rstrip("/"), sample.body) for sample in samples]
    assert sorted(archived) == sorted(posted), "every body, byte for byte"
    return place


def as_an_older_parser_wrote(line: dict) -> dict | None:
    """What a parser leaves of a line that knows neither the texts of buttons nor replies of flows."""
    if line.get("kind") == "flow_reply":
        return None
    return {name: value for name, value in line.items() if name != "button_text"}


def test_what_an_older_parser_dropped_is_recovered(sampled: Path, tmp_path: Path) -> None:
    whole, lake, older = tmp_path / "whole", tmp_path / "lake", tmp_path / "older"
    local_pipeline.run(sampled / "raw", whole)
    kept = [line for line in map(as_an_older_parser_wrote, lines(sampled / "raw")) if line]
    assert len(kept) < len(lines(sampled / "raw"))
    older.mkdir()
    (older / "lines.gz").write_bytes(gzip.compress("".join(f"{json.dumps(line)}\n" for line in kept).encode()))
    local_pipeline.run(older, lake)
    lost = all_rows(whole) - all_rows(lake)
    assert any("'flow_reply'" in row for row in lost) and len(lost) > 5, "the control: something is missing"

    report = reflatten(sampled, tmp_path / "again", lake)
    assert report["bodies"] == len(local_pipeline.all_samples())
    moved = local_pipeline.run(tmp_path / "again", lake)
    assert moved["new"] == len(lost)
    assert all_rows(whole) <= all_rows(lake)


def test_what_is_in_the_lake_adds_no_row(sampled: Path, tmp_path: Path) -> None:
    lake, raw = tmp_path / "lake", tmp_path / "again"
    first = local_pipeline.run(sampled / "raw", lake)
    before = all_rows(lake)
    reflatten(sampled, raw, lake)
    # The same lines as those of ingest, so that not even a column that is in no key can differ.
    assert sorted(map(repr, lines(raw))) == sorted(map(repr, lines(sampled / "raw")))
    moved = local_pipeline.run(raw, lake)
    assert (moved["records_in"], moved["new"]) == (first["records_in"], 0)
    assert all_rows(lake) == before
    written = objects(raw)
    reflatten(sampled, raw, lake)
    assert objects(raw) == written, "a repetition writes the same objects"
    only = reflatten(sampled, tmp_path / "woosh", lake, "--provider", "woosh")
    assert 0 < only["bodies"] < len(local_pipeline.all_samples())
    assert {line["provider"] for line in lines(tmp_path / "woosh")} == {"woosh"}


def test_erased_persons_do_not_come_back_and_their_bodies_go(tmp_path: Path) -> None:
    lake, now = tmp_path / "lake", time.time()
    with archiving(tmp_path) as port:
        post_meta(port, status(PERSON, "wamid.A", now - 600))
        post_meta(port, status(OTHER, "wamid.B", now - 600))
        # No row holds the text of this message.
        text = {"from": OTHER, "id": "wamid.C", "timestamp": str(int(now)), "type": "text"}
        value = {"messages": [{**text, "text": {"body": f"ask +49 155 0000001, not {OTHER}"}}]}
        change = {"field": "messages", "value": {"messaging_product": "whatsapp", **value}}
        post_meta(port, json.dumps({"object": "x", "entry": [{"id": "2", "changes": [change]}]}).encode())
        local_pipeline.run(tmp_path / "raw", lake)
        report = erase(lake, "--wa-id", PERSON)
        assert report["rows_removed"] == 1 and report["archived_bodies_removed"] is None
        assert any(copy["place"] == "archived_bodies" for copy in report["remaining_copies"])
        # A late report about the erased message, and the person writes again.
        post_meta(port, status(PERSON, "wamid.A", now - 500))
        post_meta(port, status(PERSON, "wamid.D", time.time() + 60))

    # Still in the archive, but neither in raw objects nor in the lake; without the list they would be.
    assert sum(PERSON in line["body"] for line in lines(tmp_path / "archive")) == 3
    report = reflatten(tmp_path, tmp_path / "again", lake)
    assert (report["bodies"], report["erased_bodies"], report["erased_records"]) == (5, 2, 1)
    names = [line["message_id"] for line in lines(tmp_path / "again")]
    assert sorted(names) == ["wamid.B", "wamid.D"]
    unaware = reflatten(tmp_path, tmp_path / "control", tmp_path / "other-lake")
    assert (unaware["erased_bodies"], len(lines(tmp_path / "control"))) == (0, 5)
    local_pipeline.run(tmp_path / "again", lake)
    # Nor by raw objects of a program that does not know the list.
    local_pipeline.run(tmp_path / "control", lake)
    assert "wamid.A" not in repr(all_rows(lake)) and "wamid.D" in repr(all_rows(lake))

    archive = (tmp_path / "archive").as_uri()
    assert erase(lake, "--again", "--archive", archive)["archived_bodies_removed"] == 3
    left = lines(tmp_path / "archive")
    assert sorted(
        json.loads(line["body"])["entry"][0]["changes"][0]["value"]["statuses"][0]["id"] for line in left
    ) == [
        "wamid.B",
        "wamid.D",
    ]
    assert erase(lake, "--again", "--archive", archive)["archived_bodies_removed"] == 0
    # The last body of an object takes the object with it.
    removed = erase(lake, "--wa-id", OTHER, "--archive", archive)
    assert removed["archived_bodies_removed"] == 1
    assert OTHER not in repr(lines(tmp_path / "archive"))
    assert all(objects(tmp_path / "archive").values())


def test_several_bodies_of_one_object_are_told_apart(tmp_path: Path) -> None:
    lake, now = tmp_path / "lake", int(time.time() * 1000)
    archived = [
        {"route": "/webhooks/meta", "received_at": now - number, "body": status(person, "wamid.M", 1e9).decode()}
        for number, person in enumerate([PERSON, OTHER, PERSON, OTHER])
    ]
    # As Firehose writes them: many lines, and perhaps many members.
    place = tmp_path / "archive" / "2026" / "11" / "20" / "12"
    place.mkdir(parents=True)
    members = [
        gzip.compress("".join(f"{json.dumps(line)}\n" for line in part).encode())
        for part in (archived[:3], archived[3:])
    ]
    (place / "stream-1.gz").write_bytes(b"".join(members))
    lake.mkdir()
    report = erase(lake, "--wa-id", PERSON, "--archive", (tmp_path / "archive").as_uri())
    assert report["archived_bodies_removed"] == 2
    assert lines(tmp_path / "archive") == [archived[1], archived[3]]


def test_rubbish_is_said_and_stops_nothing(sampled: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(sampled / "archive", tmp_path / "archive")
    good = len(lines(tmp_path / "archive"))
    place = tmp_path / "archive" / "2026"
    place.mkdir(exist_ok=True)
    (place / "cut.gz").write_bytes(gzip.compress(b'{"route":"/webhooks/meta"' * 100)[:-9])
    other_route = json.dumps({"route": "/webhooks/gone", "received_at": 1, "body": "{}"})
    (place / "lines").write_text(f"no json\n{other_route}\n[]\n\n")
    (place / "empty").touch()
    report = reflatten(tmp_path, tmp_path / "again", lake, check=False)
    assert (report["bodies"], report["unusable_lines"]) == (good, 3)
    assert [failure.split(":")[0].rsplit("/", 1)[1] for failure in report["failed"]] == ["cut.gz"]
    command = ["reflatten", (tmp_path / "archive").as_uri(), "--raw", (tmp_path / "again").as_uri()]
    for arguments, expected in [
        ([*command, "--lake", lake.as_uri()], 1),
        ([*command, "--lake", (tmp_path / "no-lake").as_uri()], 1),
        (["reflatten", (tmp_path / "nothing").as_uri(), *command[2:], "--lake", lake.as_uri()], 1),
        ([*command[:3], (tmp_path / "archive" / "raw").as_uri(), "--lake", lake.as_uri()], 1),
        (["erase", "--wa-id", PERSON, "--lake", lake.as_uri(), "--archive", command[1]], 1),
    ]:
        done = subprocess.run([local_pipeline.BLUETICK, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == expected, arguments
    # The erasure says which object it could not search.
    assert "cut.gz" in done.stderr and "--again --archive" in done.stderr


def test_nothing_is_archived_where_numbers_are_hashed(tmp_path: Path) -> None:
    with archiving(tmp_path, PSEUDONYM_KEY="test-key") as port:
        post_meta(port, status(PERSON, "wamid.A", time.time()))
    assert lines(tmp_path / "raw") and not lines(tmp_path / "archive")


def test_an_archive_among_the_raw_objects_is_refused(tmp_path: Path) -> None:
    inside = (tmp_path / "raw" / "archive").as_uri()
    with pytest.raises(RuntimeError), local_pipeline.server(tmp_path / "raw", "--archive", inside):
        pass
