"""Terraform: stacks and plans read, a stack written as JSON."""
