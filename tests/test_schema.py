"""Every golden stack holds against the provider's schema, on machines without the provider too."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from orgtrail.settings.environment import Environment

from tests.conftest import Json, at_most, synthesized
from tests.schema import BLOCKS, GOLDEN, IN_MODULES, kept, refused, text_of_blocks
from tests.strategies import extended

SCHEMA = kept()
STACKS = sorted(GOLDEN.glob("*.tf.json"))
BUCKET = ("resource", "aws_s3_bucket_versioning", "archive_versioning")
ALARMS = ("resource", "aws_cloudwatch_metric_alarm", "alarms_by_account")


def content(path: Path) -> Json:
    stack: Json = json.loads(path.read_text(encoding="utf-8"))
    return stack


def test_the_blocks_that_the_module_knows_are_those_of_the_schema() -> None:
    assert BLOCKS.read_text(encoding="utf-8") == text_of_blocks(SCHEMA)


@pytest.mark.parametrize("path", STACKS, ids=lambda each: each.name)
def test_the_provider_takes_every_argument(path: Path) -> None:
    assert [*refused(content(path), SCHEMA)] == []


@given(env=extended())
@examples(max_examples=at_most(15), deadline=None, suppress_health_check=list(HealthCheck))
def test_it_takes_those_of_settings_of_every_shape(env: Environment) -> None:
    assert [*refused(synthesized(env), SCHEMA)] == []


def test_the_schema_has_our_kinds_and_no_others() -> None:
    for section, known in (("resource", "resources"), ("data", "data")):
        used = {kind for path in STACKS for kind in content(path).get(section, {})}
        used |= {*IN_MODULES} if section == "data" else set()
        assert used == set(SCHEMA[known]), "make schema"


def put(*path: str, value: Any) -> Callable[[Json], None]:
    """Return what sets a value of a stack."""

    def change(stack: Json) -> None:
        for name in path[:-1]:
            stack = stack[name]
        stack[path[-1]] = value

    return change


def drop(*path: str) -> Callable[[Json], None]:
    """Return what takes a value out of a stack."""

    def change(stack: Json) -> None:
        for name in path[:-1]:
            stack = stack[name]
        del stack[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put(*BUCKET, "buckets", value="x"), "versioning.buckets: is not known"),
        (put(*BUCKET, "bucket", value=7), "versioning.bucket: is string; got 7"),
        (drop(*BUCKET, "bucket"), "versioning.bucket: is required"),
        (drop(*BUCKET, "versioning_configuration"), "versioning_configuration: is required"),
        (put(*BUCKET, "versioning_configuration", value="on"),
         "versioning_configuration: is a block; got str"),
        (put(*BUCKET, "versioning_configuration", value=[{"status": "Enabled"}] * 2),
         "versioning_configuration: takes 1 to 1 blocks; got 2"),
        (put(*BUCKET, "versioning_configuration", "state", value="x"),
         "versioning_configuration.state: is not known"),
        (put("resource", "aws_s3_bucket", "archive", "arn", value="x"),
         "archive.arn: is read-only"),
        (put(*ALARMS, "alarm_actions", value="x"), "alarm_actions: is set; got 'x'"),
        (put(*ALARMS, "alarm_actions", value=[1]), "alarm_actions: is string; got 1"),
        (put(*ALARMS, "metric_query", value=[{"expression": "x"}]), "metric_query.id: is required"),
        (put(*ALARMS, "evaluation_periods", value="x"), "evaluation_periods: is number; got 'x'"),
        (put(*ALARMS, "actions_enabled", value=1), "actions_enabled: is bool; got 1"),
        (put(*ALARMS, "dimensions", value={"x": 1}), "dimensions.x: is string; got 1"),
        (put("resource", "aws_kms_key", "key", "region", value=["x"]),
         "key.region: is string; got ['x']"),
    ],
)  # fmt: skip
def test_what_a_plan_would_refuse_is_found(change: Callable[[Json], None], told: str) -> None:
    stack = deepcopy(content(GOLDEN / "everything.tf.json"))
    change(stack)
    (found,) = refused(stack, SCHEMA)
    assert found.endswith(told)


def test_a_provider_is_held_against_it_too() -> None:
    stack = content(GOLDEN / "basic.tf.json")
    stack["provider"]["aws"][0]["account"] = "x"
    (found,) = refused(stack, SCHEMA)
    assert found.endswith(".account: is not known")
