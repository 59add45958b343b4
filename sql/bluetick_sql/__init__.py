"""Runs the statements of `sql/` as they stand: on a local lake with DuckDB, on Trino, or on Athena."""
