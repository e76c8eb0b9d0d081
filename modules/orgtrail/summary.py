"""What a synthesized stack makes, account by account: read from its JSON alone."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Account:
    """One provider of a stack, an account, and what it makes and reads."""

    alias: str
    id: str
    region: str
    """Where what names no other region stands."""
    resources: dict[str, dict[str, int]]
    """How many there are of each name, by kind: `{"aws_s3_bucket": {"archive": 1, ...}}`."""
    data: dict[str, dict[str, int]]
    """The same for what is only read."""

    @property
    def count(self) -> int:
        """How many resources a first apply makes."""
        return sum(sum(named.values()) for named in self.resources.values())


def accounts(stack: Path) -> list[Account]:
    """Read `cdk.tf.json` and sort what it holds by account, in the order of its providers."""
    content = json.loads(stack.read_text(encoding="utf-8"))
    resources = _by_provider(content.get("resource", {}))
    data = _by_provider(content.get("data", {}))
    return [
        Account(
            alias=provider["alias"],
            id=provider["allowed_account_ids"][0],
            region=provider["region"],
            resources=resources[f"aws.{provider['alias']}"],
            data=data[f"aws.{provider['alias']}"],
        )
        for provider in content["provider"]["aws"]
    ]


def _by_provider(blocks: dict[str, dict[str, Any]]) -> dict[str, dict[str, dict[str, int]]]:
    sorted_out: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for kind, named in sorted(blocks.items()):
        for name, block in sorted(named.items()):
            sorted_out[block["provider"]][kind][name] = len(block.get("for_each", [name]))
    return sorted_out
