"""Settings of who may read the audit trail: auditors, and members for their own account."""

from __future__ import annotations

from orgtrail.settings.types import (
    ExternalId,
    Many,
    Name,
    PrincipalPattern,
    RoleName,
    Section,
    SourceIdentity,
    setting,
)


class Auditor(Section):
    """A role in the logging account that queries with Athena and reads the archive, no more."""

    role_name: RoleName = setting("The role's name.", "organization-trail-auditor")
    trusted: Many[PrincipalPattern] = setting(
        "Who may assume it: roles or users by ARN, or an account's root for all that it allows.",
        min_length=1,
    )
    mfa: bool | None = setting(
        "Ask for a sign-in with MFA, which users alone can show: no session of a role has it, nor "
        "one of IAM Identity Center. null asks for it where `trusted` names no role.",
        None,
    )
    external_id: ExternalId | None = setting("Ask for this external id.", None)
    source_identity: Many[SourceIdentity] = setting(
        "Ask for a session that carries one of these source identities (`*` may stand in them), "
        "as the sign-in gave it: every event of the session then names the person.",
        (),
    )
    session_hours: int = setting("Hours that a session lasts at most.", 4, ge=1, le=12)

    @property
    def trusted_roles(self) -> tuple[str, ...]:
        """Those of `trusted` that are roles: their sessions never carry MFA."""
        return tuple(each for each in self.trusted if ":role/" in each)

    @property
    def asks_mfa(self) -> bool:
        """Whether the trust asks for MFA."""
        return not self.trusted_roles if self.mfa is None else self.mfa


class MemberReaders(Section):
    """A role of one name in each member account, which reads that account's own log files.

    The logging account admits it; the member makes it, with the policy that the stack puts out
    as `member_reader_policy`.
    """

    role_name: RoleName = setting(
        "The role's name in every member account.", "organization-trail-reader"
    )
    accounts: Many[Name] | None = setting(
        "Accounts whose role is admitted, by their names; null means every account of the "
        "organization, future ones too.",
        None,
    )


class Access(Section):
    """Who may read log files and ask the table. Each part is made only where it is given."""

    auditor: Auditor | None = setting("The auditors' role.", None)
    member_readers: MemberReaders | None = setting("Readers in member accounts.", None)
