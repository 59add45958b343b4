"""Files to import into tools that people have: Grafana, Superset, Metabase, QuickSight and dbt.

All of them are derived from the queries, the shared pieces and the tables of `sql/`, so that every tool shows the
figures of docs/metrics.md.
"""
