"""Writes output folders atomically, and summarizes a written stack."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orgtrail.drafts import draft_folder
from orgtrail.ending import written
from orgtrail.errors import OrgtrailError
from orgtrail.signals import held

_MOVED_LAST = "manifest.json"
"""Moved into place last, because it names the other files."""


@contextmanager
def atomic_output(out: Path, instead_of: Collection[Path] = ()) -> Iterator[Path]:
    """Yield a draft folder; its files move into `out` once all of them are written.

    Other files in `out` are kept, and `out` does not change if writing fails.

    Args:
        out: the folder.
        instead_of: files in it that go when the new ones are there.

    Raises:
        OrgtrailError: the folder cannot be written.

    """
    made: list[Path] = []
    try:
        made += [each for each in (out, *out.parents) if not each.exists()]
        out.mkdir(parents=True, exist_ok=True)
        with draft_folder(out) as folder:
            yield folder
            # A signal waits, so that nobody finds half of the new files among the old.
            with held():
                _publish(folder, out)
                for each in instead_of:
                    each.unlink(missing_ok=True)
                written(out)
                made.clear()
    except OSError as error:
        raise OrgtrailError(
            f"{error.filename or out}: cannot be written: {error.strerror or error}"
        ) from None
    finally:
        for each in made:
            with suppress(OSError):
                each.rmdir()


def _publish(draft: Path, out: Path) -> None:
    files = [each for each in draft.rglob("*") if each.is_file()]
    for file in sorted(files, key=lambda each: (each.name == _MOVED_LAST, each)):
        place = out / file.relative_to(draft)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """A stack's resources and data sources in one account, by the account's provider.

    Attributes:
        alias: the provider's alias.
        id: the account's id.
        region: the region of every resource that sets no other.
        resources: the number of resources by kind and name:
            `{"aws_s3_bucket": {"archive": 1, ...}}`.
        data: the same for data sources.

    """

    alias: str
    id: str
    region: str
    resources: dict[str, dict[str, int]]
    data: dict[str, dict[str, int]]

    @property
    def count(self) -> int:
        """The number of resources that a first apply creates."""
        return sum(sum(named.values()) for named in self.resources.values())


def summarize(stack: Path) -> list[AccountSummary]:
    """Summarize a `cdk.tf.json` by account, in the order of its providers."""
    content = json.loads(stack.read_text(encoding="utf-8"))
    resources = _by_provider(content.get("resource", {}))
    data = _by_provider(content.get("data", {}))
    return [
        AccountSummary(
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
