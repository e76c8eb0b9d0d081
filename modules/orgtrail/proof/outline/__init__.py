"""The outline: the stack that an environment will have, without synthesizing it.

It holds the resources that the proof reads, with the attributes that it reads; a test holds it
against the synthesized JSON of every environment, so that a proof of the one is a proof of the
other. CDKTF takes a second to start; this takes none.
"""

from __future__ import annotations

from orgtrail.proof.outline.core import core
from orgtrail.proof.outline.options import options
from orgtrail.proof.outline.paper import Paper
from orgtrail.proof.terraform.resources import Stack
from orgtrail.settings.environment import Environment


def outline(env: Environment) -> Stack:
    """Return the stack of an environment."""
    paper = Paper(env)
    resources = (*core(paper), *options(paper))
    return Stack(env.name, resources, tuple(paper.providers.values()))
