"""The rule of tags: AWS takes them, whichever resource they are of."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.proof.estate import Estate, Tagged
from orgtrail.proof.findings import Severity, Trouble, rule
from orgtrail.settings.tags import KEY, MOST, VALUE, twins


@rule("tags", Severity.MEDIUM)
def _tags(estate: Estate) -> Iterator[Trouble]:
    """AWS takes the tags: their number, their keys and their values."""
    for each in estate.tagged:
        for what in _refused(each):
            yield Trouble("tags", each.address, f"{what}: AWS refuses it.")


def _refused(tagged: Tagged) -> Iterator[str]:
    if len(tagged.tags) > MOST:
        yield f"has {len(tagged.tags)} tags, which must be at most {MOST}"
    for key, value in tagged.tags:
        if "${" in key or "${" in value:
            continue  # known only after the deploy
        if not KEY.holds(key):
            yield f"the tag {key!r} {KEY.text}"
        if not VALUE.holds(value):
            yield f"the tag {key!r} {VALUE.text}; it has {value!r}"
    for key, earlier in twins(key for key, _ in tagged.tags).items():
        yield f"the tag {key!r} differs from {earlier!r} by case alone"
