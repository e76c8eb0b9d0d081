"""The stories planted in a made-up organization: what questions must find, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orgtrail.sample import insiders, intruder
from orgtrail.sample.telling import Story, Teller

_APART = 37
"""Minutes between two of them."""

_TOLD: tuple[Callable[[Teller], Story], ...] = (
    intruder.spray, intruder.blinding, insiders.chain, insiders.evidence, intruder.patients,
    insiders.root, insiders.athena, intruder.persistence, insiders.organization, intruder.guards,
    intruder.exposure, intruder.secrets, intruder.machines, intruder.stolen, intruder.functions,
    insiders.by_hand, insiders.old,
)  # fmt: skip


def stories(tell: Teller) -> Iterator[Story]:
    """Tell all of them, one after another."""
    for story in _TOLD:
        yield story(tell)
        tell.later(_APART)
