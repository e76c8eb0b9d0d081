"""A module's tests for `terraform test`, with providers that make everything up.

https://developer.hashicorp.com/terraform/language/tests/mocking
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orgtrail import naming
from orgtrail.module.expressions import value
from orgtrail.module.hcl import BLANK, Attribute, Block, Comment, Expression, Item
from orgtrail.module.template import Template
from orgtrail.module.variables import EXPIRY
from orgtrail.module.writer import write
from orgtrail.settings.environment import Environment

_POLICY_TYPES = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]
_OTHER_ACCOUNT = "999999999999"
_OTHER_ORGANIZATION = "o-another12345"
_CLOSED = "aws_s3_bucket_public_access_block"
_PUBLIC = (
    "block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets",
)  # fmt: skip
_WRONG = {
    "archive_bucket": "Not a bucket's name",
    "organization_id": "bank",
    "management_account_id": "111",
}
"""Values that no environment may have; they keep the rules between variables."""
_HEAD = """\
Plans the module with mocked providers: they need no credentials and make nothing.
Run `terraform init`, then `terraform test`, in the module's folder. Needs Terraform 1.7 or newer.
"""


def checks(env: Environment, template: Template) -> str:
    """Return the text of the module's test file.

    Args:
        env: the settings that the module is built from.
        template: its configuration.

    """
    asked: list[Item] = [
        Attribute(each.name, value(each.value)) for each in template.variables if each.is_asked
    ]
    return write(
        [
            Comment(_HEAD),
            BLANK,
            *(_provider(env, name) for name in env.provider_accounts),
            *([Block("variables", body=asked)] if asked else []),
            *_runs(env, template),
        ]
    )


def _provider(env: Environment, name: str) -> Block:
    read: list[Item] = [_data("aws_caller_identity", account_id=env.accounts[name].id)]
    if name == "management":
        organization = _data(
            "aws_organizations_organization",
            id=env.organization.id,
            master_account_id=env.management.id,
            feature_set="ALL",
            aws_service_access_principals=list(naming.trusted_services(env)),
            enabled_policy_types=_POLICY_TYPES,
            accounts=[{"id": each} for each in env.account_ids],
        )
        read.append(organization)
    if name == "logging":
        read.append(_data("aws_regions", names=[env.home_region]))
    return Block("mock_provider", ("aws",), [Attribute("alias", name), *read])


def _data(kind: str, **defaults: object) -> Block:
    return Block("mock_data", (kind,), [Attribute("defaults", value(defaults))])


def _runs(env: Environment, template: Template) -> Iterator[Block]:
    held = [*_assertions(template)]
    if held:
        yield _run("plans_what_the_trail_needs", *held)
    for each in template.variables:
        wrong = each.value + 0.5 if each.setting == EXPIRY else _WRONG.get(each.name)
        if wrong is not None:
            yield _run(
                f"refuses_a_wrong_{each.name}",
                Block("variables", body=[Attribute(each.name, wrong)]),
                refused_by=f"var.{each.name}",
            )
    for name in env.provider_accounts:
        place = f"data.aws_caller_identity.{name}"
        yield _run(
            f"stops_if_{name}_is_another_account",
            _override(place, account_id=_OTHER_ACCOUNT),
            refused_by=place,
        )
    place = "data.aws_organizations_organization.organization"
    yield _run(
        "stops_in_another_organization",
        _override(place, id=_OTHER_ORGANIZATION),
        refused_by=place,
    )


def _run(name: str, *items: Item, refused_by: str = "") -> Block:
    refusal: list[Item] = [BLANK, Attribute("expect_failures", [Expression(refused_by)])]
    return Block(
        "run",
        (name,),
        [Attribute("command", Expression("plan")), *items, *(refusal if refused_by else [])],
    )


def _override(place: str, **values: str) -> Block:
    target = Attribute("target", Expression(place))
    return Block("override_data", body=[target, Attribute("values", values)])


def _assertions(template: Template) -> Iterator[Block]:
    made = template.content["resource"]
    for name, given in made.get("aws_cloudtrail", {}).items():
        for argument, said in (
            ("is_organization_trail", "The trail has to record every account."),
            ("is_multi_region_trail", "The trail has to record every region."),
            ("enable_log_file_validation", "CloudTrail has to sign digests of the log files."),
            ("enable_logging", "The trail has to record."),
        ):
            if given.get(argument) is True:
                yield _assertion(f"aws_cloudtrail.{name}.{argument}", said)
    if closed := [*made.get(_CLOSED, ())]:
        every = _every([f"{_CLOSED}.{each}" for each in closed], _PUBLIC)
        yield _assertion(every, "No bucket may become public.")
    if keys := [*made.get("aws_kms_key", ())]:
        every = _every([f"aws_kms_key.{each}" for each in keys], ("enable_key_rotation",))
        yield _assertion(every, "Every key has to rotate.")
    for name, given in made.get("aws_organizations_policy_attachment", {}).items():
        if "for_each" in given:
            place = f"aws_organizations_policy_attachment.{name}"
            yield _assertion(f"length({place}) > 0", f"The policy of {place} has to bind somebody.")


def _every(places: Sequence[str], flags: Sequence[str]) -> str:
    """Return the condition that all flags of all resources are set."""
    listed = "".join(f"    {each},\n" for each in places)
    test = " && ".join(f"each.{each}" for each in flags)
    return f"alltrue([\n  for each in [\n{listed}  ] : {test}\n])"


def _assertion(condition: str, said: str) -> Block:
    body = [Attribute("condition", Expression(condition)), Attribute("error_message", said)]
    return Block("assert", body=body)
