"""What a file only refers to: it is somebody else's, so nothing of it counts as proven."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orgtrail.proof.controls import Answer, Control
from orgtrail.proof.findings import Finding, Severity
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
_SILENT = {"access", "unreadable-policy"}
"""Rules that say, policy by policy, what one finding for each part says once."""


def settled(findings: tuple[Finding, ...], env: Environment) -> tuple[Finding, ...]:
    """Say once for each part that it is unproven, in place of all that follows from that."""
    parts, sections = env.adopt.referenced, _sections(env)
    if not parts:
        return findings
    kept = [each for each in findings if not _follows(each, sections)]
    return (*kept, *(_unproven(part) for part in parts))


def answered(controls: tuple[Control, ...], env: Environment) -> Iterator[Control]:
    """Yield the controls; those that a part decides which is not ours are unproven."""
    sections = _sections(env)
    for each in controls:
        is_ours = _section(each.setting) not in sections
        yield each if is_ours else replace(each, verdict=Answer.UNPROVEN)


def _sections(env: Environment) -> set[str]:
    return {section for part in env.adopt.referenced for section in _SECTIONS[part]}


def _section(setting: str) -> str:
    return setting.partition(".")[0]


def _follows(finding: Finding, sections: set[str]) -> bool:
    if finding.rule in _SILENT and finding.severity is Severity.UNPROVEN:
        return True
    section = _section(finding.setting)
    if finding.rule == "settings" or section not in sections:
        return False
    # Of a key by ARN, the proof does not know what the key's own policy adds.
    return finding.rule != "access" or section == "key"


def _unproven(part: str) -> Finding:
    return Finding(
        Severity.UNPROVEN,
        RULE,
        f"adopt.{part}",
        "is only referred to: who may stop, change or read it, and what depends on that, cannot "
        "be proven here. Prove it where it is managed, or set manage = true.",
    )
