"""Writes the golden files, or tells where a fresh synthesis differs from them.

The stack's JSON is kept byte for byte; the policies in it, which are one line there, are kept
once more in a form that people can read in a diff.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from functools import cache
from pathlib import Path

from orgtrail.cdktf.app import synthesize
from orgtrail.environments import load_environments
from orgtrail.errors import SettingsWarning
from orgtrail.settings.environment import Environment

from tests.conftest import ROOT, Json

FOLDERS = (ROOT / "envs", ROOT / "tests" / "envs")
FOLDER = Path(__file__).with_name("golden")
_POLICIES = ("policy", "assume_role_policy", "content")


@cache
def fresh() -> dict[str, str]:
    """Return the golden files as they would be now, by name."""
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for each in synthesize(environments(), Path(folder)):
            name = each.environment.name
            content = each.path.read_text(encoding="utf-8")
            files[f"{name}.tf.json"] = content
            readable = policies(json.loads(content))
            files[f"{name}.policies.json"] = json.dumps(readable, indent=2) + "\n"
    return files


def environments() -> list[Environment]:
    """Read the examples, and the files that turn on what these leave off."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SettingsWarning)
        return [each for folder in FOLDERS for each in load_environments(folder)]


def policies(stack: Json) -> Json:
    """Return every policy of a stack, by the address of its resource."""
    return {
        f"{kind}.{name}.{key}": json.loads(resource[key].replace("$${", "${"))
        for kind, named in stack["resource"].items()
        for name, resource in named.items()
        for key in _POLICIES
        if key in resource
    }


if __name__ == "__main__":
    for name, content in fresh().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
