"""Settings of the organization and its accounts."""

from __future__ import annotations

from orgtrail.settings.types import (
    AccountId,
    ExternalId,
    Many,
    Name,
    OrganizationId,
    PolicyName,
    RoleArn,
    RolePattern,
    RootId,
    Section,
    SessionName,
    Text,
    UnitPath,
    setting,
)


class Organization(Section):
    """The AWS Organization that the trail records."""

    id: OrganizationId = setting(
        "The organization's id. A plan stops if the credentials reach another organization."
    )
    root_id: RootId = setting("The id of the organization's root, above all its accounts.")


class Account(Section):
    """One account of the organization.

    `management`, `logging` and the delegated administrators of the detecting services also say
    how Terraform reaches them, and so do `retired` ones; all other accounts need nothing deployed,
    so they have an id, and the unit that they lie in, alone.
    """

    id: AccountId = setting("The account's id, in quotes: a number would lose its first zeros.")
    ou: UnitPath | None = setting(
        "The organizational unit that the account lies in: the ids from the root down, such as "
        "`r-ab12/ou-ab12-11111111`; the root's id alone where it lies in none. With it "
        "`orgtrail check` decides whether a policy of a unit binds the account.",
        None,
    )
    profile: Text | None = setting(
        "Profile of the shared AWS configuration to use (accounts that are deployed to only).", None
    )
    role_arn: RoleArn | None = setting(
        "Role that Terraform assumes to deploy (accounts that are deployed to only).", None
    )
    external_id: ExternalId | None = setting("External id asked for by that role's trust.", None)
    session_name: SessionName = setting(
        "Name of the deploying session, as the trail will show it.", "orgtrail"
    )
    session_role: RolePattern | None = setting(
        "Role that the session of `profile`, or of HCP Terraform, is of: policies see that role. "
        "Where Terraform assumes role_arn, it is that one.",
        None,
    )
    permissions_boundary: PolicyName | None = setting(
        "Name of the policy, made by hand before the first apply, that bounds every role which "
        "the stack makes there; `orgtrail permissions FILE ACCOUNT --for boundary` prints it.",
        None,
    )

    @property
    def deploy_roles(self) -> tuple[str, ...]:
        """The roles that deploy there, by ARN or pattern; none where nothing says it.

        There are two where runs in HCP Terraform have credentials of their own, and laptops not.
        """
        return tuple(filter(None, (self.role_arn, self.session_role)))


class Retired(Section):
    """What was deployed to and no longer is: Terraform removes what is there by these.

    A resource that has gone from a stack is removed by its old provider, so the stack keeps that
    for one more apply.
    https://developer.hashicorp.com/terraform/language/providers/configuration
    """

    accounts: Many[Name] = setting(
        "Former administrators of detecting services, by their names in `accounts`: each says how "
        "it is reached, and stays here for the one apply that removes what is there.",
        (),
    )
