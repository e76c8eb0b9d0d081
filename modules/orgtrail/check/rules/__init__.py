"""The rules of `orgtrail check`: mistakes that other tools made, and limits of AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orgtrail.check import bystanders
from orgtrail.check.findings import Finding, Severity, Violation
from orgtrail.check.model import Model
from orgtrail.check.rules import (
    archive,
    bounds,
    doubled,
    evenness,
    guardrails,
    policies,
    switched_off,
    trail,
    unread,
    vocabulary,
)


@dataclass(frozen=True, slots=True)
class CheckRule:
    """A rule of the check.

    Args:
        name: its name in findings.
        severity: the severity of its findings.
        violations: yields what breaks the rule; its docstring says what the rule requires.

    """

    name: str
    severity: Severity
    violations: Callable[[Model], Iterator[Violation]]

    @property
    def meaning(self) -> str:
        """What the rule requires, in a sentence."""
        return " ".join((self.violations.__doc__ or "").split())


RULES = (
    CheckRule("trail-cannot-write", Severity.HIGH, archive.trail_cannot_write),
    CheckRule("writer-shut-out", Severity.HIGH, archive.writer_shut_out),
    CheckRule("key-refuses-trail", Severity.HIGH, archive.key_refuses_trail),
    CheckRule("archive-open", Severity.HIGH, archive.archive_open),
    CheckRule("versioning", Severity.HIGH, archive.versioning),
    CheckRule("lifecycle", Severity.LOW, archive.lifecycle),
    CheckRule("lock-outlives", Severity.HIGH, archive.lock_outlives),
    CheckRule("no-lock", Severity.LOW, archive.no_lock),
    CheckRule("access-log-encryption", Severity.MEDIUM, archive.access_log_encryption),
    CheckRule("partitions", Severity.MEDIUM, archive.partitions),
    CheckRule("invisible-account", Severity.HIGH, archive.invisible_account),
    CheckRule("projection-size", Severity.LOW, archive.projection_size),
    CheckRule("workgroup", Severity.MEDIUM, archive.workgroup),
    CheckRule("alarms-tell-account", Severity.LOW, archive.alarms_tell_account),
    CheckRule("alarms-heard", Severity.MEDIUM, archive.alarms_heard),
    CheckRule("confused-deputy", Severity.HIGH, policies.confused_deputy),
    CheckRule("everybody", Severity.HIGH, policies.everybody),
    CheckRule("not-but", Severity.MEDIUM, policies.not_but),
    CheckRule("member-isolation", Severity.HIGH, policies.member_isolation),
    CheckRule("unknown-keys", Severity.MEDIUM, policies.unknown_keys),
    CheckRule("unknown-action", Severity.MEDIUM, vocabulary.unknown_action),
    CheckRule("unknown-condition-key", Severity.MEDIUM, vocabulary.unknown_condition_key),
    CheckRule("unreadable-policy", Severity.UNPROVEN, policies.unreadable_policy),
    CheckRule("deploy-lockout", Severity.HIGH, guardrails.deploy_lockout),
    CheckRule("deploy-role-unknown", Severity.UNPROVEN, guardrails.deploy_role_unknown),
    CheckRule("owner-locked-out", Severity.MEDIUM, guardrails.owner_locked_out),
    CheckRule("broad-exemption", Severity.HIGH, guardrails.broad_exemption),
    CheckRule("plain-text", Severity.LOW, policies.plain_text),
    CheckRule("member-trails", Severity.LOW, policies.member_trails),
    CheckRule("gap-in-guard", Severity.HIGH, evenness.gap_in_guard),
    CheckRule("condition-matches-all", Severity.MEDIUM, evenness.condition_matches_all),
    CheckRule("uneven-exemption", Severity.HIGH, evenness.uneven_exemption),
    CheckRule("binds-bystanders", Severity.MEDIUM, bystanders.binds_bystanders),
    CheckRule("denies-reading", Severity.MEDIUM, bystanders.denies_reading),
    CheckRule("policy-size", Severity.MEDIUM, guardrails.policy_size),
    CheckRule("policies-per-target", Severity.MEDIUM, guardrails.policies_per_target),
    CheckRule("no-guardrail", Severity.HIGH, guardrails.no_guardrail),
    CheckRule("wrong-partition", Severity.MEDIUM, trail.wrong_partition),
    CheckRule("absent-in-region", Severity.MEDIUM, trail.absent_in_region),
    CheckRule("region-of-its-own", Severity.LOW, trail.region_of_its_own),
    CheckRule("nobody-can-assume", Severity.HIGH, policies.nobody_can_assume),
    CheckRule("sso-path", Severity.HIGH, policies.sso_path),
    CheckRule("no-boundary", Severity.LOW, policies.no_boundary),
    CheckRule("tags", Severity.MEDIUM, trail.tags),
    CheckRule("no-trail", Severity.HIGH, trail.no_trail),
    CheckRule("trail-elsewhere", Severity.UNPROVEN, trail.trail_elsewhere),
    CheckRule("unknown-accounts", Severity.UNPROVEN, trail.unknown_accounts),
    CheckRule("duplicate-trails", Severity.MEDIUM, trail.duplicate_trails),
    CheckRule("policy-before-trail", Severity.MEDIUM, trail.policy_before_trail),
    CheckRule("key-elsewhere", Severity.MEDIUM, trail.key_elsewhere),
    CheckRule("source-account", Severity.HIGH, trail.source_account),
    CheckRule("trusted-access", Severity.MEDIUM, trail.trusted_access),
    CheckRule("wrong-account", Severity.MEDIUM, trail.wrong_account),
    CheckRule("settings", Severity.MEDIUM, trail.settings),
    CheckRule("doubled", Severity.HIGH, doubled.doubled),
    CheckRule("key-off", Severity.HIGH, switched_off.key_off),
    CheckRule("switched-off", Severity.MEDIUM, switched_off.switched_off),
    CheckRule("unguarded", Severity.MEDIUM, switched_off.unguarded),
    CheckRule("boundary-of-everything", Severity.MEDIUM, bounds.boundary_of_everything),
    CheckRule("table-elsewhere", Severity.HIGH, bounds.table_elsewhere),
    CheckRule("exempt-anywhere", Severity.HIGH, bounds.exempt_anywhere),
    CheckRule("outsider", Severity.HIGH, unread.outsider),
    CheckRule("unread", Severity.UNPROVEN, unread.unread),
    CheckRule("perhaps-absent", Severity.UNPROVEN, unread.perhaps_absent),
    CheckRule("dynamic-blocks", Severity.UNPROVEN, unread.dynamic_blocks),
    CheckRule("computed-argument", Severity.UNPROVEN, unread.computed_argument),
    CheckRule("module-unread", Severity.UNPROVEN, unread.module_unread),
    CheckRule("runs-program", Severity.UNPROVEN, unread.runs_program),
    CheckRule("wrong-type", Severity.UNPROVEN, unread.wrong_type),
)
"""In the order of their findings."""


def findings(model: Model, *, by_setting: bool) -> Iterator[Finding]:
    """Yield the findings of every rule.

    Args:
        model: what the stack sets up.
        by_setting: whether findings name settings of an environment file, or addresses of the
            stack.

    """
    for rule in RULES:
        for each in rule.violations(model):
            place = each.setting if by_setting else each.address
            yield Finding(rule.severity, rule.name, place, each.message)
