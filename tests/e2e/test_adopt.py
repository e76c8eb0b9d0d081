"""A trail that somebody clicked together comes under management, and nothing of it is replaced."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from orgtrail import naming
from orgtrail.environments import load_environment
from orgtrail.iam.evaluator import Policies, Verdict, evaluate
from orgtrail.iam.policy import parse
from orgtrail.iam.request import Caller, Kind, Request
from orgtrail.settings.environment import Environment
from orgtrail.trail import archive, delivery, service_control, writers
from orgtrail.trail.policy import Statement, document, text

from tests.conftest import ROOT
from tests.e2e.cloud import Cloud, Organization, organization
from tests.e2e.terraform import Folder, Plan, Project

FILES = ROOT / "tests" / "envs"


@pytest.fixture(scope="module")
def bank(here: Cloud) -> Organization:
    return organization(here, "111111111111", "logging", "production")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, here: Cloud, bank: Organization) -> Project:
    """Click the trail together, and describe it in an environment file."""
    unit = here.client(bank.management, "organizations").create_organizational_unit(
        ParentId=bank.root_id, Name="workload"
    )["OrganizationalUnit"]["Id"]
    path = tmp_path_factory.mktemp("adopt") / "main"
    settings = (FILES / "adopted.tfvars").read_text().replace("ou-adp1-workload1", unit)
    project = Project.made(path, "adopted", bank.placed(settings))
    environment = load_environment(project.file)
    key, policy = _clicked(here.client, environment)
    settings = project.file.read_text().replace("12345678-1234-1234-1234-123456789012", key)
    project.write(settings.replace("p-example1", policy))
    return project


@pytest.fixture(scope="module")
def environment(project: Project) -> Environment:
    return load_environment(project.file)


@pytest.fixture(scope="module")
def stack(project: Project, here: Cloud) -> Folder:
    stack = project.synthesize(here)
    stack.must("init")
    return stack


@pytest.fixture(scope="module")
def plan(stack: Folder) -> Plan:
    return stack.plan()


def test_the_plan_imports_all_of_it_and_replaces_nothing(plan: Plan, project: Project) -> None:
    content = json.loads((project.stack.path / "cdk.tf.json").read_text())
    assert plan.imports == {each["to"] for each in content["import"]}
    assert len(plan.imports) == 20
    done = {action for each in plan.actions.values() for action in each}
    assert done <= {"create", "update", "no-op"}
    for place in plan.imports:
        assert "create" not in plan.actions[place], place


def test_the_plan_shows_what_would_change(plan: Plan) -> None:
    assert "policy" in plan.changed["aws_s3_bucket_policy.archive_policy"]
    assert "policy" in plan.changed["aws_kms_key.key"]
    assert "enable_log_file_validation" in plan.changed["aws_cloudtrail.trail"]
    assert "retention_in_days" in plan.changed["aws_cloudwatch_log_group.delivery_log_group"]
    assert "content" in plan.changed["aws_organizations_policy.guardrails_scp"]


def test_what_the_file_names_is_kept(plan: Plan) -> None:
    """A topic and notifications that were there: the plan neither ends nor changes them."""
    assert "sns_topic_name" not in plan.changed["aws_cloudtrail.trail"]
    notification = "aws_s3_bucket_notification.siem_notification"
    assert notification in plan.imports
    assert plan.actions[notification] == ("no-op",)


def test_it_is_then_as_the_file_says(
    plan: Plan, stack: Folder, here: Cloud, environment: Environment
) -> None:
    assert plan.changes
    stack.apply()
    assert stack.plan().changes == {}
    management, logging = environment.management.id, environment.logging.id
    (trail,) = here.client(management, "cloudtrail").describe_trails()["trailList"]
    assert trail["LogFileValidationEnabled"] is True
    assert environment.adopt.key
    assert trail["KmsKeyId"] == environment.adopt.key.arn
    topic = environment.trail.sns_topic
    assert topic
    assert topic.arn == trail["SnsTopicARN"]
    s3 = here.client(logging, "s3")
    policy = s3.get_bucket_policy(Bucket=environment.archive.bucket)["Policy"]
    assert json.loads(policy) == archive.archive_policy(environment)
    told = s3.get_bucket_notification_configuration(Bucket=environment.archive.bucket)
    (queue,), (removals,) = told["QueueConfigurations"], told["TopicConfigurations"]
    assert [queue["QueueArn"], removals["TopicArn"]] == [
        each.arn for each in environment.archive.notifications
    ]
    # What was in the bucket is there still.
    versions = s3.list_object_versions(Bucket=environment.archive.bucket)["Versions"]
    assert "AWSLogs/old" in {each["Key"] for each in versions}
    iam = here.client(management, "iam")
    trust = iam.get_role(RoleName=environment.delivery.role_name)["Role"]
    assert trust["AssumeRolePolicyDocument"] == delivery.delivery_trust(environment)
    assert environment.adopt.scp
    described = here.client(management, "organizations").describe_policy(
        PolicyId=environment.adopt.scp.id
    )
    expected = service_control.service_control(environment)[""]
    assert json.loads(described["Policy"]["Content"]) == expected


def test_what_another_service_wrote_to_the_bucket_it_still_writes(
    here: Cloud, environment: Environment
) -> None:
    """Flow logs were delivered before, and a statement let a team read them: both stay."""
    bucket = environment.archive.bucket
    fetched = here.client(environment.logging.id, "s3").get_bucket_policy(Bucket=bucket)["Policy"]
    production = environment.accounts["production"].id
    request = Request(
        Caller(Kind.SERVICE, "delivery.logs.amazonaws.com"),
        "s3:PutObject",
        f"arn:aws:s3:::{bucket}/AWSLogs/{production}/vpcflowlogs/us-east-1/2026/01/31/x.log.gz",
        environment.logging.id,
        {
            "aws:SecureTransport": "true",
            "aws:SourceAccount": production,
            "aws:SourceOrgID": environment.organization.id,
            "s3:x-amz-acl": "bucket-owner-full-control",
        },
    )
    policy = parse("fetched", json.loads(fetched))
    assert evaluate(request, Policies(resource=policy)).verdict is Verdict.ALLOW
    (kept,) = environment.archive.statements
    sids = [each["Sid"] for each in json.loads(fetched)["Statement"]]
    assert kept.Sid in sids


def test_what_is_only_referred_to_is_left_alone(
    tmp_path: Any, here: Cloud, bank: Organization, environment: Environment
) -> None:
    """The same trail, now somebody else's: a second stack of ours beside it touches none of it."""
    settings = bank.placed((FILES / "referred.tfvars").read_text())
    for theirs, real in (
        ("aws-controltower-BaselineCloudTrail", environment.trail.name),
        ("ou-ref1-workload1", bank.root_id),
        ("p-example2", environment.adopt.scp.id if environment.adopt.scp else ""),
    ):
        settings = settings.replace(theirs, real)
    project = Project.made(tmp_path / "main", "referred", settings)
    stack = project.synthesize(here)
    stack.must("init")
    plan = stack.plan()
    assert {action for each in plan.actions.values() for action in each} == {"create"}
    kinds = {place.partition(".")[0] for place in plan.actions}
    assert not kinds & {"aws_cloudtrail", "aws_cloudwatch_log_group", "aws_organizations_policy"}


def _clicked(client: Callable[[str, str], Any], env: Environment) -> tuple[str, str]:
    """Make by the API what the file says exists, otherwise than we would; return made-up ids."""
    key = _key(client(env.logging.id, "kms"), env)
    _buckets(client(env.logging.id, "s3"), env)
    _told(client, env)
    _trail(client, env)
    organizations = client(env.management.id, "organizations")
    policy = organizations.create_policy(
        Name="by hand", Type="SERVICE_CONTROL_POLICY", Description="", Content=_denied()
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=env.organization.root_id)
    return key, policy


def _key(kms: Any, env: Environment) -> str:
    # AWS fills in the usage where none is given; moto 5.2.5 does not.
    key = str(
        kms.create_key(Description="by hand", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"]
    )
    kms.create_alias(AliasName=env.key.alias, TargetKeyId=key)
    return key


def _buckets(s3: Any, env: Environment) -> None:
    archived, logs = env.archive.bucket, env.archive.access_log_bucket
    s3.create_bucket(Bucket=logs)
    s3.create_bucket(Bucket=archived, ObjectLockEnabledForBucket=True)
    # As the file has it: moto 5.2.5 takes no other lock once the bucket holds a file.
    lock = {"Mode": "GOVERNANCE", "Days": 365}
    s3.put_object_lock_configuration(
        Bucket=archived,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": lock},
        },
    )
    written = {
        logs: [_written_by("logging.s3.amazonaws.com", logs)],
        archived: [
            _written_by(naming.CLOUDTRAIL, archived),
            _written_by("delivery.logs.amazonaws.com", archived),
            *writers.kept_statements(env),
        ],
    }
    for bucket, statements in written.items():
        s3.put_bucket_ownership_controls(
            Bucket=bucket,
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
        )
        s3.put_bucket_policy(Bucket=bucket, Policy=text(document(*statements)))
    s3.put_bucket_logging(
        Bucket=archived,
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": "by-hand/"}},
    )
    closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(
        Bucket=archived, PublicAccessBlockConfiguration=dict.fromkeys(closed, False)
    )
    s3.put_bucket_versioning(Bucket=archived, VersioningConfiguration={"Status": "Enabled"})
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(
        Bucket=archived, ServerSideEncryptionConfiguration={"Rules": [default]}
    )
    rule = {"ID": "old", "Status": "Enabled", "Prefix": "", "Expiration": {"Days": 90}}
    s3.put_bucket_lifecycle_configuration(Bucket=archived, LifecycleConfiguration={"Rules": [rule]})
    s3.put_object(Bucket=archived, Key="AWSLogs/old", Body=b"{}")


def _told(client: Callable[[str, str], Any], env: Environment) -> None:
    """Have the bucket tell a queue and a topic, and make the topic that the trail will tell."""
    queue, topic = env.archive.notifications
    sqs, sns = client(env.logging.id, "sqs"), client(env.logging.id, "sns")
    sqs.create_queue(QueueName=queue.arn.rpartition(":")[2])
    sns.create_topic(Name=topic.arn.rpartition(":")[2])
    filters = [{"Name": "prefix", "Value": queue.prefix}]
    client(env.logging.id, "s3").put_bucket_notification_configuration(
        Bucket=env.archive.bucket,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": queue.arn,
                    "Events": [*queue.events],
                    "Filter": {"Key": {"FilterRules": filters}},
                }
            ],
            "TopicConfigurations": [{"TopicArn": topic.arn, "Events": [*topic.events]}],
        },
    )
    client(env.management.id, "sns").create_topic(Name=naming.trail_topic(env))


def _trail(client: Callable[[str, str], Any], env: Environment) -> None:
    account, group = env.management.id, env.delivery.log_group
    client(account, "logs").create_log_group(logGroupName=group)
    client(account, "iam").create_role(
        RoleName=env.delivery.role_name,
        AssumeRolePolicyDocument=text(
            document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": naming.CLOUDTRAIL},
                    "Action": "sts:AssumeRole",
                }
            )
        ),
    )
    client(account, "cloudtrail").create_trail(
        Name=env.trail.name,
        S3BucketName=env.archive.bucket,
        IsMultiRegionTrail=True,
        IsOrganizationTrail=True,
        SnsTopicName=naming.trail_topic(env),
    )


def _written_by(service: str, bucket: str) -> Statement:
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }


def _denied() -> str:
    return text(document({"Effect": "Deny", "Action": "cloudtrail:StopLogging", "Resource": "*"}))
