"""Constructs, one concern each: they take providers and settings, and only wire."""
