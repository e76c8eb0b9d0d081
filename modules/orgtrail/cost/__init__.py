"""What an audit trail stores and costs, from its events a day and from dated prices."""
