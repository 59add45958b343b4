"""A plugin of dbt-duckdb that shows the tables and views of a local lake in the schema `bluetick`.

In a profile: `plugins: [{module: bluetick_tools.dbt_duckdb, config: {lake: /path/of/the/lake}}]`, with `sql` on
PYTHONPATH. The tables are those of the manifests as they stand when dbt starts.
"""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from bluetick_sql.duck import MACROS, OPTIONS, DuckEngine
from bluetick_sql.lake import open_lake
from bluetick_sql.statements import Settings


class Plugin(BasePlugin):
    """The name that dbt-duckdb looks for."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Raises LakeError if the configuration names no lake."""
        self._lake = open_lake(plugin_config.get("lake") or "")

    def configure_connection(self, conn: Any) -> None:
        """Creates the macros and views, or replaces those of an earlier run."""
        settings = Settings()
        self._lake.attach(conn)
        conn.execute(f"CREATE SCHEMA IF NOT EXISTS {settings.database}")
        for macro in MACROS:
            conn.execute(macro.replace("CREATE MACRO", "CREATE OR REPLACE MACRO", 1))
        with DuckEngine(self._lake, settings) as engine:
            views = "SELECT sql FROM duckdb_views() WHERE schema_name = ? ORDER BY view_oid"
            statements = [row[0] for row in engine.connection.execute(views, [settings.database]).fetchall()]
        for statement in statements:
            conn.execute(statement.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))

    def configure_cursor(self, cursor: Any) -> None:
        """Sets the options under which DuckDB computes like Athena; they belong to a cursor, not to the database."""
        for option in OPTIONS:
            cursor.execute(option)
