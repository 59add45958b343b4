"""An operator's machine: a home with one profile, a checkout of the project, and AWS on loopback.

What stands in for what:

- AWS: the emulator with the endpoint in front of it. It does not enforce policies: it speaks HTTP, so the policies that
  demand TLS would deny everything. Athena is a double.
- The compiler: a `cargo` whose `lambda build` and `run` take the binaries of this build. Everything else goes to the
  real one. `make test-deploy` compiles. The functions are small programs that start those binaries.
- `bluetick`: the binary of this build, on the PATH as after `cargo install`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from athena_double import Athena
from binaries import ROOT, binary
from emulator import FUNCTIONS, Emulator, architecture
from endpoint import Endpoint
from ports import free_port

# What a checkout has, as far as the commands of the pages need it.
CHECKOUT = ("crates", "docs", "events", "infra", "scripts", "sql")
CHECKOUT_FILES = ("Cargo.lock", "Cargo.toml", "Makefile", "README.md", "pyproject.toml")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "target", ".build")

CARGO = """#!/bin/bash
set -e
case "$1 $2" in
"lambda build")
    for name in {functions}; do
        mkdir -p "target/lambda/$name"
        cp "{release}/$name" "target/lambda/$name/bootstrap"
    done ;;
run*)
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        [ "$1" = --bin ] && name=$2
        shift
    done
    [ "$1" = -- ] && shift
    exec "{binaries}/$name" "$@" ;;
*) exec "{cargo}" "$@" ;;
esac
"""


@dataclass
class Machine:
    """The machine. `project` is the checkout."""

    endpoint: Endpoint
    emulator: Emulator
    environment: dict[str, str]
    home: Path
    project: Path
    # The compiler behind the one on the PATH.
    real_cargo: Path

    def run(self, *command: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=cwd or self.project,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def shell(self, script: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs lines as they stand on a page; the first that fails ends them."""
        return self.run("bash", "-euo", "pipefail", "-c", script, cwd=cwd, **variables)


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def checkout(directory: Path) -> Path:
    """A copy of the project with environments for Python that are ready, so that `make` installs nothing."""
    project = directory / "bluetick"
    for folder in CHECKOUT:
        shutil.copytree(ROOT / folder, project / folder, ignore=NOT_COPIED)
    for name in CHECKOUT_FILES:
        shutil.copy2(ROOT / name, project)
    for tools in (".venv", ".venv-tools"):
        link_environment(ROOT / tools, project / tools)
    return project


def link_environment(source: Path, target: Path) -> None:
    (target / "bin").mkdir(parents=True)
    for path in (source / "bin").iterdir():
        (target / "bin" / path.name).symlink_to(path)
    for name in ("lib", "pyvenv.cfg"):
        (target / name).symlink_to(source / name)
    for stamp in ("query", "ready"):
        (target / stamp).touch()


def starter(path: Path, started: Path) -> None:
    """Compiles a program that becomes the program `started`: uploads of a hundred megabytes would take longer than all
    tests.
    """
    code = f'#include <unistd.h>\nint main(int n, char **v) {{ (void)n; return execv("{started}", v); }}\n'
    subprocess.run(["cc", "-x", "c", "-", "-o", str(path)], input=code, text=True, check=True)


def real_cargo() -> Path:
    return Path(shutil.which("cargo") or "/usr/bin/cargo")


def fake_programs(directory: Path) -> Path:
    """`cargo` and `bluetick`, which take the binaries of this build."""
    release = directory / "release"
    release.mkdir()
    for name in FUNCTIONS.values():
        starter(release / name, binary(name))
    fakes = directory / "programs"
    fakes.mkdir()
    cargo = CARGO.format(
        functions=" ".join(FUNCTIONS.values()),
        release=release,
        binaries=binary("ingest").parent,
        cargo=real_cargo(),
    )
    program(fakes / "cargo", cargo)
    (fakes / "bluetick").symlink_to(binary("bluetick"))
    return fakes


@contextmanager
def machine(home: Path) -> Iterator[Machine]:
    """The machine with its home at `home`, until the block ends."""
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text("[operator]\naws_access_key_id = test\naws_secret_access_key = test\n")
    project, fakes = checkout(home), fake_programs(home)
    port, emulator_port = free_port(), free_port()
    endpoint = Endpoint(port, emulator_port)
    endpoint.athena = Athena()
    emulator = None
    tools = f"{ROOT / '.venv' / 'bin'}:{real_cargo().parent}"
    environment = {
        "PATH": f"{fakes}:{tools}:/usr/bin:/bin",
        "HOME": str(home),
        "AWS_PROFILE": "operator",
        # The functions of this build are for this machine's processor.
        "ARCH": architecture(),
        # The emulator in place of AWS.
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ALLOW_HTTP": "true",
        "http_proxy": endpoint.url,
        "no_proxy": "127.0.0.1",
    }
    for name in ("CARGO_HOME", "RUSTUP_HOME"):
        environment[name] = os.environ.get(name, str(Path.home() / f".{name.split('_')[0].lower()}"))
    try:
        emulator = Emulator(home / "emulator.log", endpoint.url, emulator_port, enforce_iam=False)
        endpoint.athena.glue = emulator.client("glue")
        yield Machine(endpoint, emulator, environment, home, project, real_cargo())
    finally:
        endpoint.stop()
        if emulator:
            emulator.stop()
