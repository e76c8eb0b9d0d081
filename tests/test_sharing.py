"""A log bucket that other services write to: their logs come, and none of ours is forged."""

from __future__ import annotations

from pathlib import Path

import pytest
from orgtrail import naming
from orgtrail.check.run import check
from orgtrail.environments import require_limits
from orgtrail.errors import SettingsError
from orgtrail.iam.evaluator import Policies, Verdict, evaluate
from orgtrail.iam.policy import parse
from orgtrail.iam.request import Caller, Kind, Request
from orgtrail.settings.environment import Environment
from orgtrail.trail import archive, key

from tests import golden
from tests.conftest import MINIMAL, Json, environment, merged, synthesized, tfvars
from tests.test_settings import Write, complaints

SHARED = next(each for each in golden.environments() if each.name == "shared")
PRODUCTION, DEVELOPMENT = "630000000003", "630000000004"


def writes(service: str, object_: str, account: str, env: Environment = SHARED) -> Verdict:
    request = Request(
        Caller(Kind.SERVICE, service),
        "s3:PutObject",
        naming.bucket_arn(env, env.archive.bucket, object_),
        env.logging.id,
        {
            "aws:SecureTransport": "true",
            "aws:SourceAccount": account,
            "aws:SourceOrgID": env.organization.id,
            "s3:x-amz-acl": "bucket-owner-full-control",
        },
    )
    return evaluate(
        request, Policies(resource=parse("archive", archive.archive_policy(env)))
    ).verdict


KEPT: Json = {
    "Sid": "Kept",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::333333333333:root"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::example-bank-archive/other/*",
}

DELIVERED = [
    (
        "logdelivery.elasticloadbalancing.amazonaws.com",
        f"balancers/AWSLogs/{PRODUCTION}/ELBAccessLogTestFile",
    ),
    (
        "delivery.logs.amazonaws.com",
        f"network/AWSLogs/aws-account-id={PRODUCTION}/aws-service=vpcflowlogs/x.log.gz",
    ),
    ("config.amazonaws.com", f"AWSLogs/{PRODUCTION}/Config/eu-west-1/2026/1/1/x.json.gz"),
    ("config.amazonaws.com", f"AWSLogs/{PRODUCTION}/Config/ConfigWritabilityCheckFile"),
    ("delivery.logs.amazonaws.com", f"network/AWSLogs/{PRODUCTION}/vpcflowlogs/x.log.gz"),
    ("delivery.logs.amazonaws.com", f"network/AWSLogs/{PRODUCTION}/vpcdnsquerylogs/vpc-1/x.log.gz"),
    ("delivery.logs.amazonaws.com", f"AWSLogs/{PRODUCTION}/WAFLogs/x.log.gz"),
    ("delivery.logs.amazonaws.com", f"AWSLogs/{PRODUCTION}/network-firewall/flow/x.log.gz"),
    (
        "logdelivery.elasticloadbalancing.amazonaws.com",
        f"balancers/AWSLogs/{PRODUCTION}/elasticloadbalancing/x.log.gz",
    ),
]


@pytest.mark.parametrize(("service", "object_"), DELIVERED)
def test_each_further_writer_delivers(service: str, object_: str) -> None:
    assert writes(service, object_, PRODUCTION) is Verdict.ALLOW


@pytest.mark.parametrize("service", sorted({service for service, _ in DELIVERED}))
@pytest.mark.parametrize(
    "object_",
    [
        f"AWSLogs/o-exampleshare1/{PRODUCTION}/CloudTrail/eu-west-1/2026/01/01/x.json.gz",
        f"AWSLogs/o-exampleshare1/{PRODUCTION}/CloudTrail-Digest/eu-west-1/2026/01/01/x.json.gz",
        f"AWSLogs/o-exampleshare1/{PRODUCTION}/Config/x.json.gz",
        "AWSLogs/630000000001/CloudTrail/eu-west-1/2026/01/01/x.json.gz",
        "AWSLogs/630000000001/CloudTrail-Digest/Config/x.json.gz",
    ],
)
def test_no_other_service_forges_a_log_file(service: str, object_: str) -> None:
    assert writes(service, object_, PRODUCTION) is not Verdict.ALLOW


def test_a_writer_of_some_accounts_is_of_those_alone() -> None:
    service, object_ = "delivery.logs.amazonaws.com", f"balancers/AWSLogs/{PRODUCTION}/elb"
    nlb = object_.replace("/elb", "/elasticloadbalancing/x.log.gz")
    assert writes(service, nlb, PRODUCTION) is Verdict.ALLOW
    assert writes(service, nlb.replace(PRODUCTION, DEVELOPMENT), DEVELOPMENT) is not Verdict.ALLOW


def test_what_load_balancers_cannot_deliver_to_is_not_the_default() -> None:
    """They deliver with SSE-S3 alone; CloudTrail names the key itself."""
    stack = synthesized(SHARED)["resource"]
    kind = "aws_s3_bucket_server_side_encryption_configuration"
    by_default = stack[kind]["archive_encryption"]["rule"][0]
    assert by_default["apply_server_side_encryption_by_default"] == {"sse_algorithm": "AES256"}
    assert stack["aws_cloudtrail"]["trail"]["kms_key_id"] == "${aws_kms_key.key.arn}"
    assert "Config1Encrypts" not in str(key.key_policy(SHARED))


def test_where_the_bucket_encrypts_with_the_key_its_writers_may_use_it() -> None:
    env = environment(archive={"writers": [{"service": "vpc_flow_logs"}]})
    (allowed,) = [
        each for each in key.key_policy(env)["Statement"] if each["Sid"] == "VpcFlowLogs1Encrypts"
    ]
    assert allowed["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceOrgID": "o-examplebank"}}


def test_kept_statements_are_kept_word_for_word() -> None:
    written = {each["Sid"]: each for each in archive.archive_policy(SHARED)["Statement"]}
    assert written["SecurityLakeReads"] == {
        "Sid": "SecurityLakeReads",
        "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::630000000003:role/security-lake"]},
        "Action": ["s3:GetObject", "s3:GetObjectTagging"],
        "Resource": "arn:aws:s3:::aws-waf-logs-example-shared/network/*",
    }
    assert written["OnlyTheNetworkTeamTags"]["NotPrincipal"] == {
        "AWS": "arn:aws:iam::630000000003:role/network"
    }


@pytest.mark.parametrize(
    ("service", "further", "reason"),
    [
        ("delivery.logs.amazonaws.com", {}, "the key that the bucket encrypts with does not"),
        ("logging.s3.amazonaws.com", {}, "S3 delivers to no bucket that encrypts with KMS"),
        (
            "config.amazonaws.com",
            {"object_lock": {"mode": "GOVERNANCE", "days": 30}},
            "AWS Config delivers to no bucket with a default lock",
        ),
    ],
)
def test_a_kept_statement_that_cannot_work_is_told(
    tmp_path: Path, service: str, further: Json, reason: str
) -> None:
    kept = {
        **KEPT,
        "Principal": {"Service": service},
        "Action": "s3:PutObject",
        "Condition": {"StringEquals": {"aws:SourceOrgID": "o-examplebank"}},
    }
    changes = {"archive": {"statements": [kept], **further}}
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, changes)), encoding="utf-8")
    (found,) = [each for each in check(path).findings if each.rule == "writer-shut-out"]
    assert reason in found.message


def test_an_endpoint_that_cloudtrail_does_not_use_keeps_it_out(tmp_path: Path) -> None:
    kept = {
        "Sid": "OnlyOurEndpoint",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::example-bank-archive/*",
        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}},
    }
    path = tmp_path / "bank.tfvars"
    changes = {"archive": {"statements": [kept]}}
    path.write_text(tfvars(merged(MINIMAL, changes)), encoding="utf-8")
    assert "trail-cannot-write" in {each.rule for each in check(path).findings}


def test_a_collector_that_is_named_is_no_member(tmp_path: Path) -> None:
    named = {**KEPT, "Principal": {"AWS": "arn:aws:iam::999988887777:role/splunk"}}
    kept = {**named, "Resource": "arn:aws:s3:::example-bank-archive/*"}
    path = tmp_path / "bank.tfvars"
    changes = {"archive": {"statements": [kept]}}
    path.write_text(tfvars(merged(MINIMAL, changes)), encoding="utf-8")
    assert "member-isolation" not in {each.rule for each in check(path).findings}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"writers": [{"service": "config"}], "object_lock": {"mode": "GOVERNANCE", "days": 9}},
            "archive.writers[0] must not be config where archive.object_lock is set: AWS Config "
            "delivers to no bucket with a default lock; give AWS Config a bucket of its own",
        ),
        (
            {"writers": [{"service": "waf"}]},
            "archive.writers[0] must not be waf unless archive.bucket begins with aws-waf-logs-: "
            'WAF delivers to no other bucket; got "example-bank-archive"',
        ),
        (
            {"writers": [{"service": "nlb"}, {"service": "nlb"}]},
            'archive.writers[1] must not come twice; got "nlb"',
        ),
        (
            {"writers": [{"service": "nlb", "accounts": ["nowhere"]}]},
            'archive.writers[0].accounts[0] must be a name in accounts; got "nowhere"',
        ),
        (
            {"statements": [KEPT, KEPT]},
            'archive.statements[1].Sid must be a name of its own; got "Kept"',
        ),
        (
            {"statements": [{**KEPT, "NotAction": "s3:PutObject"}]},
            'archive.statements[0] needs Action or NotAction, and not both; got "Kept"',
        ),
        (
            {"statements": [{**KEPT, "Resource": "arn:aws:s3:::example-bank/*"}]},
            "archive.statements[0].Resource must be bucket example-bank-archive or keys of it, by "
            'ARN; got "arn:aws:s3:::example-bank/*"',
        ),
    ],
)
def test_what_a_file_may_not_say(env_file: Write, changes: Json, words: str) -> None:
    assert complaints(env_file, {"archive": changes}) == [words]


def test_a_kept_statement_has_no_name_of_ours() -> None:
    env = environment(archive={"statements": [{**KEPT, "Sid": "DenyForgedLogs"}]})
    with pytest.raises(SettingsError) as told:
        require_limits(env)
    assert str(told.value) == (
        "archive.statements[0].Sid must not be the name of a statement that orgtrail writes; "
        'got "DenyForgedLogs"'
    )
