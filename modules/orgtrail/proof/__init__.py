"""Proof, before any plan, of who can stop, change or read an organization's audit trail."""
