"""What a call of the AWS API asks of IAM: the actions, and the resources that they are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs

from orgtrail import naming
from orgtrail.iam.evaluator import Policies, Verdict, evaluate
from orgtrail.iam.policy import parse
from orgtrail.iam.request import Caller, Kind, Request
from orgtrail.settings.environment import Environment
from orgtrail.trail import deploying as of
from orgtrail.trail import key
from orgtrail.trail.policy import boundary_arn
from orgtrail.trail.stack import deployer

from tests.e2e.cloud import Call

_S3 = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
"""What IAM calls a part of a bucket, after Get and Put.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""
_WHOLE = {"PUT": "CreateBucket", "HEAD": "ListBucket", "DELETE": "DeleteBucket"}
_TAGS = {"GET": "ListTagsForResource", "POST": "TagResource", "DELETE": "UntagResource"}
_OF_NOTHING = {
    "DescribeLogGroups",
    "DescribeRegions", "DescribeTrails", "CreateKey", "ListAliases",
}  # fmt: skip

UNSEEN = {
    "athena:UpdatePreparedStatement": "asked where a release changes a question",
    "cloudtrail:GetEventSelectors": "moto does not say that a trail has selectors of its own",
    "cloudtrail:GetInsightSelectors": "nor that it computes insights",
    "ec2:DescribeRegions": "asked where catalog.regions is left out",
    "iam:CreateServiceLinkedRole": "CloudTrail asks for it in the caller's name; moto does not",
    "iam:PassRole": "is no call; AWS asks for it where a role is handed over",
    "iam:UpdateRole": "sets session_hours; moto forgets the role's description then",
    "iam:UpdateRoleDescription": "adopting a role changes its description",
    "iam:PutRolePermissionsBoundary": "asked where a boundary comes to a role that stands",
    "kms:UpdateAlias": "adopting a key may give the alias to another one",
    "kms:UpdateKeyDescription": "adopting a key changes its description",
    "logs:AssociateKmsKey": "asked where delivery.kms_key_arn is given",
    "logs:DisassociateKmsKey": "asked where it is taken away",
}
"""What the roles may do though this life does not show it, and why."""


def asked(call: Call, env: Environment) -> Iterator[tuple[str, str]]:
    """Yield each action with the resource that it is about; none for calls that all may make."""
    match call.service:
        case "sts":
            return
        case "s3":
            yield _of_bucket(call)
        case "kms" if call.operation not in _OF_NOTHING:
            yield f"kms:{call.operation}", naming.logging_arn(env, "kms", "key/1")
            if call.operation.endswith("Alias"):
                yield f"kms:{call.operation}", naming.logging_arn(env, "kms", env.key.alias)
        case "glue":
            for resource in _of_catalog(call, env):
                yield f"glue:{call.operation}", resource
        case _:
            yield f"{call.service}:{call.operation}", _resource(call, env)


def allows(env: Environment, name: str, action: str, resource: str) -> bool:
    """Tell whether the role that deploys to an account may do something there."""
    account, role = env.accounts[name].id, env.accounts[name].role_arn
    assert role
    caller = Caller(Kind.ROLE, role, account)
    # A key has our alias before anything is asked for that would change it.
    named = action.removeprefix("kms:") in of.NAMED_KEY
    context = {
        "organizations:PolicyType": "SERVICE_CONTROL_POLICY",
        "kms:ResourceAliases": (env.key.alias,) if named else (),
        "iam:PermissionsBoundary": boundary_arn(env, name) or "",
    }
    request = Request(caller, action, resource, account, context)
    # Of a key its own policy decides too.
    policy = parse("key", key.key_policy(env)) if action.startswith("kms:") else None
    identity = (parse("deploy", deployer(env, name)),)
    return evaluate(request, Policies(identity, policy)).verdict is Verdict.ALLOW


def _resource(call: Call, env: Environment) -> str:
    if call.operation in _OF_NOTHING:
        return "*"
    match call.service:
        case "cloudtrail":
            return naming.trail_arn(env)
        case "athena":
            return naming.workgroup_arn(env)
        case "iam":
            (name,) = parse_qs(call.body)["RoleName"]
            return naming.role_arn(env, call.account, name)
        case "logs":
            return naming.log_group_arn(env, call.account)
        case "organizations" if call.operation in (
            "ListTagsForResource",
            "TagResource",
            "UntagResource",
        ):
            policy = json.loads(call.body)["ResourceId"]
            kind = f"policy/{env.organization.id}/service_control_policy/{policy}"
            return naming.arn(env, "organizations", call.account, kind)
        case "organizations":
            return "*"
        case _:
            raise AssertionError(f"no test says what {call.service} asks for: {call}")


def _of_bucket(call: Call) -> tuple[str, str]:
    method, _, rest = call.operation.partition(" ")
    if tagged := re.fullmatch(r"/v20180820/tags/(arn:[^?]*).*", rest):
        return f"s3:{_TAGS[method]}", tagged[1]
    path, _, part = rest.partition("?")
    bucket = f"arn:aws:s3:::{path.strip('/')}"
    if not part:
        return f"s3:{_WHOLE[method]}", bucket
    if part == "policy" and method == "DELETE":
        return "s3:DeleteBucketPolicy", bucket
    # To take a part away is to put none.
    verb = "Get" if method == "GET" else "Put"
    return f"s3:{verb}{_S3[part]}", bucket


def _of_catalog(call: Call, env: Environment) -> list[str]:
    catalog = naming.logging_arn(env, "glue", "catalog")
    database = naming.logging_arn(env, "glue", f"database/{env.catalog.database}")
    name = f"table/{env.catalog.database}/{env.catalog.table}"
    table = naming.logging_arn(env, "glue", name)
    about_table = "Table" in call.operation or "Partition" in call.operation
    return [catalog, database, table] if about_table else [catalog, database]
