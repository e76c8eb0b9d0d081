"""The evidence bundle of `orgtrail report`: what an auditor asks, and how to ask it again."""
