"""What an audit trail stores and costs over its retention, from events a day and dated prices."""
