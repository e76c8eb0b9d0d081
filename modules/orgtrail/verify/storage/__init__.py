"""Where digests and log files are read from: S3, or a folder with a copy of the bucket."""
