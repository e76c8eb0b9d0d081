"""The rule of tags: AWS takes them, whichever resource they are of."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.proof.estate import Estate, Tagged
from orgtrail.proof.findings import Severity, Trouble, rule
from orgtrail.settings.types import MAX_TAGS, TAG_KEY, TAG_VALUE, case_duplicates


@rule("tags", Severity.MEDIUM)
def _tags(estate: Estate) -> Iterator[Trouble]:
    """AWS takes the tags: their number, their keys and their values."""
    for each in estate.tagged:
        for what in _refused(each):
            yield Trouble("tags", each.address, f"{what}: AWS refuses it.")


def _refused(tagged: Tagged) -> Iterator[str]:
    if len(tagged.tags) > MAX_TAGS:
        yield f"has {len(tagged.tags)} tags, which must be at most {MAX_TAGS}"
    for key, value in tagged.tags:
        if "${" in key or "${" in value:
            continue  # known only after the deploy
        if not TAG_KEY.holds(key):
            yield f"the tag {key!r} {TAG_KEY.text}"
        if not TAG_VALUE.holds(value):
            yield f"the tag {key!r} {TAG_VALUE.text}; it has {value!r}"
    for key, earlier in case_duplicates(key for key, _ in tagged.tags).items():
        yield f"the tag {key!r} differs from {earlier!r} by case alone"
