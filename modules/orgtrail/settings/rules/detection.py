"""Rules of GuardDuty, Security Hub and Access Analyzer: their administrators and regions."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.regions import is_opt_in, partition
from orgtrail.settings.faults import Fault
from orgtrail.settings.rules.core import unlocked
from orgtrail.settings.rules.register import member, rule
from orgtrail.settings.shape import Shape

_SECTIONS = ("guardduty", "security_hub", "access_analyzer")


@rule(*_SECTIONS, "accounts")
def _administrators(environment: Shape) -> Iterator[Fault]:
    """A delegated administrator is a member account: AWS refuses the management account."""
    for name, section in environment.detection.items():
        yield from member(environment, (name, "administrator"), section.administrator)


@rule(*_SECTIONS, "home_region")
def _regions(environment: Shape) -> Iterator[Fault]:
    """Detection covers the home region, where its findings are gathered, in one partition."""
    home = environment.home_region
    for name, section in environment.detection.items():
        regions = section.regions or (home,)
        if home not in regions:
            yield Fault((name, "regions"), f"must include home_region ({home})", list(regions))
        for index, region in enumerate(regions):
            if partition(region) != partition(home):
                yield Fault((name, "regions", index), f"must be in the partition of {home}", region)


@rule("security_hub", "home_region")
def _aggregation(environment: Shape) -> Iterator[Fault]:
    """Security Hub is configured centrally from a region that accounts have without asking."""
    # "You can't use an AWS Region that is disabled by default as your home Region":
    # https://docs.aws.amazon.com/securityhub/latest/userguide/finding-aggregation-enable.html
    home = environment.home_region
    if environment.security_hub and is_opt_in(home):
        yield Fault(
            ("security_hub",),
            f"must be null: Security Hub gathers no findings in {home}, a region that accounts opt "
            "in to, and central configuration needs that of the home region",
        )


@rule("guardduty")
def _agents(environment: Shape) -> Iterator[Fault]:
    """GuardDuty keeps agents for RUNTIME_MONITORING."""
    settings = environment.guardduty
    if settings and settings.runtime_agents and "RUNTIME_MONITORING" not in settings.features:
        yield Fault(
            ("guardduty", "runtime_agents"),
            "needs RUNTIME_MONITORING in guardduty.features",
            list(settings.runtime_agents),
        )


@rule("archive", "catalog", "guardduty")
def _findings_bucket(environment: Shape) -> Iterator[Fault]:
    """Findings have a bucket of their own, its derived name within S3's 63 characters."""
    bucket = environment.findings_bucket
    if bucket is None:
        return
    here = ("guardduty", "export", "bucket")
    if len(bucket) > 63:
        yield Fault(
            here,
            "must be set, since the archive's name and -guardduty is over 63 characters",
            bucket,
        )
    if environment.own_buckets.count(bucket) > 1:
        yield Fault(here, "must be a bucket of its own", bucket)


@rule("guardduty", "home_region")
def _export_region(environment: Shape) -> Iterator[Fault]:
    """GuardDuty exports findings to any region that needs no asking for, or to its own."""
    settings, home = environment.guardduty, environment.home_region
    if not settings or not settings.export or not is_opt_in(home):
        return
    others = [each for each in settings.regions or () if each != home]
    if others:
        yield Fault(
            ("guardduty", "export"),
            f"must be null: GuardDuty does not export findings of {', '.join(others)} to {home}, "
            "a region that accounts opt in to",
        )


@rule(*_SECTIONS, "retired", "accounts", "guardrails", "organization")
def _administrators_are_exempt(environment: Shape) -> Iterator[Fault]:
    """The SCP binds administrators, former ones too, so the roles that deploy there are exempt."""
    if not environment.policy_targets or not environment.detection:
        return
    users = {section.administrator: name for name, section in environment.detection.items()}
    for name in environment.reached[2:]:
        account = environment.accounts.get(name)
        # A role that Terraform assumes is exempt from what protects detection by itself.
        if account and not account.role_arn and (account.profile or account.session_role):
            does = f"deploys {users[name]} to" if name in users else "removes detection from"
            yield from unlocked(environment, name, f"{does} account {name}")
