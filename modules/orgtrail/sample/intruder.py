"""Stories of an intruder with the keys of one IAM user."""

from __future__ import annotations

from orgtrail.regions import partition
from orgtrail.sample import records
from orgtrail.sample.records import OUTSIDE, STRANGER, Story, StoryWriter

_FAR = {"aws": "ap-south-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-east-1"}
"""By partition, a region that nobody works in; partitions with one region have none."""


def spray(writer: StoryWriter) -> Story:
    """Passwords are tried, and one works."""
    events = []
    for number in range(12):
        caller = writer.intruder(writer.data, f"staff-{number:02d}")
        events.append(
            writer.recorder.login(caller, writer.data, writer.later(), success=False, mfa="No")
        )
    hit = writer.intruder(writer.data)
    events.append(writer.recorder.login(hit, writer.data, writer.later(), success=True, mfa="No"))
    return Story(
        "password-spray",
        f"Twelve users were tried from {STRANGER}; then one got in without a second factor.",
        (
            "console-login-failures",
            "failed-authentication",
            "console-login-without-mfa",
            "address-activity",
        ),
        events,
    )


def blinding(writer: StoryWriter) -> Story:
    """The intruder tries to stop the trail."""
    trail = writer.environment.trail.name
    caller = writer.intruder(writer.data)
    narrow = {"name": trail, "isMultiRegionTrail": False, "enableLogFileValidation": False}
    events = [
        writer.do(
            caller, "cloudtrail:StopLogging", writer.data, {"name": trail}, error="AccessDenied"
        ),
        writer.do(
            caller, "cloudtrail:DeleteTrail", writer.data, {"name": trail}, error="AccessDenied"
        ),
        writer.do(
            caller, "cloudtrail:UpdateTrail", writer.data, narrow, error="AccessDeniedException"
        ),
    ]
    return Story(
        "blinding",
        "The intruder tried to stop, delete and narrow the trail, and was refused.",
        ("trail-tampering", "trail-history", "trail-narrowed", "denied-calls"),
        events,
    )


def patients(writer: StoryWriter) -> Story:
    """A complete table is read."""
    caller = writer.intruder(writer.data)
    arn = f"arn:aws:dynamodb:{writer.home}:{writer.data}:table/patients"
    table = [{"accountId": writer.data, "type": "AWS::DynamoDB::Table", "ARN": arn}]
    events = [
        writer.do(
            caller, "dynamodb:Scan", writer.data, {"tableName": "patients"}, reads=True,
            resources=table,
        )
        for _ in range(3)
    ]  # fmt: skip
    return Story(
        "whole-table-read",
        "The intruder read the whole table patients, three times.",
        ("dynamodb-access", "resource-access", "principal-activity", "access-key-history"),
        events,
    )


def persistence(writer: StoryWriter) -> Story:
    """The intruder creates ways back in."""
    caller = writer.intruder(writer.data)
    victim = {"userName": "backup-admin"}
    admin = victim | {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    events = [
        writer.do(caller, "iam:CreateUser", writer.data, victim),
        writer.do(caller, "iam:AttachUserPolicy", writer.data, admin),
        writer.do(caller, "iam:CreateAccessKey", writer.data, victim),
        writer.do(caller, "iam:DeactivateMFADevice", writer.data, {"userName": "staff-01"}),
        writer.do(caller, "iam:CreateSAMLProvider", writer.data, {"name": "corp-login"}),
    ]
    return Story(
        "persistence",
        "The intruder made an administrator, a key for it, and a way to log in from outside.",
        ("new-credentials", "privilege-changes", "mfa-removed", "federation-changes"),
        events,
    )


def guards(writer: StoryWriter) -> Story:
    """Detection is switched off, and a key is disabled."""
    caller = writer.intruder(writer.data)
    key = {"keyId": f"arn:aws:kms:{writer.home}:{writer.data}:key/0000-1111"}
    grant = key | {
        "granteePrincipal": f"arn:aws:iam::{OUTSIDE}:root",
        "operations": ["Decrypt"],
    }
    events = [
        writer.do(caller, "guardduty:DeleteDetector", writer.data, {"detectorId": "d-1"}),
        writer.do(caller, "kms:DisableKey", writer.data, key),
        writer.do(caller, "kms:CreateGrant", writer.data, grant),
    ]
    return Story(
        "guards",
        "The intruder deleted a GuardDuty detector, disabled a key and granted it to an outsider.",
        ("security-services-stopped", "kms-key-disabled", "kms-grants"),
        events,
    )


def exposure(writer: StoryWriter) -> Story:
    """Resources are made public or shared."""
    caller = writer.intruder(writer.data)
    everyone = {
        "bucketPolicy": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]}
    }
    opened = {"ipPermissions": {"items": [{"ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}}
    share = {"createVolumePermission": {"add": {"items": [{"userId": OUTSIDE}]}}}
    elsewhere = _FAR.get(partition(writer.home), writer.home)
    unused = ("unused-regions",) if elsewhere != writer.home else ()
    events = [
        writer.do(
            caller, "s3:PutBucketPolicy", writer.data, {"bucketName": "public-site"} | everyone
        ),
        writer.do(
            caller,
            "ec2:AuthorizeSecurityGroupIngress",
            writer.data,
            {"groupId": "sg-1"} | opened,
        ),
        writer.do(
            caller, "ec2:ModifySnapshotAttribute", writer.data, {"snapshotId": "snap-1"} | share
        ),
        writer.do(
            caller,
            "ec2:RunInstances",
            writer.data,
            {"instanceType": "p5.48xlarge"},
            region=elsewhere,
        ),
    ]
    return Story(
        "exposure",
        "The intruder opened a bucket and a network, and gave a snapshot to another account.",
        ("bucket-exposure", "network-exposure", "snapshot-sharing", "unusual-instances", *unused),
        events,
    )


def secrets(writer: StoryWriter) -> Story:
    """Secrets are read one after another."""
    caller = writer.intruder(writer.data)
    events = [
        writer.do(
            caller, "secretsmanager:GetSecretValue", writer.data,
            {"secretId": f"portal/database-{number}"}, reads=True,
        )
        for number in range(15)
    ]  # fmt: skip
    return Story(
        "secrets",
        "The intruder read fifteen secrets within minutes.",
        ("secrets-read",),
        events,
    )


def machines(writer: StoryWriter) -> Story:
    """Instances are entered, and a start script is read and changed."""
    caller = writer.intruder(writer.data)
    instance = {"instanceId": "i-0123456789abcdef0"}
    script = {"instanceIds": [instance["instanceId"]], "documentName": "AWS-RunShellScript"}
    changed = instance | {"userData": "<sensitiveDataRemoved>"}
    events = [
        writer.do(
            caller, "ec2:DescribeInstanceAttribute", writer.data,
            instance | {"attribute": "userData"}, reads=True,
        ),
        writer.do(caller, "ec2:ModifyInstanceAttribute", writer.data, changed),
        writer.do(caller, "ssm:SendCommand", writer.data, script),
    ]  # fmt: skip
    return Story(
        "machines",
        "The intruder read and changed an instance's start script, and ran a command on it.",
        ("instance-access", "user-data"),
        events,
    )


def stolen(writer: StoryWriter) -> Story:
    """An instance's credentials leave it."""
    portal = records.workload(writer.data, "intake")
    own = records.Caller(portal.identity, "198.51.100.20", portal.agent)
    taken = records.Caller(portal.identity, STRANGER, "aws-cli/2.9.1 ua/2.0 os/linux#5.4.kali")
    events = [
        writer.do(own, "s3:ListBuckets", writer.data, reads=True),
        writer.do(taken, "s3:ListBuckets", writer.data, reads=True),
    ]
    return Story(
        "stolen",
        "The credentials of the instance intake were used from the intruder's address.",
        ("instance-credentials",),
        events,
    )


def functions(writer: StoryWriter) -> Story:
    """Code is planted in a function, and models are used."""
    caller = writer.intruder(writer.data)
    function = {"functionName": "nightly-report"}
    anyone = function | {"principal": "*", "action": "lambda:InvokeFunction"}
    model = {"modelId": "anthropic.claude-3-haiku-20240307-v1:0"}
    events = [
        writer.do(caller, "lambda:UpdateFunctionCode20150331v2", writer.data, function),
        writer.do(caller, "lambda:AddPermission20150331v2", writer.data, anyone),
        writer.do(caller, "bedrock:InvokeModel", writer.data, model, reads=True),
        writer.do(caller, "sts:GetFederationToken", writer.data, {"name": "backup"}),
    ]
    return Story(
        "functions",
        "The intruder changed a function, let everyone call it, used a model, and took a token "
        "that outlives the key.",
        ("lambda-changes", "bedrock-use", "federation-tokens"),
        events,
    )
