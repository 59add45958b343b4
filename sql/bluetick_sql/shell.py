"""`make sql-shell`: SQL on the tables and views of a lake, line by line."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys

import duckdb

from .duck import TranslationError
from .engines import Engine, add_engine_options, open_engine, settings_of
from .free import free_statement, loosened
from .lake import LakeError
from .progress import shown
from .rows import as_table
from .schema import read_tables
from .statements import SQL_ROOT, Statement, StatementError, bind, find_query, query_files, read_statement
from .window import add_window_options, window_of

HELP = """\
SELECT … ;               any query of Athena's dialect; it may take several lines
.tables                  the tables and views
.columns TABLE           the columns of a table, with their meaning
.queries                 the queries of sql/queries and their questions
.run NAME --last 7d      one of them; --from and --to, --last-month, --param NAME=VALUE
.show NAME               its text
.quit                    or Ctrl-D
"""


class Shell:
    """Reads lines; keeps what is typed until a `;` ends it."""

    def __init__(self, engine: Engine, arguments: argparse.Namespace) -> None:
        self.engine = engine
        self.arguments = arguments
        self.typed: list[str] = []

    @property
    def prompt(self) -> str:
        """What stands before the next line."""
        return "      -> " if self.typed else "bluetick> "

    def line(self, text: str) -> bool:
        """Takes a line; false ends the shell. A fault is printed and ends nothing."""
        try:
            if not self.typed and text.strip().startswith("."):
                return self._command(shlex.split(text.strip()))
            if text.strip():
                self.typed.append(text)
            if text.rstrip().endswith(";"):
                statement, self.typed = "\n".join(self.typed), []
                self._answer(free_statement(statement, self.engine.settings), *window_of(self.arguments))
        except (StatementError, TranslationError, LakeError, RuntimeError, ValueError, duckdb.Error) as error:
            print(f"error: {error}")
        return True

    def _answer(
        self, statement: Statement, first: str | None, last: str | None, more: dict[str, str] | None = None
    ) -> None:
        days = {"from": first, "to": last}
        values = {name: day for name, day in days.items() if day is not None and name in statement.parameters}
        with shown(self.engine.progress):
            result = self.engine.run(statement, bind(statement, values | (more or {})))
        print(as_table(loosened(result)), end="")
        print(f"({len(result.rows)} rows)")

    def _command(self, words: list[str]) -> bool:
        name, rest = words[0], words[1:]
        if name in (".quit", ".exit"):
            return False
        if name == ".tables":
            for table in read_tables():
                print(f"{table.name:<18}{table.comment}")
            for path in sorted((SQL_ROOT / "views").glob("*.sql")):
                print(f"{path.stem.split('_', 1)[1]:<18}{read_statement(path).question or 'a view'}")
        elif name == ".columns" and len(rest) == 1:
            found = [table for table in read_tables() if table.name == rest[0]]
            if not found:
                raise StatementError(f"no table is named {rest[0]!r}")
            for column in (*found[0].columns, found[0].partition):
                print(f"{column.name:<24}{column.type:<20}{column.comment}")
        elif name == ".queries":
            for path in query_files():
                print(f"{path.stem:<32}{read_statement(path).question}")
        elif name == ".show" and len(rest) == 1:
            print(find_query(rest[0]).text)
        elif name == ".run" and rest:
            self._run(rest)
        else:
            print(HELP, end="")
        return True

    def _run(self, words: list[str]) -> None:
        parser = argparse.ArgumentParser(prog=".run", exit_on_error=False, add_help=False)
        parser.add_argument("query")
        parser.add_argument("--param", action="append", default=[])
        add_window_options(parser)
        try:
            asked = parser.parse_args(words)
        except (argparse.ArgumentError, SystemExit) as error:
            raise StatementError(f".run: {error}") from error
        asked.timezone = self.arguments.timezone
        more = dict(given.partition("=")[::2] for given in asked.param)
        self._answer(find_query(asked.query), *window_of(asked), more)


def main() -> int:
    """Reads stdin until its end. Exit status 1 if the lake cannot be opened."""
    parser = argparse.ArgumentParser(prog="sql-shell", description="SQL on the tables and views of a lake.")
    add_window_options(parser)
    add_engine_options(parser)
    arguments = parser.parse_args()
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 (line editing and history for input())
    try:
        settings_of(arguments)
        with open_engine(arguments) as engine:
            shell = Shell(engine, arguments)
            if sys.stdin.isatty():
                print("Tables, views and queries of Bluetick. .quit ends, anything else with a dot lists the commands.")
            with contextlib.suppress(EOFError, KeyboardInterrupt):
                while shell.line(input(shell.prompt if sys.stdin.isatty() else "")):
                    pass
    except (StatementError, LakeError, RuntimeError, duckdb.Error) as error:
        print(f"sql-shell: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
