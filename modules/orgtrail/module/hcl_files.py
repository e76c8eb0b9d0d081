"""A module's files in HCL."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.module.configuration import block, output, resource, variable
from orgtrail.module.expressions import value
from orgtrail.module.files import HEADER
from orgtrail.module.hcl import BLANK, Attribute, Block, Comment, Expression, Item
from orgtrail.module.parts import LOCALS, PARTS, Part, meaning_of, part_of
from orgtrail.module.questions import asked, is_asked, question_files, question_locals
from orgtrail.module.template import Template
from orgtrail.module.writer import write
from orgtrail.trail.resource import Json

_ASSERTION: Json = {"assert": {}}


def hcl_files(template: Template, versions: Json, variables: Json) -> dict[str, str]:
    """Return the text of each file with the configuration, by its path.

    Args:
        template: the configuration.
        versions: the block `terraform`, in Terraform's JSON.
        variables: the blocks `variable`, in Terraform's JSON.

    """
    files: dict[str, list[Item]] = {}
    for part in PARTS:
        if blocks := [*_blocks(template, part)]:
            files.setdefault(part.file, []).extend((Comment(part.meaning), BLANK, *blocks))
    files |= {
        "versions.tf": [_terraform(versions)],
        "locals.tf": [_locals(template)],
        "variables.tf": [variable(name, each) for name, each in variables.items()],
        "outputs.tf": [output(name, each) for name, each in template.outputs.items()],
    }
    return {
        **{name: write([Comment(HEADER), BLANK, *items]) for name, items in files.items()},
        **(question_files() if "queries.tf" in files else {}),
    }


def _blocks(template: Template, part: Part) -> Iterator[Block]:
    numbers = {each.expression for each in template.variables if each.type == "number"}
    if part.file == "queries.tf" and any(is_asked(each) for each in template.content["resource"]):
        yield question_locals(template)
    for address in template.order:
        kind, _, name = address.rpartition(".")
        if part_of(name, kind) is not part:
            continue
        section = "data" if kind.startswith("data.") else "resource"
        given = template.content[section][kind.removeprefix("data.")][name]
        if is_asked(kind):
            given = asked(kind, given)
        yield resource(kind, name, given, numbers=numbers, comment=meaning_of(kind, name))
    for name, given in template.content.get("check", {}).items():
        if part_of(name) is part:
            yield block("check", (name,), given, _ASSERTION)


def _terraform(given: Json) -> Block:
    aws = given["required_providers"]["aws"]
    aliases = [*map(Expression, aws["configuration_aliases"])]
    required = Attribute("aws", {**aws, "configuration_aliases": aliases})
    return Block(
        "terraform",
        body=[
            Attribute("required_version", given["required_version"]),
            Block("required_providers", body=[required]),
        ],
    )


def _locals(template: Template) -> Block:
    items: list[Item] = []
    for name, each in template.locals.items():
        if said := LOCALS.get(name):
            items += [BLANK, Comment(said)] if items else [Comment(said)]
        items.append(Attribute(name, value(each)))
    return Block("locals", body=items)
