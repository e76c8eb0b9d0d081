"""Other services that write to the archive bucket, and the statements that its policy keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orgtrail import naming
from orgtrail.settings.archive import Writer
from orgtrail.settings.environment import Environment
from orgtrail.trail.policy import Statement

_DELIVERY = "delivery.logs.amazonaws.com"
LOAD_BALANCING = "logdelivery.elasticloadbalancing.amazonaws.com"
"""Its calls have no source; each object key has the load balancer's account."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    """How a service delivers: its principal, its folder, and the actions that it needs."""

    principal: str
    folder: str
    beside: tuple[str, ...] = ()
    """Other key patterns, next to the folder."""
    looks: tuple[str, ...] = ("s3:GetBucketAcl", "s3:ListBucket")
    uses: tuple[str, ...] = (
        "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*",
    )  # fmt: skip
    """Actions on the KMS key that encrypts the bucket."""


_DELIVERIES = {
    # https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html
    "config": _Delivery(
        "config.amazonaws.com", "Config", uses=("kms:Decrypt", "kms:GenerateDataKey*")
    ),
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    "elb": _Delivery(LOAD_BALANCING, "elasticloadbalancing", ("ELB*LogTestFile",), ()),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    "network_firewall": _Delivery(_DELIVERY, "network-firewall"),
    "nlb": _Delivery(_DELIVERY, "elasticloadbalancing", ("ELB*LogTestFile",)),
    "route53_resolver": _Delivery(_DELIVERY, "vpcdnsquerylogs"),
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
    "vpc_flow_logs": _Delivery(_DELIVERY, "vpcflowlogs"),
    # https://docs.aws.amazon.com/waf/latest/developerguide/logging-s3.html
    "waf": _Delivery(_DELIVERY, "WAFLogs"),
}
FOLDERS = frozenset(
    name
    for each in _DELIVERIES.values()
    for name in (f"/{each.folder}/", f"aws-service={each.folder}/", "/ELB")
)
"""Parts of object keys under `AWSLogs/` that only these services have, not CloudTrail."""


def bucket_statements(env: Environment) -> Iterator[Statement]:
    """Yield the bucket policy's statements that let each writer check the bucket and write."""
    for number, writer in enumerate(env.archive.writers, start=1):
        how = _DELIVERIES[writer.service]
        name = _sid(number, writer)
        if how.looks:
            whole = naming.bucket_arn(env, env.archive.bucket)
            yield _allow(
                f"{name}Looks", how, list(how.looks), whole, _source_condition(env, writer)
            )
        acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
        condition = _source_condition(env, writer)
        condition["StringEquals"] = {**condition.get("StringEquals", {}), **acl}
        if how.principal == LOAD_BALANCING:
            condition = {}
        yield _allow(
            f"{name}Writes", how, "s3:PutObject", _object_arns(env, writer, how), condition
        )


def key_statements(env: Environment) -> Iterator[Statement]:
    """Yield the writers' statements in the key's policy, if the bucket encrypts by default."""
    if not env.encrypts_by_default:
        return
    for number, writer in enumerate(env.archive.writers, start=1):
        how = _DELIVERIES[writer.service]
        yield _allow(
            f"{_sid(number, writer)}Encrypts",
            how,
            list(how.uses),
            "*",
            _source_condition(env, writer),
        )


def kept_statements(env: Environment) -> Iterator[Statement]:
    """Yield the existing statements that the file keeps, unchanged."""
    for each in env.archive.statements:
        yield _plain(each.model_dump(exclude_none=True))


def _sid(number: int, writer: Writer) -> str:
    return f"{''.join(word.title() for word in writer.service.split('_'))}{number}"


def _allow(
    sid: str, how: _Delivery, action: str | list[str], resource: Any, condition: dict[str, Any]
) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": how.principal},
        "Action": action,
        "Resource": resource,
        **({"Condition": condition} if condition else {}),
    }


def _source_condition(env: Environment, writer: Writer) -> dict[str, Any]:
    """Return the condition that the service acts only for accounts of the organization.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    if writer.accounts is None:
        return {"StringEquals": {"aws:SourceOrgID": env.organization.id}}
    return {"StringEquals": {"aws:SourceAccount": _account_ids(env, writer)}}


def _account_ids(env: Environment, writer: Writer) -> list[str]:
    if writer.accounts is None:
        return env.account_ids
    return sorted(env.accounts[name].id for name in writer.accounts)


def _object_arns(env: Environment, writer: Writer, how: _Delivery) -> list[str]:
    """Return the object keys that a service writes: its folder in all or the chosen accounts.

    They never include CloudTrail's folders.
    """
    prefix = f"{writer.prefix}/AWSLogs/" if writer.prefix else "AWSLogs/"
    by_account = writer.accounts is not None or how.principal == LOAD_BALANCING
    accounts = _account_ids(env, writer) if by_account else ["*"]
    keys = [
        f"{prefix}{account}/{name}"
        for account in accounts
        for name in (f"{how.folder}/*", *how.beside)
    ]
    if writer.service == "vpc_flow_logs":
        # Hive-compatible prefixes, the other form of flow logs.
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
        keys += [
            f"{prefix}aws-account-id={account}/aws-service={how.folder}/*" for account in accounts
        ]
    return [naming.bucket_arn(env, env.archive.bucket, each) for each in keys]


def _plain(value: Any) -> Any:
    """Turn tuples into lists, as JSON has them."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
