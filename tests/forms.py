"""What a module says in each of its forms, as Terraform itself evaluates it, without a provider.

Each resource becomes a `terraform_data` with the same arguments: that kind is built into Terraform.
What AWS would generate becomes a text with the address in it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orgtrail.module.configuration import shapes

from tests.conftest import Json

TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
_REFERENCE = re.compile(r"(?<![\w.\"-])(?:data\.)?aws_[a-z0-9_]+\.[a-z0-9_-]+\.([a-z_]+)")
_LISTS = {
    "accounts": [{"id": "888888888888"}, {"id": "111111111111"}],
    "names": ["us-west-2", "eu-west-1"],
}
"""What data sources read, by the attribute."""
_SELF = {
    **dict.fromkeys(("account_id", "id", "master_account_id", "feature_set"), "111111111111"),
    "aws_service_access_principals": ["cloudtrail.amazonaws.com"],
    "enabled_policy_types": ["SERVICE_CONTROL_POLICY"],
}
_BLOCKS: Json = {"precondition": {}, "postcondition": {}}
_ITEM = re.compile(r"(?P<name>[a-z][a-z0-9_]*)(?: *= |(?P<labels>(?: \"[^\"]+\")*) \{)")


def run(folder: Path, *arguments: str) -> str:
    """Run Terraform in a folder; it has to succeed."""
    settings = folder / "none.tfrc"
    settings.touch()
    done = subprocess.run(
        [str(TERRAFORM), *arguments],
        cwd=folder,
        env={**os.environ, "TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def evaluated(folder: Path, modules: Mapping[str, tuple[dict[str, str], Json]]) -> dict[str, Json]:
    """Return what each module makes, by address.

    Args:
        folder: an empty folder to work in.
        modules: by name, each module's files and the variables that are set.

    """
    root: Json = {"module": {}}
    for name, (files, values) in modules.items():
        place = folder / name
        for path, text in files.items():
            if path.startswith("queries/"):
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                (place / path).write_text(text)
        place.mkdir(exist_ok=True)
        if "main.tf" in files:
            (place / "main.tf").write_text(_hcl(files))
        else:
            (place / "main.tf.json").write_text(json.dumps(_json(files)))
        (place / "stubs.tf.json").write_text(json.dumps({"locals": {"it": _SELF, **_LISTS}}))
        root["module"][name] = {"source": f"./{name}", **values}
    (folder / "main.tf.json").write_text(json.dumps(root))
    run(folder, "init", "-input=false")
    run(folder, "plan", "-input=false", "-out=plan.bin")
    plan = json.loads(run(folder, "show", "-json", "plan.bin"))
    found: dict[str, Json] = {name: {} for name in modules}
    for module in plan["planned_values"]["root_module"]["child_modules"]:
        for each in module["resources"]:
            _, name, _, address = each["address"].split(".", 3)
            found[name][address] = decoded(each["values"]["input"])
    return found


def decoded(value: Any) -> Any:
    """Return a value with the objects that its JSON texts hold."""
    match value:
        case dict():
            return {name: decoded(each) for name, each in value.items() if each is not None}
        case list():
            return [decoded(each) for each in value]
        case str() if value.startswith("{"):
            try:
                return decoded(json.loads(value))
            except json.JSONDecodeError:
                return value
        case _:
            return value


def _named(section: str, kind: str, name: str) -> str:
    return f"{section}_{kind}_{name}"


def _json(files: Mapping[str, str]) -> Json:
    module: Json = {}
    for name, text in files.items():
        if name.endswith(".tf.json"):
            module |= json.loads(text)
    made: Json = {}
    for section in ("data", "resource"):
        for kind, named in module.get(section, {}).items():
            shape = shapes()[kind if section == "resource" else f"data.{kind}"]
            for name, given in named.items():
                shaped = _listed(given, {**shape, "lifecycle": _BLOCKS})
                each = {"for_each": shaped.pop("for_each")} if "for_each" in shaped else {}
                made[_named(section, kind, name)] = {
                    **_referring(each),
                    "input": _referring(shaped),
                }
    for name, given in module.get("check", {}).items():
        made[_named("check", "", name)] = {"input": _referring(_listed(given, {"assert": {}}))}
    for name, given in module["output"].items():
        made[_named("output", "", name)] = {"input": _referring(given)}
    return {
        "variable": module["variable"],
        "locals": module["locals"],
        "resource": {"terraform_data": made},
    }


def _listed(given: Json, shape: Mapping[str, Any]) -> Json:
    """Return a block whose blocks are lists, as those of HCL become."""
    return {
        name: [_listed(one, shape[name]) for one in (each if isinstance(each, list) else [each])]
        if name in shape
        else each
        for name, each in given.items()
    }


def _referring(given: Any) -> Any:
    match given:
        case dict():
            return {
                name: each if name == "depends_on" else _referring(each)
                for name, each in given.items()
            }
        case list():
            return [_referring(each) for each in given]
        case str():
            return _stubbed(given) if "${" in given else given
        case _:
            return given


def _stubbed(text: str) -> str:
    text = _REFERENCE.sub(
        lambda found: f"local.{found[1]}" if found[1] in _LISTS else f'"{found[0]}"', text
    )
    return re.sub(r"\bself\.", "local.it.", text)


def _hcl(files: Mapping[str, str]) -> str:
    lines: list[str] = []
    for name, text in files.items():
        if not name.endswith(".tf") or "/" in name or name == "versions.tf":
            continue
        for kind, labels, body in items(text.splitlines()):
            if kind in ("variable", "locals"):
                label = f' "{labels[0]}"' if labels else ""
                lines += [f"{kind}{label} {{", *map(_stubbed, body), "}"]
                continue
            rest = labels or []
            named = _named(kind, rest[0] if len(rest) > 1 else "", rest[-1])
            inner = [*items(body)]
            first = [each for each in inner if each[0] == "for_each"]
            lines.append(f'resource "terraform_data" "{named}" {{')
            lines += [_stubbed(line) for _, _, text in first for line in text]
            lines += [
                "input = {",
                *_object([each for each in inner if each not in first]),
                "}",
                "}",
            ]
    return "\n".join(lines) + "\n"


def _object(inner: list[tuple[str, list[str] | None, list[str]]]) -> Iterator[str]:
    """Yield the lines of an object with attributes and blocks, each block in a list."""
    blocks: dict[str, list[list[str]]] = {}
    for name, labels, body in inner:
        if labels is not None:
            blocks.setdefault(name, []).append(body)
        elif name in ("depends_on", "provider", "ignore_changes"):
            bare = "\n".join(body).partition("= ")[2]
            names = re.findall(r"[\w.-]+", bare)
            yield f"{name} = {json.dumps(names if bare.startswith('[') else names[0])}"
        else:
            yield from map(_stubbed, body)
    for name, bodies in blocks.items():
        yield f"{name} = ["
        for body in bodies:
            yield from ("{", *_object([*items(body)]), "},")
        yield "]"


def items(lines: list[str]) -> Iterator[tuple[str, list[str] | None, list[str]]]:
    """Yield what a file or a block has in it: name, a block's labels, and the lines.

    It reads what `terraform fmt` leaves alone: what belongs to an item is indented deeper, or
    closes it. The lines of a block are those in it, one step less deep.
    """
    at = 0
    while at < len(lines):
        line = lines[at]
        found = _ITEM.match(line)
        if not line or line.startswith("#"):
            at += 1
            continue
        assert found, line
        end = at + 1
        while end < len(lines) and not _begins(lines[end]):
            end += 1
        own = lines[at:end]
        while own and not own[-1]:
            own.pop()
        if found["labels"] is None:
            yield found["name"], None, own
        else:
            labels = re.findall(r'"([^"]+)"', found["labels"])
            inner = [each.removeprefix("  ") for each in own[1:-1]] if own[-1] == "}" else []
            yield found["name"], labels, inner
        at = end


def _begins(line: str) -> bool:
    """Return whether a line begins an item or a comment, at the depth of the lines."""
    return bool(_ITEM.match(line)) or line.startswith("#")
