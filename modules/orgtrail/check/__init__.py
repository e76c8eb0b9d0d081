"""`orgtrail check`: who can stop, change or read an organization's audit trail, before any plan."""
