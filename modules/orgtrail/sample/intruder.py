"""What an intruder with the keys of one IAM user does, story by story."""

from __future__ import annotations

from orgtrail.regions import partition
from orgtrail.sample import identities as who
from orgtrail.sample.telling import OUTSIDE, STRANGER, Story, Teller

_FAR = {"aws": "ap-south-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-east-1"}
"""A region that nobody works in, by partition; those that have one region have no such story."""


def spray(tell: Teller) -> Story:
    """Passwords are tried, and one fits."""
    events = []
    for number in range(12):
        caller = tell.intruder(tell.data, f"staff-{number:02d}")
        events.append(tell.recorder.login(caller, tell.data, tell.later(), success=False, mfa="No"))
    hit = tell.intruder(tell.data)
    events.append(tell.recorder.login(hit, tell.data, tell.later(), success=True, mfa="No"))
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


def blinding(tell: Teller) -> Story:
    """The trail is to be stopped."""
    trail = tell.environment.trail.name
    caller = tell.intruder(tell.data)
    narrow = {"name": trail, "isMultiRegionTrail": False, "enableLogFileValidation": False}
    events = [
        tell.do(caller, "cloudtrail:StopLogging", tell.data, {"name": trail}, error="AccessDenied"),
        tell.do(caller, "cloudtrail:DeleteTrail", tell.data, {"name": trail}, error="AccessDenied"),
        tell.do(caller, "cloudtrail:UpdateTrail", tell.data, narrow, error="AccessDeniedException"),
    ]
    return Story(
        "blinding",
        "The intruder tried to stop, delete and narrow the trail, and was refused.",
        ("trail-tampering", "trail-history", "trail-narrowed", "denied-calls"),
        events,
    )


def patients(tell: Teller) -> Story:
    """A table is read whole."""
    caller = tell.intruder(tell.data)
    arn = f"arn:aws:dynamodb:{tell.home}:{tell.data}:table/patients"
    table = [{"accountId": tell.data, "type": "AWS::DynamoDB::Table", "ARN": arn}]
    events = [
        tell.do(
            caller, "dynamodb:Scan", tell.data, {"tableName": "patients"}, reads=True,
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


def persistence(tell: Teller) -> Story:
    """A way back in is laid."""
    caller = tell.intruder(tell.data)
    victim = {"userName": "backup-admin"}
    admin = victim | {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    events = [
        tell.do(caller, "iam:CreateUser", tell.data, victim),
        tell.do(caller, "iam:AttachUserPolicy", tell.data, admin),
        tell.do(caller, "iam:CreateAccessKey", tell.data, victim),
        tell.do(caller, "iam:DeactivateMFADevice", tell.data, {"userName": "staff-01"}),
        tell.do(caller, "iam:CreateSAMLProvider", tell.data, {"name": "corp-login"}),
    ]
    return Story(
        "persistence",
        "The intruder made an administrator, a key for it, and a way to log in from outside.",
        ("new-credentials", "privilege-changes", "mfa-removed", "federation-changes"),
        events,
    )


def guards(tell: Teller) -> Story:
    """What watches is switched off."""
    caller = tell.intruder(tell.data)
    key = {"keyId": f"arn:aws:kms:{tell.home}:{tell.data}:key/0000-1111"}
    grant = key | {
        "granteePrincipal": f"arn:aws:iam::{OUTSIDE}:root",
        "operations": ["Decrypt"],
    }
    events = [
        tell.do(caller, "guardduty:DeleteDetector", tell.data, {"detectorId": "d-1"}),
        tell.do(caller, "kms:DisableKey", tell.data, key),
        tell.do(caller, "kms:CreateGrant", tell.data, grant),
    ]
    return Story(
        "guards",
        "The intruder deleted a GuardDuty detector, disabled a key and granted it to an outsider.",
        ("security-services-stopped", "kms-key-disabled", "kms-grants"),
        events,
    )


def exposure(tell: Teller) -> Story:
    """Things are opened and given away."""
    caller = tell.intruder(tell.data)
    everyone = {
        "bucketPolicy": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]}
    }
    opened = {"ipPermissions": {"items": [{"ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}}
    share = {"createVolumePermission": {"add": {"items": [{"userId": OUTSIDE}]}}}
    elsewhere = _FAR.get(partition(tell.home), tell.home)
    unused = ("unused-regions",) if elsewhere != tell.home else ()
    events = [
        tell.do(caller, "s3:PutBucketPolicy", tell.data, {"bucketName": "public-site"} | everyone),
        tell.do(
            caller,
            "ec2:AuthorizeSecurityGroupIngress",
            tell.data,
            {"groupId": "sg-1"} | opened,
        ),
        tell.do(caller, "ec2:ModifySnapshotAttribute", tell.data, {"snapshotId": "snap-1"} | share),
        tell.do(
            caller,
            "ec2:RunInstances",
            tell.data,
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


def secrets(tell: Teller) -> Story:
    """Secrets are read one after another."""
    caller = tell.intruder(tell.data)
    events = [
        tell.do(
            caller, "secretsmanager:GetSecretValue", tell.data,
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


def machines(tell: Teller) -> Story:
    """Instances are entered, and what starts them is read and changed."""
    caller = tell.intruder(tell.data)
    instance = {"instanceId": "i-0123456789abcdef0"}
    script = {"instanceIds": [instance["instanceId"]], "documentName": "AWS-RunShellScript"}
    changed = instance | {"userData": "<sensitiveDataRemoved>"}
    events = [
        tell.do(
            caller, "ec2:DescribeInstanceAttribute", tell.data,
            instance | {"attribute": "userData"}, reads=True,
        ),
        tell.do(caller, "ec2:ModifyInstanceAttribute", tell.data, changed),
        tell.do(caller, "ssm:SendCommand", tell.data, script),
    ]  # fmt: skip
    return Story(
        "machines",
        "The intruder read and changed an instance's start script, and ran a command on it.",
        ("instance-access", "user-data"),
        events,
    )


def stolen(tell: Teller) -> Story:
    """An instance's credentials leave it."""
    portal = who.workload(tell.data, "intake")
    own = who.Caller(portal.identity, "198.51.100.20", portal.agent)
    taken = who.Caller(portal.identity, STRANGER, "aws-cli/2.9.1 ua/2.0 os/linux#5.4.kali")
    events = [
        tell.do(own, "s3:ListBuckets", tell.data, reads=True),
        tell.do(taken, "s3:ListBuckets", tell.data, reads=True),
    ]
    return Story(
        "stolen",
        "The credentials of the instance intake were used from the intruder's address.",
        ("instance-credentials",),
        events,
    )


def functions(tell: Teller) -> Story:
    """Code is put where it runs again, and models are used."""
    caller = tell.intruder(tell.data)
    function = {"functionName": "nightly-report"}
    anyone = function | {"principal": "*", "action": "lambda:InvokeFunction"}
    model = {"modelId": "anthropic.claude-3-haiku-20240307-v1:0"}
    events = [
        tell.do(caller, "lambda:UpdateFunctionCode20150331v2", tell.data, function),
        tell.do(caller, "lambda:AddPermission20150331v2", tell.data, anyone),
        tell.do(caller, "bedrock:InvokeModel", tell.data, model, reads=True),
        tell.do(caller, "sts:GetFederationToken", tell.data, {"name": "backup"}),
    ]
    return Story(
        "functions",
        "The intruder changed a function, let everyone call it, used a model, and took a token "
        "that outlives the key.",
        ("lambda-changes", "bedrock-use", "federation-tokens"),
        events,
    )
