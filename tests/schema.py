"""The AWS provider's schema for our kinds of resources, and what a stack says against it.

`make schema` writes it again where there is Terraform and the provider:
https://developer.hashicorp.com/terraform/cli/commands/providers/schema
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, Json

FILE = Path(__file__).with_name("provider.schema.json")
BLOCKS = ROOT / "modules" / "orgtrail" / "module" / "blocks.json"
GOLDEN = Path(__file__).with_name("golden")
_META = ("//", "connection", "count", "depends_on", "for_each", "lifecycle", "provider",
         "provisioner")  # fmt: skip
"""What Terraform reads itself.
https://developer.hashicorp.com/terraform/language/meta-arguments"""
IN_MODULES = ("aws_caller_identity",)
"""Kinds of data sources that `orgtrail module` adds to those of a stack."""
_FOR_PEOPLE = ("deprecated", "description", "description_kind", "sensitive", "write_only")
_EXPRESSION = re.compile(r"(?<!\$)\$\{")


def refused(stack: Json, schema: Json) -> Iterator[str]:
    """Yield what the provider would refuse of a stack: address, argument and why."""
    for section, known in (("resource", "resources"), ("data", "data")):
        for kind, named in stack.get(section, {}).items():
            for name, given in named.items():
                values = {each: value for each, value in given.items() if each not in _META}
                yield from _block(values, schema[known][kind], f"{kind}.{name}")
    for each in stack["provider"]["aws"]:
        values = {name: value for name, value in each.items() if name not in ("alias", "dynamic")}
        yield from _block(values, schema["provider"], f"provider.{each['alias']}")


def _block(given: Any, schema: Json, place: str) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f"{place}: is a block; got {type(given).__name__}"
        return
    attributes, blocks = schema.get("attributes", {}), schema.get("block_types", {})
    for name, value in given.items():
        here = f"{place}.{name}"
        if name in blocks:
            yield from _blocks(value, blocks[name], here)
        elif name not in attributes:
            yield f"{here}: is not known"
        elif not ({"required", "optional"} & attributes[name].keys()):
            yield f"{here}: is read-only"
        else:
            yield from _attribute(value, attributes[name], here)
    for name, about in attributes.items():
        if about.get("required") and given.get(name) is None:
            yield f"{place}.{name}: is required"
    for name, about in blocks.items():
        if about.get("min_items") and name not in given:
            yield f"{place}.{name}: is required"


def _blocks(given: Any, schema: Json, place: str) -> Iterator[str]:
    several = given if isinstance(given, list) else [given]
    most = 1 if schema["nesting_mode"] == "single" else schema.get("max_items") or len(several)
    if not schema.get("min_items", 0) <= len(several) <= most:
        yield f"{place}: takes {schema.get('min_items', 0)} to {most} blocks; got {len(several)}"
    for each in several:
        yield from _block(each, schema["block"], place)


def _attribute(given: Any, schema: Json, place: str) -> Iterator[str]:
    nested = schema.get("nested_type")
    if not nested:
        yield from _value(given, schema["type"], place)
        return
    is_single = nested["nesting_mode"] == "single"
    if is_single is isinstance(given, list):
        yield f"{place}: nests as {nested['nesting_mode']}; got {type(given).__name__}"
        return
    for each in [given] if is_single else given:
        yield from _block(each, nested, place)


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "bool": (bool,), "number": (int, float), "list": (list,), "set": (list,),
    "map": (dict,), "object": (dict,),
}  # fmt: skip


def _value(given: Any, type_: Any, place: str) -> Iterator[str]:
    if given is None or (isinstance(given, str) and _EXPRESSION.search(given)):
        return
    kind, inner = (type_, {}) if isinstance(type_, str) else type_
    is_right = isinstance(given, _KINDS[kind]) and (kind == "bool" or not isinstance(given, bool))
    if not is_right:
        yield f"{place}: is {kind}; got {given!r}"
    elif isinstance(given, list):
        for each in given:
            yield from _value(each, inner, place)
    elif isinstance(given, dict):
        for name, each in given.items():
            here = f"{place}.{name}"
            if kind == "object" and name not in inner:
                yield f"{here}: is not known"
            else:
                yield from _value(each, inner[name] if kind == "object" else inner, here)


def blocks(schema: Json) -> Json:
    """Return the blocks of each kind, by name, each with its own: what the module has to know."""
    return {
        **{kind: _inner(each) for kind, each in schema["resources"].items()},
        **{f"data.{kind}": _inner(each) for kind, each in schema["data"].items()},
    }


def _inner(block: Json) -> Json:
    return {name: _inner(each["block"]) for name, each in block.get("block_types", {}).items()}


def text_of_blocks(schema: Json) -> str:
    """Return the text of the module's table of blocks, a line for each kind."""
    rows = (
        f"{json.dumps(kind)}: {json.dumps(each, sort_keys=True)}"
        for kind, each in sorted(blocks(schema).items())
    )
    return "{\n" + ",\n".join(rows) + "\n}\n"


def kept() -> Json:
    """Return the schema as it is kept."""
    schema: Json = json.loads(FILE.read_text(encoding="utf-8"))
    return schema


def write() -> None:
    """Ask the provider, and keep what is of our kinds."""
    from tests.e2e.terraform import Folder

    stacks = [json.loads(each.read_text()) for each in GOLDEN.glob("*.tf.json")]
    kinds = {
        section: sorted({kind for each in stacks for kind in each.get(section, {})})
        for section in ("resource", "data")
    }
    kinds["data"] = sorted({*kinds["data"], *IN_MODULES})
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name))
        required = {"aws": {"source": "hashicorp/aws"}}
        text = json.dumps({"terraform": {"required_providers": required}})
        (folder.path / "main.tf.json").write_text(text)
        folder.must("init")
        known = json.loads(folder.must("providers", "schema", "-json"))["provider_schemas"]
        versions = json.loads(folder.must("version", "-json"))["provider_selections"]
    about = next(each for address, each in known.items() if address.endswith("hashicorp/aws"))
    version = next(each for address, each in versions.items() if address.endswith("hashicorp/aws"))
    schema = {
        "version": version,
        "provider": _plain(about["provider"]["block"]),
        "resources": {
            kind: _plain(about["resource_schemas"][kind]["block"]) for kind in kinds["resource"]
        },
        "data": {
            kind: _plain(about["data_source_schemas"][kind]["block"]) for kind in kinds["data"]
        },
    }
    text = json.dumps(schema, indent=1, sort_keys=True) + "\n"
    FILE.write_text(text, encoding="utf-8")
    BLOCKS.write_text(text_of_blocks(schema), encoding="utf-8")
    sys.stderr.write(f"{FILE.relative_to(ROOT)}: the schema of {version}, {len(text):,} bytes\n")


def _plain(value: Any) -> Any:
    """Return a schema without what it says for people."""
    if isinstance(value, dict):
        return {
            name: _plain(each)
            for name, each in value.items()
            # An argument of such a name is a schema itself.
            if isinstance(each, dict) or name not in _FOR_PEOPLE
        }
    return [*map(_plain, value)] if isinstance(value, list) else value


if __name__ == "__main__":
    write()
