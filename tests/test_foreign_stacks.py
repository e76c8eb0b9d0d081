"""Stacks that others wrote: no shape of a policy is taken for a fault of the user, or for safe."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orgtrail.check.asking import Asker
from orgtrail.check.findings import Finding
from orgtrail.check.grants import grants
from orgtrail.check.intent import intent_from_policies
from orgtrail.check.run import check
from orgtrail.iam.evaluator import Policies, evaluate
from orgtrail.iam.request import Request

from tests.conftest import Json, at_most
from tests.mistakes import checked, resource, stack
from tests.policy_strategies import LOGGING, MANAGEMENT, MEMBER, ORGANIZATION, situations
from tests.test_from_terraform import of_json
from tests.test_plans import as_plan

FILES = "arn:aws:sqs:us-east-1:222222222222:files"
NOTICES = "arn:aws:sns:us-east-1:222222222222:notices"
SOURCE = {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::archive"}}


def policy(*statements: Json) -> str:
    whole = [{"Effect": "Allow", **each} for each in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


def small(**policies: str) -> Json:
    """Return a stack as somebody would write it by hand: references, and policies inline."""
    trail = f"arn:aws:cloudtrail:us-east-1:{MANAGEMENT}:trail/organization-trail"
    of_trail = {"StringEquals": {"aws:SourceArn": trail}}
    service = {"Service": "cloudtrail.amazonaws.com"}
    archive = policy(
        {"Principal": service, "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::archive",
         "Condition": of_trail},
        {"Principal": service, "Action": "s3:PutObject", "Condition": of_trail,
         "Resource": [f"arn:aws:s3:::archive/AWSLogs/{MANAGEMENT}/*",
                      f"arn:aws:s3:::archive/AWSLogs/{ORGANIZATION}/*"]},
    )  # fmt: skip
    key = policy(
        {"Principal": {"AWS": f"arn:aws:iam::{LOGGING}:root"}, "Action": "kms:*", "Resource": "*"},
        {"Principal": service, "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
         "Resource": "*", "Condition": of_trail},
    )  # fmt: skip
    topic = policy(
        {"Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish",
         "Resource": NOTICES, "Condition": SOURCE}
    )  # fmt: skip
    there = {"provider": "aws.logging"}
    return {
        "provider": {"aws": [
            {"alias": "management", "region": "us-east-1", "allowed_account_ids": [MANAGEMENT]},
            {"alias": "logging", "region": "us-east-1", "allowed_account_ids": [LOGGING]},
        ]},
        "data": {},
        "resource": {
            "aws_cloudtrail": {"trail": {
                "provider": "aws.management", "name": "organization-trail",
                "s3_bucket_name": "${aws_s3_bucket.archive.id}", "is_organization_trail": True,
                "kms_key_id": "${aws_kms_key.key.arn}",
                "depends_on": ["aws_s3_bucket_policy.archive"],
            }},
            "aws_s3_bucket": {"archive": {**there, "bucket": "archive"}},
            "aws_s3_bucket_policy": {"archive": {
                **there, "bucket": "${aws_s3_bucket.archive.id}",
                "policy": policies.get("archive", archive).replace("${", "$${"),
            }},
            "aws_kms_key": {"key": {
                **there, "policy": policies.get("key", key).replace("${", "$${"),
            }},
            "aws_sns_topic": {"notices": {
                **there, "name": "notices",
                "policy": policies.get("topic", topic).replace("${", "$${"),
            }},
            "aws_sqs_queue": {"files": {**there, "name": "files"}},
            "aws_s3_bucket_notification": {"notices": {
                **there, "bucket": "${aws_s3_bucket.archive.id}",
                "topic": [{"topic_arn": "${aws_sns_topic.notices.arn}",
                           "events": ["s3:ObjectCreated:*"]}],
            }},
            "aws_sns_topic_subscription": {"files": {
                **there, "protocol": "sqs", "topic_arn": "${aws_sns_topic.notices.arn}",
                "endpoint": "${aws_sqs_queue.files.arn}",
            }},
        },
    }  # fmt: skip


def of(findings: tuple[Finding, ...], *rules: str) -> list[str]:
    return [f"{each.severity} {each.setting}: {each.message}" for each in findings
            if each.rule in rules]  # fmt: skip


def test_references_and_policies_inline_are_read(tmp_path: Path) -> None:
    model = of_json(small())
    assert {(each.kind.name, each.source, each.target) for each in model.flows} == {
        ("NOTIFICATION", "arn:aws:s3:::archive", NOTICES),
        ("SUBSCRIPTION", NOTICES, FILES),
    }
    found = checked(tmp_path, small()).findings
    assert not [each for each in of(found, "delivery") if "notices of" in each]
    inline = small(topic=policy({"Principal": {"AWS": "999999999990"}, "Action": "sns:Publish",
                                 "Resource": NOTICES}))  # fmt: skip
    found = checked(tmp_path, inline).findings
    assert any("S3 cannot use sns:Publish" in each for each in of(found, "delivery"))


def test_a_policy_inline_and_one_beside_it_are_both_read(tmp_path: Path) -> None:
    content = small()
    outsider = {"Principal": {"AWS": "999999999990"}, "Action": "sns:Publish", "Resource": NOTICES}
    beside = {"arn": "${aws_sns_topic.notices.arn}", "policy": policy(outsider)}
    content["resource"]["aws_sns_topic_policy"] = {"notices": {"provider": "aws.logging", **beside}}
    found = checked(tmp_path, content).findings
    assert any("999999999990" in each for each in of(found, "access"))
    assert any("S3 may not be able to use sns:Publish" in each for each in of(found, "delivery"))
    assert of(found, "doubled") == [
        "high aws_sns_topic_policy.notices: is a second policy of aws_sns_topic.notices, which has "
        "one inline: AWS keeps one, so the one that is applied last wins, and which that is nobody "
        "knows. Keep one."
    ]


def test_an_outsider_in_a_policy_inline_is_found(tmp_path: Path) -> None:
    outsider = {"Principal": {"AWS": "999999999990"}, "Action": "sns:*", "Resource": NOTICES}
    found = checked(tmp_path, small(topic=policy(outsider))).findings
    assert any("999999999990" in each for each in of(found, "access"))
    content = small()
    take = {"Principal": {"AWS": "999999999990"}, "Action": "sqs:*", "Resource": FILES}
    content["resource"]["aws_sqs_queue"]["files"]["policy"] = policy(take)
    found = checked(tmp_path, content).findings
    assert any("999999999990" in each for each in of(found, "access"))


def test_a_queue_without_a_policy_gets_nothing_from_a_topic(tmp_path: Path) -> None:
    found = checked(tmp_path, small()).findings
    assert any("messages of topic notices do not arrive in queue files" in each
               for each in of(found, "delivery"))  # fmt: skip
    assert any(each.startswith("low aws_sqs_queue.files: ") for each in of(found, "plain-text"))


def test_a_stack_without_accounts_is_unproven_and_nothing_is_made_up(tmp_path: Path) -> None:
    for name in ("healthcare", "fintech", "everything"):
        content = stack(name)
        for each in content["provider"]["aws"]:
            for argument in ("allowed_account_ids", "assume_role", "dynamic"):
                each.pop(argument, None)
        found = checked(tmp_path, content).findings
        assert of(found, "unknown-accounts")
        rules = ("access", "delivery", "trust", "beyond-purpose", "reach", "one-layer")
        assert of(found, *rules) == []


@pytest.mark.parametrize("name", ["healthcare", "everything"])
def test_a_plan_has_the_findings_of_its_stack(name: str, tmp_path: Path) -> None:
    content = stack(name)
    if name == "healthcare":
        role = resource(content, "aws_iam_role.auditor")
        document = json.loads(role["assume_role_policy"])
        document["Statement"][0].pop("Condition")
        role["assume_role_policy"] = json.dumps(document)
    rules = ("access", "delivery", "trust", "beyond-purpose", "one-layer", "gap-in-guard")
    expected = of(checked(tmp_path, content).findings, *rules)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(as_plan(content)), encoding="utf-8")
    assert sorted(of(check(path).findings, *rules)) == sorted(expected)
    assert expected


UNREAD = ["${data.aws_iam_policy_document.x.json}", "{}", '{"Statement": []}', "no JSON", "[]",
          '{"Statement": [[]]}', '{"Statement": [{"Effect": "Allow"}]}', ""]  # fmt: skip
POLICIES = [
    ("aws_s3_bucket_policy.archive_policy", "policy"),
    ("aws_s3_bucket_policy.archive_access_logs_policy", "policy"),
    ("aws_kms_key.siem_key", "policy"),
    ("aws_sns_topic_policy.siem_topic_policy", "policy"),
    ("aws_sqs_queue_policy.siem_queue_policy", "policy"),
    ("aws_iam_role.auditor", "assume_role_policy"),
    ("aws_iam_role_policy.siem_reader_policy", "policy"),
    ("aws_organizations_policy.guardrails_scp", "content"),
]


@pytest.mark.parametrize("document", UNREAD)
@pytest.mark.parametrize(("address", "attribute"), POLICIES)
def test_a_policy_that_cannot_be_read_is_unproven(
    address: str, attribute: str, document: str, tmp_path: Path
) -> None:
    content = stack("everything")
    resource(content, address)[attribute] = document
    found = checked(tmp_path, content).findings
    if document or not address.startswith("aws_kms_key"):  # AWS gives a key a policy of its own
        assert any(each.startswith(f"unproven {address}: ")
                   for each in of(found, "unreadable-policy"))  # fmt: skip


ODD: list[Json] = [
    {"Principal": {"AWS": "arn:aws"}, "Action": "*", "Resource": "*"},
    {"Principal": {"AWS": ":root"}, "Action": "*", "Resource": "*"},
    {"Principal": {"AWS": "arn:aws:iam::999999999990"}, "Action": "*", "Resource": "*"},
    {"Principal": {"AWS": []}, "Action": "*", "Resource": "*"},
    {"Principal": {}, "Action": "*", "Resource": "*"},
    {"Principal": "*", "Action": [], "Resource": []},
    {"Principal": "*", "Action": "nothing", "Resource": "arn:aws:s3"},
    {"Principal": "*", "Action": "*", "Resource": "*", "Condition": {}},
    {"Principal": "*", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {}}},
    {"Principal": {"Service": "*"}, "Action": "*", "Resource": "*"},
    {"Principal": {"Federated": "x"}, "Action": "*", "Resource": "*"},
    {"Principal": {"Nobody": "x"}, "Action": "*", "Resource": "*"},
    *(
        {"Principal": principal, "Action": "*", "Resource": "*",
         "Condition": {operator: {key: values}}}
        for principal in ("*", {"AWS": "999999999990"}, {"Service": "s3.amazonaws.com"})
        for operator, key in (
            ("StringEquals", "aws:PrincipalAccount"), ("StringLike", "aws:PrincipalAccount"),
            ("ArnLike", "aws:PrincipalArn"), ("ArnLike", "aws:SourceArn"),
            ("StringEquals", "aws:SourceAccount"), ("Null", "aws:PrincipalArn"),
            ("NumericLessThan", "aws:MultiFactorAuthAge"), ("Nothing", "aws:PrincipalOrgID"),
            ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths"),
        )
        for values in ([], "arn:aws", "*", 5, True, ["", "${aws:username}", "${"])
    ),
]  # fmt: skip


@pytest.mark.parametrize("number", range(0, len(ODD), 6))
def test_no_odd_statement_is_taken_for_a_fault(number: int, tmp_path: Path) -> None:
    for statement in ODD[number : number + 6]:
        content = small(**dict.fromkeys(("archive", "key", "topic"), policy(statement)))
        trust = {**statement, "Action": "sts:AssumeRole"}
        trust.pop("Resource")
        role = {"provider": "aws.logging", "name": "r", "assume_role_policy": policy(trust)}
        content["resource"]["aws_iam_role"] = {"r": role}
        checked(tmp_path, content)


documents: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {name: situations() for name in ("archive", "key", "topic")}
)


@given(documents)
@settings(max_examples=at_most(60))
def test_what_is_called_allowed_is_what_the_evaluator_allows(drawn: dict[str, Any]) -> None:
    policies = {
        name: json.dumps(each.resource) for name, each in drawn.items() if each.resource is not None
    }
    content = small(**policies)
    with tempfile.TemporaryDirectory() as folder:
        checked(Path(folder), content)
    model = of_json(content)
    asker = Asker(model)
    for grant in grants(asker, intent_from_policies(model)):
        target = asker.target(grant.resource)
        assert target
        caller = grant.who.caller
        assert grant.decision.verdict in {
            evaluate(
                Request(caller, grant.action, grant.resource, target.account, each),
                Policies(grant.who.policies, target.policy),
            ).verdict
            for each in contexts(grant.attached.policy, grant, target.context)
        }


def contexts(policy: Any, grant: Any, of_target: Any) -> list[dict[str, Any]]:
    """Return the condition keys that a class of callers can send for what lets it in."""
    from orgtrail.check.classes import satisfying

    always = {"aws:SecureTransport": "true", "aws:ViaAWSService": "false", **of_target}
    return [
        {**always, **satisfying(each, grant.who.caller), **grant.who.context}
        for each in policy.statements
        if each.allows
    ]


def test_the_small_stack_is_small_and_known() -> None:
    model = of_json(small())
    assert (model.management, model.logging, model.organization) == (
        MANAGEMENT, LOGGING, ORGANIZATION,
    )  # fmt: skip
    assert MEMBER not in model.members
