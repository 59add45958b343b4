"""Which engine answers, as the commands' options and the environment say."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .athena import AthenaEngine
from .duck import DuckEngine
from .lake import open_lake
from .rate_card import read_rate_card
from .reach import EVERYTHING, Reach
from .statements import RATE_CARD, Settings
from .trino_client import TrinoEngine

Engine = DuckEngine | TrinoEngine | AthenaEngine


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """The options that `open_engine` and `settings_of` read."""
    parser.add_argument("--engine", choices=["duckdb", "trino", "athena"], default="duckdb")
    parser.add_argument("--lake", default="lake", help="directory of the lake, or its URL such as s3://bucket (duckdb)")
    parser.add_argument("--database", default=os.environ.get("BLUETICK_DATABASE", "bluetick"))
    parser.add_argument("--timezone", default="UTC", help="time zone of local days, such as Asia/Kolkata")
    parser.add_argument("--attribution-hours", type=int, default=72, help="how long after sending a click still counts")
    parser.add_argument(
        "--rate-card", type=Path, default=RATE_CARD, help="CSV file of prices for the cost queries (duckdb)"
    )


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Raises StatementError for a value that no engine could use, and for a wrong line of the rate card."""
    read_rate_card(arguments.rate_card)
    return Settings(
        arguments.database, "", arguments.timezone, arguments.attribution_hours, rate_card=arguments.rate_card
    )


@contextmanager
def open_engine(arguments: argparse.Namespace, reach: Reach = EVERYTHING) -> Iterator[Engine]:
    """The engine of `--engine`; DuckDB opens no partition outside `reach`. Raises LakeError if `--lake` is no lake."""
    settings = settings_of(arguments)
    if arguments.engine == "athena":
        yield AthenaEngine(settings, os.environ.get("ATHENA_WORKGROUP", "primary"))
    elif arguments.engine == "trino":
        host, port = os.environ.get("TRINO_HOST", "127.0.0.1"), int(os.environ.get("TRINO_PORT", "8080"))
        yield TrinoEngine(settings, host, port)
    else:
        with DuckEngine(open_lake(arguments.lake), settings, reach=reach) as engine:
            yield engine
