"""The check reads the same model from the trail's data and from the synthesized JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from orgtrail.check.change_kept import kept
from orgtrail.check.from_terraform import model_of
from orgtrail.check.intent import Intent
from orgtrail.check.model import Model
from orgtrail.settings.environment import Environment
from orgtrail.terraform import stack_of
from orgtrail.trail import build
from orgtrail.trail.resource import Stack

from tests import golden
from tests.conftest import Json, at_most, synthesized
from tests.strategies import extended

ENVIRONMENTS = {
    each.name: each
    for each in golden.environments()
    # What is only referred to is in the data, unknown, and not in the stack.
    if not each.adopt.referenced
}


EMPTY = model_of(Stack("", (), ()))


def told(model: Model) -> Json:
    """Return what was read from a stack, and not its name, which one in a test does not have."""
    read = {field: value for field, value in vars(model).items() if field not in ("name", "stack")}
    return {**read, "kept": [*kept(EMPTY, model, Intent(), Intent())]}


def of_json(content: Json) -> Model:
    return model_of(stack_of(content, Path("cdk.tf.json")))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_stack_of_the_data_is_the_synthesized_one(name: str) -> None:
    content = json.loads(golden.fresh()[f"{name}.tf.json"])
    assert told(model_of(build(ENVIRONMENTS[name]).expanded())) == told(of_json(content))


@given(env=extended())
@examples(max_examples=at_most(25), deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_for_settings_of_every_shape(env: Environment) -> None:
    assert told(model_of(build(env).expanded())) == told(of_json(synthesized(env)))
