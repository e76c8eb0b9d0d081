"""`orgtrail doctor`: compares the audit trail that runs in AWS with what its file asks for."""
