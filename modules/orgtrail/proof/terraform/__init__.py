"""Terraform as the proof reads it: the resources of a stack's JSON or of a plan."""
