"""Stories planted in a made-up organization: what the questions must find, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from orgtrail.sample import identities as who
from orgtrail.sample.background import Places
from orgtrail.sample.events import Event, Recorder
from orgtrail.settings.environment import Environment

STRANGER = "192.0.2.66"
"""The address of whoever should not be here."""
_OUTSIDE = "999999999999"


@dataclass(frozen=True, slots=True)
class Story:
    """Something that happened.

    Attributes:
        name: what it is called.
        told: what happened, in a sentence.
        queries: the questions that find it.
        events: its records.

    """

    name: str
    told: str
    queries: tuple[str, ...]
    events: list[Event]


class Stories:
    """All stories of one organization.

    Args:
        recorder: writes the records.
        environment: the organization.
        places: where its work is done.
        end: when the sample ends; stories happen in the day before it.

    """

    def __init__(
        self, recorder: Recorder, environment: Environment, places: Places, end: datetime
    ) -> None:
        self._recorder = recorder
        self._environment = environment
        self._home = places.regions[0]
        self._data = places.data_account
        self._management = environment.management.id
        self._logging = environment.logging.id
        self._at = end - timedelta(hours=20)

    def __iter__(self) -> Iterator[Story]:
        """Tell them one after another, some minutes apart."""
        tellers: tuple[Callable[[], Story], ...] = (
            self._spray, self._blinding, self._chain, self._evidence, self._patients, self._root,
            self._athena, self._persistence, self._organization, self._guards, self._exposure,
            self._secrets, self._by_hand, self._old,
        )  # fmt: skip
        for tell in tellers:
            yield tell()
            self._at += timedelta(minutes=37)

    def _later(self, minutes: int = 1) -> datetime:
        self._at += timedelta(minutes=minutes)
        return self._at

    def _do(
        self, caller: who.Caller, action: str, account: str, params: dict[str, Any] | None = None,
        *, region: str = "", error: str = "", reads: bool = False, **extra: Any,
    ) -> Event:  # fmt: skip
        return self._recorder.event(
            caller, action, account, region or self._home, self._later(), params=params, error=error,
            reads=reads, **extra,
        )  # fmt: skip

    def _intruder(self, account: str, name: str = "deploy-legacy") -> who.Caller:
        known = who.user(account, name)
        return who.Caller(known.identity, STRANGER, "aws-cli/2.9.1 ua/2.0 os/linux#5.4.kali")

    def _spray(self) -> Story:
        events = []
        for number in range(12):
            caller = self._intruder(self._data, f"staff-{number:02d}")
            events.append(
                self._recorder.login(caller, self._data, self._later(), success=False, mfa="No")
            )
        hit = self._intruder(self._data)
        events.append(self._recorder.login(hit, self._data, self._later(), success=True, mfa="No"))
        return Story(
            "password-spray",
            f"Twelve users were tried from {STRANGER}; then one got in without a second factor.",
            ("console-login-failures", "failed-authentication", "console-login-without-mfa"),
            events,
        )

    def _blinding(self) -> Story:
        trail = self._environment.trail.name
        caller = self._intruder(self._data)
        narrow = {"name": trail, "isMultiRegionTrail": False, "enableLogFileValidation": False}
        events = [
            self._do(
                caller, "cloudtrail:StopLogging", self._data, {"name": trail}, error="AccessDenied"
            ),
            self._do(
                caller, "cloudtrail:DeleteTrail", self._data, {"name": trail}, error="AccessDenied"
            ),
            self._do(
                caller, "cloudtrail:UpdateTrail", self._data, narrow, error="AccessDeniedException"
            ),
        ]
        return Story(
            "blinding",
            "The intruder tried to stop, delete and narrow the trail, and was refused.",
            ("trail-tampering", "trail-history", "trail-narrowed", "denied-calls"),
            events,
        )

    def _chain(self) -> Story:
        recorder, name = self._recorder, "dora.novak"
        caller = who.person(self._management, name)
        first, second = (who.unique("ASIA", "chain", step) for step in "ab")
        deploy = who.Caller(
            who.role(self._management, "deploy", name, source=name, key=first),
            caller.ip,
            caller.agent,
        )
        events = recorder.assume(
            caller,
            self._management,
            "deploy",
            name,
            self._home,
            self._later(),
            key=first,
            source=name,
        )
        events += recorder.assume(
            deploy,
            self._data,
            "break-glass",
            name,
            self._home,
            self._later(),
            key=second,
            source=name,
        )
        inside = who.Caller(
            who.role(self._data, "break-glass", name, source=name, key=second),
            caller.ip,
            caller.agent,
        )
        events.append(self._do(inside, "ec2:DescribeInstances", self._data, reads=True))
        return Story(
            "role-chain",
            f"{name} went through deploy in the management account to break-glass in production.",
            ("role-chain", "cross-account-roles", "first-time-roles", "role-assumptions"),
            events,
        )

    def _evidence(self) -> Story:
        bucket = self._environment.archive.bucket
        caller = who.person(self._logging, "emil.larsen", "Administrator")
        key = f"AWSLogs/{self._environment.organization.id}/{self._data}/CloudTrail/some.json.gz"
        place = {"bucketName": bucket, "key": key}
        read = {"bytesTransferredOut": 18344}
        events = [
            self._recorder.login(caller, self._logging, self._later(), success=True, mfa="No"),
            self._do(
                caller,
                "s3:PutBucketPolicy",
                self._logging,
                {"bucketName": bucket},
                error="AccessDenied",
            ),
            self._do(
                caller, "s3:GetObject", self._logging, place, reads=True, additionalEventData=read
            ),
            self._do(caller, "s3:DeleteObject", self._logging, place, error="AccessDenied"),
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

    def _patients(self) -> Story:
        caller = self._intruder(self._data)
        arn = f"arn:aws:dynamodb:{self._home}:{self._data}:table/patients"
        table = [{"accountId": self._data, "type": "AWS::DynamoDB::Table", "ARN": arn}]
        events = [
            self._do(
                caller, "dynamodb:Scan", self._data, {"tableName": "patients"}, reads=True,
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

    def _root(self) -> Story:
        caller = who.root(self._data)
        admin = who.person(self._management, "hana.sato", "Administrator")
        target = {
            "targetPrincipal": self._data,
            "taskPolicyArn": {
                "arn": "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"
            },
        }
        events = [
            self._recorder.login(caller, self._data, self._later(), success=True, mfa="No"),
            self._do(caller, "iam:CreateAccessKey", self._data),
            self._do(admin, "sts:AssumeRoot", self._management, target),
        ]
        return Story(
            "root",
            "Root of production came in without a second factor and made itself an access key.",
            ("root-use", "root-credentials", "central-root-sessions", "new-credentials"),
            events,
        )

    def _athena(self) -> Story:
        workgroup = self._environment.catalog.workgroup
        caller = who.person(self._logging, "emil.larsen", "Administrator")
        run = {"queryExecutionId": self._recorder.id()}
        question = {"queryString": "SELECT * FROM organization_trail", "workGroup": workgroup}
        events = [
            self._do(
                caller, "athena:StartQueryExecution", self._logging, question, responseElements=run
            ),
            self._do(caller, "athena:GetQueryResults", self._logging, run, reads=True),
            self._do(caller, "athena:UpdateWorkGroup", self._logging, {"workGroup": workgroup}),
        ]
        return Story(
            "audit-catalog",
            "emil.larsen asked for everything, and changed the auditors' workgroup.",
            ("athena-queries", "athena-guardrails"),
            events,
        )

    def _persistence(self) -> Story:
        caller = self._intruder(self._data)
        victim = {"userName": "backup-admin"}
        admin = victim | {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
        events = [
            self._do(caller, "iam:CreateUser", self._data, victim),
            self._do(caller, "iam:AttachUserPolicy", self._data, admin),
            self._do(caller, "iam:CreateAccessKey", self._data, victim),
            self._do(caller, "iam:DeactivateMFADevice", self._data, {"userName": "staff-01"}),
            self._do(caller, "iam:CreateSAMLProvider", self._data, {"name": "corp-login"}),
        ]
        return Story(
            "persistence",
            "The intruder made an administrator, a key for it, and a way to log in from outside.",
            ("new-credentials", "privilege-changes", "mfa-removed", "federation-changes"),
            events,
        )

    def _organization(self) -> Story:
        caller = who.person(self._management, "hana.sato", "Administrator")
        policy = {"policyId": "p-example0001", "targetId": self._environment.organization.root_id}
        delegate = {"accountId": self._data, "servicePrincipal": "guardduty.amazonaws.com"}
        move = {"accountId": self._data, "sourceParentId": "ou-a", "destinationParentId": "ou-b"}
        grant = {
            "permissionSetArn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1",
            "principalId": "u-1",
            "targetId": self._logging,
        }
        events = [
            self._do(caller, "organizations:DetachPolicy", self._management, policy),
            self._do(
                caller, "organizations:RegisterDelegatedAdministrator", self._management, delegate
            ),
            self._do(caller, "organizations:MoveAccount", self._management, move),
            self._do(caller, "sso:CreateAccountAssignment", self._management, grant),
        ]
        return Story(
            "organization",
            "hana.sato detached a policy, delegated, moved an account and assigned the logging one.",
            ("organization-policies", "delegated-administration", "account-lifecycle",
             "identity-center-changes"),
            events,
        )  # fmt: skip

    def _guards(self) -> Story:
        caller = self._intruder(self._data)
        key = {"keyId": f"arn:aws:kms:{self._home}:{self._data}:key/0000-1111"}
        grant = key | {
            "granteePrincipal": f"arn:aws:iam::{_OUTSIDE}:root",
            "operations": ["Decrypt"],
        }
        events = [
            self._do(caller, "guardduty:DeleteDetector", self._data, {"detectorId": "d-1"}),
            self._do(caller, "kms:DisableKey", self._data, key),
            self._do(caller, "kms:CreateGrant", self._data, grant),
        ]
        return Story(
            "guards",
            "The intruder deleted a GuardDuty detector, disabled a key and granted it to an outsider.",
            ("security-services-stopped", "kms-key-disabled", "kms-grants"),
            events,
        )

    def _exposure(self) -> Story:
        caller = self._intruder(self._data)
        everyone = {
            "bucketPolicy": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]}
        }
        opened = {"ipPermissions": {"items": [{"ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}}
        share = {"createVolumePermission": {"add": {"items": [{"userId": _OUTSIDE}]}}}
        events = [
            self._do(
                caller, "s3:PutBucketPolicy", self._data, {"bucketName": "public-site"} | everyone
            ),
            self._do(
                caller,
                "ec2:AuthorizeSecurityGroupIngress",
                self._data,
                {"groupId": "sg-1"} | opened,
            ),
            self._do(
                caller, "ec2:ModifySnapshotAttribute", self._data, {"snapshotId": "snap-1"} | share
            ),
            self._do(
                caller,
                "ec2:RunInstances",
                self._data,
                {"instanceType": "p5.48xlarge"},
                region="ap-south-1",
            ),
        ]
        return Story(
            "exposure",
            "The intruder opened a bucket and a network, and gave a snapshot to another account.",
            ("bucket-exposure", "network-exposure", "snapshot-sharing", "unused-regions"),
            events,
        )

    def _secrets(self) -> Story:
        caller = self._intruder(self._data)
        events = [
            self._do(
                caller, "secretsmanager:GetSecretValue", self._data,
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

    def _by_hand(self) -> Story:
        caller = who.in_console(who.person(self._data, "george.brown"))
        events = [
            self._do(caller, "rds:ModifyDBInstance", self._data, {"dBInstanceIdentifier": "portal"})
        ]
        return Story(
            "by-hand",
            "george.brown changed the database in the console.",
            ("console-changes",),
            events,
        )

    def _old(self) -> Story:
        caller = who.Caller(who.workload(self._data, "scanner").identity, "10.9.8.7", "Java/1.7")
        old = {"tlsVersion": "TLSv1.1", "cipherSuite": "ECDHE-RSA-AES128-SHA"}
        events = [self._do(caller, "ec2:DescribeInstances", self._data, reads=True, tlsDetails=old)]
        return Story("old-tls", "A scanner still speaks TLS 1.1.", ("old-tls",), events)
