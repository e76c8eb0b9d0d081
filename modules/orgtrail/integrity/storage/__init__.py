"""Where files are read from: S3 over HTTP, or a folder that is a copy of a bucket."""
