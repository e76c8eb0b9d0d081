"""Rules of the trail's core: accounts, archive, guardrails, delivery and catalog."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from orgtrail.settings.faults import Fault
from orgtrail.settings.rules.register import account_of, member, rule
from orgtrail.settings.shape import Shape


@rule("accounts")
def _two_accounts_of_its_own(environment: Shape) -> Iterator[Fault]:
    """Every account has one name, and the two of the trail must be there and differ."""
    for name in ("management", "logging"):
        if name not in environment.accounts:
            yield Fault(("accounts", name), "is required")
    names: dict[str, str] = {}
    for name, account in environment.accounts.items():
        first = names.setdefault(account.id, name)
        if first == name:
            continue
        rule = f"must not be the id of accounts.{first}"
        if {first, name} == {"management", "logging"}:
            rule += ": logs must be out of the reach of the management account's administrators"
        yield Fault(("accounts", name, "id"), rule, account.id)


@rule("accounts", "retired", "backend", "guardduty", "security_hub", "access_analyzer")
def _reachable(environment: Shape) -> Iterator[Fault]:
    """Accounts that are deployed to, or were, are reached by a profile or a role of their own."""
    for name, account in environment.accounts.items():
        here = ("accounts", name)
        if name not in environment.reached:
            for setting in (
                "profile", "role_arn", "external_id", "session_role", "permissions_boundary",
            ):  # fmt: skip
                if (given := getattr(account, setting)) is not None:
                    yield Fault(
                        (*here, setting),
                        "must be left out: only management, logging and delegated "
                        "administrators are deployed to",
                        given,
                        "name a former administrator in retired.accounts",
                    )
            continue
        reachable = account.profile or account.role_arn or environment.backend.type == "cloud"
        if name != "management" and not reachable:
            yield Fault(
                here, "needs profile or role_arn: one set of credentials cannot reach two accounts"
            )


@rule("accounts", "retired", "guardduty", "security_hub", "access_analyzer")
def _retired(environment: Shape) -> Iterator[Fault]:
    """A retired account is a member that nothing is deployed to any more."""
    for index, name in enumerate(environment.retired.accounts):
        here = ("retired", "accounts", index)
        if name not in environment.deployed:
            yield from member(environment, here, name)
            continue
        users = [
            f"{section}.administrator names it"
            for section, settings in environment.detection.items()
            if settings.administrator == name
        ]
        reason = "it always is" if name in ("management", "logging") else " and ".join(users)
        yield Fault(here, f"must be an account that is no longer deployed to: {reason}", name)


@rule("accounts", "backend")
def _ways_in(environment: Shape) -> Iterator[Fault]:
    """An account is reached in one way, with a role of its own."""
    for name, account in environment.accounts.items():
        here = ("accounts", name)
        if account.profile and account.role_arn:
            yield Fault((*here, "profile"), "must not stand beside role_arn", account.profile)
        if account.external_id and not account.role_arn:
            yield Fault((*here, "external_id"), "needs role_arn", account.external_id)
        for setting in ("role_arn", "session_role"):
            role = getattr(account, setting)
            if role and account_of(role) != account.id:
                yield Fault((*here, setting), f"must be a role of account {account.id}", role)
        if account.session_role and account.role_arn and environment.backend.type != "cloud":
            yield Fault(
                (*here, "session_role"),
                "must be left out beside role_arn, which is the role, unless runs in HCP Terraform "
                "have another one",
                account.session_role,
            )


@rule("archive")
def _lifecycle(environment: Shape) -> Iterator[Fault]:
    """Files stay in Glacier for 90 days and in Deep Archive for 180: both are billed that long."""
    archive = environment.archive
    glacier, deep, expire = (
        archive.glacier_after_days,
        archive.deep_archive_after_days,
        archive.expire_after_days,
    )
    if glacier and deep and deep < glacier + 90:
        yield Fault(
            ("archive", "deep_archive_after_days"),
            "must be at least archive.glacier_after_days + 90",
            deep,
        )
    last, least = ("deep_archive", 180) if deep else ("glacier", 90)
    if expire and (start := deep or glacier) and expire < start + least:
        yield Fault(
            ("archive", "expire_after_days"),
            f"must be at least archive.{last}_after_days + {least}",
            expire,
        )


@rule("archive")
def _lock(environment: Shape) -> Iterator[Fault]:
    """A lock is not longer than the expiry, and COMPLIANCE keeps destroy protection on."""
    archive = environment.archive
    lock = archive.object_lock
    if not lock:
        return
    if archive.expire_after_days and lock.days > archive.expire_after_days:
        yield Fault(
            ("archive", "object_lock", "days"),
            f"must be at most archive.expire_after_days ({archive.expire_after_days})",
            lock.days,
        )
    if lock.mode == "COMPLIANCE" and not archive.destroy_protection:
        yield Fault(
            ("archive", "destroy_protection"),
            "must be true where archive.object_lock.mode is COMPLIANCE: "
            "a bucket with locked files cannot be destroyed",
            False,
        )


@rule("archive", "key", "adopt")
def _locked_key(environment: Shape) -> Iterator[Fault]:
    """Where files have a COMPLIANCE lock, their key waits as long as it can before it is gone."""
    lock, days = environment.archive.object_lock, environment.key.deletion_window_days
    others = environment.adopt.refers("key")
    if lock and lock.mode == "COMPLIANCE" and days != 30 and not others:
        yield Fault(
            ("key", "deletion_window_days"),
            "must be 30 where archive.object_lock.mode is COMPLIANCE: locked files are unreadable "
            "without their key",
            days,
        )


@rule("archive", "catalog")
def _buckets(environment: Shape) -> Iterator[Fault]:
    """Three buckets have three names, the derived ones within S3's 63 characters."""
    archive = environment.archive
    results = environment.result_bucket
    if len(results) > 63:
        yield Fault(
            ("catalog", "result_bucket"),
            "must be set, since the archive's name and -athena-results is over 63 characters",
            results,
        )
    if len(archive.access_log_bucket) > 63:
        yield Fault(
            ("archive", "access_log_bucket"),
            "must be set, since the archive's name and -access-logs is over 63 characters",
            archive.access_log_bucket,
        )
    if archive.access_log_bucket == archive.bucket:
        yield Fault(
            ("archive", "access_log_bucket"),
            "must be another bucket: S3 would log its own log deliveries without end",
            archive.bucket,
        )
    if results in (archive.bucket, archive.access_log_bucket):
        yield Fault(("catalog", "result_bucket"), "must be a bucket of its own", results)


@rule("accounts", "guardrails", "organization")
def _lockout(environment: Shape) -> Iterator[Fault]:
    """The SCP binds the logging account, so the role that deploys to it is exempt."""
    if "logging" not in environment.accounts or not environment.policy_targets:
        return
    yield from unlocked(environment, "logging", "deploys to the logging account")


def unlocked(environment: Shape, name: str, does: str) -> Iterator[Fault]:
    """Yield a fault where the SCP would lock out the role that deploys to an account.

    Roles are compared, not accounts. Where the file does not say which role that is, one of the
    account has to be exempt, and the check says that it is unproven.
    """
    account, here = environment.accounts[name], ("guardrails", "exempt_roles")
    exempt = environment.exempt_roles
    for setting in ("role_arn", "session_role"):
        role = getattr(account, setting)
        if role and not any(fnmatchcase(role, each) for each in exempt):
            yield Fault(
                here,
                f"must include accounts.{name}.{setting} ({role}): the policy would lock the "
                "deploying role out",
                list(exempt),
            )
    if not account.deploy_roles and not any(
        account_of(each) in ("*", account.id) for each in exempt
    ):
        yield Fault(
            here,
            f"must include the role that {does} ({account.id}): the policy would lock it out",
            list(exempt),
        )


@rule("accounts", "guardrails", "archive")
def _known_accounts(environment: Shape) -> Iterator[Fault]:
    """Exempt and break-glass roles are of member accounts: any other would be a hole."""
    members = {account.id for name, account in environment.accounts.items() if name != "management"}
    named = (
        (("guardrails", "exempt_roles"), environment.guardrails.exempt_roles or ()),
        (("archive", "break_glass_roles"), environment.archive.break_glass_roles),
    )
    for here, roles in named:
        for index, role in enumerate(roles):
            if account_of(role) not in members | {"*"}:
                yield Fault((*here, index), "must be a role of a member account in accounts", role)


@rule("home_region", "delivery", "accounts")
def _log_group_key(environment: Shape) -> Iterator[Fault]:
    """The log group's key is in the home region."""
    arn = environment.delivery.kms_key_arn
    if arn and arn.split(":")[3] != environment.home_region:
        yield Fault(("delivery", "kms_key_arn"), f"must be a key in {environment.home_region}", arn)


@rule("home_region", "catalog")
def _home_is_projected(environment: Shape) -> Iterator[Fault]:
    """A fixed list of projected regions holds the home region."""
    regions = environment.catalog.regions
    if regions is not None and environment.home_region not in regions:
        yield Fault(
            ("catalog", "regions"),
            f"must include home_region ({environment.home_region})",
            list(regions),
        )
