"""Environments that are fit to synthesize: valid settings, and policies within AWS's limits."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from orgtrail.settings.advice import advice
from orgtrail.settings.environment import Environment
from orgtrail.settings.faults import (
    Fault,
    OrgtrailError,
    SettingsError,
    SettingsWarning,
    Source,
    worded,
)
from orgtrail.settings.loading import load_settings
from orgtrail.settings.together import Loaded, shared
from orgtrail.trail import archive, auditors, guardrails, key, service_control, siem, writers
from orgtrail.trail.policy import Document, text

SCP_LIMIT = 10_240
"""Characters of a service control policy since 2026-05-15 (5,120 before).
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""
RCP_LIMIT = 5_120
"""Characters of a resource control policy (the same page)."""
BUCKET_POLICY_LIMIT = 20 * 1024
"""Bytes of a bucket policy (S3 guide, quotas)."""
KEY_POLICY_LIMIT = 32 * 1024
"""Bytes of a key policy (KMS guide, quotas)."""

TRUST_POLICY_LIMIT = 2_048
"""Characters of a role's trust policy, unless AWS was asked for more (IAM guide, quotas)."""


def load_environment(path: str | Path) -> Environment:
    """Read one environment file.

    Args:
        path: the file, HCL with literal values, UTF-8.

    Returns:
        the environment, complete with defaults and valid.

    Raises:
        OrgtrailError: the file cannot be read or is not HCL.
        SettingsError: settings break rules; one line for each fault, with file and line.

    Warns:
        SettingsWarning: a setting has a consequence that its reader may not expect.

    """
    return _loaded(path).environment


def load_environments(folder: str | Path) -> list[Environment]:
    """Read every `*.tfvars` of a folder, in the order of their names.

    Raises:
        OrgtrailError: there are none, two have one name, organization, bucket or state, or any
            of them is at fault; the faults of all files are told at once.

    """
    paths = sorted(Path(folder).glob("*.tfvars"))
    if not paths:
        raise OrgtrailError(f"{folder}: has no environment file; write one, such as bank.tfvars")
    files: dict[str, Loaded] = {}
    complaints = []
    for path in paths:
        try:
            file = _loaded(path)
        except OrgtrailError as error:
            complaints.append(str(error))
            continue
        name = file.environment.name
        first = files.setdefault(name, file)
        if first is not file:
            complaints.append(
                f'{path}: name must be unique; got "{name}", the name of {first.source.name}'
            )
    found = shared([*files.values()])
    complaints += [worded(fault, file.source) for file, fault in found]
    if complaints:
        raise OrgtrailError("\n".join(complaints))
    return [file.environment for file in files.values()]


def _loaded(path: str | Path) -> Loaded:
    environment, source = load_settings(path)
    require_limits(environment, source)
    for fault in advice(environment):
        warnings.warn(worded(fault, source), SettingsWarning, stacklevel=3)
    return Loaded(environment, source)


def require_limits(environment: Environment, source: Source | None = None) -> None:
    """Check the size of every policy, and the names of the statements that one keeps.

    Raises:
        SettingsError: a policy is too large, or a name is taken; the fault names the setting.

    """
    faults = [*_oversized(environment), *_taken(environment)]
    if faults:
        raise SettingsError(faults, source)


def _taken(env: Environment) -> Iterator[Fault]:
    """Yield the kept statements whose name one of ours has."""
    sids = Counter(each["Sid"] for each in archive.archive_policy(env)["Statement"])
    for index, each in enumerate(env.archive.statements):
        if sids[each.Sid] > 1:
            here = ("archive", "statements", index, "Sid")
            yield Fault(here, "must not be the name of a statement that orgtrail writes", each.Sid)


def _oversized(env: Environment) -> Iterator[Fault]:
    exempt, break_glass = ("guardrails", "exempt_roles"), ("archive", "break_glass_roles")
    longest = max((exempt, break_glass), key=lambda place: len(_given(env, place)))
    if env.policy_targets:
        for part, policy in service_control.service_control(env).items():
            yield from _limited(
                longest,
                f"the service control policy{f' of {part}' if part else ''}",
                policy,
                SCP_LIMIT,
                "name fewer roles, or several by one pattern with *",
            )
    if env.guardrails.resource_control_policy:
        yield from _limited(
            ("guardrails", "resource_control_policy"),
            "the resource control policy",
            guardrails.resource_control(env),
            RCP_LIMIT,
            "use shorter bucket names",
        )
    cause, remedy = _of_bucket_policy(env)
    yield from _limited(
        cause,
        "the archive's bucket policy",
        archive.archive_policy(env),
        BUCKET_POLICY_LIMIT,
        remedy,
    )
    yield from _limited(
        ("key", "administrators"),
        "the key policy",
        key.key_policy(env),
        KEY_POLICY_LIMIT,
        "name fewer administrators",
    )
    for setting, what, trust in _trusts(env):
        yield from _limited(
            setting,
            what,
            trust,
            TRUST_POLICY_LIMIT,
            "name fewer principals, or several by one pattern with *",
        )


def _of_bucket_policy(env: Environment) -> tuple[tuple[str, ...], str]:
    """Return the setting that makes most of the archive's policy, and what to do about it."""
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


def _trusts(env: Environment) -> Iterator[tuple[tuple[str, ...], str, Document]]:
    """Yield the trust policies whose size settings decide."""
    if auditor := env.access.auditor:
        trust = auditors.auditor_trust(auditor)
        yield ("access", "auditor", "trusted"), "the auditors' trust policy", trust
    if env.siem and (reader := env.siem.reader):
        yield ("siem", "reader", "trusted"), "the SIEM's trust policy", siem.reader_trust(reader)


def _given(env: Environment, place: tuple[str, ...]) -> tuple[str, ...]:
    if place[0] == "guardrails":
        return env.guardrails.exempt_roles or ()
    return env.archive.break_glass_roles


def _limited(
    setting: tuple[str, ...], what: str, policy: Document, limit: int, remedy: str
) -> Iterator[Fault]:
    size = len(text(policy).encode())
    if size > limit:
        rule = f"must keep {what} within {limit:,} characters; it has {size:,}"
        yield Fault(setting, rule, hint=remedy)
