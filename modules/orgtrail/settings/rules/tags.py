"""Rules of tags: what AWS refuses of all of them together."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.settings.faults import Fault
from orgtrail.settings.rules.register import rule
from orgtrail.settings.shape import Shape
from orgtrail.settings.tags import twins


@rule("tags")
def _keys_differ(environment: Shape) -> Iterator[Fault]:
    """Keys of tags differ by more than the case of their letters: IAM takes such two for one."""
    for key, earlier in twins(environment.tags).items():
        yield Fault(
            ("tags", key), f"must differ from tags.{earlier} by more than case; keep one", key
        )
