"""The survey of what a stack names in another partition of AWS than its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orgtrail.proof.estate import Stranger
from orgtrail.proof.survey.shared import place
from orgtrail.regions import PARTITIONS, REGION, partition, partition_of
from orgtrail.trail.resource import Provider, Stack

_ARN = re.compile(r"\barn:(aws[\w-]*):")
# The longest first: one is the beginning of another.
_SUFFIXES = sorted({each.suffix for each in PARTITIONS}, key=len, reverse=True)
_HOST = re.compile(
    rf"\b[a-z0-9-]+\.({REGION})\.({'|'.join(map(re.escape, _SUFFIXES))})(?![\w-]|\.\w)"
)


def strangers(stack: Stack, home: str) -> Iterator[Stranger]:
    """Yield what is of another partition, in any text of any resource and in the providers.

    Args:
        stack: the stack.
        home: the name of its own partition.

    """
    for each in stack.resources:
        found = dict.fromkeys(
            one for text in _texts(each.values) for one in _foreign(text, home)
        )  # fmt: skip
        for what in found:
            yield Stranger(**place(each), what=what)
    for provider in dict.fromkeys(stack.providers):
        for what in dict.fromkeys(_of_provider(provider, home)):
            yield Stranger("provider.aws", provider.account, provider.region, what)


def _of_provider(provider: Provider, home: str) -> Iterator[str]:
    yield from _foreign(provider.role, home)
    if provider.region and partition(provider.region) != home:
        yield f"the region {provider.region}, of partition {partition(provider.region)}"


def _foreign(text: str, home: str) -> Iterator[str]:
    for name in _ARN.findall(text):
        if name != home:
            yield f"ARNs of partition {name}"
    for host in _HOST.finditer(text):
        region, suffix = host[1], host[2]
        if partition(region) != home or suffix != partition_of(region).suffix:
            yield f"the host {host[0]}"


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, and the keys of its objects."""
    match value:
        case str():
            yield value
        case dict():
            for key, each in value.items():
                yield str(key)
                yield from _texts(each)
        case list() | tuple():
            for each in value:
                yield from _texts(each)
        case _:
            pass
