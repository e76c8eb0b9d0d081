"""Every IAM document of the audit trail, as a pure function of settings."""
