"""Runs the compiled Lambda functions under `cargo lambda watch`, an emulation of Lambda's runtime API."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import local_pipeline
from binaries import ROOT
from ports import free_port

CARGO_LAMBDA = Path(sys.executable).parent / "cargo-lambda"
# `cargo lambda` must never fetch a compilation target on its own: whatever it needs has to be here.
NO_DOWNLOADS = {"RUSTUP_DIST_SERVER": "http://127.0.0.1:9"}


@dataclass(frozen=True)
class Functions:
    """The running functions."""

    port: int

    def invoke(self, function: str, event: Path | dict[str, Any]) -> Any:
        """Invokes a function with an event, or with a file that holds one; gives what it returned."""
        with tempfile.TemporaryDirectory() as folder:
            if isinstance(event, dict):
                file = Path(folder) / "event.json"
                file.write_text(json.dumps(event))
            else:
                file = event
            command = [
                str(CARGO_LAMBDA),
                "lambda",
                "invoke",
                "--invoke-address",
                "127.0.0.1",
                "--invoke-port",
                str(self.port),
                function,
                "--data-file",
                str(file),
            ]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1_200)
        if done.returncode != 0:
            raise RuntimeError(f"{function}: {done.stderr}")
        return json.loads(done.stdout)


@contextmanager
def functions(log: Path, **variables: str) -> Iterator[Functions]:
    """Runs all functions with these environment variables; what they print goes to `log`."""
    port = free_port()
    inherited = {
        name: os.environ[name] for name in ("CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR") if name in os.environ
    }
    environment = local_pipeline.environment(**inherited, **NO_DOWNLOADS, **variables)
    command = [
        str(CARGO_LAMBDA),
        "lambda",
        "watch",
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
        str(port),
        "--ignore-changes",
    ]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            for _ in range(600):
                if process.poll() is not None:
                    raise RuntimeError(f"cargo lambda watch ended: {log.read_text()[-2000:]}")
                with socket.socket() as probe:
                    probe.settimeout(0.1)
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                # Refused at once: give the emulator a moment to come up.
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.1)
            else:
                raise RuntimeError("cargo lambda watch does not listen")
            yield Functions(port)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
