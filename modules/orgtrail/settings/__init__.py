"""What an environment file may say, and how it is read."""
