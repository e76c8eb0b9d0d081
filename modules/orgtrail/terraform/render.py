"""A stack as Terraform's JSON: the same resources that CDKTF synthesizes, without its comments.

https://developer.hashicorp.com/terraform/language/syntax/json
"""

from __future__ import annotations

from orgtrail.trail.resource import Json, Resource, Stack


def stack_json(stack: Stack) -> Json:
    """Return data sources, checks, resources and outputs; what is only referred to is left out."""
    content: Json = {"data": {}, "check": {}, "resource": {}, "output": {}}
    managed = {each.address for each in stack.resources if each.is_managed}
    for each in stack.resources:
        if each.is_managed:
            section = "data" if each.kind.startswith("data.") else "resource"
            kind, name = each.address.removeprefix("data.").split(".", 1)
            content[section].setdefault(kind, {})[name] = _block(each, managed)
    for check in stack.checks:
        condition = {"condition": check.condition, "error_message": check.message}
        content["check"][check.name] = {"assert": [condition]}
    for name, output in stack.outputs.items():
        content["output"][name] = {"value": output.value, "description": output.meaning}
    return {section: each for section, each in content.items() if each}


def _block(resource: Resource, managed: set[str]) -> Json:
    block: Json = {**resource.values, "provider": f"aws.{resource.provider.name}"}
    if resource.depends_on:
        block["depends_on"] = [each for each in resource.depends_on if each in managed]
    if resource.lifecycle:
        block["lifecycle"] = resource.lifecycle
    if resource.for_each is not None:
        block["for_each"] = dict(resource.for_each)
    return block
