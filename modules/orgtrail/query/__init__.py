"""Questions about the logs, and the engines that answer them: DuckDB on this machine, or Athena."""
