"""`orgtrail doctor`: compares the live audit trail in AWS with its environment file."""
