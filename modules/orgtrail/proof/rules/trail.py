"""Rules of the trail itself: that it is one, is whole, and can write where it is told to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from orgtrail.naming import CLOUDTRAIL
from orgtrail.proof.estate import Estate
from orgtrail.proof.findings import Severity, Trouble, rule
from orgtrail.proof.recovered import faults

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
TRAILS_PER_REGION = 5
"""https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html"""


@rule("no-trail", Severity.HIGH)
def _there_is_a_trail(estate: Estate) -> Iterator[Trouble]:
    """There is an organization trail, it logs, and its bucket is in the same stack."""
    trail = estate.trail
    if not trail:
        if not estate.refers_to_trail:
            yield Trouble("trail", "aws_cloudtrail", "there is no trail: nothing is recorded.")
        return
    if not trail.is_of_organization:
        yield Trouble(
            "trail", trail.address, "the trail is of one account: set is_organization_trail."
        )
    if not trail.is_logging:
        yield Trouble("trail.enabled", trail.address, "the trail is stopped: set it to true.")
    if not estate.archive:
        yield Trouble(
            "archive.bucket",
            trail.address,
            f"the trail writes to {trail.bucket or 'a bucket'}, which this stack does not make: "
            "who may change it cannot be told.",
        )


@rule("trail-elsewhere", Severity.UNPROVEN)
def _the_trail_is_here(estate: Estate) -> Iterator[Trouble]:
    """The trail whose log files the table reads is in the same stack, so that it can be proven."""
    if not estate.trail and estate.refers_to_trail:
        yield Trouble(
            "adopt.trail",
            estate.tables[0].address,
            "reads the log files of a trail that this stack does not make: who can stop or change "
            "that one is told where it is managed.",
        )


@rule("unknown-accounts", Severity.UNPROVEN)
def _accounts_are_known(estate: Estate) -> Iterator[Trouble]:
    """It is known which accounts and organization the stack is for, so that access can be."""
    if estate.trail and estate.archive and not estate.is_known:
        yield Trouble(
            "accounts",
            estate.trail.address,
            "who may do what cannot be told: the account of the trail or of the bucket, or the "
            "organization, is not known. Give each provider allowed_account_ids, and name the "
            "organization in the bucket's policy.",
        )


@rule("duplicate-trails", Severity.MEDIUM)
def _one_trail(estate: Estate) -> Iterator[Trouble]:
    """One organization trail records everything; a second copy costs and confuses."""
    twins = [each for each in estate.trails if each.is_of_organization]
    for each in twins[1:]:
        yield Trouble(
            "trail",
            each.address,
            f"is a second organization trail beside {twins[0].address}: every management event "
            "is charged twice. Remove one.",
        )
    places = Counter((each.account, each.region) for each in estate.trails)
    for (account, region), count in places.items():
        if count > TRAILS_PER_REGION:
            yield Trouble(
                "trail",
                "aws_cloudtrail",
                f"account {account} has {count} trails in {region}; AWS allows "
                f"{TRAILS_PER_REGION}.",
            )


@rule("policy-before-trail", Severity.MEDIUM)
def _policy_comes_first(estate: Estate) -> Iterator[Trouble]:
    """Terraform makes the bucket's policy before the trail: CreateTrail tries to write at once."""
    trail = estate.trail
    if trail and estate.archive and not trail.waits_for_policy:
        yield Trouble(
            "trail",
            trail.address,
            "does not wait for the policy of its bucket: CreateTrail fails with "
            "InsufficientS3BucketPolicy. Add the policy to depends_on.",
        )


@rule("key-elsewhere", Severity.MEDIUM)
def _key_beside_bucket(estate: Estate) -> Iterator[Trouble]:
    """The key that encrypts log files is in the bucket's region, and encrypts the bucket too."""
    trail, archive, key = estate.trail, estate.archive, estate.key
    if not trail or not archive or not key:
        return
    if key.region != archive.region:
        yield Trouble(
            "key",
            key.address,
            f"is in {key.region} and the bucket in {archive.region}: CloudTrail cannot encrypt "
            "with it. Make it in the bucket's region.",
        )
    if archive.algorithm == "aws:kms" and archive.key and archive.key != key.address:
        yield Trouble(
            "key",
            archive.address,
            f"encrypts by default with {archive.key}, the trail with {key.address}: readers need "
            "both. Use one.",
        )


@rule("source-account", Severity.HIGH)
def _source_is_the_management_account(estate: Estate) -> Iterator[Trouble]:
    """aws:SourceArn names this trail in the management account, whoever made it."""
    trail, archive = estate.trail, estate.archive
    if not trail or not archive or not archive.policy:
        return
    for statement in archive.policy.statements:
        for condition in statement.conditions:
            if statement.allows and condition.key.lower() == "aws:sourcearn":
                others = [
                    arn
                    for arn in condition.values
                    if ":cloudtrail:" in arn and f":{trail.account}:" not in arn
                ]
                for arn in others:
                    yield Trouble(
                        "accounts.management.id",
                        trail.address,
                        f"{statement.label} names {arn}, but the trail is of account "
                        f"{trail.account}: it is always the management account's.",
                    )


@rule("trusted-access", Severity.MEDIUM)
def _trusted_access(estate: Estate) -> Iterator[Trouble]:
    """The organization trusts CloudTrail, and one resource alone says which services it trusts."""
    trail = estate.trail
    if trail and trail.is_of_organization and not estate.trusts_cloudtrail:
        yield Trouble(
            "organization",
            trail.address,
            f"nothing turns on or checks trusted access of {CLOUDTRAIL}: an organization trail "
            "cannot be made without. Read data.aws_organizations_organization and check it.",
        )
    kinds = {each.partition(".")[0] for each in estate.owners_of_access}
    if len(kinds) > 1:
        yield Trouble(
            "organization",
            estate.owners_of_access[0],
            f"{' and '.join(estate.owners_of_access)} both set the trusted services: every plan "
            "would undo the other. Keep one.",
        )


@rule("wrong-account", Severity.MEDIUM)
def _providers_are_pinned(estate: Estate) -> Iterator[Trouble]:
    """Each provider refuses any account but its own, and reaches it by a role or profile."""
    for each in estate.providers:
        known = each.pinned and "${" not in each.account
        if known and not _ACCOUNT.fullmatch(each.account):
            yield Trouble(
                "accounts",
                "provider.aws",
                f"the provider in {each.region or 'the default region'} is of account "
                f"{each.account}, and no account has that id: 12 digits, 0 to 9. Correct it.",
            )
        if not each.pinned:
            yield Trouble(
                "accounts",
                "provider.aws",
                f"the provider in {each.region or 'the default region'} acts in whatever account "
                "its credentials reach. Set allowed_account_ids.",
            )


@rule("settings", Severity.MEDIUM)
def _rules_of_settings(estate: Estate) -> Iterator[Trouble]:
    """What an environment file may not say, a stack may not say either."""
    for setting, address, message in faults(estate):
        yield Trouble(setting, address, message)
