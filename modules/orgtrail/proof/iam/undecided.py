"""What the proof says where it cannot know: a reason, never a guess."""

from __future__ import annotations


class Undecided(Exception):  # noqa: N818 - a verdict about a policy, not an error of ours
    """A policy says something that this evaluator does not know how AWS would answer."""
