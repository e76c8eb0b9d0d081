"""Stories of people in the organization that an auditor wants to know about."""

from __future__ import annotations

from orgtrail.sample import records
from orgtrail.sample.records import Story, StoryWriter


def chain(writer: StoryWriter) -> Story:
    """Someone goes from role to role."""
    recorder, name = writer.recorder, "dora.novak"
    caller = records.person(writer.management, name)
    first, second = (records.unique("ASIA", "chain", step) for step in "ab")
    deploy = records.Caller(
        records.role(writer.management, "deploy", name, source=name, key=first),
        caller.ip,
        caller.agent,
    )
    events = recorder.assume(
        caller,
        writer.management,
        "deploy",
        name,
        writer.home,
        writer.later(),
        key=first,
        source=name,
    )
    events += recorder.assume(
        deploy,
        writer.data,
        "break-glass",
        name,
        writer.home,
        writer.later(),
        key=second,
        source=name,
    )
    inside = records.Caller(
        records.role(writer.data, "break-glass", name, source=name, key=second),
        caller.ip,
        caller.agent,
    )
    events.append(writer.do(inside, "ec2:DescribeInstances", writer.data, reads=True))
    return Story(
        "role-chain",
        f"{name} went through deploy in the management account to break-glass in production.",
        ("role-chain", "cross-account-roles", "first-time-roles", "role-assumptions"),
        events,
    )


def evidence(writer: StoryWriter) -> Story:
    """Someone reaches for the log files."""
    bucket = writer.environment.archive.bucket
    caller = records.person(writer.logging, "emil.larsen", "Administrator")
    key = f"AWSLogs/{writer.environment.organization.id}/{writer.data}/CloudTrail/some.json.gz"
    place = {"bucketName": bucket, "key": key}
    read = {"bytesTransferredOut": 18344}
    events = [
        writer.recorder.login(caller, writer.logging, writer.later(), success=True, mfa="No"),
        writer.do(
            caller,
            "s3:PutBucketPolicy",
            writer.logging,
            {"bucketName": bucket},
            error="AccessDenied",
        ),
        writer.do(
            caller, "s3:GetObject", writer.logging, place, reads=True, additionalEventData=read
        ),
        writer.do(caller, "s3:DeleteObject", writer.logging, place, error="AccessDenied"),
    ]
    return Story(
        "evidence",
        "emil.larsen entered the logging account, read a log file, and tried to delete it.",
        (
            "logging-account-access",
            "log-bucket-tampering",
            "log-object-tampering",
            "log-readers",
        ),
        events,
    )


def root(writer: StoryWriter) -> Story:
    """The root user is used."""
    caller = records.root(writer.data)
    admin = records.person(writer.management, "hana.sato", "Administrator")
    target = {
        "targetPrincipal": writer.data,
        "taskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"},
    }
    events = [
        writer.recorder.login(caller, writer.data, writer.later(), success=True, mfa="No"),
        writer.do(caller, "iam:CreateAccessKey", writer.data),
        writer.do(admin, "sts:AssumeRoot", writer.management, target),
    ]
    return Story(
        "root",
        "Root of production came in without a second factor and made itself an access key.",
        ("root-use", "root-credentials", "central-root-sessions", "new-credentials"),
        events,
    )


def athena(writer: StoryWriter) -> Story:
    """Someone queries the logs, and changes the auditors' workgroup."""
    workgroup = writer.environment.catalog.workgroup
    caller = records.person(writer.logging, "emil.larsen", "Administrator")
    run = {"queryExecutionId": writer.recorder.id()}
    question = {"queryString": "SELECT * FROM organization_trail", "workGroup": workgroup}
    events = [
        writer.do(
            caller, "athena:StartQueryExecution", writer.logging, question, responseElements=run
        ),
        writer.do(caller, "athena:GetQueryResults", writer.logging, run, reads=True),
        writer.do(caller, "athena:UpdateWorkGroup", writer.logging, {"workGroup": workgroup}),
    ]
    return Story(
        "audit-catalog",
        "emil.larsen asked for everything, and changed the auditors' workgroup.",
        ("athena-queries", "athena-guardrails"),
        events,
    )


def organization(writer: StoryWriter) -> Story:
    """The organization is changed."""
    caller = records.person(writer.management, "hana.sato", "Administrator")
    policy = {"policyId": "p-example0001", "targetId": writer.environment.organization.root_id}
    delegate = {"accountId": writer.data, "servicePrincipal": "guardduty.amazonaws.com"}
    move = {"accountId": writer.data, "sourceParentId": "ou-a", "destinationParentId": "ou-b"}
    grant = {
        "permissionSetArn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1",
        "principalId": "u-1",
        "targetId": writer.logging,
    }
    events = [
        writer.do(caller, "organizations:DetachPolicy", writer.management, policy),
        writer.do(
            caller, "organizations:RegisterDelegatedAdministrator", writer.management, delegate
        ),
        writer.do(caller, "organizations:MoveAccount", writer.management, move),
        writer.do(caller, "sso:CreateAccountAssignment", writer.management, grant),
    ]
    return Story(
        "organization",
        "hana.sato detached a policy, delegated, moved an account and assigned the logging one.",
        ("organization-policies", "delegated-administration", "account-lifecycle",
         "identity-center-changes"),
        events,
    )  # fmt: skip


def by_hand(writer: StoryWriter) -> Story:
    """Someone changes things in the console."""
    caller = records.in_console(records.person(writer.data, "george.brown"))
    events = [
        writer.do(caller, "rds:ModifyDBInstance", writer.data, {"dBInstanceIdentifier": "portal"})
    ]
    return Story(
        "by-hand",
        "george.brown changed the database in the console.",
        ("console-changes",),
        events,
    )


def old(writer: StoryWriter) -> Story:
    """A program uses an old TLS version."""
    caller = records.Caller(
        records.workload(writer.data, "scanner").identity, "10.9.8.7", "Java/1.7"
    )
    old = {"tlsVersion": "TLSv1.1", "cipherSuite": "ECDHE-RSA-AES128-SHA"}
    events = [writer.do(caller, "ec2:DescribeInstances", writer.data, reads=True, tlsDetails=old)]
    return Story("old-tls", "A scanner still speaks TLS 1.1.", ("old-tls",), events)
