"""The proof reads the same estate from the trail's data and from the synthesized JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from orgtrail.proof.estate import Estate
from orgtrail.proof.survey import survey
from orgtrail.proof.terraform.reading import stack_of
from orgtrail.settings.environment import Environment
from orgtrail.trail import build

from tests import golden
from tests.conftest import Json, synthesized
from tests.strategies import extended

ENVIRONMENTS = {
    each.name: each
    for each in golden.environments()
    # What is only referred to is in the data, unknown, and not in the stack.
    if not each.adopt.referenced
}


def told(estate: Estate) -> Json:
    """Return all of an estate but its name, which a stack alone in a test does not have."""
    return {field: value for field, value in vars(estate).items() if field != "name"}


def of_json(content: Json) -> Estate:
    return survey(stack_of(content, Path("cdk.tf.json")))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_stack_of_the_data_is_the_synthesized_one(name: str) -> None:
    content = json.loads(golden.fresh()[f"{name}.tf.json"])
    assert told(survey(build(ENVIRONMENTS[name]).expanded())) == told(of_json(content))


@given(env=extended())
@examples(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_for_settings_of_every_shape(env: Environment) -> None:
    assert told(survey(build(env).expanded())) == told(of_json(synthesized(env)))
