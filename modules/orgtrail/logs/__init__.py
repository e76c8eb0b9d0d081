"""Log files: where they lie, how they are packed and shaped, and the records in them."""
