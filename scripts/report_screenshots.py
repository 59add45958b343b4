#!/usr/bin/env python3
"""Takes pictures of a report in headless Chromium: light, dark, 390 px wide, and as printed.

    make report-screenshots PAGE=reports/2026-11.html SHOTS=screenshots

Writes light.png, dark.png, narrow.png and print.pdf, and with the command pdftoppm (package poppler-utils) the pages of
the PDF as print-1.png and so on. Exit status 1 if the page logs anything or asks for another file.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

WIDE, NARROW = 1280, 390
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def _open(browser: Browser, path: Path, width: int, scheme: str, noise: list[str]) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", lambda request: noise.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    return page


def take(path: Path, out: Path) -> list[str]:
    """Writes the pictures of the page `path` into `out`; returns what the page logged or asked for."""
    out.mkdir(parents=True, exist_ok=True)
    noise: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        for name, width, scheme in (("light", WIDE, "light"), ("dark", WIDE, "dark"), ("narrow", NARROW, "light")):
            page = _open(browser, path, width, scheme, noise)
            page.screenshot(path=out / f"{name}.png", full_page=True)
            if name == "dark":  # paper is white even where the screen is dark
                page.pdf(path=out / "print.pdf", prefer_css_page_size=True)
            page.close()
        browser.close()
    return noise


def main() -> int:
    """Prints the directory of the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, help="the report")
    parser.add_argument("out", type=Path, help="directory of the pictures")
    arguments = parser.parse_args()
    if shutil.which("chromium") is None:
        raise SystemExit("the command chromium is not installed: apt-get install chromium")
    noise = take(arguments.page.resolve(), arguments.out)
    if shutil.which("pdftoppm"):
        command = ["pdftoppm", "-png", "-r", "60", arguments.out / "print.pdf", arguments.out / "print"]
        subprocess.run(command, check=True)
    else:
        print("pdftoppm is not installed: print.pdf stays a PDF", file=sys.stderr)
    print("\n".join([*noise, str(arguments.out)]))
    return int(bool(noise))


if __name__ == "__main__":
    sys.exit(main())
