"""What stands in the local AWS, as several tests ask for it."""

from __future__ import annotations

import json
from typing import Any

from orgtrail.settings.environment import Environment
from orgtrail.trail.policy import Document

from tests.e2e.cloud import Cloud


def policies_of_root(here: Cloud, environment: Environment) -> dict[str, Document]:
    """Return the service control policies of ours that bind the root, by what ends their names."""
    client = here.client(environment.management.id, "organizations")
    found = client.list_policies_for_target(
        TargetId=environment.organization.root_id, Filter="SERVICE_CONTROL_POLICY"
    )["Policies"]
    ours = environment.guardrails.policy_name
    contents = {}
    for each in found:
        if each["Name"].startswith(ours):
            policy = client.describe_policy(PolicyId=each["Id"])["Policy"]
            contents[each["Name"][len(ours) + 1 :]] = json.loads(policy["Content"])
    return contents


def key_arn(here: Cloud, environment: Environment) -> str:
    """Return the ARN of the key that the alias names."""
    client = here.client(environment.logging.id, "kms")
    return str(client.describe_key(KeyId=environment.key.alias)["KeyMetadata"]["Arn"])


def empty(client: Any, bucket: str) -> None:
    """Delete every version of every object of a bucket."""
    found = client.list_object_versions(Bucket=bucket)
    for each in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
        client.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])


def only(configuration: dict[str, Any]) -> Any:
    """Return the one rule that a bucket's configuration has."""
    (rule,) = configuration["Rules"]
    return rule


def has_role(client: Any, name: str, trust: Document, permissions: Document) -> None:
    """Hold a role and its only policy against what they should be."""
    role = client.get_role(RoleName=name)["Role"]
    assert role["AssumeRolePolicyDocument"] == trust
    (policy,) = client.list_role_policies(RoleName=name)["PolicyNames"]
    found = client.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    assert found == permissions
