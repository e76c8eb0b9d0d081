"""What people of the organization do that an auditor wants to know of, story by story."""

from __future__ import annotations

from orgtrail.sample import identities as who
from orgtrail.sample.telling import Story, Teller


def chain(tell: Teller) -> Story:
    """Someone goes from role to role."""
    recorder, name = tell.recorder, "dora.novak"
    caller = who.person(tell.management, name)
    first, second = (who.unique("ASIA", "chain", step) for step in "ab")
    deploy = who.Caller(
        who.role(tell.management, "deploy", name, source=name, key=first),
        caller.ip,
        caller.agent,
    )
    events = recorder.assume(
        caller,
        tell.management,
        "deploy",
        name,
        tell.home,
        tell.later(),
        key=first,
        source=name,
    )
    events += recorder.assume(
        deploy,
        tell.data,
        "break-glass",
        name,
        tell.home,
        tell.later(),
        key=second,
        source=name,
    )
    inside = who.Caller(
        who.role(tell.data, "break-glass", name, source=name, key=second),
        caller.ip,
        caller.agent,
    )
    events.append(tell.do(inside, "ec2:DescribeInstances", tell.data, reads=True))
    return Story(
        "role-chain",
        f"{name} went through deploy in the management account to break-glass in production.",
        ("role-chain", "cross-account-roles", "first-time-roles", "role-assumptions"),
        events,
    )


def evidence(tell: Teller) -> Story:
    """Someone reaches for the log files."""
    bucket = tell.environment.archive.bucket
    caller = who.person(tell.logging, "emil.larsen", "Administrator")
    key = f"AWSLogs/{tell.environment.organization.id}/{tell.data}/CloudTrail/some.json.gz"
    place = {"bucketName": bucket, "key": key}
    read = {"bytesTransferredOut": 18344}
    events = [
        tell.recorder.login(caller, tell.logging, tell.later(), success=True, mfa="No"),
        tell.do(
            caller,
            "s3:PutBucketPolicy",
            tell.logging,
            {"bucketName": bucket},
            error="AccessDenied",
        ),
        tell.do(caller, "s3:GetObject", tell.logging, place, reads=True, additionalEventData=read),
        tell.do(caller, "s3:DeleteObject", tell.logging, place, error="AccessDenied"),
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


def root(tell: Teller) -> Story:
    """Root is used."""
    caller = who.root(tell.data)
    admin = who.person(tell.management, "hana.sato", "Administrator")
    target = {
        "targetPrincipal": tell.data,
        "taskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"},
    }
    events = [
        tell.recorder.login(caller, tell.data, tell.later(), success=True, mfa="No"),
        tell.do(caller, "iam:CreateAccessKey", tell.data),
        tell.do(admin, "sts:AssumeRoot", tell.management, target),
    ]
    return Story(
        "root",
        "Root of production came in without a second factor and made itself an access key.",
        ("root-use", "root-credentials", "central-root-sessions", "new-credentials"),
        events,
    )


def athena(tell: Teller) -> Story:
    """Someone asks, and changes what auditors ask with."""
    workgroup = tell.environment.catalog.workgroup
    caller = who.person(tell.logging, "emil.larsen", "Administrator")
    run = {"queryExecutionId": tell.recorder.id()}
    question = {"queryString": "SELECT * FROM organization_trail", "workGroup": workgroup}
    events = [
        tell.do(caller, "athena:StartQueryExecution", tell.logging, question, responseElements=run),
        tell.do(caller, "athena:GetQueryResults", tell.logging, run, reads=True),
        tell.do(caller, "athena:UpdateWorkGroup", tell.logging, {"workGroup": workgroup}),
    ]
    return Story(
        "audit-catalog",
        "emil.larsen asked for everything, and changed the auditors' workgroup.",
        ("athena-queries", "athena-guardrails"),
        events,
    )


def organization(tell: Teller) -> Story:
    """The organization is changed."""
    caller = who.person(tell.management, "hana.sato", "Administrator")
    policy = {"policyId": "p-example0001", "targetId": tell.environment.organization.root_id}
    delegate = {"accountId": tell.data, "servicePrincipal": "guardduty.amazonaws.com"}
    move = {"accountId": tell.data, "sourceParentId": "ou-a", "destinationParentId": "ou-b"}
    grant = {
        "permissionSetArn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1",
        "principalId": "u-1",
        "targetId": tell.logging,
    }
    events = [
        tell.do(caller, "organizations:DetachPolicy", tell.management, policy),
        tell.do(caller, "organizations:RegisterDelegatedAdministrator", tell.management, delegate),
        tell.do(caller, "organizations:MoveAccount", tell.management, move),
        tell.do(caller, "sso:CreateAccountAssignment", tell.management, grant),
    ]
    return Story(
        "organization",
        "hana.sato detached a policy, delegated, moved an account and assigned the logging one.",
        ("organization-policies", "delegated-administration", "account-lifecycle",
         "identity-center-changes"),
        events,
    )  # fmt: skip


def by_hand(tell: Teller) -> Story:
    """Someone changes things in the console."""
    caller = who.in_console(who.person(tell.data, "george.brown"))
    events = [
        tell.do(caller, "rds:ModifyDBInstance", tell.data, {"dBInstanceIdentifier": "portal"})
    ]
    return Story(
        "by-hand",
        "george.brown changed the database in the console.",
        ("console-changes",),
        events,
    )


def old(tell: Teller) -> Story:
    """A program speaks an old TLS."""
    caller = who.Caller(who.workload(tell.data, "scanner").identity, "10.9.8.7", "Java/1.7")
    old = {"tlsVersion": "TLSv1.1", "cipherSuite": "ECDHE-RSA-AES128-SHA"}
    events = [tell.do(caller, "ec2:DescribeInstances", tell.data, reads=True, tlsDetails=old)]
    return Story("old-tls", "A scanner still speaks TLS 1.1.", ("old-tls",), events)
