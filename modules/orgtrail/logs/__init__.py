"""Log files: where they are, how they are compressed and formatted, and the records in them."""
