"""The shape of a policy document, and its text."""

from __future__ import annotations

import json
from typing import Any

DELETION = ("DeleteObject", "DeleteObjectVersion", "BypassGovernanceRetention")
"""The S3 actions that take a log file away, or make that possible."""

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
