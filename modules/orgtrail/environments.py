"""Loads environment files that can be deployed: valid, within AWS's limits, without conflicts."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orgtrail.errors import (
    Fault,
    OrgtrailError,
    SettingPath,
    SettingsError,
    SettingsSource,
    SettingsWarning,
    with_location,
)
from orgtrail.regions import partition
from orgtrail.settings.advice import unwise_settings
from orgtrail.settings.environment import CloudBackend, Environment, S3Backend
from orgtrail.settings.loading import load_settings
from orgtrail.trail import archive, auditors, guardrails, key, service_control, siem, writers
from orgtrail.trail.policy import Document, text

SCP_LIMIT = 10_240
"""Most characters of a service control policy since 2026-05-15 (5,120 before).
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""
RCP_LIMIT = 5_120
"""Most characters of a resource control policy (same page)."""
BUCKET_POLICY_LIMIT = 20 * 1024
"""Most bytes of a bucket policy (S3 guide, quotas)."""
KEY_POLICY_LIMIT = 32 * 1024
"""Most bytes of a key policy (KMS guide, quotas)."""

TRUST_POLICY_LIMIT = 2_048
"""Most characters of a role's trust policy, by default (IAM guide, quotas)."""


@dataclass(frozen=True, slots=True)
class LoadedEnvironment:
    """An environment and the file that it came from."""

    environment: Environment
    source: SettingsSource


def load_environment(path: str | Path) -> Environment:
    """Load one environment file.

    Args:
        path: the file, HCL with literal values, UTF-8.

    Returns:
        the valid environment, with all defaults filled in.

    Raises:
        OrgtrailError: the file cannot be read or is not HCL.
        SettingsError: settings break rules; it has one line for each fault, with file and line.

    Warns:
        SettingsWarning: a setting has a consequence that the reader may not expect.

    """
    return _load(path).environment


def load_environments(*places: str | Path) -> list[Environment]:
    """Load environment files, and every `*.tfvars` of folders, sorted by file name.

    Args:
        places: folders, or files.

    Raises:
        OrgtrailError: there are no files, two have the same name, organization, bucket or state,
            or any file has faults; the error lists the faults of all files.

    """
    # A file that is named twice is one.
    paths = [*dict.fromkeys(each for place in places for each in _files_of(Path(place)))]
    files: dict[str, LoadedEnvironment] = {}
    complaints = []
    for path in paths:
        try:
            file = _load(path)
        except OrgtrailError as error:
            complaints.append(str(error))
            continue
        name = file.environment.name
        first = files.setdefault(name, file)
        if first is not file:
            complaints.append(
                f'{path}: name must be unique; got "{name}", the name of {first.source.name}'
            )
    found = conflicts([*files.values()])
    complaints += [with_location(fault, file.source) for file, fault in found]
    if complaints:
        raise OrgtrailError("\n".join(complaints))
    return [file.environment for file in files.values()]


def _files_of(place: Path) -> list[Path]:
    """Return the files of a folder, or the file itself.

    Raises:
        OrgtrailError: the folder has none, or cannot be read.

    """
    try:
        if place.is_file() or (place.suffix == ".tfvars" and not place.is_dir()):
            return [place]
        # Unlike glob, this says why a folder cannot be read.
        names = sorted(each.name for each in place.iterdir() if each.suffix == ".tfvars")
    except FileNotFoundError:
        names = []
    except OSError as error:
        raise OrgtrailError(f"{place}: cannot be read: {error.strerror}") from None
    if not names:
        raise OrgtrailError(f"{place}: has no environment file; write one, such as bank.tfvars")
    return [place / each for each in names]


def _load(path: str | Path) -> LoadedEnvironment:
    environment, source = load_settings(path)
    require_limits(environment, source)
    for fault in unwise_settings(environment):
        warnings.warn(with_location(fault, source), SettingsWarning, stacklevel=3)
    return LoadedEnvironment(environment, source)


def require_limits(environment: Environment, source: SettingsSource | None = None) -> None:
    """Check the size of every policy, and the names of kept statements.

    Raises:
        SettingsError: a policy is too large, or a kept statement has the name of one of ours.

    """
    faults = [*_oversized(environment), *_duplicate_sids(environment)]
    if faults:
        raise SettingsError(faults, source)


def _duplicate_sids(env: Environment) -> Iterator[Fault]:
    """Yield the kept statements that have the name of one of our statements."""
    sids = Counter(each["Sid"] for each in archive.archive_policy(env)["Statement"])
    for index, each in enumerate(env.archive.statements):
        if sids[each.Sid] > 1:
            here = ("archive", "statements", index, "Sid")
            yield Fault(here, "must not be the name of a statement that orgtrail writes", each.Sid)


def _oversized(env: Environment) -> Iterator[Fault]:
    longest: SettingPath = ("guardrails", "exempt_roles")
    if len(env.archive.break_glass_roles) > len(env.guardrails.exempt_roles or ()):
        longest = ("archive", "break_glass_roles")
    if env.policy_targets:
        for part, policy in service_control.service_control(env).items():
            yield from _require_size(
                longest,
                f"the service control policy{f' of {part}' if part else ''}",
                policy,
                SCP_LIMIT,
                "name fewer roles, or several by one pattern with *",
            )
    if env.guardrails.resource_control_policy:
        yield from _require_size(
            ("guardrails", "resource_control_policy"),
            "the resource control policy",
            guardrails.resource_control(env),
            RCP_LIMIT,
            "use shorter bucket names",
        )
    cause, remedy = _largest_bucket_policy_setting(env)
    yield from _require_size(
        cause,
        "the archive's bucket policy",
        archive.archive_policy(env),
        BUCKET_POLICY_LIMIT,
        remedy,
    )
    yield from _require_size(
        ("key", "administrators"),
        "the key policy",
        key.key_policy(env),
        KEY_POLICY_LIMIT,
        "name fewer administrators",
    )
    for setting, what, trust in _trusts(env):
        yield from _require_size(
            setting,
            what,
            trust,
            TRUST_POLICY_LIMIT,
            "name fewer principals, or several by one pattern with *",
        )


def _largest_bucket_policy_setting(env: Environment) -> tuple[SettingPath, str]:
    """Return the setting that adds most to the archive's policy, and the remedy."""
    readers = env.access.member_readers
    causes = {
        ("archive", "break_glass_roles"): (
            list(env.archive.break_glass_roles),
            "name fewer roles, or several by one pattern with *",
        ),
        ("access", "member_readers", "accounts"): (
            list((readers and readers.accounts) or ()),
            "leave it out: the readers of every account are then admitted, each to its own",
        ),
        ("archive", "writers"): (
            list(writers.bucket_statements(env)),
            "leave out accounts, or name those that have such logs",
        ),
        ("archive", "statements"): (list(writers.kept_statements(env)), "keep fewer statements"),
    }
    setting = max(causes, key=lambda each: len(str(causes[each][0])))
    return setting, causes[setting][1]


def _trusts(env: Environment) -> Iterator[tuple[SettingPath, str, Document]]:
    """Yield the trust policies whose size depends on settings."""
    if auditor := env.access.auditor:
        trust = auditors.auditor_trust(auditor)
        yield ("access", "auditor", "trusted"), "the auditors' trust policy", trust
    if env.siem and (reader := env.siem.reader):
        yield ("siem", "reader", "trusted"), "the SIEM's trust policy", siem.reader_trust(reader)


def _require_size(
    setting: SettingPath, what: str, policy: Document, limit: int, remedy: str
) -> Iterator[Fault]:
    size = len(text(policy).encode())
    if size > limit:
        rule = f"must keep {what} within {limit:,} characters; it has {size:,}"
        yield Fault(setting, rule, hint=remedy)


@dataclass(frozen=True, slots=True)
class _Claim:
    """Something that only one file may have, such as a bucket.

    Args:
        what: its kind and identity.
        setting: the setting that names it.
        rule: the rule that a second file with it breaks.
        given: its name.
        remedy: how to resolve a conflict.

    """

    what: Hashable
    setting: SettingPath
    rule: str
    given: str
    remedy: str


def conflicts(
    files: Sequence[LoadedEnvironment],
) -> Iterator[tuple[LoadedEnvironment, Fault]]:
    """Yield each file with an organization, bucket or state of an earlier file, and the fault.

    Two files may share a bucket that one of them only refers to (`adopt`, `manage = false`).
    """
    claimed: dict[Hashable, tuple[LoadedEnvironment, _Claim]] = {}
    for file in files:
        reported: set[SettingPath] = set()
        for claim in _claims(file.environment):
            first, earlier = claimed.setdefault(claim.what, (file, claim))
            if first is not file and claim.setting not in reported:
                reported.add(claim.setting)
                place = first.source.at(earlier.setting)
                rule = f"{claim.rule}, and {place} has the same one"
                yield file, Fault(claim.setting, rule, claim.given, claim.remedy)


def _claims(env: Environment) -> Iterator[_Claim]:
    yield _Claim(
        ("organization", env.organization.id),
        ("organization", "id"),
        "must be in one file alone",
        env.organization.id,
        "one organization has one trail and one state: keep one of the files",
    )
    yield from _bucket_claims(env)
    yield from _state_claims(env)


def _bucket_claims(env: Environment) -> Iterator[_Claim]:
    """Yield the buckets that the stack creates; a name is unique in a partition.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    places = dict(_bucket_names(env.model_dump(exclude_unset=True)))
    for bucket in dict.fromkeys(env.own_buckets):
        if bucket not in env.referenced_buckets:
            yield _Claim(
                ("bucket", partition(env.home_region), bucket),
                # A default name is derived from the archive's.
                places.get(bucket, ("archive", "bucket")),
                "must be a bucket of this file alone",
                bucket,
                "name another: S3 has each name once",
            )


def _state_claims(env: Environment) -> Iterator[_Claim]:
    rule = "must be a state of this file's own"
    remedy = "choose another: a plan would destroy what the other file made"
    match env.backend:
        case S3Backend() as s3:
            key = s3.key_of(env.name)
            what = ("s3", partition(s3.region), s3.bucket, key)
            yield _Claim(what, ("backend", "key"), rule, f"{s3.bucket}/{key}", remedy)
        case CloudBackend() as hcp:
            what = ("cloud", hcp.hostname.lower(), hcp.organization, hcp.workspace)
            given = f"{hcp.organization}/{hcp.workspace}"
            yield _Claim(what, ("backend", "workspace"), rule, given, remedy)


def _bucket_names(
    values: Mapping[str, object], path: SettingPath = ()
) -> Iterator[tuple[str, SettingPath]]:
    """Yield each bucket name in settings, and its path."""
    for name, each in values.items():
        here = (*path, name)
        if isinstance(each, Mapping) and here != ("backend",):
            yield from _bucket_names(each, here)
        elif isinstance(each, str) and name.endswith("bucket"):
            yield each, here
