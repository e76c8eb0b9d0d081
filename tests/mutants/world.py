"""What a stack's policies are about: its accounts, roles and resources, read from the JSON itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests import golden
from tests.conftest import Json

STRANGER = "999999999990"
STRANGERS_ORGANIZATION = "o-stranger00"
KINDS = {
    "aws_s3_bucket_policy": "bucket",
    "aws_kms_key": "key",
    "aws_sns_topic_policy": "topic",
    "aws_sqs_queue_policy": "queue",
    "aws_iam_role": "trust",
    "aws_iam_role_policy": "role",
}
WITH_RESOURCE_CONTROL = ("s3", "kms", "sts", "sqs", "secretsmanager")
"""https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html"""
UNITS = {"ou-all1-abcdefgh": ("600000000004",)}
"""Which accounts an organizational unit holds: what a stack does not say, but its file does."""


@dataclass(frozen=True)
class Document:
    """A policy of a stack.

    Args:
        address: the address of its resource, such as `aws_kms_key.key`.
        attribute: the attribute that holds its text.
        kind: bucket, key, topic, queue, trust, role, scp or rcp.
        content: the policy.
        about: the ARN of what it is attached to; empty for organization policies.
        account: the account of that.

    """

    address: str
    attribute: str
    kind: str
    content: Json
    about: str = ""
    account: str = ""


@dataclass(frozen=True)
class World:
    """Everything that a request can meet.

    Args:
        name: the stack's name.
        organization: its organization's id.
        region: the home region.
        accounts: every account of the organization by name.
        documents: the policies by address.
        owners: the account of each bucket.
        aliases: the aliases of each key, by ARN.
        service_control: the SCPs that bind an account, by their addresses.
        resource_control: the RCPs that bind an account's resources.
        log_folder: the folder of the archive that holds log files, such as `audit/AWSLogs`.
        trail: the ARN of the trail.

    """

    name: str
    organization: str
    region: str
    accounts: dict[str, str]
    documents: dict[str, Document]
    owners: dict[str, str]
    aliases: dict[str, list[str]]
    service_control: dict[str, list[str]]
    resource_control: dict[str, list[str]]
    log_folder: str
    archive: str
    trail: str
    arns: list[str] = field(default_factory=list)

    @property
    def management(self) -> str:
        return self.accounts["management"]

    @property
    def logging(self) -> str:
        return self.accounts["logging"]

    @property
    def members(self) -> list[str]:
        """The accounts that are neither of both, the last of the file first."""
        return [each for each in self.accounts.values()][:1:-1]

    def owner(self, arn: str) -> str:
        """Return the account of a resource; a bucket's ARN does not say it."""
        if arn.startswith("arn:aws:s3:::"):
            return self.owners.get(arn[13:].split("/", maxsplit=1)[0], "")
        return arn.split(":")[4] if arn != "*" else ""

    def policy_of(self, arn: str) -> str | None:
        """Return the address of a resource's own policy."""
        bucket = arn.split("/", maxsplit=1)[0]
        for each in self.documents.values():
            if each.about and each.kind != "role" and each.about in (arn, bucket):
                return each.address
        return None

    def identity_of(self, role: str) -> list[str]:
        """Return the policies of a role; one that is not of the stack is an administrator's."""
        if not any(each.about == role and each.kind == "trust" for each in self.documents.values()):
            return ["administrator"]
        return [
            each.address
            for each in self.documents.values()
            if each.kind == "role" and each.about == role
        ]


def read(name: str, stack: Json) -> World:
    """Read a stack's JSON; the accounts are those of its environment file."""
    (env,) = (each for each in golden.environments() if each.name == name)
    accounts = {key: each.id for key, each in env.accounts.items()}
    home = {each["alias"]: (each["allowed_account_ids"][0], each["region"])
            for each in stack["provider"]["aws"]}  # fmt: skip
    resources: Json = stack["resource"]
    arns: dict[str, str] = {}
    owners: dict[str, str] = {}
    documents: dict[str, Document] = {}
    for kind, service, key in (
        ("aws_sns_topic", "sns", "name"), ("aws_sqs_queue", "sqs", "name"),
        ("aws_kms_key", "kms", ""), ("aws_iam_role", "iam", "name"),
    ):  # fmt: skip
        for label, each in resources.get(kind, {}).items():
            account, region = home[each["provider"].removeprefix("aws.")]
            tail = {"sns": "", "sqs": "", "kms": "key/", "iam": f"role{each.get('path', '/')}"}
            place = "" if service == "iam" else region
            arns[f"{kind}.{label}"] = (
                f"arn:aws:{service}:{place}:{account}:{tail[service]}{each.get(key, label)}"
            )
    for each in resources["aws_s3_bucket"].values():
        owners[each["bucket"]] = home[each["provider"].removeprefix("aws.")][0]
    for full, content in golden.policies(stack).items():
        kind, label, attribute = full.split(".")
        each = resources[kind][label]
        account, _ = home[each["provider"].removeprefix("aws.")]
        about = ""
        match kind:
            case "aws_s3_bucket_policy":
                about = f"arn:aws:s3:::{each['bucket']}"
            case "aws_kms_key" | "aws_iam_role":
                about = arns[f"{kind}.{label}"]
            case "aws_sns_topic_policy":
                about = arns[_referred(each["arn"])]
            case "aws_sqs_queue_policy":
                about = arns[_referred(each["queue_url"])]
            case "aws_iam_role_policy":
                about = next(
                    arn
                    for address, arn in arns.items()
                    if address.startswith("aws_iam_role.")
                    and arn.endswith(f"/{each['role']}")
                    and arn.split(":")[4] == account
                )
        if kind == "aws_organizations_policy":
            short = "scp" if each["type"].startswith("SERVICE") else "rcp"
        else:
            short = KINDS[kind]
        address = f"{kind}.{label}"
        documents[address] = Document(address, attribute, short, content, about, account)
    (trail,) = resources["aws_cloudtrail"].values()
    prefix = trail.get("s3_key_prefix", "")
    (region,) = {each["region"] for each in stack["provider"]["aws"]}
    return World(
        name=name,
        organization=env.organization.id,
        region=region,
        accounts=accounts,
        documents=documents,
        owners=owners,
        aliases=_aliases(resources, arns),
        service_control=_bound(resources, documents, accounts, "scp"),
        resource_control=_bound(resources, documents, accounts, "rcp"),
        log_folder=f"{prefix}/AWSLogs" if prefix else "AWSLogs",
        archive=f"arn:aws:s3:::{trail['s3_bucket_name']}",
        trail=f"arn:aws:cloudtrail:{region}:{accounts['management']}:trail/{trail['name']}",
        arns=[*arns.values()],
    )


def _referred(text: str) -> str:
    """Return the address in a reference such as `${aws_sns_topic.topic.arn}`."""
    return ".".join(text.strip("${}").split(".")[:2])


def _aliases(resources: Json, arns: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in resources.get("aws_kms_alias", {}).values():
        found.setdefault(arns[_referred(each["target_key_id"])], []).append(each["name"])
    return found


def _bound(
    resources: Json, documents: dict[str, Document], accounts: dict[str, str], kind: str
) -> dict[str, list[str]]:
    """Return the organization policies that bind each account; none binds management."""
    bound: dict[str, list[str]] = {}
    for each in resources.get("aws_organizations_policy_attachment", {}).values():
        address, target = _referred(each["policy_id"]), each["target_id"]
        if documents[address].kind != kind:
            continue
        for account in accounts.values():
            holds = target.startswith("r-") or account in (target, *UNITS.get(target, ()))
            if holds and account != accounts["management"]:
                bound.setdefault(account, []).append(address)
    return bound


def encoded(content: Json) -> str:
    """Return a policy as an attribute of a stack's JSON."""
    return json.dumps(content).replace("${", "$${")
