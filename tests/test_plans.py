"""Plans are checked as the stack is: new ones, of modules, and of what stands already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orgtrail.check.from_terraform import model_of
from orgtrail.check.run import check
from orgtrail.terraform import stack_of

from tests import golden
from tests.conftest import ROOT, Json
from tests.mistakes import stack
from tests.test_from_terraform import of_json, told


def test_a_plan_is_read_as_the_stack_is() -> None:
    content = json.loads(golden.fresh()["healthcare.tf.json"])
    plan = model_of(stack_of(as_plan(content), Path("plan.json")))
    assert told(plan) == told(of_json(content))


def test_a_plan_of_many_instances_has_every_one_of_them() -> None:
    content = json.loads(golden.fresh()["fintech.tf.json"])
    plan = model_of(stack_of(as_plan(content), Path("plan.json")))
    assert plan.alarms == of_json(content).alarms
    assert len(plan.alarms.patterns) > 15


def test_a_plan_can_be_checked(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(as_plan(stack("healthcare"))))
    assert_as_meant(path)


def test_the_plan_of_a_module_is_that_of_the_stack(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(in_module(as_plan(stack("healthcare")), "trail")))
    assert_as_meant(path)
    path.write_text(json.dumps(in_module(in_module(as_plan(stack("healthcare")), "in"), "out")))
    assert_as_meant(path)


def test_the_plan_of_what_stands_is_that_of_the_stack(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(standing(as_plan(stack("healthcare")))))
    assert_as_meant(path)


def test_a_finding_in_a_module_has_its_whole_address(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    content = stack("healthcare")
    content["resource"]["aws_cloudtrail"]["trail"]["depends_on"] = []
    path.write_text(json.dumps(in_module(as_plan(content), "trail")))
    (finding,) = check(path).findings
    assert (finding.rule, finding.setting) == (
        "policy-before-trail", "module.trail.aws_cloudtrail.trail",
    )  # fmt: skip


def assert_as_meant(path: Path) -> None:
    report = check(path)
    assert report.findings == ()
    assert len(report.access) == len(check(ROOT / "envs" / "healthcare.tfvars").access)
    assert all(each.agrees for each in report.access)


def in_module(plan: Json, name: str) -> Json:
    """Write the plan of a root module that calls what this one is the plan of."""
    path = f"module.{name}"

    def child(module: Json) -> Json:
        resources = [
            {**each, "address": f"{path}.{each['address']}"} for each in module.get("resources", ())
        ]
        children = [child(each) for each in module.get("child_modules", ())]
        return {"resources": resources, "child_modules": children}

    def around(values: Json) -> Json:
        return {"root_module": {"child_modules": [child(values["root_module"])]}}

    configuration = plan["configuration"]
    return {
        **plan,
        "planned_values": around(plan["planned_values"]),
        "prior_state": {"values": around(plan["prior_state"]["values"])},
        "configuration": {
            # A root module names the version of the provider that it takes no resource of.
            "provider_config": {"aws": {"name": "aws"}, **configuration["provider_config"]},
            "root_module": {"module_calls": {name: {"module": configuration["root_module"]}}},
        },
    }


def standing(plan: Json) -> Json:
    """Give every resource what AWS makes up, and put it in the place of references."""
    resources = plan["planned_values"]["root_module"]["resources"]
    ids = {}
    for number, each in enumerate(resources):
        made_up = f"p-{number:08}" if "policy" in each["type"] else f"1234-{number}"
        arn = f"arn:aws:any:us-east-1:222222222222:thing/{made_up}"
        each["values"] |= {"id": made_up, "arn": arn, "key_id": made_up}
        ids[each["address"]] = each["values"]
    configured = {
        each["address"]: each for each in plan["configuration"]["root_module"]["resources"]
    }
    for each in resources:
        found = configured[each["address"].partition("[")[0]]
        _fill(each["values"], found["expressions"], ids)
    return plan


def _fill(values: Json, expressions_: Json, ids: Json) -> None:
    for name, each in expressions_.items():
        if isinstance(each, dict) and (references := each.get("references")):
            address, _, attribute = references[0].rpartition(".")
            values[name] = ids[address][attribute]
        elif isinstance(each, list) and isinstance(values.get(name), list):
            for block, inner in zip(values[name], each, strict=False):
                if isinstance(block, dict) and isinstance(inner, dict):
                    _fill(block, inner, ids)


def as_plan(content: Json) -> Json:
    """Write a stack as `terraform show -json` writes its plan.

    https://developer.hashicorp.com/terraform/internals/json-format
    """
    planned: list[Json] = []
    read: list[Json] = []
    configured: list[Json] = []
    for mode, section in (("managed", "resource"), ("data", "data")):
        for kind, named in content[section].items():
            for name, given in named.items():
                prefix = "data." if mode == "data" else ""
                common = {"address": f"{prefix}{kind}.{name}", "mode": mode, "type": kind}
                values = {
                    key: each for key, each in given.items()
                    if key not in ("provider", "depends_on", "lifecycle", "for_each", "//")
                }  # fmt: skip
                configured.append(
                    {
                        **common,
                        "provider_config_key": given["provider"],
                        "depends_on": given.get("depends_on", []),
                        "expressions": expressions(values),
                    }
                )
                made = read if mode == "data" else planned
                for key, each in given.get("for_each", {"": None}).items():
                    index = f'["{key}"]' if "for_each" in given else ""
                    made.append({**common, "address": common["address"] + index,
                                 "values": known(values, key, each)})  # fmt: skip
    organization = read[0]["values"]
    organization["aws_service_access_principals"] = ["cloudtrail.amazonaws.com"]
    return {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": planned}},
        "prior_state": {"values": {"root_module": {"resources": read}}},
        "configuration": {
            "provider_config": {
                f"aws.{each['alias']}": {"name": "aws", "expressions": expressions(each)}
                for each in content["provider"]["aws"]
            },
            "root_module": {"resources": configured},
        },
    }


def known(values: Any, key: str, each: Any) -> Any:
    """Return what a plan knows of values: no references, one block as a list."""
    match values:
        case dict():
            return {
                name: [inner] if isinstance(given, dict) and name != "parameters" else inner
                for name, given in values.items()
                if (inner := known(given, key, each)) is not None
            }
        case list():
            return [known(given, key, each) for given in values]
        case "${each.key}":
            return key
        case "${each.value}":
            return each
        case str() if values.startswith("${"):
            return None
        case str():
            return values.replace("${each.key}", key).replace("$${", "${")
    return values


def expressions(values: Any) -> Any:
    """Return the configuration of values: constants, and what expressions refer to."""
    if isinstance(values, dict):
        return {
            # A map is one value, and no block.
            name: {"constant_value": each}
            if name == "tags"
            else [expressions(each)]
            if isinstance(each, dict)
            else expressions(each)
            for name, each in values.items()
        }
    if isinstance(values, list) and values and isinstance(values[0], dict):
        return [expressions(each) for each in values]
    if isinstance(values, str) and values.startswith("${aws_"):
        reference = values[2:-1]
        return {"references": [reference, reference.rpartition(".")[0]]}
    return {"constant_value": values}
