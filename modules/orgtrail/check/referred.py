"""Parts that a file only refers to (`adopt`, `manage = false`), which makes them unproven."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orgtrail.check.controls import Control, Status
from orgtrail.check.findings import Finding, Severity
from orgtrail.settings.environment import Environment

RULE = "adopt"
_SECTIONS = {
    "bucket": ("archive",),
    "access_log_bucket": ("archive",),
    "key": ("key",),
    "trail": ("trail", "recording"),
    "log_group": ("delivery",),
    "delivery_role": ("delivery",),
    "scp": ("guardrails",),
}
_REDUNDANT = {"access", "delivery", "unreadable-policy"}
"""Rules with one finding per policy, where one finding per part is enough."""


def replace_findings(findings: tuple[Finding, ...], env: Environment) -> tuple[Finding, ...]:
    """Replace all findings that follow from a referenced part by one: the part is unproven."""
    parts, sections = env.adopt.referenced, _sections(env)
    if not parts:
        return findings
    kept = [each for each in findings if not _follows(each, sections)]
    return (*kept, *(_unproven(part) for part in parts))


def replace_controls(controls: tuple[Control, ...], env: Environment) -> Iterator[Control]:
    """Yield the controls; those that a referenced part decides are unproven."""
    sections = _sections(env)
    for each in controls:
        is_ours = _section(each.setting) not in sections
        yield each if is_ours else replace(each, verdict=Status.UNPROVEN)


def _sections(env: Environment) -> set[str]:
    return {section for part in env.adopt.referenced for section in _SECTIONS[part]}


def _section(setting: str) -> str:
    return setting.partition(".")[0]


def _follows(finding: Finding, sections: set[str]) -> bool:
    if finding.rule in _REDUNDANT and finding.severity is Severity.UNPROVEN:
        return True
    section = _section(finding.setting)
    if finding.rule == "settings" or section not in sections:
        return False
    # The policy of a key that is given by ARN is unknown.
    return finding.rule != "access" or section == "key"


def _unproven(part: str) -> Finding:
    return Finding(
        Severity.UNPROVEN,
        RULE,
        f"adopt.{part}",
        "is only referred to: who may stop, change or read it, and what depends on that, cannot "
        "be proven here. Prove it where it is managed, or set manage = true.",
    )
