"""What a stack's policies are about: accounts, roles and resources, read from its JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

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
        archive: the ARN of the trail's bucket.
        trail: the ARN of the trail.
        arns: those of the topics, queues, keys and roles.

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
    arns: list[str]

    @property
    def management(self) -> str:
        return self.accounts["management"]

    @property
    def logging(self) -> str:
        return self.accounts["logging"]

    @property
    def members(self) -> list[str]:
        """The accounts but these two, the last of the file first."""
        return [*self.accounts.values()][:1:-1]

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
    resources: Json = stack["resource"]
    homes = {each["alias"]: each["allowed_account_ids"][0] for each in stack["provider"]["aws"]}
    (region,) = {each["region"] for each in stack["provider"]["aws"]}
    arns = _arns(resources, homes, region)
    documents = _documents(stack, homes, arns)
    (trail,) = resources["aws_cloudtrail"].values()
    prefix = trail.get("s3_key_prefix", "")
    return World(
        name=name,
        organization=env.organization.id,
        region=region,
        accounts=accounts,
        documents=documents,
        owners={each["bucket"]: _home(each, homes) for each in resources["aws_s3_bucket"].values()},
        aliases=_aliases(resources, arns),
        service_control=_bound(resources, documents, accounts, "scp"),
        resource_control=_bound(resources, documents, accounts, "rcp"),
        log_folder=f"{prefix}/AWSLogs" if prefix else "AWSLogs",
        archive=f"arn:aws:s3:::{trail['s3_bucket_name']}",
        trail=f"arn:aws:cloudtrail:{region}:{accounts['management']}:trail/{trail['name']}",
        arns=[*arns.values()],
    )


def _home(resource: Json, homes: dict[str, str]) -> str:
    return homes[resource["provider"].removeprefix("aws.")]


def _arns(resources: Json, homes: dict[str, str], region: str) -> dict[str, str]:
    """Return the ARN of each topic, queue, key and role; a key's id is its label."""
    found = {}
    for kind, service in (
        ("aws_sns_topic", "sns"), ("aws_sqs_queue", "sqs"), ("aws_kms_key", "kms"),
        ("aws_iam_role", "iam"),
    ):  # fmt: skip
        for label, each in resources.get(kind, {}).items():
            path = {"kms": "key/", "iam": f"role{each.get('path', '/')}"}.get(service, "")
            place = "" if service == "iam" else region
            start = f"arn:aws:{service}:{place}:{_home(each, homes)}:{path}"
            found[f"{kind}.{label}"] = start + each.get("name", label)
    return found


def _documents(stack: Json, homes: dict[str, str], arns: dict[str, str]) -> dict[str, Document]:
    found = {}
    for full, content in golden.policies(stack).items():
        kind, label, attribute = full.split(".")
        resource, address = stack["resource"][kind][label], f"{kind}.{label}"
        account = _home(resource, homes)
        if kind == "aws_organizations_policy":
            short = "scp" if resource["type"].startswith("SERVICE") else "rcp"
        else:
            short = KINDS[kind]
        about = _about(address, resource, account, arns)
        found[address] = Document(address, attribute, short, content, about, account)
    return found


def _about(address: str, resource: Json, account: str, arns: dict[str, str]) -> str:
    """Return the ARN of what a policy is attached to."""
    match address.split(".", maxsplit=1)[0]:
        case "aws_s3_bucket_policy":
            return f"arn:aws:s3:::{resource['bucket']}"
        case "aws_sns_topic_policy":
            return arns[_referred(resource["arn"])]
        case "aws_sqs_queue_policy":
            return arns[_referred(resource["queue_url"])]
        case "aws_iam_role_policy":
            end = f"/{resource['role']}"
            roles = (arn for each, arn in arns.items() if each.startswith("aws_iam_role."))
            return next(arn for arn in roles if arn.endswith(end) and account in arn)
    return arns.get(address, "")


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
