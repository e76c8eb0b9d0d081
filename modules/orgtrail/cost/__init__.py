"""What an audit trail stores and costs, from its events per day and from dated prices."""
