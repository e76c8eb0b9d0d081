"""Where queries run: DuckDB over a folder of logs, or Athena."""
