"""Settings of the organization policies that nobody in a member account can pass."""

from __future__ import annotations

from orgtrail.settings.types import ExemptRole, Many, Section, Target, Text, setting


class Guardrails(Section):
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
