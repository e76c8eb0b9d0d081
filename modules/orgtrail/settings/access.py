"""Settings of access to the audit trail: organization policies, readers and the SIEM."""

from __future__ import annotations

from orgtrail.settings.types import (
    AccountId,
    ExemptRole,
    ExternalId,
    Many,
    Name,
    PrincipalPattern,
    QueueName,
    RoleName,
    Section,
    SourceIdentity,
    Target,
    Text,
    TopicName,
    setting,
)

SIEM_FEED_EVENTS = ("s3:ObjectCreated:*",)
SIEM_FEED_SUFFIX = ".json.gz"
"""The bucket notifies the SIEM of new objects with this suffix, below the organization's prefix."""


class GuardrailSettings(Section):
    """The service control policy (SCP) and the optional resource control policy (RCP).

    No SCP binds the management account: nothing here can stop its administrators.
    """

    targets: Many[Target] | None = setting(
        "Where the SCPs are attached: root, organizational unit or account ids. "
        "By default the organization's root; an empty list makes no SCPs.",
        None,
    )
    policy_name: Text = setting(
        "Name of the SCP that protects trail and evidence; the others' are the same and `-readers` "
        "or `-detection`, the RCP's the same and `-resources`.",
        "protect-organization-trail",
        min_length=1,
        max_length=118,
    )
    exempt_roles: Many[ExemptRole] | None = setting(
        "Roles in member accounts that may change what the SCPs protect. Still denied to them: "
        "deleting log files, changing the key's policy, disabling or deleting the key, and "
        "changing break-glass roles (`archive.break_glass_roles` alone may); leaving the "
        "organization, closing the account and disabling a region (nobody may). By default the "
        "logging account's deploy role (`accounts.logging.role_arn` or `session_role`). `*` in the "
        "place of the account id means a role of that name in every account.",
        None,
    )
    member_trails: bool = setting(
        "Protect the members' own trails too. false leaves those to their accounts: for the time "
        "in which old ones are cleared away.",
        True,
    )
    resource_control_policy: bool = setting(
        "Also attach an RCP to the logging account: no one outside the organization and no "
        "service on an outsider's behalf reaches its buckets and keys.",
        False,
    )


class AuditorSettings(Section):
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
        "Ask for a session that carries one of these source identities (`*` is allowed in them), "
        "as the sign-in gave it: every event of the session then names the person.",
        (),
    )
    session_hours: int = setting("Hours that a session lasts at most.", 4, ge=1, le=12)

    @property
    def trusted_roles(self) -> tuple[str, ...]:
        """The roles in `trusted`: their sessions never carry MFA."""
        return tuple(each for each in self.trusted if ":role/" in each)

    @property
    def requires_mfa(self) -> bool:
        """Whether the trust policy requires MFA."""
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
        "Accounts with a role that is admitted, by their names; null means every account of the "
        "organization, future ones too.",
        None,
    )


class Access(Section):
    """Who may read log files and ask the table. Each part is made only where it is given."""

    auditor: AuditorSettings | None = setting("The auditors' role.", None)
    member_readers: MemberReaders | None = setting("Readers in member accounts.", None)


class SiemReader(Section):
    """A role in the logging account that a SIEM takes files and messages with."""

    role_name: RoleName = setting("The role's name.", "organization-trail-siem")
    trusted: Many[PrincipalPattern] = setting("The SIEM's principals by ARN.", min_length=1)
    external_id: ExternalId = setting("The external id that the SIEM was given for you.")


class Siem(Section):
    """Notices of new log files: the bucket tells a topic, the topic a queue; null makes none."""

    topic: TopicName = setting("Name of the topic.", "organization-trail-log-files")
    queue: QueueName = setting(
        "Name of the queue; the dead-letter queue's is the same and `-dead`.",
        "organization-trail-log-files",
    )
    visibility_seconds: int = setting(
        "Seconds that a message is hidden while it is worked on.", 300, ge=0, le=43_200
    )
    retention_days: int = setting("Days that an unread message is kept.", 7, ge=1, le=14)
    max_receives: int = setting(
        "Tries until a message goes to the dead-letter queue.", 5, ge=1, le=1000
    )
    subscriber_accounts: Many[AccountId] = setting(
        "Accounts of a SIEM that subscribe to the topic with a queue of their own.", ()
    )
    reader: SiemReader | None = setting("The SIEM's role.", None)
