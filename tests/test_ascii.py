"""Identifiers are ASCII: AWS takes no other digit or letter, though they may look the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from annotated_types import MaxLen
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from orgtrail.errors import Fault, OrgtrailError, SettingsError, SettingsSource
from orgtrail.iam.conditions import _moment
from orgtrail.module.conditions import tests as conditions
from orgtrail.query.questions import find_question
from orgtrail.query.render import to_run
from orgtrail.settings.environment import Environment
from orgtrail.settings.loading import load_settings
from orgtrail.settings.trail import ResourceArn
from orgtrail.settings.types import TextRule, metadata_in, models_in
from pydantic import BaseModel

from tests.conftest import MINIMAL, Json, at_most, merged, orgtrail, tfvars
from tests.log_records import SINCE, UNTIL

DIGITS = "٢٢٢٢٢٢٢٢٢٢٢٢"
"""Twelve Arabic digits: Python's `\\d` and `int` take them for twos."""
TEXTS: set[str] = {
    # Keys of S3 are of any letters, and an ARN may name the beginning of one.
    *(each.pattern for each in metadata_in(ResourceArn) if isinstance(each, TextRule)),
}
"""Patterns of what is no identifier alone."""


def rules_in(model: type[BaseModel]) -> Iterator[tuple[str, TextRule]]:
    """Yield every rule with a pattern, and a setting that keeps to it."""
    for name, field in model.model_fields.items():
        for each in (*field.metadata, *metadata_in(field.annotation)):
            if isinstance(each, TextRule) and each.pattern:
                yield f"{model.__name__}.{name}", each
        for inner in models_in(field.annotation):
            yield from rules_in(inner)


RULES = {
    rule.pattern: (place, rule)
    for place, rule in rules_in(Environment)
    if rule.pattern not in TEXTS
}


def test_the_models_were_walked() -> None:
    assert len(RULES) > 25
    assert r"\d{12}" in RULES


@given(data=st.data(), noise=st.characters(min_codepoint=128, exclude_categories=["Cs"]))
@pytest.mark.parametrize("pattern", RULES, ids=[place for place, _ in RULES.values()])
@examples(max_examples=at_most(15), deadline=None)
def test_no_identifier_takes_another_letter_than_asciis(
    pattern: str, noise: str, data: st.DataObject
) -> None:
    rule = RULES[pattern][1]
    text = data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    place = data.draw(st.integers(0, max(len(text) - 1, 0)))
    assert not rule.holds(text[:place] + noise + text[place + 1 :])
    digits = text.translate(str.maketrans("0123456789", "٠٢٢٣٤٥٦٧٨٩"))
    assert digits == text or not rule.holds(digits)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"accounts": {"production": {"id": DIGITS}}},
            f'accounts.production.id must be 12 digits in quotes; got "{DIGITS}"',
        ),
        (
            {"accounts": {"logging": {"role_arn": f"arn:aws:iam::{DIGITS}:role/deploy"}}},
            "accounts.logging.role_arn must be a role's ARN: arn:aws:iam::<12 digits>:role/<name>; "
            f'got "arn:aws:iam::{DIGITS}:role/deploy"',
        ),
        (
            {"guardrails": {"targets": [DIGITS]}},
            "guardrails.targets[0] must be a root id (r-...), an organizational unit id (ou-...) "
            f'or an account id; got "{DIGITS}"',
        ),
        (
            {"delivery": {"log_group": "/aws/prüfung"}},
            'delivery.log_group must be 1 to 512 letters, digits or _ - / . #; got "/aws/prüfung"',
        ),
        (
            {"home_region": "us-east-٢"},
            'home_region must be a region name such as us-east-1; got "us-east-٢"',
        ),
        (
            {"alarms": {"subscribers": {"https": ["https://exämple.com/x"]}}},
            "alarms.subscribers.https[0] must be an address that begins with https://; "
            'got "https://exämple.com/x"',
        ),
    ],
)
def test_a_file_says_so(env_file: Callable[[str], Path], changes: Json, complaint: str) -> None:
    path = env_file(tfvars(merged(MINIMAL, changes)))
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert [line.split(" ", 1)[1] for line in str(caught.value).splitlines()] == [complaint]


@pytest.mark.parametrize("arn", ["arn:aws:s3:::bücket/key", "arn:aws:dynamodb:us-east-1:٢:table/x"])
def test_of_an_arn_only_a_key_may_have_other_letters(arn: str) -> None:
    (rule,) = (each for each in metadata_in(ResourceArn) if isinstance(each, TextRule))
    assert rule.holds("arn:aws:s3:::bucket/décembre/*")
    assert not rule.holds(arn)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--account", DIGITS), f"--account: must be 12 digits; got '{DIGITS}'\n"),
        (("--last", "٣h"), "--last: must be like 90m, 24h or 7d; got '٣h'\n"),
    ],
)
def test_options_say_so(arguments: tuple[str, str], complaint: str, tmp_path: Path) -> None:
    done = orgtrail("query", "run", "root-use", "--logs", str(tmp_path), *arguments)
    assert (done.returncode, done.stderr) == (2, complaint)


def test_parameters_say_so() -> None:
    from orgtrail.logs.bounds import Bounds
    from orgtrail.query.questions import pack

    name, number = next(
        (each.name, parameter.name)
        for each in pack().values()
        for parameter in each.parameters
        if parameter.kind == "integer"
    )
    with pytest.raises(OrgtrailError, match="must be a whole number; got '٣'"):
        to_run(find_question(name), Bounds(SINCE, UNTIL, (), ()), {number: "٣"}, {})


def test_a_moment_of_a_condition_has_digits_of_ascii() -> None:
    assert _moment("1") == 1
    for text in ("٢", "²"):
        with pytest.raises(ValueError, match="Invalid isoformat"):
            _moment(text)


def test_a_files_name_is_taken_for_no_line() -> None:
    fault = Fault(("trail",), "is odd")
    assert str(SettingsError([fault], SettingsSource("x:²"))) == "x:²: trail is odd"


def test_the_module_counts_characters_as_settings_do() -> None:
    """Terraform's `length` counts a letter and its accents once; AWS and Python do not."""
    ((test, text),) = conditions("var.policy_name", [MaxLen(118)])
    assert test == 'can(regex("^(?s:.{0,118})$", var.policy_name))'
    assert text == "must be at most 118 characters long"
