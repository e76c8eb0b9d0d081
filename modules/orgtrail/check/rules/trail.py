"""Rules on the trail and its stack: providers, partition, regions, tags and settings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from orgtrail.check.findings import Violation
from orgtrail.check.model import Model, TagSet
from orgtrail.errors import dotted
from orgtrail.naming import CLOUDTRAIL
from orgtrail.settings import rules
from orgtrail.settings.catalog import CatalogSettings
from orgtrail.settings.environment import Account, Environment, Organization
from orgtrail.settings.types import MAX_TAGS, TAG_KEY, TAG_VALUE, case_duplicates

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
TRAILS_PER_REGION = 5
"""https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html"""
_SECTIONS = {
    "provider": "accounts",
    "auditor": "access",
    "catalog_compaction": "catalog.compaction",
}
"""By name prefix, the section of resources that are not named after it."""


def no_trail(model: Model) -> Iterator[Violation]:
    """There is an organization trail, it logs, and its bucket is in the same stack."""
    trail = model.trail
    if not trail:
        if not model.refers_to_trail:
            yield Violation("trail", "aws_cloudtrail", "there is no trail: nothing is recorded.")
        return
    if not trail.is_of_organization:
        yield Violation(
            "trail", trail.address, "the trail is of one account: set is_organization_trail."
        )
    if not trail.is_logging:
        yield Violation("trail.enabled", trail.address, "the trail is stopped: let it log.")
    if not model.archive:
        yield Violation(
            "archive.bucket",
            trail.address,
            f"the trail writes to {trail.bucket or 'a bucket'}, which this stack does not make: "
            "who may change it cannot be decided.",
        )


def trail_elsewhere(model: Model) -> Iterator[Violation]:
    """The trail whose log files the table reads is in the same stack, so that it can be proven."""
    if not model.trail and model.refers_to_trail:
        yield Violation(
            "adopt.trail",
            model.tables[0].address,
            "reads the log files of a trail that this stack does not make: who can stop or change "
            "that one is decided where it is managed.",
        )


def unknown_accounts(model: Model) -> Iterator[Violation]:
    """It is known which accounts and organization the stack is for, so that access can be."""
    if model.trail and model.archive and not model.is_known:
        yield Violation(
            "accounts",
            model.trail.address,
            "who may do what cannot be decided: the account of the trail or of the bucket, or the "
            "organization, is not known. Give each provider allowed_account_ids, and name the "
            "organization in the bucket's policy.",
        )


def duplicate_trails(model: Model) -> Iterator[Violation]:
    """One organization trail records everything; a second copy costs and confuses."""
    others = [each for each in model.trails if each.is_of_organization]
    for each in others[1:]:
        yield Violation(
            "trail",
            each.address,
            f"is a second organization trail beside {others[0].address}: every management event "
            "is charged twice. Remove one.",
        )
    places = Counter((each.account, each.region) for each in model.trails)
    for (account, region), count in places.items():
        if count > TRAILS_PER_REGION:
            yield Violation(
                "trail",
                "aws_cloudtrail",
                f"account {account} has {count} trails in {region}; AWS allows "
                f"{TRAILS_PER_REGION}.",
            )


def policy_before_trail(model: Model) -> Iterator[Violation]:
    """Terraform makes the bucket's policy before the trail: CreateTrail tries to write at once."""
    trail = model.trail
    if trail and model.archive and not trail.waits_for_policy:
        yield Violation(
            "trail",
            trail.address,
            "does not wait for the policy of its bucket: CreateTrail fails with "
            "InsufficientS3BucketPolicy. Add the policy to depends_on.",
        )


def key_elsewhere(model: Model) -> Iterator[Violation]:
    """The key that encrypts log files is in the bucket's region, and encrypts the bucket too."""
    trail, archive, key = model.trail, model.archive, model.key
    if not trail or not archive or not key:
        return
    if key.region != archive.region:
        yield Violation(
            "key",
            key.address,
            f"is in {key.region} and the bucket in {archive.region}: CloudTrail cannot encrypt "
            "with it. Make it in the bucket's region.",
        )
    if archive.algorithm == "aws:kms" and archive.key and archive.key != key.address:
        yield Violation(
            "key",
            archive.address,
            f"encrypts by default with {archive.key}, the trail with {key.address}: readers need "
            "both. Use one.",
        )


def source_account(model: Model) -> Iterator[Violation]:
    """aws:SourceArn names this trail in the management account, whoever made it."""
    trail, archive = model.trail, model.archive
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
                    yield Violation(
                        "accounts.management.id",
                        trail.address,
                        f"{statement.label} names {arn}, but the trail is of account "
                        f"{trail.account}: it is always the management account's.",
                    )


def trusted_access(model: Model) -> Iterator[Violation]:
    """The organization trusts CloudTrail, and one resource alone says which services it trusts."""
    trail = model.trail
    if trail and trail.is_of_organization and not model.trusts_cloudtrail:
        yield Violation(
            "organization",
            trail.address,
            f"nothing turns on or checks trusted access of {CLOUDTRAIL}: an organization trail "
            "cannot be made without. Read data.aws_organizations_organization and check it.",
        )
    kinds = {each.partition(".")[0] for each in model.trusted_access_owners}
    if len(kinds) > 1:
        yield Violation(
            "organization",
            model.trusted_access_owners[0],
            f"{' and '.join(model.trusted_access_owners)} both set the trusted services: every "
            "plan would undo the other. Keep one.",
        )


def wrong_account(model: Model) -> Iterator[Violation]:
    """Each provider refuses any account but its own, and reaches it by a role or profile."""
    for each in model.providers:
        known = each.pinned and "${" not in each.account
        if known and not _ACCOUNT.fullmatch(each.account):
            yield Violation(
                "accounts",
                "provider.aws",
                f"the provider in {each.region or 'the default region'} is of account "
                f"{each.account}, and no account has that id: 12 digits, 0 to 9. Correct it.",
            )
        if not each.pinned:
            yield Violation(
                "accounts",
                "provider.aws",
                f"the provider in {each.region or 'the default region'} acts in whatever account "
                "its credentials reach. Set allowed_account_ids.",
            )


def settings(model: Model) -> Iterator[Violation]:
    """What an environment file may not say, a stack may not say either."""
    known: dict[str, Any] = {"recording": None, "guardduty": None, "catalog": CatalogSettings()}
    addresses = {}
    if trail := model.trail:
        addresses["trail"] = trail.address
        known["trail"] = trail.settings
        known["home_region"] = trail.region
        known["accounts"] = {
            "management": Account.model_construct(id=model.management),
            "logging": Account.model_construct(id=model.logging),
        }
        known["organization"] = Organization.model_construct(id=model.organization)
    if archive := model.archive:
        addresses["archive"] = archive.address
        known["archive"] = archive.settings
    for name, address in addresses.items():
        if known[name] is None:
            del known[name]
            message = "has settings that AWS does not know, or none at all."
            yield Violation(name, address, message)
    shape = Environment.model_construct(_fields_set=set(known), **known)
    for fault in rules.broken_rules(shape, set(known)):
        section = str(fault.setting[0])
        if section in addresses:
            yield Violation(dotted(fault.setting), addresses[section], str(fault))


def wrong_partition(model: Model) -> Iterator[Violation]:
    """Every ARN and host, in any text, is of the trail's partition: others match nothing."""
    for each in model.foreign_references:
        yield Violation(
            _section_of(each.address),
            each.address,
            f"{each.address} names {each.what}, and the trail is in "
            f"{model.partition}: nothing there has that name. Write it for {model.partition}.",
        )


def _section_of(address: str) -> str:
    """Return the section of an environment file that configures a resource."""
    name = address.partition(".")[2] if not address.startswith("provider") else "provider"
    for section in (*_SECTIONS, *Environment.model_fields):
        if name == section or name.startswith(f"{section}_"):
            return _SECTIONS.get(section, section)
    return "home_region"


def absent_in_region(model: Model) -> Iterator[Violation]:
    """Each region has what is asked of it: plans of GuardDuty, Security Hub's aggregation."""
    for each in model.unavailable_features:
        yield Violation(
            each.setting, each.address, f"{each.reason}: the apply fails. Leave it out."
        )


def region_of_its_own(model: Model) -> Iterator[Violation]:
    """An account has one provider, and resources elsewhere name their region: a region may go."""
    # https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support
    regions: dict[tuple[str, str], list[str]] = {}
    for each in model.providers:
        if each.account and each.region:
            regions.setdefault((each.account, each.role), []).append(each.region)
    for (account, _), several in regions.items():
        if len(set(several)) > 1:
            yield Violation(
                "guardduty.regions",
                "provider.aws",
                f"account {account} has a provider for each of {', '.join(sorted(set(several)))}: "
                "when the last resource of a region goes together with its provider, no plan is "
                "possible. Keep one, and let resources name their region.",
            )


def tags(model: Model) -> Iterator[Violation]:
    """AWS takes the tags: their number, their keys and their values."""
    for each in model.tag_sets:
        for what in _invalid_tags(each):
            yield Violation("tags", each.address, f"{what}: AWS refuses it.")


def _invalid_tags(tag_set: TagSet) -> Iterator[str]:
    if len(tag_set.tags) > MAX_TAGS:
        yield f"has {len(tag_set.tags)} tags, which must be at most {MAX_TAGS}"
    for key, value in tag_set.tags:
        if "${" in key or "${" in value:
            continue  # known only after the deploy
        if not TAG_KEY.holds(key):
            yield f"the tag {key!r} {TAG_KEY.text}"
        if not TAG_VALUE.holds(value):
            yield f"the tag {key!r} {TAG_VALUE.text}; it has {value!r}"
    for key, earlier in case_duplicates(key for key, _ in tag_set.tags).items():
        yield f"the tag {key!r} differs from {earlier!r} by case alone"
