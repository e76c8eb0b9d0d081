"""The shape of a policy document, and its text."""

from __future__ import annotations

import json
from typing import Any

DELETION = (
    "BypassGovernanceRetention", "DeleteObject", "DeleteObjectVersion", "ReplicateDelete",
)  # fmt: skip
"""The S3 actions that take a log file away, or make that possible."""

REWRITING = ("PutObject", "ReplicateObject", "UpdateObjectEncryption")
"""The S3 actions that put something else in a log file's place, or lock it under another key.

Replication writes without `s3:PutObject`."""

HOLDING = ("PutObjectLegalHold", "PutObjectRetention")
"""The S3 actions that change how long a log file is locked."""

CONTEXT = "kms:EncryptionContext:aws:cloudtrail:arn"
"""CloudTrail's encryption context: present on log files, on nothing else."""

Statement = dict[str, Any]
Document = dict[str, Any]


def document(*statements: Statement | None) -> Document:
    """Join statements into a document; None stands for one that settings leave out."""
    return {"Version": "2012-10-17", "Statement": [each for each in statements if each]}


def text(policy: Document) -> str:
    """Write a document without spaces: AWS counts them against its size limits."""
    return json.dumps(policy, separators=(",", ":"), ensure_ascii=False)


def except_roles(roles: tuple[str, ...]) -> dict[str, Any]:
    """Return the condition that leaves named roles out of a deny; none where there are none."""
    return {"Condition": {"ArnNotLike": {"aws:PrincipalArn": list(roles)}}} if roles else {}


def allow(sid: str, service: str, actions: tuple[str, ...], resource: str | list[str]) -> Statement:
    """Allow some actions of a service, for an identity's own policy."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"{service}:{action}" for action in actions],
        "Resource": resource,
    }


def acting_for(account: str, source: str | list[str]) -> dict[str, Any]:
    """Return the condition that a service acts for a resource of one account, no deputy."""
    return {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": source},
    }


def publish(sid: str, service: str, topic: str, account: str, source: str) -> Statement:
    """Let a service publish to a topic, for one resource of one account."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": acting_for(account, source),
    }


def secure_transport(action: str, resources: list[str]) -> Statement:
    """Deny every call without TLS."""
    return {
        "Sid": "DenyInsecureTransport",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
