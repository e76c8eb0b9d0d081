"""The SCP of trail and evidence: trail, buckets, log files, key, and not leaving."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import naming
from orgtrail.policies.document import DELETION, HOLDING, REWRITING, Statement
from orgtrail.policies.guardrails.statement import KEY, ROLE, deny, deny_by_alias, deny_key
from orgtrail.settings.environment import Environment

_TRAIL = (
    "DeleteTrail", "PutEventConfiguration", "PutEventSelectors", "PutInsightSelectors",
    "StopLogging", "UpdateTrail",
)  # fmt: skip
_BUCKET = (
    "DeleteBucket", "DeleteBucketPolicy", "PutBucketAcl", "PutBucketLogging",
    "PutBucketNotification", "PutBucketObjectLockConfiguration", "PutBucketOwnershipControls",
    "PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketRequestPayment",
    "PutBucketVersioning", "PutEncryptionConfiguration", "PutLifecycleConfiguration",
    "PutReplicationConfiguration",
)  # fmt: skip
_FILES = (*DELETION, *HOLDING, *REWRITING)
_KEEPING = ("CreateGrant", "DisableKeyRotation")
_ENDING = tuple(action for action in KEY if action not in _KEEPING)
"""What would make every log file unreadable, or let others decide who reads."""
_LOG_GROUP = (
    "AssociateKmsKey", "DeleteDataProtectionPolicy", "DeleteLogGroup", "DeleteLogStream",
    "DeleteRetentionPolicy", "DisassociateKmsKey", "PutDataProtectionPolicy",
    "PutRetentionPolicy", "PutTransformer",
)  # fmt: skip
_SIGN_IN = (
    "AddClientIDToOpenIDConnectProvider", "DeleteOpenIDConnectProvider", "DeleteSAMLProvider",
    "RemoveClientIDFromOpenIDConnectProvider", "UpdateOpenIDConnectProviderThumbprint",
    "UpdateSAMLProvider",
)  # fmt: skip
"""What the trust of roles that people or pipelines sign in to rests on.

IAM Identity Center changes its own by a service-linked role, which no SCP binds."""


def statements(env: Environment) -> Iterator[Statement]:
    """Yield what protects trail and evidence in every member account."""
    exempt = env.exempt_roles
    yield _trails(env)
    yield from _buckets(env)
    yield from _files(env)
    yield from _key(env)
    # The group is in the management account; this binds where a delegated
    # administrator owns the trail, and so the group.
    groups = [f"{naming.log_group_arn(env, '*')}*"]
    if env.verification:
        name = f"log-group:{env.verification.log_group}"
        groups.append(f"{naming.logging_arn(env, 'logs', name)}*")
    yield deny("ProtectLogGroup", "logs", _LOG_GROUP, groups, exempt)
    yield from _exempt_roles(env)
    # Accepting a handshake moves an account to another organization without leaving first:
    # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_account_migration.html
    yield deny(
        "StayInOrganization", "organizations", ("AcceptHandshake", "LeaveOrganization"), "*", ()
    )
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsaccountmanagement.html
    yield deny("KeepAccountAndRegions", "account", ("CloseAccount", "DisableRegion"), "*", ())


def _trails(env: Environment) -> Statement:
    """Deny stopping trails: the members' own too, unless old ones are being cleared away."""
    everywhere = "*" if env.guardrails.member_trails else naming.trail_arn(env)
    owners = env.owner_roles if env.adopt.is_referenced("trail") else ()
    return deny("ProtectTrails", "cloudtrail", _TRAIL, everywhere, (*env.exempt_roles, *owners))


def _buckets(env: Environment) -> Iterator[Statement]:
    """Deny changing a bucket; the owner of one that is only referred to is exempt from its own."""
    exempt = env.exempt_roles
    for sid, names, roles in (
        ("ProtectBuckets", [n for n in env.own_buckets if n not in env.referenced_buckets], exempt),
        ("ProtectOthersBuckets", sorted(env.referenced_buckets), (*exempt, *env.owner_roles)),
    ):
        if names:
            arns = [naming.bucket_arn(env, each) for each in names]
            yield deny(sid, "s3", _BUCKET, arns, roles)


def _files(env: Environment) -> Iterator[Statement]:
    """Deny deleting, holding and writing evidence to all but break-glass roles, services apart."""
    exempt = env.archive.break_glass_roles
    others = env.referenced_buckets
    for sid, names, roles in (
        ("ProtectLogFiles", [n for n in env.evidence_buckets if n not in others], exempt),
        ("ProtectOthersLogFiles", sorted(others), (*exempt, *env.owner_roles)),
    ):
        if names:
            arns = [naming.bucket_arn(env, each, "*") for each in names]
            yield deny(sid, "s3", _FILES, arns, roles)


def _key(env: Environment) -> Iterator[Statement]:
    """Deny ending the archive's key to all but break-glass roles, its care to all but the exempt.

    Whoever deletes the key deletes every log file with it, however they are locked.
    A key that is only referred to is known by its ARN.
    """
    exempt, break_glass = env.exempt_roles, env.archive.break_glass_roles
    if arn := env.adopt.referenced_key:
        yield deny("ProtectKey", "kms", KEY, arn, (*exempt, *env.owner_roles))
        return
    yield deny_key(env, "ProtectKey", _KEEPING, env.key.alias, exempt)
    yield from deny_by_alias(env, "KeepKey", _ENDING, env.key.alias, break_glass)


def _exempt_roles(env: Environment) -> Iterator[Statement]:
    """Deny rewriting exempt roles: who can rewrite the trust of one is exempt himself.

    A break-glass role is rewritten by its like alone: who may change the archive's settings is not
    meant to delete evidence.
    """
    exempt, break_glass = env.exempt_roles, env.archive.break_glass_roles
    if exempt:
        yield deny("ProtectExemptRoles", "iam", ROLE, sorted(set(exempt)), exempt)
    if break_glass:
        roles = sorted(set(break_glass))
        yield deny("ProtectBreakGlassRoles", "iam", ROLE, roles, tuple(roles))
    if owners := env.owner_roles:
        # In the logging account alone: elsewhere their owner enrols accounts with them.
        there = sorted(each.replace("::*:", f"::{env.logging.id}:") for each in owners)
        yield deny("ProtectOwnerRoles", "iam", ROLE, there, (*exempt, *owners))
    providers = [
        naming.arn(env, "iam", env.logging.id, f"{kind}/*")
        for kind in ("saml-provider", "oidc-provider")
    ]
    yield deny("ProtectSignIn", "iam", _SIGN_IN, providers, exempt)
