"""Options: each is in a golden file, and none of them widens what another one may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_origin

import pytest
from hypothesis import given
from orgtrail import AwsProvider, OrganizationTrail, OrgtrailError, TerraformStack, naming
from orgtrail.cdktf import bindings as aws
from orgtrail.settings.environment import Environment
from orgtrail.settings.hcl import read_hcl
from orgtrail.settings.types import models_in
from orgtrail.trail import archive, auditors, key, members
from orgtrail.trail.policy import Document
from pydantic import BaseModel

from tests import golden
from tests.conftest import MINIMAL, Json, environment, merged, synthesized
from tests.strategies import OPTIONS, chosen, settings, with_options
from tests.test_policies import documents, statement

TOUCHED = {
    "member_readers": {"archive", "key"},
    "guardduty": {"access logs", "scp", "scp readers"},
    "siem": {"scp readers"},
    "auditor": {"scp readers"},
}
"""The core's documents that an option may add to."""


def given_settings(values: Any, model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Yield the path of every setting that a file gives, with the names of maps left out."""
    if isinstance(values, list):
        for each in values:
            yield from given_settings(each, model, path)
        return
    for name, value in values.items():
        if name not in model.model_fields:
            continue
        yield f"{path}{name}"
        field = model.model_fields[name]
        for inner in models_in(field.annotation):
            nested = list(value.values()) if get_origin(field.annotation) is dict else value
            if isinstance(nested, dict | list):
                yield from given_settings(nested, inner, f"{path}{name}.")


def all_settings(model: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{path}{name}"
        for inner in models_in(field.annotation):
            yield from all_settings(inner, f"{path}{name}.")


def test_the_golden_files_cover_every_option() -> None:
    files = [each for folder in golden.FOLDERS for each in Path(folder).glob("*.tfvars")]
    covered = {
        path for each in files for path in given_settings(read_hcl(each).values, Environment)
    }
    assert set(all_settings(Environment)) <= covered


@given(settings(), chosen())
def test_no_option_widens_anothers_policy(base: Json, names: list[str]) -> None:
    """Documents with several options are those with each alone; the core gains what is told."""
    core = documents(Environment.model_validate(base))
    alone = {
        name: documents(Environment.model_validate(with_options(base, [name]))) for name in names
    }
    together = documents(Environment.model_validate(with_options(base, names)))
    assert set(together) == set(core).union(*map(set, alone.values()))
    for name, document in together.items():
        if name in core:
            touching = [option for option in names if name in TOUCHED.get(option, ())]
            expected = [core[name], *(alone[option][name] for option in touching)]
        else:
            expected = [each[name] for each in alone.values() if name in each]
        assert allowed(document) == set().union(*map(allowed, expected)), name
        for each in expected:
            assert not weakened(each, document), name


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_an_option_leaves_the_cores_other_documents_alone(option: str) -> None:
    core = documents(environment())
    with_it = documents(Environment.model_validate(with_options(MINIMAL, [option])))
    changed = {name for name in core if core[name] != with_it[name]}
    grown = {"rcp", "scp"} if option == "guardduty" else set()
    assert changed <= TOUCHED.get(option, set()) | grown


def allowed(document: Document) -> set[str]:
    return {str(each) for each in document["Statement"] if each["Effect"] == "Allow"}


def weakened(before: Document, after: Document) -> list[str]:
    """Return the denials that are gone, or deny less, or on other conditions."""
    denials = {each["Sid"]: each for each in after["Statement"] if each["Effect"] == "Deny"}
    return [
        each["Sid"]
        for each in before["Statement"]
        if each["Effect"] == "Deny"
        and (
            each["Sid"] not in denials
            or not many(each["Action"]) <= many(denials[each["Sid"]]["Action"])
            or not many(each["Resource"]) <= many(denials[each["Sid"]]["Resource"])
            or each.get("Condition") != denials[each["Sid"]].get("Condition")
        )
    ]


def many(value: str | list[str]) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


def test_a_member_reads_its_own_log_files_and_no_others() -> None:
    env = environment(access={"member_readers": {}}, trail={"key_prefix": "audit"})
    policy = archive.archive_policy(env)
    reads = statement(policy, "MembersReadOwnLogs")
    assert reads["Resource"] == (
        "arn:aws:s3:::example-bank-archive/audit/AWSLogs/o-examplebank/${aws:PrincipalAccount}/*"
    )
    pattern = reads["Resource"].replace(members.OWN, "333333333333")
    mine, theirs = (
        f"arn:aws:s3:::example-bank-archive/audit/AWSLogs/o-examplebank/{account}/CloudTrail/x"
        for account in ("333333333333", "111111111111")
    )
    assert fnmatchcase(mine, pattern)
    assert not fnmatchcase(theirs, pattern)
    lists = statement(policy, "MembersListOwnLogs")["Condition"]
    assert lists["StringLike"]["s3:prefix"] == [
        "audit/AWSLogs/o-examplebank/${aws:PrincipalAccount}/",
        "audit/AWSLogs/o-examplebank/${aws:PrincipalAccount}/*",
    ]
    decrypts = statement(key.key_policy(env), "MembersDecryptLogs")
    assert decrypts["Condition"]["Null"] == {"kms:EncryptionContext:aws:cloudtrail:arn": "false"}
    for each in (reads, statement(policy, "MembersListOwnLogs"), decrypts):
        assert each["Condition"]["StringEquals"]["aws:PrincipalOrgID"] == "o-examplebank"
        assert each["Condition"]["ArnLike"] == {
            "aws:PrincipalArn": "arn:aws:iam::*:role/organization-trail-reader"
        }


def test_only_named_members_read_where_some_are_named() -> None:
    env = environment(access={"member_readers": {"accounts": ["production"]}})
    reads = statement(archive.archive_policy(env), "MembersReadOwnLogs")
    assert reads["Condition"]["StringEquals"]["aws:PrincipalAccount"] == ["333333333333"]


def test_the_stack_puts_out_the_members_half_of_the_policy() -> None:
    outputs = synthesized(environment(access={"member_readers": {}}))["output"]
    assert "$${aws:PrincipalAccount}" in outputs["member_reader_policy"]["value"]


def test_an_auditor_reads_and_asks_and_changes_nothing() -> None:
    env = environment(
        access={
            "auditor": {"trusted": ["arn:aws:iam::999999999999:user/audit"]},
        }
    )
    verbs = {
        action.split(":")[1]
        for each in auditors.auditor_permissions(env)["Statement"]
        for action in each["Action"]
    }
    reading = ("Get", "List", "BatchGet", "Decrypt")
    assert {verb for verb in verbs if not verb.startswith(reading)} == {
        # A query writes its result, encrypted, to the workgroup's own prefix.
        "StartQueryExecution", "StopQueryExecution", "PutObject", "AbortMultipartUpload",
        "GenerateDataKey",
    }  # fmt: skip
    assert env.access.auditor
    (trusted,) = auditors.auditor_trust(env.access.auditor)["Statement"]
    assert trusted["Principal"] == {"AWS": "arn:aws:iam::999999999999:root"}
    assert trusted["Condition"] == {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "ArnLike": {"aws:PrincipalArn": ["arn:aws:iam::999999999999:user/audit"]},
    }


def test_the_feed_has_the_shape_that_siems_take() -> None:
    made = synthesized(environment(siem={}))["resource"]
    (topic,) = made["aws_s3_bucket_notification"]["siem_notification"]["topic"]
    assert topic == {
        "events": ["s3:ObjectCreated:*"],
        "filter_prefix": "AWSLogs/o-examplebank/",
        "filter_suffix": ".json.gz",
        "topic_arn": "arn:aws:sns:us-east-1:222222222222:organization-trail-log-files",
    }
    # Raw, a message is S3's own event, without the envelope of SNS.
    assert made["aws_sns_topic_subscription"]["siem_subscription"]["raw_message_delivery"] is True
    queue = made["aws_sqs_queue"]["siem_queue"]
    assert queue["redrive_policy"] == (
        '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:222222222222:'
        'organization-trail-log-files-dead","maxReceiveCount":5}'
    )
    encrypted = {each["kms_master_key_id"] for each in made["aws_sqs_queue"].values()}
    assert encrypted == {"${aws_kms_key.siem_key.arn}"}


def guarded(**changes: Any) -> Environment:
    accounts = {"security": {"id": "555555555555", "role_arn": SECURITY}}
    return Environment.model_validate(merged(merged(MINIMAL, {"accounts": accounts}), changes))


SECURITY = "arn:aws:iam::555555555555:role/deploy"


def test_one_provider_of_an_account_serves_all_regions() -> None:
    """A region that goes takes no provider along that has to remove what is there."""
    env = guarded(
        guardduty={"administrator": "security", "regions": ["eu-west-1", "us-east-1"]},
        security_hub={"administrator": "security", "regions": ["eu-west-1", "us-east-1"]},
        access_analyzer={"administrator": "security", "regions": ["eu-west-1", "us-east-1"]},
    )
    stack = synthesized(env)
    providers = {each["alias"]: each for each in stack["provider"]["aws"]}
    assert set(providers) == {"management", "logging", "security"}
    assert providers["security"]["allowed_account_ids"] == ["555555555555"]
    assert {each["region"] for each in providers.values()} == {"us-east-1"}
    elsewhere = 0
    for named in stack["resource"].values():
        for name, each in named.items():
            is_elsewhere = "eu_west_1" in name
            assert each.get("region") == ("eu-west-1" if is_elsewhere else None), name
            elsewhere += is_elsewhere
    assert elsewhere == 9
    detectors = stack["resource"]["aws_guardduty_detector"]
    assert [each["provider"] for each in detectors.values()].count("aws.security") == 2
    members = stack["resource"]["aws_guardduty_organization_configuration"]
    assert all(each["auto_enable_organization_members"] == "ALL" for each in members.values())
    exports = stack["resource"]["aws_guardduty_publishing_destination"]
    assert {each["destination_arn"] for each in exports.values()} == {
        "arn:aws:s3:::example-bank-archive-guardduty"
    }


def test_a_retired_account_keeps_its_provider_and_has_no_resource() -> None:
    stack = synthesized(guarded(retired={"accounts": ["security"]}))
    providers = {each["alias"]: each for each in stack["provider"]["aws"]}
    assert providers["security"]["assume_role"] == [
        {"role_arn": SECURITY, "session_name": "orgtrail"}
    ]
    assert "aws.security" not in json.dumps(stack["resource"])


def test_the_former_administrators_role_is_not_locked_out_of_removing() -> None:
    env = guarded(guardduty={}, retired={"accounts": ["security"]})
    exempt = statement(documents(env)["scp detection"], "ProtectGuardDuty")["Condition"][
        "ArnNotLike"
    ]
    assert SECURITY in exempt["aws:PrincipalArn"]


def test_a_plan_that_a_region_lacks_is_neither_on_nor_off_there() -> None:
    """AWS refuses both: https://docs.amazonaws.cn/en_us/aws/latest/userguide/guardduty.html."""
    roles = {
        name: {"role_arn": f"arn:aws-cn:iam::{account}:role/deploy"}
        for name, account in (("management", "111111111111"), ("logging", "222222222222"))
    }
    settings = merged(
        merged(MINIMAL, {"accounts": {"management": {"profile": ...}}}),
        {
            "home_region": "cn-north-1",
            "accounts": roles,
            "guardduty": {"features": ["RUNTIME_MONITORING", "S3_DATA_EVENTS"]},
        },
    )
    made = synthesized(Environment.model_validate(settings))["resource"]
    for kind in (
        "aws_guardduty_detector_feature",
        "aws_guardduty_organization_configuration_feature",
    ):
        (feature,) = made[kind].values()
        assert "S3_DATA_EVENTS" in feature["for_each"]
        assert "RUNTIME_MONITORING" not in json.dumps(made[kind])


def test_the_administrators_deploying_role_is_not_locked_out() -> None:
    env = guarded(guardduty={"administrator": "security"})
    scps = documents(env)
    protected = statement(scps["scp detection"], "ProtectGuardDuty")
    assert SECURITY in protected["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert SECURITY not in str((scps["scp"], scps["scp readers"])), "exempt from nothing else"


def test_a_plan_stops_where_a_service_is_not_trusted() -> None:
    env = environment(
        guardduty={"features": ["EBS_MALWARE_PROTECTION"]}, security_hub={}, access_analyzer={}
    )
    data = synthesized(env)["data"]["aws_organizations_organization"]["organization"]
    told = str(data["lifecycle"]["postcondition"])
    for service in (
        "guardduty",
        "malware-protection.guardduty",
        "securityhub",
        naming.ACCESS_ANALYZER.removesuffix(".amazonaws.com"),
    ):
        assert f"--service-principal {service}.amazonaws.com" in told


def test_a_missing_provider_is_told_in_plain_words() -> None:
    stack = TerraformStack(aws.Testing.app(), "platform")
    management, logging = (AwsProvider(stack, name, alias=name) for name in ("m", "l"))
    env = guarded(guardduty={"administrator": "security"})
    with pytest.raises(OrgtrailError) as told:
        OrganizationTrail(stack, "audit", environment=env, management=management, logging=logging)
    assert str(told.value) == (
        'OrganizationTrail needs a provider of account "security"; '
        'give it as further={"security": provider}'
    )
