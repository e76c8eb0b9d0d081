"""The resource control policy of the logging account: a perimeter around its buckets and keys."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.policies.document import Document, document
from orgtrail.settings.environment import Environment


def resource_control(env: Environment) -> Document:
    """Return the RCP: no outsider, and no service for an outsider, reaches buckets and keys.

    The second statement is for services: they carry the organization that they act for.
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
    """
    organization = env.organization.id
    resources = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*", "kms:*"],
        "Resource": [
            *(naming.bucket_arn(env, name, key) for name in env.own_buckets for key in ("", "*")),
            naming.arn(env, "kms", env.logging.id, "key/*", region="*"),
        ],
    }
    return document(
        {
            "Sid": "OnlyThisOrganization",
            **resources,
            "Condition": {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": organization},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        },
        {
            "Sid": "ServicesForThisOrganization",
            **resources,
            "Condition": {
                "StringNotEqualsIfExists": {"aws:SourceOrgID": organization},
                "Null": {"aws:SourceAccount": "false"},
                "Bool": {"aws:PrincipalIsAWSService": "true"},
            },
        },
    )
