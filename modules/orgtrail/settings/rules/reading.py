"""Rules of alarms and of who may read the audit trail."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.alarms import SILENCE
from orgtrail.settings.faults import Fault
from orgtrail.settings.rules.register import rule
from orgtrail.settings.shape import Shape


@rule("alarms", "delivery")
def _alarms_hear(environment: Shape) -> Iterator[Fault]:
    """Alarms need the log group that events are delivered to."""
    if environment.alarms and not environment.delivery.enabled:
        yield Fault(("delivery", "enabled"), "must be true where alarms is given", False)


@rule("verification", "alarms")
def _verification_tells(environment: Shape) -> Iterator[Fault]:
    """The daily verification tells its findings to the alarms' topic."""
    if environment.verification and not environment.alarms:
        yield Fault(("alarms",), "must be given where verification is: it tells its findings there")


@rule("alarms")
def _alarms_ring(environment: Shape) -> Iterator[Fault]:
    """An alarm is by account, over all of them, or both; tuning is of alarms that are made."""
    alarms = environment.alarms
    if not alarms:
        return
    if not (alarms.by_account or alarms.totals):
        yield Fault(("alarms", "by_account"), "must be true where alarms.totals is false", False)
    for name in alarms.tuning:
        if name == SILENCE:
            yield Fault(("alarms", "tuning", name), "must be set by alarms.silence_minutes")
        elif alarms.names is not None and name not in alarms.names:
            yield Fault(("alarms", "tuning", name), "must be one of alarms.names")


@rule("access")
def _auditors_prove_themselves(environment: Shape) -> Iterator[Fault]:
    """Who assumes the auditors' role shows MFA, an external id or a source identity.

    A role's session never has aws:MultiFactorAuthPresent:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    auditor, here = environment.access.auditor, ("access", "auditor")
    if not auditor:
        return
    others = auditor.external_id is not None or bool(auditor.source_identity)
    if auditor.mfa and auditor.trusted_roles:
        yield Fault(
            (*here, "mfa"),
            f"must be left out where access.auditor.trusted names a role "
            f"({auditor.trusted_roles[0]}): no session of a role carries "
            "aws:MultiFactorAuthPresent, so that nobody could assume the auditors' role",
            True,
            "set access.auditor.external_id or source_identity",
        )
    elif not auditor.asks_mfa and not others and auditor.trusted_roles:
        yield Fault(
            here,
            "needs external_id or source_identity where trusted names a role "
            f"({auditor.trusted_roles[0]}): MFA cannot be asked of it",
        )
    elif not auditor.asks_mfa and not others:
        yield Fault(
            (*here, "mfa"),
            "must be true where neither access.auditor.external_id nor source_identity is set",
            False,
        )


@rule("access", "accounts")
def _readers_are_members(environment: Shape) -> Iterator[Fault]:
    """Member readers are of accounts that the file names."""
    readers = environment.access.member_readers
    for index, name in enumerate((readers and readers.accounts) or ()):
        if name not in environment.accounts:
            yield Fault(
                ("access", "member_readers", "accounts", index), "must be a name in accounts", name
            )


@rule("access", "siem")
def _roles_differ(environment: Shape) -> Iterator[Fault]:
    """The auditors' role and the SIEM's are two."""
    auditor = environment.access.auditor
    reader = environment.siem.reader if environment.siem else None
    if auditor and reader and auditor.role_name == reader.role_name:
        yield Fault(
            ("siem", "reader", "role_name"),
            "must not be access.auditor.role_name",
            reader.role_name,
        )
