"""`bluetick serve` gives the newest report of its lake at /report, to clients of the same machine alone."""

from __future__ import annotations

import os
from pathlib import Path

from local_pipeline import request, server


def _write(path: Path, text: str, second: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (second, second))


def test_the_newest_report_is_served_on_loopback_alone(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    with server(tmp_path / "raw", "--lake", lake.as_uri()) as port:
        assert request(port, "GET", "/report", {}, b"")[0] == 404
        reports = lake / "reports"
        reports.mkdir(parents=True)
        _write(reports / "b.html", "older", 1_000)
        _write(reports / "a.html", "<p>newest שלום</p>", 2_000)
        _write(reports / "c.csv", "no page", 3_000)
        assert request(port, "GET", "/report", {}, b"") == (200, "<p>newest שלום</p>".encode())
        assert request(port, "HEAD", "/report", {}, b"") == (200, b"")
        assert request(port, "POST", "/report", {}, b"x")[0] == 405
        for headers in ({"Host": "example.com"}, {"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}):
            assert request(port, "GET", "/report", headers, b"")[0] == 404, headers
        for path in ("/report/../../../etc/passwd", "/report/b.html", "/reports"):
            assert request(port, "GET", path, {}, b"")[0] == 404, path


def test_without_a_lake_there_is_no_report(tmp_path: Path) -> None:
    with server(tmp_path / "raw") as port:
        assert request(port, "GET", "/report", {}, b"")[0] == 404
